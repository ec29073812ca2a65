#include "crypto/digest.h"

#include "base/hex.h"
#include "base/mem.h"
#include "crypto/ctx.h"
#include "crypto/error.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

err_t crypto_sha256(const struct crypto_ctx *ctx, struct slice in, uint8_t ret[CRYPTO_SHA256_LEN])
{
    uint8_t out[CRYPTO_SHA256_LEN];

    if (EVP_Digest(in.p, in.n, out, NULL, ctx->sha256, NULL) != 1)
        return crypto_fail_quiet(ERR_CRYPTO);
    memcpy(ret, out, sizeof(out));
    return ERR_OK;
}

err_t crypto_sha256_hex(const struct crypto_ctx *ctx, struct slice in, char ret[CRYPTO_SHA256_HEX])
{
    uint8_t out[CRYPTO_SHA256_LEN];
    err_t e = crypto_sha256(ctx, in, out);

    if (!e)
        hex_str(ret, SLICE_ARRAY(out));
    return e;
}

err_t crypto_hmac_sha256(const struct crypto_ctx *ctx, struct slice key, struct slice in,
                         uint8_t ret[CRYPTO_SHA256_LEN])
{
    char name[] = "SHA256";
    OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
                            OSSL_PARAM_construct_end() };
    uint8_t out[CRYPTO_SHA256_LEN];
    size_t n = 0;
    EVP_MAC_CTX *mac = EVP_MAC_CTX_new(ctx->hmac);
    /* A NULL key means "keep the one you have" to EVP_MAC_init, also when its length is 0. */
    bool good = mac && EVP_MAC_init(mac, key.p ? key.p : (const uint8_t *)"", key.n, params) == 1 &&
                EVP_MAC_update(mac, in.p, in.n) == 1 && EVP_MAC_final(mac, out, &n, sizeof(out)) == 1 &&
                n == sizeof(out);

    EVP_MAC_CTX_free(mac);
    if (!good)
        return crypto_fail_quiet(ERR_CRYPTO);
    memcpy(ret, out, sizeof(out));
    mem_wipe(out, sizeof(out)); /* a link of SigV4's key chain is a secret */
    return ERR_OK;
}

err_t crypto_sha1(const struct crypto_ctx *ctx, struct slice in, uint8_t ret[CRYPTO_SHA1_LEN])
{
    EVP_MD *sha1 = EVP_MD_fetch(ctx->lib, "SHA1", NULL);
    uint8_t out[CRYPTO_SHA1_LEN];
    bool good = sha1 && EVP_Digest(in.p, in.n, out, NULL, sha1, NULL) == 1;

    EVP_MD_free(sha1);
    if (!good)
        return crypto_fail_quiet(ERR_CRYPTO);
    memcpy(ret, out, sizeof(out));
    return ERR_OK;
}

struct crypto_hash {
    EVP_MD_CTX *md;
};

err_t crypto_hash_new(const struct crypto_ctx *ctx, struct crypto_hash **ret)
{
    struct crypto_hash *h = mem_calloc(1, sizeof(*h));

    if (!h)
        return ERR_NOMEM;
    h->md = EVP_MD_CTX_new();
    if (!h->md || EVP_DigestInit_ex(h->md, ctx->sha256, NULL) != 1) {
        crypto_hash_free(h);
        return crypto_fail_quiet(ERR_CRYPTO);
    }
    *ret = h;
    return ERR_OK;
}

void crypto_hash_free(struct crypto_hash *h)
{
    if (!h)
        return;
    EVP_MD_CTX_free(h->md);
    free(h);
}

err_t crypto_hash_add(struct crypto_hash *h, struct slice in)
{
    return EVP_DigestUpdate(h->md, in.p, in.n) == 1 ? ERR_OK : crypto_fail_quiet(ERR_CRYPTO);
}

err_t crypto_hash_hex(struct crypto_hash *h, char ret[CRYPTO_SHA256_HEX])
{
    uint8_t out[CRYPTO_SHA256_LEN];

    if (EVP_DigestFinal_ex(h->md, out, NULL) != 1)
        return crypto_fail_quiet(ERR_CRYPTO);
    hex_str(ret, SLICE_ARRAY(out));
    return ERR_OK;
}
