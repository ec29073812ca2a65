#include "vse/kdf.h"

#include "base/mem.h"
#include "vse/digest.h"
#include "vse/keys_private.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>

static OSSL_PARAM text(const char *name, const char *value)
{
    return OSSL_PARAM_construct_utf8_string(name, (char *)value, 0);
}

static OSSL_PARAM bytes(const char *name, struct slice s)
{
    return OSSL_PARAM_construct_octet_string(name, (void *)s.p, s.n);
}

static err_t derive(const char *kind, const OSSL_PARAM *params, size_t n, struct buf *out)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, kind, NULL);
    EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
    err_t e = ctx ? buf_reserve(out, n) : ERR_NOMEM;

    EVP_KDF_free(kdf);
    if (!e && EVP_KDF_derive(ctx, out->p + out->n, n, params) != 1)
        e = ERR_CRYPTO;
    EVP_KDF_CTX_free(ctx);
    if (e) {
        (void)vse_crypto_failed(); /* for the queue */
        return e;
    }
    out->n += n;
    return ERR_OK;
}

err_t vse_kdf_hkdf(const struct vse_hkdf *h, size_t n, struct buf *out)
{
    const char *digest = vse_digest_name(h->digest);
    OSSL_PARAM params[6];
    size_t i = 0;

    if (!digest)
        return ERR_UNSUPPORTED;
    params[i++] = text(OSSL_KDF_PARAM_MODE, h->expand_only ? "EXPAND_ONLY" : "EXTRACT_AND_EXPAND");
    params[i++] = text(OSSL_KDF_PARAM_DIGEST, digest);
    params[i++] = bytes(OSSL_KDF_PARAM_KEY, h->key);
    if (h->salt.n && !h->expand_only)
        params[i++] = bytes(OSSL_KDF_PARAM_SALT, h->salt);
    if (h->info.n)
        params[i++] = bytes(OSSL_KDF_PARAM_INFO, h->info);
    params[i] = OSSL_PARAM_construct_end();
    return derive("HKDF", params, n, out);
}

err_t vse_kdf_pbkdf2(uint8_t digest, struct slice password, struct slice salt, unsigned iterations, size_t n,
                     struct buf *out)
{
    static const uint8_t none[1];
    const char *name = vse_digest_name(digest);
    OSSL_PARAM params[5];

    if (!name)
        return ERR_UNSUPPORTED;
    params[0] = text(OSSL_KDF_PARAM_DIGEST, name);
    params[1] = bytes(OSSL_KDF_PARAM_PASSWORD, password);
    params[2] = bytes(OSSL_KDF_PARAM_SALT, salt.n ? salt : slice_of(none, 0));
    params[3] = OSSL_PARAM_construct_uint(OSSL_KDF_PARAM_ITER, &iterations);
    params[4] = OSSL_PARAM_construct_end();
    return derive("PBKDF2", params, n, out);
}

err_t vse_kdf_tls_prf(uint8_t digest, struct slice secret, struct slice label, struct slice seed, size_t n,
                      struct buf *out)
{
    const char *name = vse_digest_name(digest);
    OSSL_PARAM params[5];

    if (!name)
        return ERR_UNSUPPORTED;
    params[0] = text(OSSL_KDF_PARAM_DIGEST, name);
    params[1] = bytes(OSSL_KDF_PARAM_SECRET, secret);
    params[2] = bytes(OSSL_KDF_PARAM_SEED, label); /* OpenSSL joins what comes more than once */
    params[3] = bytes(OSSL_KDF_PARAM_SEED, seed);
    params[4] = OSSL_PARAM_construct_end();
    return derive("TLS1-PRF", params, n, out);
}
