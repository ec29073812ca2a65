#include "base/mem.h"
#include "vse/keys_private.h"

#include <openssl/core_names.h>
#include <openssl/rsa.h>

static bool has(const struct vse_object *o, unsigned part)
{
    return vse_object_part(o, part).n != 0;
}

static bool has_crt(const struct vse_object *o)
{
    return has(o, VSE_RSA_P) && has(o, VSE_RSA_Q) && has(o, VSE_RSA_DP) && has(o, VSE_RSA_DQ) &&
           has(o, VSE_RSA_QINV);
}

/* ---- what an import leaves out and OpenSSL wants ---- */

/* d = e^-1 mod (p-1)(q-1); NULL when there is none. */
static BIGNUM *derive_d(const BIGNUM *p, const BIGNUM *q, const BIGNUM *e, BN_CTX *ctx)
{
    auto_bn BIGNUM *p1 = BN_dup(p), *q1 = BN_dup(q), *phi = BN_secure_new();
    BIGNUM *d = BN_secure_new();

    if (p1 && q1 && phi && d && BN_sub_word(p1, 1) == 1 && BN_sub_word(q1, 1) == 1 &&
        BN_mul(phi, p1, q1, ctx) == 1) {
        BN_set_flags(phi, BN_FLG_CONSTTIME);
        if (BN_mod_inverse(d, e, phi, ctx))
            return d;
    }
    BN_clear_free(d);
    return NULL;
}

/* e = dp^-1 mod (p-1): a private key imported without its public half. */
static BIGNUM *derive_e(const BIGNUM *p, const BIGNUM *dp, BN_CTX *ctx)
{
    auto_bn BIGNUM *p1 = BN_dup(p);
    BIGNUM *e = BN_secure_new();

    if (p1 && e && BN_sub_word(p1, 1) == 1) {
        BN_set_flags(p1, BN_FLG_CONSTTIME);
        if (BN_mod_inverse(e, dp, p1, ctx))
            return e;
    }
    BN_clear_free(e);
    return NULL;
}

static BIGNUM *product(const BIGNUM *p, const BIGNUM *q, BN_CTX *ctx)
{
    BIGNUM *n = BN_secure_new();

    if (n && BN_mul(n, p, q, ctx) == 1)
        return n;
    BN_clear_free(n);
    return NULL;
}

static void put_crt(struct vse_keymaker *m, const struct vse_object *o, BN_CTX *ctx)
{
    BIGNUM *p = vse_bn(vse_object_part(o, VSE_RSA_P)), *q = vse_bn(vse_object_part(o, VSE_RSA_Q));
    auto_bn BIGNUM *dp = vse_bn(vse_object_part(o, VSE_RSA_DP));
    BIGNUM *n = NULL, *e = NULL, *d = NULL;

    if (p && q && dp) {
        n = has(o, VSE_RSA_N) ? vse_bn(vse_object_part(o, VSE_RSA_N)) : product(p, q, ctx);
        e = has(o, VSE_RSA_E) ? vse_bn(vse_object_part(o, VSE_RSA_E)) : derive_e(p, dp, ctx);
        d = e ? derive_d(p, q, e, ctx) : NULL;
    }
    vse_keymaker_bn(m, OSSL_PKEY_PARAM_RSA_N, n);
    vse_keymaker_bn(m, OSSL_PKEY_PARAM_RSA_E, e);
    vse_keymaker_bn(m, OSSL_PKEY_PARAM_RSA_D, d);
    vse_keymaker_bn(m, OSSL_PKEY_PARAM_RSA_FACTOR1, p);
    vse_keymaker_bn(m, OSSL_PKEY_PARAM_RSA_FACTOR2, q);
    vse_keymaker_number(m, OSSL_PKEY_PARAM_RSA_EXPONENT1, vse_object_part(o, VSE_RSA_DP));
    vse_keymaker_number(m, OSSL_PKEY_PARAM_RSA_EXPONENT2, vse_object_part(o, VSE_RSA_DQ));
    vse_keymaker_number(m, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, vse_object_part(o, VSE_RSA_QINV));
}

static void put_raw(struct vse_keymaker *m, const struct vse_object *o, bool private)
{
    vse_keymaker_number(m, OSSL_PKEY_PARAM_RSA_N, vse_object_part(o, VSE_RSA_N));
    vse_keymaker_number(m, OSSL_PKEY_PARAM_RSA_E, vse_object_part(o, VSE_RSA_E));
    if (private)
        vse_keymaker_number(m, OSSL_PKEY_PARAM_RSA_D, vse_object_part(o, VSE_RSA_D));
}

static err_t private_key(const struct vse_object *o, EVP_PKEY **ret)
{
    auto_keymaker m = { 0 };
    BN_CTX *ctx;
    err_t e;

    if (!has_crt(o) && !(has(o, VSE_RSA_N) && has(o, VSE_RSA_E) && has(o, VSE_RSA_D)))
        return ERR_WRONG_STATE;
    e = vse_keymaker_init(&m);
    ctx = e ? NULL : BN_CTX_secure_new();
    if (!ctx)
        return ERR_NOMEM;
    if (has_crt(o))
        put_crt(&m, o, ctx);
    else
        put_raw(&m, o, true);
    BN_CTX_free(ctx);
    return vse_keymaker_make(&m, "RSA", VSE_KEYMAKER_PRIVATE, ret);
}

static err_t public_key(const struct vse_object *o, EVP_PKEY **ret)
{
    auto_keymaker m = { 0 };
    err_t e;

    if (!has(o, VSE_RSA_N) || !has(o, VSE_RSA_E))
        return ERR_WRONG_STATE;
    e = vse_keymaker_init(&m);
    if (e)
        return e;
    put_raw(&m, o, false);
    return vse_keymaker_make(&m, "RSA", VSE_KEYMAKER_PUBLIC, ret);
}

/* ---- generation ---- */

err_t vse_rsa_generate(struct vse_object *o)
{
    static const char *const names[VSE_PARTS] = {
        [VSE_RSA_P] = OSSL_PKEY_PARAM_RSA_FACTOR1,
        [VSE_RSA_Q] = OSSL_PKEY_PARAM_RSA_FACTOR2,
        [VSE_RSA_DP] = OSSL_PKEY_PARAM_RSA_EXPONENT1,
        [VSE_RSA_DQ] = OSSL_PKEY_PARAM_RSA_EXPONENT2,
        [VSE_RSA_QINV] = OSSL_PKEY_PARAM_RSA_COEFFICIENT1,
        [VSE_RSA_E] = OSSL_PKEY_PARAM_RSA_E,
        [VSE_RSA_D] = OSSL_PKEY_PARAM_RSA_D,
        [VSE_RSA_N] = OSSL_PKEY_PARAM_RSA_N,
    };
    auto_pkey EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)o->size);
    err_t e = key ? ERR_OK : vse_crypto_failed();

    for (unsigned i = 0; i < VSE_PARTS && !e; i++) {
        size_t whole = o->size / 8;
        size_t n = i == VSE_RSA_E ? 0 : i == VSE_RSA_N || i == VSE_RSA_D ? whole : whole / 2;
        e = vse_take_number(key, names[i], o, i, n);
    }
    return e;
}

/* ---- signatures ---- */

static const struct rsa_scheme {
    const char *digest;
    int padding;
    uint8_t algorithm;
} schemes[] = {
    { "SHA1", RSA_PKCS1_PSS_PADDING, SE_RSA_PSS_SHA1 },
    { "SHA224", RSA_PKCS1_PSS_PADDING, SE_RSA_PSS_SHA224 },
    { "SHA256", RSA_PKCS1_PSS_PADDING, SE_RSA_PSS_SHA256 },
    { "SHA384", RSA_PKCS1_PSS_PADDING, SE_RSA_PSS_SHA384 },
    { "SHA512", RSA_PKCS1_PSS_PADDING, SE_RSA_PSS_SHA512 },
    { "SHA1", RSA_PKCS1_PADDING, SE_RSA_PKCS1_SHA1 },
    { "SHA224", RSA_PKCS1_PADDING, SE_RSA_PKCS1_SHA224 },
    { "SHA256", RSA_PKCS1_PADDING, SE_RSA_PKCS1_SHA256 },
    { "SHA384", RSA_PKCS1_PADDING, SE_RSA_PKCS1_SHA384 },
    { "SHA512", RSA_PKCS1_PADDING, SE_RSA_PKCS1_SHA512 },
};

static const struct rsa_scheme *find_scheme(uint8_t algorithm)
{
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
        if (schemes[i].algorithm == algorithm)
            return &schemes[i];
    return NULL;
}

typedef int digest_init_fn(EVP_MD_CTX *, EVP_PKEY_CTX **, const char *, OSSL_LIB_CTX *, const char *,
                           EVP_PKEY *, const OSSL_PARAM *);

/* PSS salts are as long as the digest, both ways, as NXP's host pads. */
static EVP_MD_CTX *scheme_begin(const struct rsa_scheme *scheme, EVP_PKEY *key, digest_init_fn *init)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    EVP_PKEY_CTX *ctx = NULL;

    if (md && init(md, &ctx, scheme->digest, NULL, NULL, key, NULL) == 1 &&
        EVP_PKEY_CTX_set_rsa_padding(ctx, scheme->padding) == 1 &&
        (scheme->padding != RSA_PKCS1_PSS_PADDING ||
         EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1))
        return md;
    EVP_MD_CTX_free(md);
    return NULL;
}

err_t vse_rsa_sign(const struct vse_object *o, uint8_t algorithm, struct slice message, struct buf *out)
{
    const struct rsa_scheme *scheme = find_scheme(algorithm);
    EVP_PKEY *key = NULL;
    uint8_t signature[SE_RSA_BYTES_MAX];
    size_t n = sizeof(signature);
    EVP_MD_CTX *md;
    int done;
    err_t e = scheme ? vse_prepared_key(o, private_key, &key) : ERR_UNSUPPORTED;

    if (e)
        return e;
    md = scheme_begin(scheme, key, EVP_DigestSignInit_ex);
    done = md ? EVP_DigestSign(md, signature, &n, message.p, message.n) : 0;
    EVP_MD_CTX_free(md);
    return done == 1 ? buf_add_mem(out, signature, n) : vse_crypto_failed();
}

err_t vse_rsa_verify(const struct vse_object *o, uint8_t algorithm, struct slice message,
                     struct slice signature, bool *ret_good)
{
    const struct rsa_scheme *scheme = find_scheme(algorithm);
    auto_pkey EVP_PKEY *key = NULL;
    EVP_MD_CTX *md;
    err_t e = scheme ? public_key(o, &key) : ERR_UNSUPPORTED;

    if (e)
        return e;
    md = scheme_begin(scheme, key, EVP_DigestVerifyInit_ex);
    if (!md)
        return vse_crypto_failed();
    *ret_good = EVP_DigestVerify(md, signature.p, signature.n, message.p, message.n) == 1;
    EVP_MD_CTX_free(md);
    (void)vse_crypto_failed(); /* for the queue */
    return ERR_OK;
}

/* ---- encryption ---- */

static int padding_of(uint8_t algorithm)
{
    switch (algorithm) {
    case SE_RSA_NO_PAD:
        return RSA_NO_PADDING;
    case SE_RSA_PKCS1:
        return RSA_PKCS1_PADDING;
    case SE_RSA_OAEP_SHA1:
        return RSA_PKCS1_OAEP_PADDING;
    default:
        return 0;
    }
}

typedef int crypt_init_fn(EVP_PKEY_CTX *);
typedef int crypt_fn(EVP_PKEY_CTX *, unsigned char *, size_t *, const unsigned char *, size_t);

static err_t crypt_with(EVP_PKEY *key, int padding, crypt_init_fn *init, crypt_fn *run, struct slice in,
                        struct buf *out)
{
    auto_pkey_ctx EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    uint8_t result[SE_RSA_BYTES_MAX];
    size_t n = sizeof(result);
    err_t e;

    if (padding == RSA_NO_PADDING && in.n != (size_t)EVP_PKEY_get_size(key))
        return ERR_INVALID;
    if (!ctx || init(ctx) != 1 || EVP_PKEY_CTX_set_rsa_padding(ctx, padding) != 1 ||
        run(ctx, result, &n, in.p, in.n) != 1)
        return vse_crypto_failed();
    e = buf_add_mem(out, result, n);
    mem_wipe(result, sizeof(result));
    return e;
}

err_t vse_rsa_encrypt(const struct vse_object *o, uint8_t algorithm, struct slice in, struct buf *out)
{
    auto_pkey EVP_PKEY *key = NULL;
    int padding = padding_of(algorithm);
    err_t e = padding ? public_key(o, &key) : ERR_UNSUPPORTED;

    return e ? e : crypt_with(key, padding, EVP_PKEY_encrypt_init, EVP_PKEY_encrypt, in, out);
}

err_t vse_rsa_decrypt(const struct vse_object *o, uint8_t algorithm, struct slice in, struct buf *out)
{
    EVP_PKEY *key = NULL;
    int padding = padding_of(algorithm);
    err_t e = padding ? vse_prepared_key(o, private_key, &key) : ERR_UNSUPPORTED;

    return e ? e : crypt_with(key, padding, EVP_PKEY_decrypt_init, EVP_PKEY_decrypt, in, out);
}

err_t vse_rsa_tls_secret(const struct vse_object *o, unsigned version, struct slice in, struct buf *out)
{
    EVP_PKEY *key = NULL;
    auto_pkey_ctx EVP_PKEY_CTX *ctx = NULL;
    uint8_t secret[SE_RSA_BYTES_MAX];
    size_t n = sizeof(secret);
    OSSL_PARAM params[2] = { OSSL_PARAM_construct_uint(OSSL_ASYM_CIPHER_PARAM_TLS_CLIENT_VERSION, &version),
                             OSSL_PARAM_construct_end() };
    err_t e = vse_prepared_key(o, private_key, &key);

    if (e)
        return e;
    if (in.n != (size_t)EVP_PKEY_get_size(key))
        return ERR_INVALID;
    ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    if (!ctx || EVP_PKEY_decrypt_init(ctx) != 1 ||
        EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_WITH_TLS_PADDING) != 1 ||
        EVP_PKEY_CTX_set_params(ctx, params) != 1 || EVP_PKEY_decrypt(ctx, secret, &n, in.p, in.n) != 1)
        return vse_crypto_failed();
    e = buf_add_mem(out, secret, n);
    mem_wipe(secret, sizeof(secret));
    return e;
}
