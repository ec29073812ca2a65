/* src/vse/bus.h - the virtual I2C bus as bytes on a socket: transactions in, replies out.
 *
 * Pure apart from the chip it is given. Spec: architecture, "The command surface".
 */
#pragma once
#include "base/buf.h"
#include "vse/chip.h"
#include "vse/faults.h"

enum {
    VSE_BUS_REQUEST_MAX = SE_BUS_REQUEST_HEADER + 0xffff,
    VSE_BUS_REPLY_MAX = SE_BUS_REPLY_HEADER + 0xffff,
};

struct vse_bus_request {
    uint8_t op;          /* SE_BUS_OP_* */
    uint8_t address;     /* 7 bit */
    bool repeated_start; /* no STOP: this master keeps the bus */
    uint16_t length;     /* bytes to read or written */
    struct slice data;   /* of a write; points into the input */
};

/* Take the next request from the front of `in`, which is advanced on ERR_OK.
 * ERR_MORE: not complete. ERR_PROTO: not this protocol, drop the peer. */
err_t vse_bus_request_next(struct slice *in, struct vse_bus_request *ret);

/* What the masters' requests run on. */
struct vse_bus {
    struct vse_chip *chip;
    struct vse_faults *faults; /* or NULL: a bus without faults */
};

struct vse_bus_done {
    bool hold;        /* the bus stays with this master; a NACK ends in a STOP whatever was asked */
    bool power_cut;   /* the last thing that happened: the reply goes out as far as it is, then it is dark */
    uint64_t wire_us; /* the transaction took that long on the wire */
};

/* Do the transaction and append the reply. ERR_NOMEM, ERR_TOO_BIG. A write in which the power is cut does not
 * return. */
err_t vse_bus_transact(struct vse_bus *bus, const struct vse_bus_request *q, struct buf *out,
                       struct vse_bus_done *ret);
