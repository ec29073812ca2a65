#include "pkcs11/gcm.h"

#include "pkcs11/keyop.h"
#include "se/aead.h"
#include "se/object.h"

/* Data and additional data up to this go in one command. */
#define ONCE_MAX 780

static const struct se_crypto_object steps = { 26, SE_CONTEXT_AEAD, SE_AEAD_GCM }; /* NXP's number */

static struct slice iv_of(const struct p11_work *w)
{
    return slice_of(w->params->iv, w->params->iv_len);
}

/* What is not authentic is told apart from a chip that does not know us. */
static err_t judged(err_t e)
{
    return e == ERR_AUTH ? ERR_CORRUPT : e;
}

static err_t once(struct se_chip *chip, const struct p11_work *w, struct buf *tag)
{
    struct se_aead how = { .mode = SE_AEAD_GCM, .iv = iv_of(w), .aad = buf_slice(&w->params->extra) };

    if (!w->encrypt)
        return judged(se_aead_open(chip, w->key->id, &how, w->in, w->tag, w->out));
    return se_aead_seal(chip, w->key->id, &how, w->in, w->params->tag_len, w->out, tag, NULL);
}

/* 7.x only. What is opened waits in w->out, which is cut again when the tag is found wrong. */
static err_t in_steps(struct se_chip *chip, const struct p11_work *w, struct buf *tag)
{
    struct slice aad = buf_slice(&w->params->extra);
    err_t e = se_crypto_object_ensure(chip, &steps);

    if (!e)
        e = se_aead_init(chip, steps.id, w->key->id, w->encrypt, iv_of(w));
    if (!e && aad.n)
        e = se_aead_aad(chip, steps.id, aad);
    if (!e && w->in.n)
        e = se_aead_update(chip, steps.id, w->in, w->out);
    if (e)
        return e;
    if (!w->encrypt)
        return judged(se_aead_open_final(chip, steps.id, w->tag, w->out));
    return se_aead_seal_final(chip, steps.id, w->params->tag_len, w->out, tag);
}

static err_t in_chip(struct se_chip *chip, const struct p11_work *w)
{
    autobuf tag = BUF_INIT(SE_AEAD_TAG_MAX);
    bool short_enough = w->in.n + w->params->extra.n <= ONCE_MAX;

    if (!short_enough && se_chip_version(chip).major < 7)
        return ERR_TOO_BIG;
    err_t e = (short_enough ? once : in_steps)(chip, w, &tag);
    return e ? e : buf_add(w->out, buf_slice(&tag));
}

static err_t here(struct p11_ossl *o, const struct p11_work *w)
{
    struct slice aad = buf_slice(&w->params->extra), key = buf_slice(&w->key->value);

    if (w->encrypt)
        return p11_ossl_gcm_seal(o, key, iv_of(w), aad, w->params->tag_len, w->in, w->out);
    return judged(p11_ossl_gcm_open(o, key, iv_of(w), aad, w->tag, w->in, w->out));
}

static const struct p11_worker gcm_worker = { in_chip, here };

size_t p11_gcm_most(const struct p11_op *op, bool encrypt, size_t n)
{
    size_t tag = op->params.tag_len;

    if (encrypt)
        return n + tag;
    return n > tag ? n - tag : 0;
}

CK_RV p11_gcm_run(struct p11_module *m, const struct p11_op *op, bool encrypt, struct slice in,
                  struct buf *out)
{
    struct p11_work w = p11_work_of(op, in, out);

    w.encrypt = encrypt;
    if (!encrypt) {
        if (in.n < op->params.tag_len)
            return CKR_ENCRYPTED_DATA_LEN_RANGE;
        w.in = slice_head(in, in.n - op->params.tag_len);
        w.tag = slice_skip(in, w.in.n);
    }
    return p11_work_do(m, op, &gcm_worker, &w);
}
