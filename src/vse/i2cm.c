#include "vse/i2cm.h"

#include "base/mem.h"
#include "base/reader.h"

enum {
    CONFIGURE = 0x01, /* address(1) frequency(1) */
    WRITE = 0x03,     /* data */
    READ = 0x04,      /* length(2) */

    SUCCESS = 0xa5,
    FAILURE = 0x96,

    ELEMENT_HEADER = 3,
    TEMPERATURE = 0x00,
    TEMPERATURE_LEN = 2,
    WHO_AM_I = 0x0f,
};

void vse_i2cm_init(struct vse_i2cm *m)
{
    *m = (struct vse_i2cm){ .registers = { [TEMPERATURE] = 25, [WHO_AM_I] = 0x5e } };
}

struct element {
    uint8_t tag;
    struct slice value;
};

/* False at the end of the list, or when it is malformed (r->failed). */
static bool element_next(struct reader *r, struct element *ret)
{
    if (reader_empty(r))
        return false;
    ret->tag = reader_u8(r);
    ret->value = reader_bytes(r, reader_be16(r));
    if (!(ret->tag == CONFIGURE && ret->value.n == 2) && !(ret->tag == WRITE && ret->value.n) &&
        !(ret->tag == READ && ret->value.n == 2))
        reader_fail(r);
    return !r->failed;
}

static uint16_t read_length(const struct element *e)
{
    return (uint16_t)(e->value.p[0] << 8 | e->value.p[1]);
}

/* Well formed, and is there room for the answers? Asked before anything moves on the bus. */
static err_t check(struct slice list)
{
    struct reader r = reader_of(list);
    struct element e;
    size_t answer = 0;

    if (list.n > VSE_I2CM_COMMAND_MAX)
        return ERR_TOO_BIG;
    while (element_next(&r, &e))
        answer += ELEMENT_HEADER + 1 + (e.tag == READ ? read_length(&e) : 0);
    if (reader_ok(&r) || list.n == 0)
        return ERR_INVALID;
    return answer > VSE_I2CM_ANSWER_MAX ? ERR_TOO_BIG : ERR_OK;
}

/* ---- the device ---- */

static void device_write(struct vse_i2cm *m, struct slice data)
{
    m->pointer = data.p[0] % VSE_I2CM_REGISTERS;
    for (size_t i = 1; i < data.n; i++) {
        if (m->pointer >= TEMPERATURE + TEMPERATURE_LEN && m->pointer != WHO_AM_I)
            m->registers[m->pointer] = data.p[i];
        m->pointer = (m->pointer + 1) % VSE_I2CM_REGISTERS;
    }
}

static void device_read(struct vse_i2cm *m, size_t n, struct writer *out)
{
    for (size_t i = 0; i < n; i++) {
        writer_u8(out, m->registers[m->pointer]);
        m->pointer = (m->pointer + 1) % VSE_I2CM_REGISTERS;
    }
}

/* ---- one element ---- */

static void answer_head(struct writer *out, uint8_t tag, size_t n, bool good)
{
    writer_u8(out, tag);
    writer_be16(out, (uint16_t)(1 + n));
    writer_u8(out, good ? SUCCESS : FAILURE);
}

static void run_element(struct vse_i2cm *m, const struct element *e, struct writer *out)
{
    bool there = m->address == VSE_I2CM_DEVICE;
    size_t n = e->tag == READ && there ? read_length(e) : 0;

    if (e->tag == CONFIGURE)
        m->address = e->value.p[0];
    answer_head(out, e->tag, n, there || e->tag == CONFIGURE);
    if (e->tag == WRITE && there)
        device_write(m, e->value);
    device_read(m, n, out);
}

err_t vse_i2cm_run(struct vse_i2cm *m, struct slice list, struct buf *out)
{
    struct reader r = reader_of(list);
    struct writer w = writer_of(out);
    struct element e;
    err_t bad = check(list);

    if (bad)
        return bad;
    while (element_next(&r, &e))
        run_element(m, &e, &w);
    return writer_done(&w);
}
