#include "pkcs11/ossl_impl.h"

#include <openssl/rsa.h>

EVP_PKEY_CTX *p11_ossl_key_ctx(struct p11_ossl *o, EVP_PKEY *key)
{
    OSSL_LIB_CTX *ctx = p11_ossl_ctx(o);
    return ctx ? EVP_PKEY_CTX_new_from_pkey(ctx, key, NULL) : NULL;
}

static err_t encrypt(struct p11_ossl *o, EVP_PKEY *key, int padding, struct slice in, uint8_t *out,
                     size_t out_len)
{
    auto_ossl(pkey_ctx) EVP_PKEY_CTX *ctx = p11_ossl_key_ctx(o, key);

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

err_t p11_ossl_rsa_encrypt_oaep(struct p11_ossl *o, EVP_PKEY *key, const struct p11_hash *hash,
                                const struct p11_hash *mgf, struct slice label, struct slice in, uint8_t *out,
                                size_t out_len)
{
    QUIET_ERRORS;
    const EVP_MD *md = NULL, *mgf_md = NULL;
    err_t e = p11_ossl_md(o, hash, &md);

    if (!e)
        e = p11_ossl_md(o, mgf, &mgf_md);
    if (e)
        return e;
    auto_ossl(pkey_ctx) EVP_PKEY_CTX *ctx = p11_ossl_key_ctx(o, key);
    if (!ctx || EVP_PKEY_encrypt_init(ctx) != 1 ||
        EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) != 1 ||
        EVP_PKEY_CTX_set_rsa_oaep_md(ctx, md) != 1 || EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, mgf_md) != 1)
        return ERR_CRYPTO;
    uint8_t *own = label.n ? OPENSSL_memdup(label.p, label.n) : NULL; /* the context frees it */
    if (own && EVP_PKEY_CTX_set0_rsa_oaep_label(ctx, own, (int)label.n) != 1) {
        OPENSSL_free(own);
        return ERR_CRYPTO;
    }
    if (label.n && !own)
        return ERR_NOMEM;
    return EVP_PKEY_encrypt(ctx, out, &out_len, in.p, in.n) == 1 ? ERR_OK : ERR_CRYPTO;
}

err_t p11_ossl_rsa_private_raw(struct p11_ossl *o, EVP_PKEY *key, struct slice in, uint8_t *out)
{
    QUIET_ERRORS;
    auto_ossl(pkey_ctx) EVP_PKEY_CTX *ctx = p11_ossl_key_ctx(o, key);
    size_t n = in.n;

    if (!ctx || EVP_PKEY_decrypt_init(ctx) != 1 || EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) != 1 ||
        EVP_PKEY_decrypt(ctx, out, &n, in.p, in.n) != 1 || n != in.n)
        return ERR_CRYPTO;
    return ERR_OK;
}

static err_t verify_result(EVP_PKEY_CTX *ctx, struct slice tbs, struct slice sig)
{
    return EVP_PKEY_verify(ctx, sig.p, sig.n, tbs.p, tbs.n) == 1 ? ERR_OK : ERR_AUTH;
}

err_t p11_ossl_rsa_verify_pkcs1(struct p11_ossl *o, EVP_PKEY *key, struct slice info, struct slice sig)
{
    QUIET_ERRORS;
    auto_ossl(pkey_ctx) EVP_PKEY_CTX *ctx = p11_ossl_key_ctx(o, key);

    if (!ctx || EVP_PKEY_verify_init(ctx) != 1 || EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) != 1)
        return ERR_CRYPTO;
    return verify_result(ctx, info, sig);
}

err_t p11_ossl_rsa_verify_pss(struct p11_ossl *o, EVP_PKEY *key, const struct p11_hash *hash,
                              const struct p11_hash *mgf, size_t salt_len, struct slice digest,
                              struct slice sig)
{
    QUIET_ERRORS;
    auto_ossl(pkey_ctx) EVP_PKEY_CTX *ctx = p11_ossl_key_ctx(o, key);

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
    auto_ossl(pkey_ctx) EVP_PKEY_CTX *ctx = p11_ossl_key_ctx(o, key);

    if (!ctx || EVP_PKEY_verify_init(ctx) != 1)
        return ERR_CRYPTO;
    return verify_result(ctx, digest, sig);
}

err_t p11_ossl_ec_sign(struct p11_ossl *o, EVP_PKEY *key, struct slice digest, struct buf *out_der)
{
    QUIET_ERRORS;
    auto_ossl(pkey_ctx) EVP_PKEY_CTX *ctx = p11_ossl_key_ctx(o, key);
    uint8_t der[256];
    size_t n = sizeof(der);

    if (!ctx || EVP_PKEY_sign_init(ctx) != 1 || EVP_PKEY_sign(ctx, der, &n, digest.p, digest.n) != 1)
        return ERR_CRYPTO;
    return buf_add_mem(out_der, der, n);
}

err_t p11_ossl_eddsa_verify(struct p11_ossl *o, EVP_PKEY *key, struct slice message, struct slice sig)
{
    QUIET_ERRORS;
    OSSL_LIB_CTX *lib = p11_ossl_ctx(o);
    auto_ossl(md_ctx) EVP_MD_CTX *ctx = lib ? EVP_MD_CTX_new() : NULL;

    if (!ctx || EVP_DigestVerifyInit_ex(ctx, NULL, NULL, lib, NULL, key, NULL) != 1)
        return ERR_CRYPTO;
    return EVP_DigestVerify(ctx, sig.p, sig.n, message.p, message.n) == 1 ? ERR_OK : ERR_AUTH;
}

err_t p11_ossl_eddsa_sign(struct p11_ossl *o, EVP_PKEY *key, struct slice message, struct buf *out)
{
    QUIET_ERRORS;
    OSSL_LIB_CTX *lib = p11_ossl_ctx(o);
    auto_ossl(md_ctx) EVP_MD_CTX *ctx = lib ? EVP_MD_CTX_new() : NULL;
    uint8_t sig[128];
    size_t n = sizeof(sig);

    if (!ctx || EVP_DigestSignInit_ex(ctx, NULL, NULL, lib, NULL, key, NULL) != 1 ||
        EVP_DigestSign(ctx, sig, &n, message.p, message.n) != 1)
        return ERR_CRYPTO;
    return buf_add_mem(out, sig, n);
}

err_t p11_ossl_agree(struct p11_ossl *o, EVP_PKEY *key, EVP_PKEY *peer, struct buf *out)
{
    QUIET_ERRORS;
    auto_ossl(pkey_ctx) EVP_PKEY_CTX *ctx = p11_ossl_key_ctx(o, key);
    uint8_t secret[128];
    size_t n = sizeof(secret);

    if (!ctx || EVP_PKEY_derive_init(ctx) != 1 || EVP_PKEY_derive_set_peer(ctx, peer) != 1 ||
        EVP_PKEY_derive(ctx, secret, &n) != 1)
        return ERR_CRYPTO;
    err_t e = buf_add_mem(out, secret, n);
    mem_wipe(secret, sizeof(secret));
    return e;
}
