#include "se/aead.h"

#include "se/command.h"
#include "se/detail.h"

/* [T1=data] T2=tag or result [T3=IV] */
struct answer {
    struct slice data, end, iv;
};

static err_t parse(struct slice in, bool with_iv, struct answer *ret)
{
    struct answer a = { 0 };

    if (in.n && in.p[0] == SE_TAG_1 && se_answer_take(&in, SE_TAG_1, &a.data))
        return ERR_PROTO;
    if (se_answer_take(&in, SE_TAG_2, &a.end))
        return ERR_PROTO;
    if (with_iv && se_answer_take(&in, SE_TAG_3, &a.iv))
        return ERR_PROTO;
    if (in.n)
        return ERR_PROTO;
    *ret = a;
    return ERR_OK;
}

/* Append each to its own; all or nothing. */
static err_t give(struct slice data, struct buf *out, struct slice tag, struct buf *out_tag)
{
    size_t start = out->n;
    err_t e = buf_add(out, data);

    if (!e && out_tag)
        e = buf_add(out_tag, tag);
    if (e)
        buf_cut(out, start);
    return e;
}

static err_t wrong_tag(const char *what)
{
    return se_fail(ERR_AUTH, "%s: the tag does not fit: wrong key, IV or data", what);
}

/* What opening answered: data only when the tag is right. max: how much data there can be. */
static err_t judge(const struct answer *a, size_t max, const char *what, struct buf *out)
{
    bool good;

    if (se_result(a->end, &good) || a->data.n > max)
        return se_command_malformed(what);
    return good ? buf_add(out, a->data) : wrong_tag(what);
}

static void begin_once(struct se_command *c, uint8_t p2, uint32_t key, const struct se_aead *how,
                       struct slice in)
{
    se_command_init(c, SE_INS_CRYPTO, SE_P1_AEAD, p2, SE_COMMAND_EXT_ANSWER);
    tlv_put_be32(&c->w, SE_TAG_1, key);
    tlv_put_u8(&c->w, SE_TAG_2, how->mode);
    se_put_bytes(c, SE_TAG_3, in);
    se_put_bytes(c, SE_TAG_4, how->aad);
    if (how->internal_iv_len)
        tlv_put_be16(&c->w, SE_TAG_5, (uint16_t)how->internal_iv_len);
    else
        se_put_bytes(c, SE_TAG_5, how->iv);
}

static err_t take_sealed(struct slice raw, const struct se_aead *how, size_t n, size_t tag_len,
                         struct buf *out, struct buf *out_tag, struct buf *out_iv)
{
    struct answer a;
    size_t start;
    err_t e;

    if (parse(raw, how->internal_iv_len, &a) || a.data.n != n || a.end.n != tag_len ||
        a.iv.n != how->internal_iv_len)
        return ERR_PROTO;
    start = out->n;
    e = give(a.data, out, a.end, out_tag);
    if (!e && how->internal_iv_len)
        e = buf_add(out_iv, a.iv);
    if (e)
        buf_cut(out, start);
    return e;
}

static err_t check_seal(struct se_chip *chip, uint32_t key, const struct se_aead *how, size_t tag_len,
                        const struct buf *out_iv)
{
    if (tag_len == 0 || tag_len > SE_AEAD_TAG_MAX || how->internal_iv_len > SE_AEAD_IV_MAX ||
        (how->internal_iv_len != 0) != (out_iv != NULL))
        return se_fail(ERR_INVALID, "object %08x: no such length of tag or IV", key);
    return how->internal_iv_len ? se_need_7x(chip, "sealing with an IV of the chip's") : ERR_OK;
}

/* With an internal IV the mode has a number of its own. */
static struct se_aead with_mode(const struct se_aead *how)
{
    struct se_aead h = *how;

    if (h.internal_iv_len)
        h.mode = h.mode == SE_AEAD_GCM ? SE_AEAD_GCM_INTERNAL_IV : SE_AEAD_CCM_INTERNAL_IV;
    return h;
}

err_t se_aead_seal(struct se_chip *chip, uint32_t key, const struct se_aead *how, struct slice in,
                   size_t tag_len, struct buf *out, struct buf *out_tag, struct buf *out_iv)
{
    struct se_aead h = with_mode(how);
    char what[SE_WHAT_MAX];
    auto_hold *held = NULL;
    auto_command c = { 0 };
    struct slice raw;
    err_t e = check_seal(chip, key, how, tag_len, out_iv);

    if (e)
        return e;
    begin_once(&c, SE_P2_ENCRYPT_ONESHOT, key, &h, in);
    tlv_put_be16(&c.w, SE_TAG_6, (uint16_t)tag_len);
    se_what(what, key, "sealing");
    e = se_hold(chip, &held);
    if (!e)
        e = se_command_run(chip, &c, what, &raw);
    if (e)
        return e;
    e = take_sealed(raw, how, in.n, tag_len, out, out_tag, out_iv);
    return e == ERR_PROTO ? se_command_malformed(what) : e;
}

err_t se_aead_open(struct se_chip *chip, uint32_t key, const struct se_aead *how, struct slice in,
                   struct slice tag, struct buf *out)
{
    char what[SE_WHAT_MAX];
    auto_hold *held = NULL;
    auto_command c = { 0 };
    struct slice raw;
    struct answer a;
    err_t e;

    begin_once(&c, SE_P2_DECRYPT_ONESHOT, key, how, in);
    tlv_put(&c.w, SE_TAG_6, tag);
    se_what(what, key, "opening");
    e = se_hold(chip, &held);
    if (!e)
        e = se_command_run(chip, &c, what, &raw);
    if (e)
        return e;
    return parse(raw, false, &a) ? se_command_malformed(what) : judge(&a, in.n, what, out);
}

/* ---- in steps ---- */

static void begin_init(struct se_command *c, uint16_t object, uint32_t key, bool encrypt,
                       enum se_command_form form)
{
    se_command_init(c, SE_INS_CRYPTO, SE_P1_AEAD, encrypt ? SE_P2_ENCRYPT : SE_P2_DECRYPT, form);
    tlv_put_be32(&c->w, SE_TAG_1, key);
    tlv_put_be16(&c->w, SE_TAG_2, object);
}

err_t se_aead_init(struct se_chip *chip, uint16_t object, uint32_t key, bool encrypt, struct slice iv)
{
    char what[SE_WHAT_MAX];
    auto_command c = { 0 };

    begin_init(&c, object, key, encrypt, SE_COMMAND_STATUS);
    se_put_bytes(&c, SE_TAG_5, iv);
    return se_call_status(chip, &c, se_what(what, key, "beginning an AEAD"));
}

err_t se_aead_init_internal_iv(struct se_chip *chip, uint16_t object, uint32_t key, size_t iv_len,
                               struct buf *out_iv)
{
    char what[SE_WHAT_MAX];
    auto_hold *held = NULL;
    auto_command c = { 0 };
    struct slice raw, iv;
    err_t e = se_need_7x(chip, "an IV of the chip's");

    begin_init(&c, object, key, true, SE_COMMAND_ANSWER);
    tlv_put_be16(&c.w, SE_TAG_5, (uint16_t)iv_len);
    se_what(what, key, "beginning an AEAD");
    if (!e)
        e = se_hold(chip, &held);
    if (!e)
        e = se_command_run(chip, &c, what, &raw);
    if (e)
        return e;
    if (se_answer_only(raw, SE_TAG_3, &iv) || iv.n != iv_len)
        return se_command_malformed(what);
    return buf_add(out_iv, iv);
}

static err_t update_piece(struct se_chip *chip, uint16_t object, uint8_t tag, struct slice in,
                          struct buf *out)
{
    auto_command c = { 0 };

    se_command_init(&c, SE_INS_CRYPTO, SE_P1_AEAD, SE_P2_UPDATE, SE_COMMAND_EXT_ANSWER);
    tlv_put_be16(&c.w, SE_TAG_2, object);
    tlv_put(&c.w, tag, in);
    return se_call_optional(chip, &c, "going on with an AEAD", tag == SE_TAG_4 ? 0 : in.n + SE_AEAD_TAG_MAX,
                            out);
}

static err_t update(struct se_chip *chip, uint16_t object, uint8_t tag, struct slice in, struct buf *out)
{
    auto_hold *held = NULL;
    size_t start = out->n;
    err_t e = se_hold(chip, &held);

    for (size_t at = 0; !e && at < in.n; at += SE_AEAD_CHUNK)
        e = update_piece(chip, object, tag, slice_head(slice_skip(in, at), SE_AEAD_CHUNK), out);
    if (e)
        buf_cut(out, start);
    return e;
}

err_t se_aead_aad(struct se_chip *chip, uint16_t object, struct slice aad)
{
    struct buf nothing = BUF_INIT(0);

    return update(chip, object, SE_TAG_4, aad, &nothing);
}

err_t se_aead_update(struct se_chip *chip, uint16_t object, struct slice in, struct buf *out)
{
    return update(chip, object, SE_TAG_3, in, out);
}

static const char finishing[] = "finishing an AEAD";

static err_t finish(struct se_chip *chip, const struct se_command *c, struct answer *ret)
{
    struct slice raw;
    err_t e = se_command_run(chip, c, finishing, &raw);

    if (!e && parse(raw, false, ret))
        e = se_command_malformed(finishing);
    return e;
}

err_t se_aead_seal_final(struct se_chip *chip, uint16_t object, size_t tag_len, struct buf *out,
                         struct buf *out_tag)
{
    auto_hold *held = NULL;
    auto_command c = { 0 };
    struct answer a;
    err_t e;

    se_command_init(&c, SE_INS_CRYPTO, SE_P1_AEAD, SE_P2_FINAL, SE_COMMAND_EXT_ANSWER);
    tlv_put_be16(&c.w, SE_TAG_2, object);
    tlv_put_be16(&c.w, SE_TAG_6, (uint16_t)tag_len);
    e = se_hold(chip, &held);
    if (!e)
        e = finish(chip, &c, &a);
    if (e)
        return e;
    return a.end.n != tag_len ? se_command_malformed(finishing) : give(a.data, out, a.end, out_tag);
}

err_t se_aead_open_final(struct se_chip *chip, uint16_t object, struct slice tag, struct buf *out)
{
    auto_hold *held = NULL;
    auto_command c = { 0 };
    struct answer a;
    err_t e;

    se_command_init(&c, SE_INS_CRYPTO, SE_P1_AEAD, SE_P2_FINAL, SE_COMMAND_EXT_ANSWER);
    tlv_put_be16(&c.w, SE_TAG_2, object);
    tlv_put(&c.w, SE_TAG_6, tag);
    e = se_hold(chip, &held);
    if (!e)
        e = finish(chip, &c, &a);
    return e ? e : judge(&a, SE_ANSWER_MAX, finishing, out);
}
