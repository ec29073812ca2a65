#include "se/crypt.h"

#include "base/mem.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rand.h>

#define OID_EC "1.2.840.10045.2.1"
#define GROUP "P-256"

struct se_crypt {
    OSSL_LIB_CTX *ctx;
    EVP_CIPHER *cbc;
    EVP_MAC *cmac;
    EVP_MD *sha256;
};

struct se_crypt_key {
    EVP_PKEY *pkey;
};

/* Undo on leaving scope what a call left in the calling program's error queue. */
static void pop_errors(const int *mark)
{
    (void)mark;
    ERR_pop_to_mark();
}
#define QUIET_ERRORS __attribute__((cleanup(pop_errors), unused)) const int error_mark = ERR_set_mark()

#define OWNER(name, type, free_fn) \
    static void name(type **p)     \
    {                              \
        free_fn(*p);               \
    }
OWNER(cipher_ctx_free_ptr, EVP_CIPHER_CTX, EVP_CIPHER_CTX_free)
OWNER(mac_ctx_free_ptr, EVP_MAC_CTX, EVP_MAC_CTX_free)
OWNER(md_ctx_free_ptr, EVP_MD_CTX, EVP_MD_CTX_free)
OWNER(pkey_ctx_free_ptr, EVP_PKEY_CTX, EVP_PKEY_CTX_free)
OWNER(pkey_free_ptr, EVP_PKEY, EVP_PKEY_free)
OWNER(params_free_ptr, OSSL_PARAM, OSSL_PARAM_free)
OWNER(bld_free_ptr, OSSL_PARAM_BLD, OSSL_PARAM_BLD_free)
OWNER(bn_free_ptr, BIGNUM, BN_clear_free)
OWNER(group_free_ptr, EC_GROUP, EC_GROUP_free)
OWNER(point_free_ptr, EC_POINT, EC_POINT_free)
#define own(fn) __attribute__((cleanup(fn)))

struct se_crypt *se_crypt_new(void)
{
    return mem_calloc(1, sizeof(struct se_crypt));
}

void se_crypt_free(struct se_crypt *c)
{
    if (!c)
        return;
    /* Answers 0 once OPENSSL_cleanup has begun; its objects must not be touched any more then. */
    if (c->ctx && OPENSSL_init_crypto(0, NULL) == 1) {
        EVP_CIPHER_free(c->cbc);
        EVP_MAC_free(c->cmac);
        EVP_MD_free(c->sha256);
        OSSL_LIB_CTX_free(c->ctx);
    }
    free(c);
}

/* The context, with everything that is fetched once; NULL when OpenSSL has no memory or no algorithms. */
static OSSL_LIB_CTX *ready(struct se_crypt *c)
{
    if (!c->ctx)
        c->ctx = OSSL_LIB_CTX_new();
    if (!c->ctx)
        return NULL;
    if (!c->cbc)
        c->cbc = EVP_CIPHER_fetch(c->ctx, "AES-128-CBC", NULL);
    if (!c->cmac)
        c->cmac = EVP_MAC_fetch(c->ctx, "CMAC", NULL);
    if (!c->sha256)
        c->sha256 = EVP_MD_fetch(c->ctx, "SHA256", NULL);
    return c->cbc && c->cmac && c->sha256 ? c->ctx : NULL;
}

err_t se_crypt_random(struct se_crypt *c, uint8_t *out, size_t n)
{
    QUIET_ERRORS;

    return ready(c) && RAND_bytes_ex(c->ctx, out, n, 0) == 1 ? ERR_OK : ERR_CRYPTO;
}

err_t se_crypt_cbc(struct se_crypt *c, bool encrypt, const uint8_t key[SE_AES_KEY],
                   const uint8_t iv[SE_AES_BLOCK], const uint8_t *in, size_t n, uint8_t *out)
{
    QUIET_ERRORS;
    own(cipher_ctx_free_ptr) EVP_CIPHER_CTX *ctx = ready(c) ? EVP_CIPHER_CTX_new() : NULL;
    int done = 0;

    if (!ctx || EVP_CipherInit_ex2(ctx, c->cbc, key, iv, encrypt, NULL) != 1 ||
        EVP_CIPHER_CTX_set_padding(ctx, 0) != 1 || EVP_CipherUpdate(ctx, out, &done, in, (int)n) != 1 ||
        done != (int)n)
        return ERR_CRYPTO;
    return ERR_OK;
}

err_t se_crypt_cmac(struct se_crypt *c, const uint8_t key[SE_AES_KEY], const struct slice *pieces, size_t n,
                    uint8_t ret[SE_AES_BLOCK])
{
    QUIET_ERRORS;
    char cipher[] = "AES-128-CBC";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, cipher, 0),
        OSSL_PARAM_construct_end(),
    };
    own(mac_ctx_free_ptr) EVP_MAC_CTX *ctx = ready(c) ? EVP_MAC_CTX_new(c->cmac) : NULL;
    bool good = ctx && EVP_MAC_init(ctx, key, SE_AES_KEY, params) == 1;
    size_t len = 0;

    for (size_t i = 0; i < n && good; i++)
        good = pieces[i].n == 0 || EVP_MAC_update(ctx, pieces[i].p, pieces[i].n) == 1;
    return good && EVP_MAC_final(ctx, ret, &len, SE_AES_BLOCK) == 1 && len == SE_AES_BLOCK ? ERR_OK
                                                                                           : ERR_CRYPTO;
}

err_t se_crypt_sha256(struct se_crypt *c, const struct slice *pieces, size_t n, uint8_t ret[SE_SHA256])
{
    QUIET_ERRORS;
    own(md_ctx_free_ptr) EVP_MD_CTX *ctx = ready(c) ? EVP_MD_CTX_new() : NULL;
    bool good = ctx && EVP_DigestInit_ex2(ctx, c->sha256, NULL) == 1;

    for (size_t i = 0; i < n && good; i++)
        good = pieces[i].n == 0 || EVP_DigestUpdate(ctx, pieces[i].p, pieces[i].n) == 1;
    return good && EVP_DigestFinal_ex(ctx, ret, NULL) == 1 ? ERR_OK : ERR_CRYPTO;
}

/* ---- P-256 ---- */

void se_crypt_key_free(struct se_crypt_key *k)
{
    if (!k)
        return;
    if (OPENSSL_init_crypto(0, NULL) == 1)
        EVP_PKEY_free(k->pkey);
    free(k);
}

void se_crypt_key_free_ptr(struct se_crypt_key **k)
{
    se_crypt_key_free(*k);
}

/* Takes pkey over. */
static err_t wrap_key(EVP_PKEY *pkey, struct se_crypt_key **ret)
{
    struct se_crypt_key *k = mem_calloc(1, sizeof(*k));

    if (!k) {
        EVP_PKEY_free(pkey);
        return ERR_NOMEM;
    }
    k->pkey = pkey;
    *ret = k;
    return ERR_OK;
}

static EVP_PKEY_CTX *ec_context(struct se_crypt *c)
{
    return ready(c) ? EVP_PKEY_CTX_new_from_name(c->ctx, OID_EC, NULL) : NULL;
}

static EVP_PKEY_CTX *key_context(struct se_crypt *c, EVP_PKEY *key)
{
    return ready(c) ? EVP_PKEY_CTX_new_from_pkey(c->ctx, key, NULL) : NULL;
}

static err_t encoded_point(EVP_PKEY *pkey, uint8_t ret[SE_P256_POINT])
{
    size_t n = 0;

    if (EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, ret, SE_P256_POINT, &n) !=
        1)
        return ERR_CRYPTO;
    return n == SE_P256_POINT && ret[0] == POINT_CONVERSION_UNCOMPRESSED ? ERR_OK : ERR_CRYPTO;
}

err_t se_crypt_p256_generate(struct se_crypt *c, struct se_crypt_key **ret, uint8_t ret_point[SE_P256_POINT])
{
    QUIET_ERRORS;
    own(pkey_ctx_free_ptr) EVP_PKEY_CTX *ctx = ec_context(c);
    own(pkey_free_ptr) EVP_PKEY *pkey = NULL;
    char group[] = GROUP;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_end(),
    };

    if (!ctx || EVP_PKEY_keygen_init(ctx) != 1 || EVP_PKEY_CTX_set_params(ctx, params) != 1 ||
        EVP_PKEY_generate(ctx, &pkey) != 1 || encoded_point(pkey, ret_point))
        return ERR_CRYPTO;
    return wrap_key(steal(&pkey), ret);
}

static err_t from_params(struct se_crypt *c, OSSL_PARAM_BLD *bld, int selection, EVP_PKEY **ret)
{
    own(params_free_ptr) OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
    own(pkey_ctx_free_ptr) EVP_PKEY_CTX *ctx = ec_context(c);
    EVP_PKEY *pkey = NULL;

    if (!params || !ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &pkey, selection, params) != 1)
        return ERR_CRYPTO;
    *ret = pkey;
    return ERR_OK;
}

/* A private key without its public half cannot be had from every version of OpenSSL: compute it. */
static bool point_of(struct se_crypt *c, const BIGNUM *d, uint8_t ret[SE_P256_POINT])
{
    own(group_free_ptr) EC_GROUP *group =
        ready(c) ? EC_GROUP_new_by_curve_name_ex(c->ctx, NULL, NID_X9_62_prime256v1) : NULL;
    own(point_free_ptr) EC_POINT *point = group ? EC_POINT_new(group) : NULL;

    if (!point || BN_is_zero(d) || BN_cmp(d, EC_GROUP_get0_order(group)) >= 0)
        return false;
    return EC_POINT_mul(group, point, d, NULL, NULL, NULL) == 1 &&
           EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, ret, SE_P256_POINT, NULL) ==
               SE_P256_POINT;
}

err_t se_crypt_p256_private(struct se_crypt *c, struct slice scalar, struct se_crypt_key **ret)
{
    QUIET_ERRORS;
    own(bn_free_ptr) BIGNUM *d = BN_secure_new();
    own(bld_free_ptr) OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    uint8_t point[SE_P256_POINT];
    EVP_PKEY *pkey = NULL;
    err_t e;

    if (!d || !bld || scalar.n != SE_P256_SCALAR || !BN_bin2bn(scalar.p, (int)scalar.n, d))
        return ERR_INVALID;
    BN_set_flags(d, BN_FLG_CONSTTIME);
    if (!point_of(c, d, point))
        return ERR_INVALID;
    if (OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, GROUP, 0) != 1 ||
        OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PRIV_KEY, d) != 1 ||
        OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)) != 1)
        return ERR_CRYPTO;
    e = from_params(c, bld, EVP_PKEY_KEYPAIR, &pkey);
    return e ? e : wrap_key(pkey, ret);
}

static err_t public_key(struct se_crypt *c, struct slice point, EVP_PKEY **ret)
{
    own(bld_free_ptr) OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();

    if (!bld || OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, GROUP, 0) != 1 ||
        OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point.p, point.n) != 1)
        return ERR_CRYPTO;
    return from_params(c, bld, EVP_PKEY_PUBLIC_KEY, ret);
}

err_t se_crypt_p256_sign(struct se_crypt *c, struct se_crypt_key *k, const uint8_t digest[SE_SHA256],
                         struct buf *out)
{
    QUIET_ERRORS;
    own(pkey_ctx_free_ptr) EVP_PKEY_CTX *ctx = key_context(c, k->pkey);
    uint8_t sig[80]; /* DER of two 32-byte integers: at most 72 */
    size_t n = sizeof(sig);

    if (!ctx || EVP_PKEY_sign_init(ctx) != 1 || EVP_PKEY_sign(ctx, sig, &n, digest, SE_SHA256) != 1)
        return ERR_CRYPTO;
    return buf_add_mem(out, sig, n);
}

err_t se_crypt_p256_shared(struct se_crypt *c, struct se_crypt_key *k, struct slice peer,
                           uint8_t ret[SE_P256_SCALAR])
{
    QUIET_ERRORS;
    own(pkey_ctx_free_ptr) EVP_PKEY_CTX *ctx = key_context(c, k->pkey);
    own(pkey_free_ptr) EVP_PKEY *other = NULL;
    size_t n = SE_P256_SCALAR;
    err_t e = ctx ? public_key(c, peer, &other) : ERR_CRYPTO;

    if (e)
        return e;
    if (EVP_PKEY_derive_init(ctx) != 1 || EVP_PKEY_derive_set_peer(ctx, other) != 1 ||
        EVP_PKEY_derive(ctx, ret, &n) != 1 || n != SE_P256_SCALAR)
        return ERR_CRYPTO;
    return ERR_OK;
}

err_t se_crypt_p256_verify(struct se_crypt *c, struct slice point, const uint8_t digest[SE_SHA256],
                           struct slice der)
{
    QUIET_ERRORS;
    own(pkey_free_ptr) EVP_PKEY *key = NULL;
    err_t e = public_key(c, point, &key);
    own(pkey_ctx_free_ptr) EVP_PKEY_CTX *ctx = e ? NULL : key_context(c, key);

    if (!ctx || EVP_PKEY_verify_init(ctx) != 1)
        return ERR_CRYPTO;
    return EVP_PKEY_verify(ctx, der.p, der.n, digest, SE_SHA256) == 1 ? ERR_OK : ERR_AUTH;
}
