#include "vse/cipher.h"

#include "base/mem.h"
#include "se/wire.h"
#include "vse/keys_private.h"

#include <stdio.h>

enum padding { PAD_NONE, PAD_M1, PAD_M2, PAD_PKCS5 };

enum { M2_MARK = 0x80, DES_KEY = 8 };

static const struct mode {
    const char *chaining;
    uint8_t mode;
    uint8_t key_type;
    uint8_t padding; /* enum padding */
} modes[] = {
    { "CBC", SE_CIPHER_DES_CBC, SE_TYPE_DES, PAD_NONE },
    { "CBC", SE_CIPHER_DES_CBC_M1, SE_TYPE_DES, PAD_M1 },
    { "CBC", SE_CIPHER_DES_CBC_M2, SE_TYPE_DES, PAD_M2 },
    { "CBC", SE_CIPHER_DES_CBC_PKCS5, SE_TYPE_DES, PAD_PKCS5 },
    { "ECB", SE_CIPHER_DES_ECB, SE_TYPE_DES, PAD_NONE },
    { "ECB", SE_CIPHER_DES_ECB_M1, SE_TYPE_DES, PAD_M1 },
    { "ECB", SE_CIPHER_DES_ECB_M2, SE_TYPE_DES, PAD_M2 },
    { "ECB", SE_CIPHER_DES_ECB_PKCS5, SE_TYPE_DES, PAD_PKCS5 },
    { "CBC", SE_CIPHER_AES_CBC, SE_TYPE_AES, PAD_NONE },
    { "CBC", SE_CIPHER_AES_CBC_M1, SE_TYPE_AES, PAD_M1 },
    { "CBC", SE_CIPHER_AES_CBC_M2, SE_TYPE_AES, PAD_M2 },
    { "ECB", SE_CIPHER_AES_ECB, SE_TYPE_AES, PAD_NONE },
    { "CTR", SE_CIPHER_AES_CTR, SE_TYPE_AES, PAD_NONE },
};

static const struct mode *find(uint8_t mode)
{
    for (size_t i = 0; i < ARRAY_LEN(modes); i++)
        if (modes[i].mode == mode)
            return &modes[i];
    return NULL;
}

uint8_t vse_cipher_key_type(uint8_t mode)
{
    const struct mode *m = find(mode);

    return m ? m->key_type : 0;
}

/* ---- keys ---- */

static err_t aes_key(struct slice key, const char *chaining, struct vse_cipher_key *k)
{
    if (key.n != 16 && key.n != 24 && key.n != 32)
        return ERR_INVALID;
    (void)snprintf(k->name, sizeof(k->name), "AES-%zu-%s", key.n * 8, chaining);
    memcpy(k->bytes, key.p, key.n);
    k->n = key.n;
    return ERR_OK;
}

/* Single DES is triple DES with one key: OpenSSL's default provider has no other. */
static err_t des_key(struct slice key, const char *chaining, struct vse_cipher_key *k)
{
    if (key.n == 0 || key.n > 3 * DES_KEY || key.n % DES_KEY != 0)
        return ERR_INVALID;
    (void)snprintf(k->name, sizeof(k->name), "DES-EDE3-%s", chaining);
    for (size_t i = 0; i < 3; i++)
        memcpy(k->bytes + i * DES_KEY, key.p + (i * DES_KEY) % key.n, DES_KEY);
    k->n = 3 * DES_KEY;
    return ERR_OK;
}

err_t vse_cipher_key(uint8_t type, struct slice key, const char *chaining, struct vse_cipher_key *ret)
{
    return type == SE_TYPE_AES ? aes_key(key, chaining, ret) : des_key(key, chaining, ret);
}

/* ---- one run ---- */

struct vse_cipher {
    EVP_CIPHER_CTX *ctx;
    bool encrypt;
    uint8_t padding;
    size_t block;
    size_t partial;                     /* bytes fed since the last whole block */
    uint8_t held[VSE_CIPHER_BLOCK_MAX]; /* M2, decrypting: the block that may be the last */
    size_t n_held;
};

static err_t begin(struct vse_cipher *c, const struct vse_cipher_key *k, struct slice iv)
{
    static const uint8_t zeros[VSE_CIPHER_BLOCK_MAX];
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, k->name, NULL);
    size_t iv_len;
    int done;

    if (!cipher)
        return vse_crypto_failed();
    iv_len = (size_t)EVP_CIPHER_get_iv_length(cipher);
    if (iv.n != 0 && iv.n != iv_len) {
        EVP_CIPHER_free(cipher);
        return ERR_INVALID;
    }
    done = EVP_CipherInit_ex2(c->ctx, cipher, k->bytes, iv.n ? iv.p : zeros, c->encrypt, NULL);
    EVP_CIPHER_free(cipher);
    if (done != 1 || EVP_CIPHER_CTX_set_padding(c->ctx, c->padding == PAD_PKCS5) != 1)
        return vse_crypto_failed();
    c->block = (size_t)EVP_CIPHER_CTX_get_block_size(c->ctx);
    return ERR_OK;
}

err_t vse_cipher_new(uint8_t mode, bool encrypt, struct slice key, struct slice iv, struct vse_cipher **ret)
{
    const struct mode *m = find(mode);
    struct vse_cipher_key k;
    struct vse_cipher *c;
    err_t e = m ? vse_cipher_key(m->key_type, key, m->chaining, &k) : ERR_UNSUPPORTED;

    if (e)
        return e;
    c = mem_calloc(1, sizeof(*c));
    if (c) {
        c->encrypt = encrypt;
        c->padding = m->padding;
        c->ctx = EVP_CIPHER_CTX_new();
    }
    e = c && c->ctx ? begin(c, &k, iv) : ERR_NOMEM;
    mem_wipe(&k, sizeof(k));
    if (e) {
        vse_cipher_free(c);
        return e;
    }
    *ret = c;
    return ERR_OK;
}

void vse_cipher_free(struct vse_cipher *c)
{
    if (!c)
        return;
    EVP_CIPHER_CTX_free(c->ctx);
    mem_wipe(c, sizeof(*c));
    free(c);
}

/* Put aside the last block of what was just decrypted: its end may be padding. */
static err_t hold_back(struct vse_cipher *c, struct buf *plain, struct buf *out)
{
    err_t e;

    if (plain->n == 0)
        return ERR_OK;
    e = buf_add_mem(out, c->held, c->n_held);
    if (!e)
        e = buf_add_mem(out, plain->p, plain->n - c->block);
    if (e)
        return e;
    memcpy(c->held, plain->p + plain->n - c->block, c->block);
    c->n_held = c->block;
    return ERR_OK;
}

static bool holds(const struct vse_cipher *c)
{
    return !c->encrypt && c->padding == PAD_M2;
}

err_t vse_cipher_update(struct vse_cipher *c, struct slice in, struct buf *out)
{
    autobuf result = BUF_SECRET(in.n + 2 * VSE_CIPHER_BLOCK_MAX);
    int n = 0;
    err_t e;

    if (in.n == 0)
        return ERR_OK;
    e = buf_reserve(&result, in.n + VSE_CIPHER_BLOCK_MAX);
    if (e)
        return e;
    if (EVP_CipherUpdate(c->ctx, result.p, &n, in.p, (int)in.n) != 1)
        return vse_crypto_failed();
    result.n = (size_t)n;
    c->partial = (c->partial + in.n) % c->block;
    return holds(c) ? hold_back(c, &result, out) : buf_add(out, buf_slice(&result));
}

/* ISO 9797-1: method 1 fills up with zeros and adds nothing to whole blocks; method 2 always adds 80. */
static err_t pad(struct vse_cipher *c, struct buf *out)
{
    uint8_t fill[VSE_CIPHER_BLOCK_MAX] = { 0 };

    if (c->padding == PAD_M1 && c->partial)
        return vse_cipher_update(c, slice_of(fill, c->block - c->partial), out);
    if (c->padding == PAD_M2) {
        fill[0] = M2_MARK;
        return vse_cipher_update(c, slice_of(fill, c->block - c->partial), out);
    }
    return ERR_OK;
}

/* Method 1 cannot be told from data, so it stays (AN12413 follows the Java Card rule). */
static err_t unpad(struct vse_cipher *c, struct buf *out)
{
    size_t n = c->n_held;

    if (!holds(c))
        return ERR_OK;
    while (n && c->held[n - 1] == 0)
        n--;
    if (n == 0 || c->held[n - 1] != M2_MARK)
        return ERR_INVALID;
    return buf_add_mem(out, c->held, n - 1);
}

err_t vse_cipher_final(struct vse_cipher *c, struct slice in, struct buf *out)
{
    uint8_t last[2 * VSE_CIPHER_BLOCK_MAX];
    int n = 0;
    err_t e = vse_cipher_update(c, in, out);

    if (!e && c->encrypt)
        e = pad(c, out);
    if (e)
        return e;
    if (EVP_CipherFinal_ex(c->ctx, last, &n) != 1) {
        (void)vse_crypto_failed(); /* for the queue */
        return ERR_INVALID;        /* not whole blocks, or bad padding */
    }
    e = buf_add_mem(out, last, (size_t)n);
    mem_wipe(last, sizeof(last));
    return e ? e : unpad(c, out);
}
