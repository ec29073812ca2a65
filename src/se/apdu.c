#include "se/apdu.h"

#include "base/tlv.h"

enum { SHORT_MAX = 254, APDU_HEADER = 4 };

void se_command_init(struct se_command *c, uint8_t ins, uint8_t p1, uint8_t p2, enum se_command_form form)
{
    *c = (struct se_command){
        .ins = ins,
        .p1 = p1,
        .p2 = p2,
        .ext = form == SE_COMMAND_EXT_ANSWER,
        .answer = form != SE_COMMAND_STATUS,
        .data = BUF_SECRET(SE_APDU_DATA_MAX_7X),
    };
    c->w = writer_of(&c->data);
}

void se_command_done(struct se_command *c)
{
    buf_done(&c->data);
}

static void put_extended_lc(const struct se_command *c, struct writer *w)
{
    writer_u8(w, 0);
    writer_be16(w, (uint16_t)c->data.n);
    writer_bytes(w, buf_slice(&c->data));
    if (c->answer)
        writer_be16(w, 0);
}

/* Reference 2.3: short without Le when it fits; extended with Le; a lone 00 when there is no data. */
static void put_body(const struct se_command *c, struct writer *w)
{
    bool extended = c->ext || c->data.n > SHORT_MAX;

    if (c->data.n && extended) {
        put_extended_lc(c, w);
    } else if (c->data.n) {
        writer_u8(w, (uint8_t)c->data.n);
        writer_bytes(w, buf_slice(&c->data));
    } else {
        writer_u8(w, 0);
        if (c->ext)
            writer_be16(w, 0);
    }
}

err_t se_command_encode(const struct se_command *c, struct buf *out)
{
    struct writer w = writer_of(out);
    size_t start = out->n;
    err_t e = writer_done(&c->w);

    if (e)
        return e;
    writer_u8(&w, SE_CLA_APPLET);
    writer_u8(&w, c->ins);
    writer_u8(&w, c->p1);
    writer_u8(&w, c->p2);
    put_body(c, &w);
    e = writer_done(&w);
    if (e)
        buf_cut(out, start);
    return e;
}

err_t se_answer_split(struct slice answer, struct slice *ret_data, uint16_t *ret_sw)
{
    const uint8_t *sw;

    if (answer.n < 2)
        return ERR_PROTO;
    sw = answer.p + answer.n - 2;
    *ret_sw = (uint16_t)(sw[0] << 8 | sw[1]);
    *ret_data = slice_head(answer, answer.n - 2);
    return ERR_OK;
}

static const struct {
    uint16_t sw;
    err_t err;
    const char *text;
} status_words[] = {
    { SE_SW_OK, ERR_OK, "success" },
    { SE_SW_THROUGHPUT, ERR_BUSY, "command rate limit reached" },
    { SE_SW_WRONG_LENGTH, ERR_INVALID, "wrong length" },
    { SE_SW_SECURITY_STATUS, ERR_DENIED, "security status not satisfied: authentication needed" },
    { SE_SW_AUTH_BLOCKED, ERR_DENIED, "authentication blocked" },
    { SE_SW_DATA_INVALID, ERR_INVALID, "data invalid" },
    { SE_SW_CONDITIONS, ERR_NOT_FOUND,
      "conditions not satisfied: no such object, or not of the type this needs" },
    { SE_SW_COMMAND_NOT_ALLOWED, ERR_DENIED, "command not allowed: the object's policy forbids it" },
    { SE_SW_WRONG_DATA, ERR_INVALID, "wrong data" },
    { SE_SW_FILE_NOT_FOUND, ERR_UNSUPPORTED, "file not found: the SE05x applet is not on this chip" },
    { SE_SW_NO_MEMORY, ERR_NO_SPACE, "not enough memory in the chip" },
    { SE_SW_WRONG_P1P2, ERR_UNSUPPORTED, "wrong P1/P2" },
    { SE_SW_INS_NOT_SUPPORTED, ERR_UNSUPPORTED, "instruction not supported" },
    { SE_SW_CLA_NOT_SUPPORTED, ERR_UNSUPPORTED, "class not supported" },
};

err_t se_err_from_sw(uint16_t sw)
{
    for (size_t i = 0; i < ARRAY_LEN(status_words); i++)
        if (status_words[i].sw == sw)
            return status_words[i].err;
    return ERR_PROTO;
}

const char *se_sw_text(uint16_t sw)
{
    for (size_t i = 0; i < ARRAY_LEN(status_words); i++)
        if (status_words[i].sw == sw)
            return status_words[i].text;
    return "unknown status";
}

err_t se_answer_take(struct slice *in, uint8_t tag, struct slice *ret)
{
    struct slice rest = *in;
    struct tlv t;

    if (tlv_next(&rest, &t) || t.tag != tag)
        return ERR_PROTO;
    *in = rest;
    *ret = t.value;
    return ERR_OK;
}

err_t se_answer_only(struct slice in, uint8_t tag, struct slice *ret)
{
    struct slice value;

    if (se_answer_take(&in, tag, &value) || in.n)
        return ERR_PROTO;
    *ret = value;
    return ERR_OK;
}

err_t se_answer_u8(struct slice in, uint8_t tag, uint8_t *ret)
{
    struct slice value;

    if (se_answer_only(in, tag, &value) || value.n != 1)
        return ERR_PROTO;
    *ret = value.p[0];
    return ERR_OK;
}

err_t se_answer_be16(struct slice in, uint8_t tag, uint16_t *ret)
{
    struct slice value;

    if (se_answer_only(in, tag, &value) || value.n != 2)
        return ERR_PROTO;
    *ret = (uint16_t)(value.p[0] << 8 | value.p[1]);
    return ERR_OK;
}
