#include "vse/bus.h"

#include "base/mem.h"
#include "base/reader.h"
#include "base/writer.h"
#include "vse/power.h"

enum { ADDRESS_MAX = 0x7f };

static const uint8_t idle_byte = 0xff;

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

static err_t put_reply(struct buf *out, uint8_t status, size_t length, struct slice data)
{
    struct writer w = writer_of(out);

    writer_u8(&w, status);
    writer_u8(&w, 0);
    writer_be16(&w, (uint16_t)length);
    writer_bytes(&w, data);
    return writer_done(&w);
}

/* ---- the part's end of the wire ---- */

static void act(struct vse_bus *bus, unsigned acts)
{
    if (acts & VSE_FAULT_RESET)
        vse_chip_power_cycle(bus->chip);
}

/* A write is acknowledged always, unless a fault says otherwise: NXP's host does not survive a NACK. */
static bool write_part(struct vse_bus *bus, struct slice bytes)
{
    uint8_t seen[0xffff];
    unsigned acts = bus->faults ? vse_faults_write(bus->faults, bytes.n) : VSE_FAULT_NONE;
    size_t n = bytes.n;
    bool cut;

    act(bus, acts);
    if (acts & VSE_FAULT_NACK)
        return false;
    (void)vse_power_bus(bytes.n, &cut);
    if (cut) /* what was not all here was not a block */
        vse_power_off();
    if (!bus->faults || n == 0) {
        vse_chip_write(bus->chip, bytes);
        return true;
    }
    memcpy(seen, bytes.p, n);
    n = vse_faults_bytes(bus->faults, seen, n);
    vse_chip_write(bus->chip, slice_of(seen, n));
    mem_wipe(seen, bytes.n);
    return true;
}

/* The part is not told that the master missed something: what follows moves up. */
static void read_faulty(struct vse_bus *bus, uint8_t *data, size_t n)
{
    size_t left = vse_faults_bytes(bus->faults, data, n);

    if (left < n && !vse_chip_read(bus->chip, data + left, n - left))
        memset(data + left, idle_byte, n - left);
}

/* *ret_passed: as many of the n bytes as the power lasts for. */
static bool read_part(struct vse_bus *bus, uint8_t *data, size_t n, size_t *ret_passed, bool *ret_cut)
{
    bool start;
    unsigned acts;

    if (!vse_chip_ready(bus->chip, &start)) {
        if (bus->faults)
            vse_faults_poll(bus->faults);
        return false;
    }
    acts = bus->faults ? vse_faults_read(bus->faults, n, start) : VSE_FAULT_NONE;
    act(bus, acts);
    if (acts & VSE_FAULT_NACK)
        return false;
    *ret_passed = vse_power_bus(n, ret_cut); /* before the part counts the transaction */
    if (!vse_chip_read(bus->chip, data, n))
        memset(data, idle_byte, n); /* it has something: it said so */
    if (bus->faults)
        read_faulty(bus, data, n);
    return true;
}

/* ---- transactions ---- */

static err_t transact_write(struct vse_bus *bus, const struct vse_bus_request *q, struct buf *out,
                            bool *ret_acked)
{
    *ret_acked = q->address == SE_I2C_ADDRESS && write_part(bus, q->data);
    return put_reply(out, *ret_acked ? SE_BUS_STATUS_DONE : SE_BUS_STATUS_ADDRESS_NACK, 0,
                     (struct slice){ 0 });
}

static err_t transact_read(struct vse_bus *bus, const struct vse_bus_request *q, struct buf *out,
                           bool *ret_acked, bool *ret_cut)
{
    uint8_t data[0xffff];
    size_t n = 0;
    err_t e;

    *ret_acked = q->address == SE_I2C_ADDRESS && read_part(bus, data, q->length, &n, ret_cut);
    e = put_reply(out, *ret_acked ? SE_BUS_STATUS_DONE : SE_BUS_STATUS_ADDRESS_NACK,
                  *ret_acked ? q->length : 0, slice_of(data, n));
    mem_wipe(data, n);
    return e;
}

err_t vse_bus_transact(struct vse_bus *bus, const struct vse_bus_request *q, struct buf *out,
                       struct vse_bus_done *ret)
{
    bool acked, cut = false;
    err_t e = q->op == SE_BUS_OP_WRITE ? transact_write(bus, q, out, &acked)
                                       : transact_read(bus, q, out, &acked, &cut);

    if (e)
        return e;
    *ret = (struct vse_bus_done){ .hold = acked && q->repeated_start,
                                  .power_cut = cut,
                                  .wire_us = vse_chip_wire_us(bus->chip, acked ? q->length : 0) };
    return ERR_OK;
}
