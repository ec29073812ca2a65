#include "vse/keywrap.h"

#include "base/mem.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

enum { WRAP_MORE = 8, WRAP_MIN = 24 };

static void cipher_free_ptr(EVP_CIPHER_CTX **c)
{
    EVP_CIPHER_CTX_free(*c);
}

#define auto_cipher __attribute__((cleanup(cipher_free_ptr))) EVP_CIPHER_CTX

/* ---- RFC 3394 ---- */

static const EVP_CIPHER *wrap_of(size_t n)
{
    switch (n) {
    case 16:
        return EVP_aes_128_wrap();
    case 24:
        return EVP_aes_192_wrap();
    case 32:
        return EVP_aes_256_wrap();
    default:
        return NULL;
    }
}

err_t vse_key_unwrap(struct slice kek, struct slice wrapped, struct buf *out)
{
    auto_cipher *c = EVP_CIPHER_CTX_new();
    int n = 0;
    err_t e;

    if (!c)
        return ERR_NOMEM;
    if (!wrap_of(kek.n) || wrapped.n < WRAP_MIN || wrapped.n % WRAP_MORE)
        return ERR_INVALID;
    e = buf_reserve(out, wrapped.n);
    if (e)
        return e;
    EVP_CIPHER_CTX_set_flags(c, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    if (EVP_DecryptInit_ex(c, wrap_of(kek.n), NULL, kek.p, NULL) != 1 ||
        EVP_DecryptUpdate(c, out->p + out->n, &n, wrapped.p, (int)wrapped.n) != 1 || n <= 0) {
        ERR_clear_error();
        return ERR_AUTH;
    }
    out->n += (size_t)n;
    return ERR_OK;
}

/* ---- blobs ---- */

static bool blob_begin(EVP_CIPHER_CTX *c, bool seal, struct slice key, const uint8_t *nonce,
                       struct slice about)
{
    int n;

    return key.n == 32 && EVP_CipherInit_ex(c, EVP_aes_256_gcm(), NULL, key.p, nonce, seal) == 1 &&
           EVP_CipherUpdate(c, NULL, &n, about.p, (int)about.n) == 1;
}

err_t vse_blob_seal(struct slice key, struct slice about, struct slice plain, struct buf *out)
{
    auto_cipher *c = EVP_CIPHER_CTX_new();
    uint8_t *nonce, *text, *tag;
    int n = 0, last = 0;
    err_t e = buf_reserve(out, VSE_BLOB_NONCE + plain.n + VSE_BLOB_TAG);

    if (!c || e)
        return e ? e : ERR_NOMEM;
    nonce = out->p + out->n;
    text = nonce + VSE_BLOB_NONCE;
    tag = text + plain.n;
    if (RAND_bytes(nonce, VSE_BLOB_NONCE) != 1 || !blob_begin(c, true, key, nonce, about) ||
        EVP_CipherUpdate(c, text, &n, plain.p, (int)plain.n) != 1 ||
        EVP_CipherFinal_ex(c, text + n, &last) != 1 ||
        EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, VSE_BLOB_TAG, tag) != 1) {
        ERR_clear_error();
        return ERR_CRYPTO;
    }
    out->n += VSE_BLOB_NONCE + plain.n + VSE_BLOB_TAG;
    return ERR_OK;
}

err_t vse_blob_open(struct slice key, struct slice about, struct slice blob, struct buf *out)
{
    auto_cipher *c = EVP_CIPHER_CTX_new();
    uint8_t tag[VSE_BLOB_TAG];
    size_t plain;
    int n = 0, last = 0;
    err_t e;

    if (!c)
        return ERR_NOMEM;
    if (blob.n < VSE_BLOB_NONCE + VSE_BLOB_TAG)
        return ERR_AUTH;
    plain = blob.n - VSE_BLOB_NONCE - VSE_BLOB_TAG;
    e = buf_reserve(out, plain + 1);
    if (e)
        return e;
    memcpy(tag, blob.p + VSE_BLOB_NONCE + plain, sizeof(tag));
    if (!blob_begin(c, false, key, blob.p, about) ||
        EVP_CipherUpdate(c, out->p + out->n, &n, blob.p + VSE_BLOB_NONCE, (int)plain) != 1 ||
        EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, VSE_BLOB_TAG, tag) != 1 ||
        EVP_CipherFinal_ex(c, out->p + out->n + n, &last) != 1) {
        mem_wipe(out->p + out->n, plain);
        ERR_clear_error();
        return ERR_AUTH;
    }
    out->n += plain;
    return ERR_OK;
}
