#include "pkcs11/ossl.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/param_build.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <pthread.h>

#define OID_RSA "1.2.840.113549.1.1.1"
#define OID_EC "1.2.840.10045.2.1"

struct p11_ossl {
    pthread_mutex_t lock; /* for the two lazy members */
    OSSL_LIB_CTX *ctx;
    EVP_MD *md[P11_HASHES];
};

/* Undo on leaving scope what a call left in the calling program's error queue. (On an empty queue the
 * mark is not set, and popping empties the queue: right as well.) */
static void pop_errors(const int *mark)
{
    (void)mark;
    ERR_pop_to_mark();
}
#define QUIET_ERRORS __attribute__((cleanup(pop_errors), unused)) const int error_mark = ERR_set_mark()

static void free_pkey_ctx(EVP_PKEY_CTX **p)
{
    EVP_PKEY_CTX_free(*p);
}
#define auto_pkey_ctx __attribute__((cleanup(free_pkey_ctx)))
static void free_params(OSSL_PARAM **p)
{
    OSSL_PARAM_free(*p);
}
#define auto_params __attribute__((cleanup(free_params)))
static void free_param_bld(OSSL_PARAM_BLD **p)
{
    OSSL_PARAM_BLD_free(*p);
}
#define auto_param_bld __attribute__((cleanup(free_param_bld)))
static void free_bn(BIGNUM **p)
{
    BN_free(*p);
}
#define auto_bn __attribute__((cleanup(free_bn)))

struct p11_ossl *p11_ossl_new(void)
{
    struct p11_ossl *o = mem_calloc(1, sizeof(*o));

    if (o && pthread_mutex_init(&o->lock, NULL) != 0) {
        free(o);
        return NULL;
    }
    return o;
}

void p11_ossl_free(struct p11_ossl *o)
{
    if (!o)
        return;
    /* Answers 0 once OPENSSL_cleanup has begun; its objects must not be touched any more then. */
    if (OPENSSL_init_crypto(0, NULL) == 1) {
        for (size_t i = 0; i < P11_HASHES; i++)
            EVP_MD_free(o->md[i]);
        OSSL_LIB_CTX_free(o->ctx);
    }
    pthread_mutex_destroy(&o->lock);
    free(o);
}

static OSSL_LIB_CTX *context(struct p11_ossl *o)
{
    pthread_mutex_lock(&o->lock);
    if (!o->ctx)
        o->ctx = OSSL_LIB_CTX_new();
    OSSL_LIB_CTX *ctx = o->ctx;
    pthread_mutex_unlock(&o->lock);
    return ctx;
}

err_t p11_ossl_md(struct p11_ossl *o, const struct p11_hash *hash, const EVP_MD **ret)
{
    QUIET_ERRORS;
    OSSL_LIB_CTX *ctx = context(o);

    if (!ctx)
        return ERR_NOMEM;
    pthread_mutex_lock(&o->lock);
    EVP_MD **slot = &o->md[hash->index];
    if (!*slot)
        *slot = EVP_MD_fetch(ctx, hash->name, NULL);
    const EVP_MD *md = *slot;
    pthread_mutex_unlock(&o->lock);
    if (!md)
        return ERR_CRYPTO;
    *ret = md;
    return ERR_OK;
}

err_t p11_ossl_digest_start(struct p11_ossl *o, const struct p11_hash *hash, EVP_MD_CTX **ret)
{
    QUIET_ERRORS;
    const EVP_MD *md = NULL;
    err_t e = p11_ossl_md(o, hash, &md);

    if (e)
        return e;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (!ctx)
        return ERR_NOMEM;
    if (EVP_DigestInit_ex2(ctx, md, NULL) != 1) {
        EVP_MD_CTX_free(ctx);
        return ERR_CRYPTO;
    }
    *ret = ctx;
    return ERR_OK;
}

err_t p11_ossl_digest_add(EVP_MD_CTX *ctx, struct slice data)
{
    QUIET_ERRORS;
    return EVP_DigestUpdate(ctx, data.p, data.n) == 1 ? ERR_OK : ERR_CRYPTO;
}

err_t p11_ossl_digest_end(EVP_MD_CTX *ctx, uint8_t *out)
{
    QUIET_ERRORS;
    return EVP_DigestFinal_ex(ctx, out, NULL) == 1 ? ERR_OK : ERR_CRYPTO;
}

void p11_ossl_digest_free(EVP_MD_CTX *ctx)
{
    EVP_MD_CTX_free(ctx);
}

err_t p11_ossl_random(struct p11_ossl *o, uint8_t *out, size_t n)
{
    QUIET_ERRORS;
    OSSL_LIB_CTX *ctx = context(o);

    if (!ctx)
        return ERR_NOMEM;
    return RAND_bytes_ex(ctx, out, n, 0) == 1 ? ERR_OK : ERR_CRYPTO;
}

static err_t key_from_params(struct p11_ossl *o, const char *type_oid, OSSL_PARAM *params, EVP_PKEY **ret)
{
    OSSL_LIB_CTX *ctx = context(o);
    auto_pkey_ctx EVP_PKEY_CTX *pctx = ctx ? EVP_PKEY_CTX_new_from_name(ctx, type_oid, NULL) : NULL;
    EVP_PKEY *key = NULL;

    if (!pctx || EVP_PKEY_fromdata_init(pctx) != 1 ||
        EVP_PKEY_fromdata(pctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        return ERR_CRYPTO;
    *ret = key;
    return ERR_OK;
}

err_t p11_ossl_rsa_public(struct p11_ossl *o, struct slice n, struct slice e, EVP_PKEY **ret)
{
    QUIET_ERRORS;
    auto_bn BIGNUM *bn_n = BN_bin2bn(n.p, (int)n.n, NULL);
    auto_bn BIGNUM *bn_e = BN_bin2bn(e.p, (int)e.n, NULL);
    auto_param_bld OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();

    if (!bn_n || !bn_e || !bld || OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, bn_n) != 1 ||
        OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, bn_e) != 1)
        return ERR_NOMEM;
    auto_params OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
    return params ? key_from_params(o, OID_RSA, params, ret) : ERR_NOMEM;
}

err_t p11_ossl_ec_public(struct p11_ossl *o, const char *oid, struct slice point, EVP_PKEY **ret)
{
    QUIET_ERRORS;
    int nid = OBJ_txt2nid(oid);
    const char *group = nid == NID_undef ? NULL : OBJ_nid2sn(nid);

    if (!group)
        return ERR_UNSUPPORTED;
    auto_param_bld OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    if (!bld || OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, group, 0) != 1 ||
        OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point.p, point.n) != 1)
        return ERR_NOMEM;
    auto_params OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
    return params ? key_from_params(o, OID_EC, params, ret) : ERR_NOMEM;
}

void p11_ossl_key_free(EVP_PKEY *key)
{
    EVP_PKEY_free(key);
}

/* Even for a key of our own context OpenSSL 3.0 looks the type up in the engine tables here (by the name
 * "RSA" or "EC"), and an engine set as default for all gets the context. It hands keys that are not its
 * own to OpenSSL's own methods, which ignore the parameters of EVP_PKEY_verify_init_ex: so settings are
 * made one by one by the calls that work on either kind of context (docs/decisions/pkcs11-openssl.md). */
static EVP_PKEY_CTX *key_ctx(struct p11_ossl *o, EVP_PKEY *key)
{
    OSSL_LIB_CTX *ctx = context(o);
    return ctx ? EVP_PKEY_CTX_new_from_pkey(ctx, key, NULL) : NULL;
}

static err_t encrypt(struct p11_ossl *o, EVP_PKEY *key, int padding, struct slice in, uint8_t *out,
                     size_t out_len)
{
    auto_pkey_ctx EVP_PKEY_CTX *ctx = key_ctx(o, key);

    if (!ctx || EVP_PKEY_encrypt_init(ctx) != 1 || EVP_PKEY_CTX_set_rsa_padding(ctx, padding) != 1 ||
        EVP_PKEY_encrypt(ctx, out, &out_len, in.p, in.n) != 1)
        return ERR_CRYPTO;
    return ERR_OK;
}

err_t p11_ossl_rsa_raw(struct p11_ossl *o, EVP_PKEY *key, struct slice in, uint8_t *out)
{
    QUIET_ERRORS;
    return encrypt(o, key, RSA_NO_PADDING, in, out, in.n);
}

err_t p11_ossl_rsa_encrypt(struct p11_ossl *o, EVP_PKEY *key, struct slice in, uint8_t *out, size_t out_len)
{
    QUIET_ERRORS;
    return encrypt(o, key, RSA_PKCS1_PADDING, in, out, out_len);
}

static err_t verify_result(EVP_PKEY_CTX *ctx, struct slice tbs, struct slice sig)
{
    return EVP_PKEY_verify(ctx, sig.p, sig.n, tbs.p, tbs.n) == 1 ? ERR_OK : ERR_AUTH;
}

err_t p11_ossl_rsa_verify_pkcs1(struct p11_ossl *o, EVP_PKEY *key, struct slice info, struct slice sig)
{
    QUIET_ERRORS;
    auto_pkey_ctx EVP_PKEY_CTX *ctx = key_ctx(o, key);

    if (!ctx || EVP_PKEY_verify_init(ctx) != 1 || EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) != 1)
        return ERR_CRYPTO;
    return verify_result(ctx, info, sig);
}

err_t p11_ossl_rsa_verify_pss(struct p11_ossl *o, EVP_PKEY *key, const struct p11_hash *hash,
                              const struct p11_hash *mgf, size_t salt_len, struct slice digest,
                              struct slice sig)
{
    QUIET_ERRORS;
    auto_pkey_ctx EVP_PKEY_CTX *ctx = key_ctx(o, key);

    const EVP_MD *md = NULL, *mgf_md = NULL;
    err_t e = p11_ossl_md(o, hash, &md);

    if (!e)
        e = p11_ossl_md(o, mgf, &mgf_md);
    if (e)
        return e;
    if (!ctx || EVP_PKEY_verify_init(ctx) != 1 ||
        EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) != 1 ||
        EVP_PKEY_CTX_set_signature_md(ctx, md) != 1 || EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, mgf_md) != 1 ||
        EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, (int)salt_len) != 1)
        return ERR_CRYPTO;
    return verify_result(ctx, digest, sig);
}

err_t p11_ossl_ec_verify(struct p11_ossl *o, EVP_PKEY *key, struct slice digest, struct slice sig)
{
    QUIET_ERRORS;
    auto_pkey_ctx EVP_PKEY_CTX *ctx = key_ctx(o, key);

    if (!ctx || EVP_PKEY_verify_init(ctx) != 1)
        return ERR_CRYPTO;
    return verify_result(ctx, digest, sig);
}
