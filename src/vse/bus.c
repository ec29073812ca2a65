#include "vse/bus.h"

#include "base/mem.h"
#include "base/reader.h"
#include "base/writer.h"

enum { ADDRESS_MAX = 0x7f };

err_t vse_bus_request_next(struct slice *in, struct vse_bus_request *ret)
{
    struct reader r = reader_of(*in);
    struct vse_bus_request q = { 0 };
    uint8_t flags, zero;

    if (in->n < SE_BUS_REQUEST_HEADER)
        return ERR_MORE;
    q.op = reader_u8(&r);
    q.address = reader_u8(&r);
    flags = reader_u8(&r);
    zero = reader_u8(&r);
    q.length = reader_be16(&r);
    if ((q.op != SE_BUS_OP_WRITE && q.op != SE_BUS_OP_READ) || q.address > ADDRESS_MAX ||
        (flags & ~SE_BUS_FLAG_REPEATED_START) || zero)
        return ERR_PROTO;
    q.repeated_start = flags & SE_BUS_FLAG_REPEATED_START;
    if (q.op == SE_BUS_OP_WRITE)
        q.data = reader_bytes(&r, q.length);
    if (reader_ok(&r))
        return ERR_MORE;
    *in = r.rest;
    *ret = q;
    return ERR_OK;
}

static err_t put_reply(struct buf *out, uint8_t status, struct slice data)
{
    struct writer w = writer_of(out);

    writer_u8(&w, status);
    writer_u8(&w, 0);
    writer_be16(&w, (uint16_t)data.n);
    writer_bytes(&w, data);
    return writer_done(&w);
}

/* True: acknowledged; `data` has what was read. */
static bool on_the_wire(struct vse_chip *chip, const struct vse_bus_request *q, uint8_t *data)
{
    if (q->address != SE_I2C_ADDRESS)
        return false;
    if (q->op == SE_BUS_OP_READ)
        return vse_chip_read(chip, data, q->length);
    vse_chip_write(chip, q->data);
    return true; /* a write is never NACKed: NXP's host does not survive that */
}

err_t vse_bus_transact(struct vse_chip *chip, const struct vse_bus_request *q, struct buf *out,
                       bool *ret_hold)
{
    uint8_t data[0xffff];
    bool acked = on_the_wire(chip, q, data);
    size_t n = acked && q->op == SE_BUS_OP_READ ? q->length : 0;
    err_t e = put_reply(out, acked ? SE_BUS_STATUS_DONE : SE_BUS_STATUS_ADDRESS_NACK, slice_of(data, n));

    mem_wipe(data, n);
    if (!e)
        *ret_hold = acked && q->repeated_start;
    return e;
}
