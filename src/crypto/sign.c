#include "crypto/key.h"

#include "crypto/ctx.h"

#include <openssl/err.h>
#include <openssl/evp.h>

static void md_ctx_free_ptr(EVP_MD_CTX **p)
{
    EVP_MD_CTX_free(*p);
}
#define auto_md_ctx __attribute__((cleanup(md_ctx_free_ptr)))

err_t crypto_sign(const struct crypto_ctx *ctx, EVP_PKEY *key, struct slice bytes, struct buf *out,
                  struct crypto_error *why)
{
    auto_md_ctx EVP_MD_CTX *md = EVP_MD_CTX_new();
    size_t n = (size_t)EVP_PKEY_get_size(key);
    err_t e = md ? buf_reserve(out, n) : ERR_NOMEM;

    if (e)
        return crypto_fail(why, e, "signing: %s", err_str(e));
    if (EVP_DigestSignInit_ex(md, NULL, "SHA256", ctx->lib, NULL, key, NULL) != 1 ||
        EVP_DigestSign(md, out->p + out->n, &n, bytes.p, bytes.n) != 1) {
        out->p[out->n] = 0;
        return crypto_fail_openssl(why, crypto_key_token(key) ? ERR_UNAVAILABLE : ERR_CRYPTO,
                                   "signing failed");
    }
    out->n += n;
    out->p[out->n] = 0;
    return ERR_OK;
}

err_t crypto_verify(const struct crypto_ctx *ctx, EVP_PKEY *key, struct slice bytes, struct slice signature)
{
    auto_md_ctx EVP_MD_CTX *md = EVP_MD_CTX_new();

    if (!md)
        return ERR_NOMEM;
    if (EVP_DigestVerifyInit_ex(md, NULL, "SHA256", ctx->lib, NULL, key, NULL) != 1)
        return crypto_fail_quiet(ERR_CRYPTO);
    /* 0 and negative alike: a signature that cannot be decoded is not this key's either. */
    if (EVP_DigestVerify(md, signature.p, signature.n, bytes.p, bytes.n) == 1)
        return ERR_OK;
    ERR_clear_error();
    return ERR_AUTH;
}
