#include "vse/mac.h"

#include "base/mem.h"
#include "se/wire.h"
#include "vse/cipher.h"
#include "vse/keys_private.h"

#include <openssl/core_names.h>

static const struct mac {
    const char *kind;   /* OpenSSL's */
    const char *digest; /* HMAC only; a CMAC's cipher depends on the key */
    uint8_t algorithm;
    uint8_t key_type;
} macs[] = {
    { "HMAC", "SHA1", SE_MAC_HMAC_SHA1, SE_TYPE_HMAC },
    { "HMAC", "SHA256", SE_MAC_HMAC_SHA256, SE_TYPE_HMAC },
    { "HMAC", "SHA384", SE_MAC_HMAC_SHA384, SE_TYPE_HMAC },
    { "HMAC", "SHA512", SE_MAC_HMAC_SHA512, SE_TYPE_HMAC },
    { "CMAC", NULL, SE_MAC_CMAC_128, SE_TYPE_AES },
    { "CMAC", NULL, SE_MAC_AES_CMAC16, SE_TYPE_AES },
    { "CMAC", NULL, SE_MAC_DES_CMAC8, SE_TYPE_DES },
};

static const struct mac *find(uint8_t algorithm)
{
    for (size_t i = 0; i < ARRAY_LEN(macs); i++)
        if (macs[i].algorithm == algorithm)
            return &macs[i];
    return NULL;
}

uint8_t vse_mac_key_type(uint8_t algorithm)
{
    const struct mac *m = find(algorithm);

    return m ? m->key_type : 0;
}

static err_t begin_hmac(EVP_MAC_CTX *ctx, const struct mac *m, struct slice key)
{
    OSSL_PARAM params[2] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)m->digest, 0),
        OSSL_PARAM_construct_end(),
    };

    return EVP_MAC_init(ctx, key.p, key.n, params) == 1 ? ERR_OK : vse_crypto_failed();
}

static err_t begin_cmac(EVP_MAC_CTX *ctx, const struct mac *m, struct slice key)
{
    struct vse_cipher_key k;
    OSSL_PARAM params[2] = { OSSL_PARAM_construct_end(), OSSL_PARAM_construct_end() };
    err_t e = vse_cipher_key(m->key_type, key, "CBC", &k);

    if (e)
        return e;
    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, k.name, 0);
    if (EVP_MAC_init(ctx, k.bytes, k.n, params) != 1)
        e = vse_crypto_failed();
    mem_wipe(&k, sizeof(k));
    return e;
}

err_t vse_mac_new(uint8_t algorithm, struct slice key, EVP_MAC_CTX **ret)
{
    const struct mac *m = find(algorithm);
    EVP_MAC *mac;
    EVP_MAC_CTX *ctx;
    err_t e;

    if (!m)
        return ERR_UNSUPPORTED;
    mac = EVP_MAC_fetch(NULL, m->kind, NULL);
    ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;
    EVP_MAC_free(mac);
    if (!ctx)
        return vse_crypto_failed();
    e = m->digest ? begin_hmac(ctx, m, key) : begin_cmac(ctx, m, key);
    if (e) {
        EVP_MAC_CTX_free(ctx);
        return e;
    }
    *ret = ctx;
    return ERR_OK;
}

void vse_mac_free(EVP_MAC_CTX *m)
{
    EVP_MAC_CTX_free(m);
}

err_t vse_mac_update(EVP_MAC_CTX *m, struct slice in)
{
    return in.n == 0 || EVP_MAC_update(m, in.p, in.n) == 1 ? ERR_OK : vse_crypto_failed();
}

err_t vse_mac_final(EVP_MAC_CTX *m, struct buf *out)
{
    uint8_t result[VSE_MAC_MAX];
    size_t n = 0;

    if (EVP_MAC_final(m, result, &n, sizeof(result)) != 1)
        return vse_crypto_failed();
    return buf_add_mem(out, result, n);
}

err_t vse_mac_once(uint8_t algorithm, struct slice key, struct slice in, struct buf *out)
{
    EVP_MAC_CTX *m = NULL;
    err_t e = vse_mac_new(algorithm, key, &m);

    if (!e)
        e = vse_mac_update(m, in);
    if (!e)
        e = vse_mac_final(m, out);
    vse_mac_free(m);
    return e;
}
