#include "se/i2cm.h"

#include "base/reader.h"
#include "base/writer.h"
#include "se/command.h"

enum { DONE = 0xa5, FAILED = 0x96 };

static err_t add(struct buf *list, uint8_t tag, struct slice value)
{
    size_t start = list->n;
    struct writer w = writer_of(list);
    err_t e;

    writer_u8(&w, tag);
    writer_be16(&w, (uint16_t)value.n);
    writer_bytes(&w, value);
    e = value.n > SE_I2CM_COMMAND_MAX ? ERR_TOO_BIG : writer_done(&w);
    if (e)
        buf_cut(list, start);
    return e;
}

err_t se_i2cm_configure(struct buf *list, uint8_t address, uint8_t frequency)
{
    const uint8_t value[] = { address, frequency };

    return add(list, SE_I2CM_CONFIGURE, SLICE_ARRAY(value));
}

err_t se_i2cm_write(struct buf *list, struct slice data)
{
    return add(list, SE_I2CM_WRITE, data);
}

err_t se_i2cm_read(struct buf *list, uint16_t length)
{
    const uint8_t value[] = { (uint8_t)(length >> 8), (uint8_t)length };

    return add(list, SE_I2CM_READ, SLICE_ARRAY(value));
}

struct element {
    uint8_t tag;
    struct slice value;
};

static err_t element_next(struct slice *in, struct element *ret)
{
    struct reader r = reader_of(*in);
    struct element e;

    if (in->n == 0)
        return ERR_MORE;
    e.tag = reader_u8(&r);
    e.value = reader_bytes(&r, reader_be16(&r));
    if (reader_ok(&r))
        return ERR_PROTO;
    *in = r.rest;
    *ret = e;
    return ERR_OK;
}

err_t se_i2cm_next(struct slice *in, struct se_i2cm_result *ret)
{
    struct slice rest = *in;
    struct element e;
    err_t end = element_next(&rest, &e);

    if (end)
        return end;
    if ((e.tag != SE_I2CM_CONFIGURE && e.tag != SE_I2CM_WRITE && e.tag != SE_I2CM_READ) || e.value.n == 0 ||
        (e.value.p[0] != DONE && e.value.p[0] != FAILED))
        return ERR_PROTO;
    *in = rest;
    *ret = (struct se_i2cm_result){ (enum se_i2cm_kind)e.tag, e.value.p[0] == DONE, slice_skip(e.value, 1) };
    return ERR_OK;
}

/* How many bytes a successful element gives. */
static size_t wanted(const struct element *e)
{
    return e->tag == SE_I2CM_READ && e->value.n == 2 ? (size_t)(e->value.p[0] << 8 | e->value.p[1]) : 0;
}

err_t se_i2cm_check(struct slice list, struct slice answer)
{
    struct se_i2cm_result result;
    struct element asked;
    err_t e;

    while ((e = element_next(&list, &asked)) == ERR_OK)
        if (se_i2cm_next(&answer, &result) || result.kind != (enum se_i2cm_kind)asked.tag ||
            result.data.n != (result.done ? wanted(&asked) : 0))
            return ERR_PROTO;
    return e == ERR_MORE && answer.n == 0 ? ERR_OK : ERR_PROTO;
}

err_t se_i2cm_run(struct se_chip *chip, struct slice list, struct buf *out)
{
    static const char what[] = "working on the chip's own I2C bus";
    autobuf answer = BUF_INIT(SE_I2CM_ANSWER_MAX);
    auto_command c = { 0 };
    err_t e;

    se_command_init(&c, SE_INS_CRYPTO, SE_P1_DEFAULT, SE_P2_I2CM, SE_COMMAND_ANSWER);
    tlv_put(&c.w, SE_TAG_1, list);
    e = se_call_bytes(chip, &c, what, 0, SE_I2CM_ANSWER_MAX, &answer);
    if (!e && se_i2cm_check(list, buf_slice(&answer)))
        e = se_command_malformed(what);
    return e ? e : buf_add(out, buf_slice(&answer));
}
