#include "pkcs11/ossl_impl.h"

#include <stdio.h>

#define BLOCK 16

/* "AES-256-CBC" and so on, by the length of the key. */
static EVP_CIPHER *fetch(struct p11_ossl *o, size_t key_len, const char *mode)
{
    OSSL_LIB_CTX *ctx = p11_ossl_ctx(o);
    char name[32];

    if (!ctx || (key_len != 16 && key_len != 24 && key_len != 32))
        return NULL;
    (void)snprintf(name, sizeof(name), "AES-%zu-%s", key_len * 8, mode);
    return EVP_CIPHER_fetch(ctx, name, NULL);
}

/* `more` is what the result can be longer than the input. */
static err_t update(EVP_CIPHER_CTX *ctx, struct slice in, size_t more, struct buf *out)
{
    int n = 0;

    if (in.n > INT32_MAX - BLOCK)
        return ERR_TOO_BIG;
    err_t e = buf_reserve(out, in.n + more);
    if (e)
        return e;
    if (EVP_CipherUpdate(ctx, out->p + out->n, &n, in.p, (int)in.n) != 1)
        return ERR_CRYPTO;
    out->n += (size_t)n;
    return ERR_OK;
}

err_t p11_ossl_aes(struct p11_ossl *o, enum p11_block_mode mode, bool encrypt, struct slice key,
                   const uint8_t *iv, struct slice in, struct buf *out)
{
    QUIET_ERRORS;
    static const char *const modes[] = {
        [P11_MODE_ECB] = "ECB", [P11_MODE_CBC] = "CBC", [P11_MODE_CTR] = "CTR"
    };
    auto_ossl(cipher) EVP_CIPHER *cipher = fetch(o, key.n, modes[mode]);
    auto_ossl(cipher_ctx) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

    if (!cipher || !ctx)
        return cipher ? ERR_NOMEM : ERR_INVALID;
    if (EVP_CipherInit_ex2(ctx, cipher, key.p, iv, encrypt, NULL) != 1 ||
        EVP_CIPHER_CTX_set_padding(ctx, 0) != 1)
        return ERR_CRYPTO;
    return in.n ? update(ctx, in, BLOCK, out) : ERR_OK;
}

/* Ready for data: key, IV and additional data are in. */
static err_t gcm_start(EVP_CIPHER_CTX *ctx, const EVP_CIPHER *cipher, bool encrypt, struct slice key,
                       struct slice iv, struct slice aad)
{
    int n = 0;

    if (EVP_CipherInit_ex2(ctx, cipher, NULL, NULL, encrypt, NULL) != 1 ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, (int)iv.n, NULL) != 1 ||
        EVP_CipherInit_ex2(ctx, NULL, key.p, iv.p, encrypt, NULL) != 1)
        return ERR_CRYPTO;
    return !aad.n || EVP_CipherUpdate(ctx, NULL, &n, aad.p, (int)aad.n) == 1 ? ERR_OK : ERR_CRYPTO;
}

err_t p11_ossl_gcm_seal(struct p11_ossl *o, struct slice key, struct slice iv, struct slice aad,
                        size_t tag_len, struct slice in, struct buf *out)
{
    QUIET_ERRORS;
    auto_ossl(cipher) EVP_CIPHER *cipher = fetch(o, key.n, "GCM");
    auto_ossl(cipher_ctx) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t tag[BLOCK];
    int n = 0;

    if (!cipher || !ctx || tag_len > sizeof(tag))
        return cipher && ctx ? ERR_INVALID : ERR_CRYPTO;
    err_t e = gcm_start(ctx, cipher, true, key, iv, aad);
    if (!e && in.n)
        e = update(ctx, in, BLOCK, out);
    if (!e && (EVP_CipherFinal_ex(ctx, tag, &n) != 1 ||
               EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, (int)tag_len, tag) != 1))
        e = ERR_CRYPTO;
    return e ? e : buf_add_mem(out, tag, tag_len);
}

err_t p11_ossl_gcm_open(struct p11_ossl *o, struct slice key, struct slice iv, struct slice aad,
                        struct slice tag, struct slice in, struct buf *out)
{
    QUIET_ERRORS;
    auto_ossl(cipher) EVP_CIPHER *cipher = fetch(o, key.n, "GCM");
    auto_ossl(cipher_ctx) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    size_t before = out->n;
    uint8_t nothing[BLOCK];
    int n = 0;

    if (!cipher || !ctx)
        return ERR_CRYPTO;
    err_t e = gcm_start(ctx, cipher, false, key, iv, aad);
    if (!e && in.n)
        e = update(ctx, in, BLOCK, out);
    if (!e && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, (int)tag.n, (void *)tag.p) != 1)
        e = ERR_CRYPTO;
    if (!e && EVP_CipherFinal_ex(ctx, nothing, &n) != 1)
        e = ERR_AUTH;
    if (e)
        buf_cut(out, before);
    return e;
}

static err_t mac(struct p11_ossl *o, const char *name, const char *setting, const char *value,
                 struct slice key, struct slice in, struct buf *out)
{
    OSSL_LIB_CTX *lib = p11_ossl_ctx(o);
    auto_ossl(mac) EVP_MAC *kind = lib ? EVP_MAC_fetch(lib, name, NULL) : NULL;
    auto_ossl(mac_ctx) EVP_MAC_CTX *ctx = kind ? EVP_MAC_CTX_new(kind) : NULL;
    OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(setting, (char *)value, 0), OSSL_PARAM_END };
    uint8_t tag[P11_HASH_MAX];
    size_t n = 0;

    if (!ctx || EVP_MAC_init(ctx, key.p, key.n, params) != 1 || EVP_MAC_update(ctx, in.p, in.n) != 1 ||
        EVP_MAC_final(ctx, tag, &n, sizeof(tag)) != 1)
        return ERR_CRYPTO;
    return buf_add_mem(out, tag, n);
}

err_t p11_ossl_cmac(struct p11_ossl *o, struct slice key, struct slice in, struct buf *out)
{
    QUIET_ERRORS;
    static const char *const names[] = { "AES-128-CBC", "AES-192-CBC", "AES-256-CBC" };

    if (key.n != 16 && key.n != 24 && key.n != 32)
        return ERR_INVALID;
    return mac(o, "CMAC", OSSL_MAC_PARAM_CIPHER, names[key.n / 8 - 2], key, in, out);
}

err_t p11_ossl_hmac(struct p11_ossl *o, const struct p11_hash *hash, struct slice key, struct slice in,
                    struct buf *out)
{
    QUIET_ERRORS;
    return mac(o, "HMAC", OSSL_MAC_PARAM_DIGEST, hash->name, key, in, out);
}

err_t p11_ossl_x963(struct p11_ossl *o, const struct p11_hash *hash, struct slice secret, struct slice shared,
                    size_t n, struct buf *out)
{
    QUIET_ERRORS;
    OSSL_LIB_CTX *lib = p11_ossl_ctx(o);
    auto_ossl(kdf) EVP_KDF *kdf = lib ? EVP_KDF_fetch(lib, "X963KDF", NULL) : NULL;
    auto_ossl(kdf_ctx) EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)hash->name, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)secret.p, secret.n),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)shared.p, shared.n),
        OSSL_PARAM_END,
    };

    if (!shared.n)
        params[2] = OSSL_PARAM_construct_end();
    err_t e = ctx ? buf_reserve(out, n) : ERR_CRYPTO;
    if (e)
        return e;
    if (EVP_KDF_derive(ctx, out->p + out->n, n, params) != 1)
        return ERR_CRYPTO;
    out->n += n;
    return ERR_OK;
}

err_t p11_ossl_unwrap(struct p11_ossl *o, struct slice kek, struct slice wrapped, struct buf *out)
{
    QUIET_ERRORS;
    auto_ossl(cipher) EVP_CIPHER *cipher = fetch(o, kek.n, "WRAP");
    auto_ossl(cipher_ctx) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

    if (!cipher || !ctx)
        return cipher ? ERR_NOMEM : ERR_INVALID;
    EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    if (EVP_CipherInit_ex2(ctx, cipher, kek.p, NULL, 0, NULL) != 1)
        return ERR_CRYPTO;
    err_t e = update(ctx, wrapped, 2 * BLOCK, out);
    return e == ERR_CRYPTO ? ERR_AUTH : e;
}
