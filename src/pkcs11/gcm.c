#include "pkcs11/gcm.h"

#include "pkcs11/keyop.h"

static struct slice iv_of(const struct p11_work *w)
{
    return slice_of(w->params->iv, w->params->iv_len);
}

/* What is not authentic is told apart from a chip that does not know us. */
static err_t judged(err_t e)
{
    return e == ERR_AUTH ? ERR_CORRUPT : e;
}

static err_t in_chip(struct se_chip *chip, const struct p11_work *w)
{
    return ERR_UNSUPPORTED;
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
