#include "script_bus.h"

#include "../cm.h"
#include "base/mem.h"

#include <stdio.h>

static const struct script_step *now(struct script_bus *b)
{
    static const struct script_step end = { '.', { 0 }, 0 };

    return b->at < b->n ? &b->steps[b->at] : &end;
}

static bool nacked(struct script_bus *b, char kind)
{
    if (now(b)->kind != kind)
        return false;
    if (b->nacks++ < now(b)->count)
        return true;
    b->nacks = 0;
    b->at++;
    return false;
}

static err_t script_write(struct se_bus *bus, struct slice bytes)
{
    struct script_bus *b = CONTAINER_OF(bus, struct script_bus, bus);

    b->writes++;
    if (now(b)->kind == 'r') { /* a new write discards an unread answer (reference 1.6) */
        b->at++;
        b->taken = 0;
    }
    if (nacked(b, 'x'))
        return ERR_MORE;
    if (now(b)->kind == 'd')
        return ERR_UNAVAILABLE;
    print_message("    step %zu, host writes %zu bytes, first %02x %02x\n", b->at, bytes.n, bytes.p[0],
                  bytes.p[1]);
    assert_int_equal(now(b)->kind, 'w');
    assert_int_equal(bytes.n, now(b)->bytes.n);
    assert_memory_equal(bytes.p, now(b)->bytes.p, bytes.n);
    b->at++;
    return ERR_OK;
}

static err_t script_read(struct se_bus *bus, uint8_t *out, size_t n)
{
    struct script_bus *b = CONTAINER_OF(bus, struct script_bus, bus);
    struct slice rest;

    b->reads++;
    if (nacked(b, 'n'))
        return ERR_MORE;
    if (now(b)->kind == 'd')
        return ERR_UNAVAILABLE;
    if (now(b)->kind != 'r')
        return ERR_MORE;
    rest = slice_skip(now(b)->bytes, b->taken);
    memset(out, 0xff, n);
    memcpy(out, rest.p, rest.n < n ? rest.n : n);
    b->taken += n;
    if (b->taken >= now(b)->bytes.n) {
        b->at++;
        b->taken = 0;
    }
    return ERR_OK;
}

static err_t script_lock(struct se_bus *bus, enum se_bus_lock which)
{
    return ERR_OK;
}

static void script_unlock(struct se_bus *bus, enum se_bus_lock which)
{
}

static bool script_is_marked(struct se_bus *bus, const struct se_bus_mark *mark)
{
    return false;
}

static void script_mark(struct se_bus *bus, struct se_bus_mark *ret_mark)
{
}

static void script_close(struct se_bus *bus)
{
}

static const struct se_bus_ops ops = {
    .write = script_write,
    .read = script_read,
    .try_lock = script_lock,
    .unlock = script_unlock,
    .is_marked = script_is_marked,
    .mark = script_mark,
    .close = script_close,
};

void script_bus_init(struct script_bus *b, const struct script_step *steps, size_t n)
{
    *b = (struct script_bus){ .steps = steps, .n = n };
    b->bus.ops = &ops;
    (void)snprintf(b->bus.name, sizeof(b->bus.name), "script");
}
