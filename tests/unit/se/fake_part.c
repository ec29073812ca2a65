#include "fake_part.h"

#include "base/mem.h"

#include <stdio.h>

/* SEGT 0 and MPOT 1 ms: tests need not wait */
#define ATR                                                                                                \
    "\x00\xa0\x00\x00\x03\x96\x04\x03\xe8\x00\xfe\x02\x0b\x03\xe8\x08\x01\x00\x00\x00\x00\x00\x00\x00\x0a" \
    "\x4a\x43\x4f\x50\x34\x20\x41\x54\x50\x4f"

struct fake_part fake_part;
uint8_t fake_part_generation = 3;

static struct {
    struct se_bus bus;
    uint8_t command[2048], answer[4096], wire[300];
    size_t command_n, answer_n, answer_at, wire_n, wire_at;
    uint8_t ns, nr;
} part;

static uint16_t crc(const uint8_t *p, size_t n)
{
    uint16_t c = 0xffff;

    for (size_t i = 0; i < n; i++) {
        c ^= p[i];
        for (int k = 0; k < 8; k++)
            c = c & 1 ? (uint16_t)(c >> 1 ^ 0x8408) : (uint16_t)(c >> 1);
    }
    return c ^ 0xffff;
}

static void say(uint8_t pcb, const void *inf, size_t n)
{
    uint16_t c;

    part.wire[0] = 0xa5;
    part.wire[1] = pcb;
    part.wire[2] = (uint8_t)n;
    memcpy(part.wire + 3, inf, n);
    c = crc(part.wire, 3 + n);
    part.wire[3 + n] = (uint8_t)c;
    part.wire[4 + n] = (uint8_t)(c >> 8);
    part.wire_n = n + 5;
    part.wire_at = 0;
}

static void say_next(void)
{
    size_t n = part.answer_n - part.answer_at;
    bool more = n > 254;

    n = more ? 254 : n;
    say((uint8_t)((part.ns ? 0x40 : 0) | (more ? 0x20 : 0)), part.answer + part.answer_at, n);
    part.answer_at += n;
    part.ns ^= 1;
}

static void run_command(void)
{
    const uint8_t version[] = {
        fake_part_generation, fake_part_generation == 3 ? 1 : 2, 0, 0x3f, 0xff, 0x01, 0x0b, 0x90, 0x00
    };
    autobuf out = BUF_INIT(sizeof(part.answer));

    if (part.command_n > 1 && part.command[0] == 0x00 && part.command[1] == 0xa4) {
        fake_part.selects++;
        (void)buf_add(&out, SLICE_ARRAY(version));
    } else {
        fake_part.handler(slice_of(part.command, part.command_n), &out);
    }
    if (out.n)
        memcpy(part.answer, out.p, out.n);
    part.answer_n = out.n;
    part.answer_at = 0;
    part.command_n = 0;
    say_next();
}

static void hear_s(uint8_t code)
{
    part.command_n = 0;
    fake_part.resyncs += code == 0;
    fake_part.ends += code == 5;
    if (code != 7)
        part.ns = part.nr = 0;
    if (code == 7 || code == 15)
        say((uint8_t)(0xe0 | code), ATR, sizeof(ATR) - 1);
    else
        say((uint8_t)(0xe0 | code), "", 0);
}

static err_t part_write(struct se_bus *bus, struct slice b)
{
    if (fake_part.gone)
        return ERR_UNAVAILABLE;
    if (b.n < 5 || b.p[0] != 0x5a || b.n != b.p[2] + 5u ||
        crc(b.p, b.n - 2) != (b.p[b.n - 2] | b.p[b.n - 1] << 8))
        abort();
    if ((b.p[1] & 0xc0) == 0xc0) {
        hear_s(b.p[1] & 0x1f);
    } else if ((b.p[1] & 0x80) == 0x80) {
        say_next();
    } else {
        if ((b.p[1] & 0x40 ? 1 : 0) != part.nr)
            abort();
        part.nr ^= 1;
        memcpy(part.command + part.command_n, b.p + 3, b.p[2]);
        part.command_n += b.p[2];
        if (b.p[1] & 0x20)
            say(part.nr ? 0x90 : 0x80, "", 0);
        else
            run_command();
    }
    return ERR_OK;
}

static err_t part_read(struct se_bus *bus, uint8_t *out, size_t n)
{
    if (fake_part.gone)
        return ERR_UNAVAILABLE;
    if (part.wire_at >= part.wire_n)
        return ERR_MORE;
    for (size_t i = 0; i < n; i++, part.wire_at++)
        out[i] = part.wire_at < part.wire_n ? part.wire[part.wire_at] : 0xff;
    return ERR_OK;
}

static err_t part_lock(struct se_bus *bus, enum se_bus_lock which)
{
    fake_part.locks += which == SE_LOCK_BUS;
    return ERR_OK;
}

static void part_unlock(struct se_bus *bus, enum se_bus_lock which)
{
    fake_part.unlocks += which == SE_LOCK_BUS;
}

static bool part_is_marked(struct se_bus *bus, const struct se_bus_mark *mark)
{
    return mark->changed.tv_sec != 0 && !fake_part.touched;
}

static void part_mark(struct se_bus *bus, struct se_bus_mark *ret_mark)
{
    ret_mark->changed.tv_sec = 1;
    fake_part.touched = false;
}

static void part_close(struct se_bus *bus)
{
    fake_part.closed++;
}

static const struct se_bus_ops ops = {
    .write = part_write,
    .read = part_read,
    .try_lock = part_lock,
    .unlock = part_unlock,
    .is_marked = part_is_marked,
    .mark = part_mark,
    .close = part_close,
};

static err_t open_part(const struct se_port *port, struct se_bus **ret)
{
    if (fake_part.gone)
        return ERR_UNAVAILABLE;
    memset(&part, 0, sizeof(part));
    part.bus.ops = &ops;
    (void)snprintf(part.bus.name, sizeof(part.bus.name), "fake");
    fake_part.opened++;
    *ret = &part.bus;
    return ERR_OK;
}

err_t fake_part_open(fake_apdu_fn *handler, struct se_chip **ret)
{
    static const struct se_port port = { .kind = SE_PORT_VSE, .path = "/fake", .address = 0x48 };

    fake_part = (struct fake_part){ .handler = handler };
    return se_chip_open_with(&port, open_part, ret);
}
