#include "vse/aead.h"

#include "base/mem.h"
#include "se/wire.h"
#include "vse/cipher.h"
#include "vse/keys_private.h"

enum { CCM_IV_MIN = 7, CCM_IV_MAX = 13, TAG_MIN = 4, GCM_TAG_LONG = 12, GCM_TAG_SHORT = 8 };

struct vse_aead {
    EVP_CIPHER *cipher;
    EVP_CIPHER_CTX *ctx;
    uint8_t mode;
    bool encrypt;
    bool data_came;
    struct vse_cipher_key key; /* CCM only, as are the next four */
    uint8_t iv[CCM_IV_MAX];
    size_t iv_len;
    struct buf aad, data;
};

bool vse_aead_mode_valid(uint8_t mode)
{
    return mode == SE_AEAD_GCM || mode == SE_AEAD_CCM;
}

bool vse_aead_iv_valid(uint8_t mode, size_t n)
{
    if (mode == SE_AEAD_CCM)
        return n >= CCM_IV_MIN && n <= CCM_IV_MAX;
    return n >= 1 && n <= VSE_AEAD_IV_MAX;
}

bool vse_aead_tag_valid(uint8_t mode, size_t n)
{
    if (n < TAG_MIN || n > VSE_AEAD_TAG_MAX)
        return false;
    if (mode == SE_AEAD_CCM)
        return n % 2 == 0;
    return n >= GCM_TAG_LONG || n == GCM_TAG_SHORT || n == TAG_MIN;
}

/* ---- begin and end ---- */

static err_t begin_gcm(struct vse_aead *a, const struct vse_cipher_key *k, struct slice iv)
{
    if (EVP_CipherInit_ex2(a->ctx, a->cipher, NULL, NULL, a->encrypt, NULL) != 1 ||
        EVP_CIPHER_CTX_ctrl(a->ctx, EVP_CTRL_AEAD_SET_IVLEN, (int)iv.n, NULL) != 1 ||
        EVP_CipherInit_ex2(a->ctx, NULL, k->bytes, iv.p, a->encrypt, NULL) != 1)
        return vse_crypto_failed();
    return ERR_OK;
}

static err_t begin(struct vse_aead *a, const struct vse_cipher_key *k, struct slice iv)
{
    a->aad = BUF_SECRET(VSE_AEAD_GATHER_MAX);
    a->data = BUF_SECRET(VSE_AEAD_GATHER_MAX);
    a->cipher = EVP_CIPHER_fetch(NULL, k->name, NULL);
    a->ctx = EVP_CIPHER_CTX_new();
    if (!a->cipher || !a->ctx)
        return vse_crypto_failed();
    if (a->mode == SE_AEAD_GCM)
        return begin_gcm(a, k, iv);
    a->key = *k;
    memcpy(a->iv, iv.p, iv.n);
    a->iv_len = iv.n;
    return ERR_OK;
}

err_t vse_aead_new(uint8_t mode, bool encrypt, struct slice key, struct slice iv, struct vse_aead **ret)
{
    struct vse_cipher_key k;
    struct vse_aead *a;
    err_t e;

    if (!vse_aead_mode_valid(mode))
        return ERR_UNSUPPORTED;
    if (!vse_aead_iv_valid(mode, iv.n))
        return ERR_INVALID;
    e = vse_cipher_key(SE_TYPE_AES, key, mode == SE_AEAD_GCM ? "GCM" : "CCM", &k);
    if (e)
        return e;
    a = mem_calloc(1, sizeof(*a));
    if (a) {
        a->mode = mode;
        a->encrypt = encrypt;
    }
    e = a ? begin(a, &k, iv) : ERR_NOMEM;
    mem_wipe(&k, sizeof(k));
    if (e) {
        vse_aead_free(a);
        return e;
    }
    *ret = a;
    return ERR_OK;
}

void vse_aead_free(struct vse_aead *a)
{
    if (!a)
        return;
    EVP_CIPHER_CTX_free(a->ctx);
    EVP_CIPHER_free(a->cipher);
    buf_done(&a->aad);
    buf_done(&a->data);
    mem_wipe(a, sizeof(*a));
    free(a);
}

uint8_t vse_aead_mode(const struct vse_aead *a)
{
    return a->mode;
}

bool vse_aead_encrypts(const struct vse_aead *a)
{
    return a->encrypt;
}

/* ---- GCM: a stream ---- */

static err_t stream(struct vse_aead *a, struct slice in, struct buf *out)
{
    int n = 0;
    err_t e = buf_reserve(out, in.n);

    if (e)
        return e;
    if (EVP_CipherUpdate(a->ctx, out->p + out->n, &n, in.p, (int)in.n) != 1)
        return vse_crypto_failed();
    out->n += (size_t)n;
    return ERR_OK;
}

err_t vse_aead_aad(struct vse_aead *a, struct slice in)
{
    int n;

    if (a->data_came)
        return ERR_WRONG_STATE;
    if (a->mode == SE_AEAD_CCM)
        return buf_add(&a->aad, in);
    if (in.n && EVP_CipherUpdate(a->ctx, NULL, &n, in.p, (int)in.n) != 1)
        return vse_crypto_failed();
    return ERR_OK;
}

err_t vse_aead_update(struct vse_aead *a, struct slice in, struct buf *out)
{
    a->data_came = a->data_came || in.n != 0;
    if (in.n == 0)
        return ERR_OK;
    return a->mode == SE_AEAD_CCM ? buf_add(&a->data, in) : stream(a, in, out);
}

/* ---- CCM: all at once. Decrypting with a wrong tag ERR_AUTH, nothing is appended ---- */

static err_t ccm_begin(struct vse_aead *a, size_t tag_len, const uint8_t *tag)
{
    int n;

    if (EVP_CipherInit_ex2(a->ctx, a->cipher, NULL, NULL, a->encrypt, NULL) != 1 ||
        EVP_CIPHER_CTX_ctrl(a->ctx, EVP_CTRL_AEAD_SET_IVLEN, (int)a->iv_len, NULL) != 1 ||
        EVP_CIPHER_CTX_ctrl(a->ctx, EVP_CTRL_AEAD_SET_TAG, (int)tag_len, (void *)tag) != 1 ||
        EVP_CipherInit_ex2(a->ctx, NULL, a->key.bytes, a->iv, a->encrypt, NULL) != 1 ||
        EVP_CipherUpdate(a->ctx, NULL, &n, NULL, (int)a->data.n) != 1)
        return vse_crypto_failed();
    if (a->aad.n && EVP_CipherUpdate(a->ctx, NULL, &n, a->aad.p, (int)a->aad.n) != 1)
        return vse_crypto_failed();
    return ERR_OK;
}

static err_t ccm_run(struct vse_aead *a, size_t tag_len, const uint8_t *tag, struct buf *out)
{
    static const uint8_t none[1];
    err_t e = ccm_begin(a, tag_len, tag);
    int n = 0;

    if (!e)
        e = buf_reserve(out, a->data.n + 1);
    if (e)
        return e;
    /* OpenSSL tells nothing of an empty message but its tag, if the pointers are not NULL */
    if (EVP_CipherUpdate(a->ctx, out->p + out->n, &n, a->data.n ? a->data.p : none, (int)a->data.n) != 1) {
        mem_wipe(out->p + out->n, a->data.n);
        (void)vse_crypto_failed(); /* for the queue */
        return a->encrypt ? ERR_CRYPTO : ERR_AUTH;
    }
    out->n += (size_t)n;
    return ERR_OK;
}

static err_t stream_end(struct vse_aead *a)
{
    uint8_t none[VSE_CIPHER_BLOCK_MAX];
    int n = 0;

    if (EVP_CipherFinal_ex(a->ctx, none, &n) == 1)
        return ERR_OK;
    (void)vse_crypto_failed(); /* for the queue */
    return a->encrypt ? ERR_CRYPTO : ERR_AUTH;
}

err_t vse_aead_seal(struct vse_aead *a, size_t n, struct buf *out, struct buf *tag)
{
    uint8_t bytes[VSE_AEAD_TAG_MAX];
    err_t e;

    if (!a->encrypt)
        return ERR_WRONG_STATE;
    if (!vse_aead_tag_valid(a->mode, n))
        return ERR_INVALID;
    e = a->mode == SE_AEAD_CCM ? ccm_run(a, n, NULL, out) : stream_end(a);
    if (e)
        return e;
    if (EVP_CIPHER_CTX_ctrl(a->ctx, EVP_CTRL_AEAD_GET_TAG, (int)n, bytes) != 1)
        return vse_crypto_failed();
    return buf_add_mem(tag, bytes, n);
}

err_t vse_aead_open(struct vse_aead *a, struct slice tag, struct buf *out, bool *ret_good)
{
    err_t e;

    if (a->encrypt)
        return ERR_WRONG_STATE;
    if (!vse_aead_tag_valid(a->mode, tag.n))
        return ERR_INVALID;
    if (a->mode == SE_AEAD_CCM)
        e = ccm_run(a, tag.n, tag.p, out);
    else if (EVP_CIPHER_CTX_ctrl(a->ctx, EVP_CTRL_AEAD_SET_TAG, (int)tag.n, (void *)tag.p) != 1)
        e = vse_crypto_failed();
    else
        e = stream_end(a);
    if (e && e != ERR_AUTH)
        return e;
    *ret_good = !e;
    return ERR_OK;
}
