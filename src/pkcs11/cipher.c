#include "pkcs11/cipher.h"

#include "pkcs11/keyop.h"
#include "se/cipher.h"

static const struct {
    enum p11_block_mode mode;
    uint8_t chip;
} modes[P11_SCHEMES] = {
    [P11_AES_ECB] = { P11_MODE_ECB, SE_CIPHER_AES_ECB },
    [P11_AES_CBC] = { P11_MODE_CBC, SE_CIPHER_AES_CBC },
    [P11_AES_CBC_PAD] = { P11_MODE_CBC, SE_CIPHER_AES_CBC },
    [P11_AES_CTR] = { P11_MODE_CTR, SE_CIPHER_AES_CTR },
};

static err_t in_chip(struct se_chip *chip, const struct p11_work *w)
{
    struct slice iv = slice_of(w->iv, w->iv ? P11_BLOCK : 0);
    return se_cipher_once(chip, w->key->id, modes[w->mech->scheme].chip, w->encrypt, iv, w->in, w->out);
}

static err_t here(struct p11_ossl *o, const struct p11_work *w)
{
    return p11_ossl_aes(o, modes[w->mech->scheme].mode, w->encrypt, buf_slice(&w->key->value), w->iv, w->in,
                        w->out);
}

_Static_assert(SE_CIPHER_ONCE_MAX % P11_BLOCK == 0, "pieces are whole blocks");
static const struct p11_worker aes_worker = { in_chip, here };

/* Add n to a block taken as a big-endian number. */
static void add_to_block(uint8_t block[P11_BLOCK], uint64_t n)
{
    for (size_t i = P11_BLOCK; i-- > 0 && n;) {
        n += block[i];
        block[i] = (uint8_t)n;
        n >>= 8;
    }
}

/* Are the bits of the block above the counter's the same? */
static bool same_nonce(const uint8_t *a, const uint8_t *b, size_t counter_bits)
{
    size_t whole = (8 * P11_BLOCK - counter_bits) / 8;
    uint8_t rest = (uint8_t) ~(0xff >> ((8 * P11_BLOCK - counter_bits) % 8));

    return memcmp(a, b, whole) == 0 && (whole == P11_BLOCK || ((a[whole] ^ b[whole]) & rest) == 0);
}

/* §2.12.2: the counter must not come round to blocks it has had. */
static bool counter_holds(const struct p11_op *op, const uint8_t *iv, size_t n)
{
    uint8_t last[P11_BLOCK];

    if (op->mech.scheme != P11_AES_CTR || op->params.counter_bits == 8 * P11_BLOCK || n == 0)
        return true;
    memcpy(last, iv, sizeof(last));
    add_to_block(last, (n - 1) / P11_BLOCK);
    return same_nonce(iv, last, op->params.counter_bits);
}

/* What the IV is after these bytes went through. */
static void move_iv(const struct p11_op *op, bool encrypt, uint8_t *iv, struct slice in, struct slice out)
{
    if (modes[op->mech.scheme].mode == P11_MODE_CBC && in.n)
        memcpy(iv, (encrypt ? out.p + out.n : in.p + in.n) - P11_BLOCK, P11_BLOCK);
    else if (modes[op->mech.scheme].mode == P11_MODE_CTR)
        add_to_block(iv, (in.n + P11_BLOCK - 1) / P11_BLOCK);
}

/* Whole blocks (CTR: any number of bytes), from and to the IV. */
static CK_RV blocks(struct p11_module *m, const struct p11_op *op, bool encrypt, uint8_t *iv, struct slice in,
                    struct buf *out)
{
    size_t piece = op->key->in_chip ? SE_CIPHER_ONCE_MAX : SIZE_MAX;

    if (!counter_holds(op, iv, in.n))
        return CKR_DATA_LEN_RANGE;
    while (in.n) {
        struct p11_work w = p11_work_of(op, slice_head(in, piece), out);
        size_t before = out->n;
        w.encrypt = encrypt;
        w.iv = op->mech.scheme == P11_AES_ECB ? NULL : iv;
        CK_RV rv = p11_work_do(m, op, &aes_worker, &w);
        if (rv == CKR_OK && out->n - before != w.in.n)
            rv = CKR_DEVICE_ERROR;
        if (rv != CKR_OK)
            return rv;
        move_iv(op, encrypt, iv, w.in, buf_slice(out));
        in = slice_skip(in, w.in.n);
    }
    return CKR_OK;
}

size_t p11_cipher_ready(const struct p11_op *op, bool encrypt, size_t n)
{
    if (op->mech.scheme == P11_AES_CBC_PAD && !encrypt && n)
        n--; /* the last block may be the padded one */
    return n - n % P11_BLOCK;
}

CK_RV p11_cipher_next(struct p11_module *m, struct p11_op *op, bool encrypt, struct slice in, struct buf *out)
{
    return blocks(m, op, encrypt, op->params.iv, in, out);
}

size_t p11_cipher_most(const struct p11_op *op, bool encrypt, size_t n)
{
    return op->mech.scheme == P11_AES_CBC_PAD && encrypt ? n - n % P11_BLOCK + P11_BLOCK : n;
}

static CK_RV encrypt_padded(struct p11_module *m, const struct p11_op *op, uint8_t *iv, struct slice in,
                            struct buf *out)
{
    autobuf padded = BUF_SECRET(in.n + P11_BLOCK);
    uint8_t pad[P11_BLOCK];
    size_t n = P11_BLOCK - in.n % P11_BLOCK;

    memset(pad, (int)n, n);
    if (buf_reserve(&padded, in.n + n) != ERR_OK || buf_add(&padded, in) != ERR_OK ||
        buf_add_mem(&padded, pad, n) != ERR_OK)
        return CKR_HOST_MEMORY;
    return blocks(m, op, true, iv, buf_slice(&padded), out);
}

static CK_RV decrypt_padded(struct p11_module *m, const struct p11_op *op, uint8_t *iv, struct slice in,
                            struct buf *out)
{
    size_t n = 0;

    if (in.n == 0 || in.n % P11_BLOCK)
        return CKR_ENCRYPTED_DATA_LEN_RANGE;
    CK_RV rv = blocks(m, op, false, iv, in, out);
    if (rv != CKR_OK)
        return rv;
    if (p11_unpad_block(out->p + out->n - P11_BLOCK, P11_BLOCK, &n) != ERR_OK)
        return CKR_ENCRYPTED_DATA_INVALID;
    buf_cut(out, out->n - P11_BLOCK + n);
    return CKR_OK;
}

CK_RV p11_cipher_end(struct p11_module *m, const struct p11_op *op, bool encrypt, struct slice in,
                     struct buf *out)
{
    uint8_t iv[P11_BLOCK];

    memcpy(iv, op->params.iv, sizeof(iv));
    if (op->mech.scheme == P11_AES_CBC_PAD)
        return (encrypt ? encrypt_padded : decrypt_padded)(m, op, iv, in, out);
    if (op->mech.scheme != P11_AES_CTR && in.n % P11_BLOCK)
        return encrypt ? CKR_DATA_LEN_RANGE : CKR_ENCRYPTED_DATA_LEN_RANGE;
    return blocks(m, op, encrypt, iv, in, out);
}
