/* What i2c-dev's ioctls do, on the virtual bus (Linux Documentation/i2c/dev-interface.rst). */
#include "vse/preload/bus.h"

#include <errno.h>
#include <linux/i2c-dev.h>
#include <linux/i2c.h>
#include <string.h>

enum { ADDRESS_MAX = 0x7f, SMBUS_MAX = I2C_SMBUS_BLOCK_MAX + 2 };

static const unsigned long functions = I2C_FUNC_I2C | I2C_FUNC_SMBUS_QUICK | I2C_FUNC_SMBUS_BYTE |
                                       I2C_FUNC_SMBUS_BYTE_DATA | I2C_FUNC_SMBUS_WORD_DATA |
                                       I2C_FUNC_SMBUS_PROC_CALL | I2C_FUNC_SMBUS_WRITE_BLOCK_DATA |
                                       I2C_FUNC_SMBUS_I2C_BLOCK;

static int fail(int e)
{
    errno = e;
    return -1;
}

/* ---- I2C_RDWR ---- */

static int rdwr(struct preload_bus *bus, int fd, const struct i2c_rdwr_ioctl_data *d)
{
    if (!d || d->nmsgs > I2C_RDWR_IOCTL_MAX_MSGS)
        return fail(EINVAL);
    for (unsigned i = 0; i < d->nmsgs; i++)
        if (d->msgs[i].flags & ~I2C_M_RD)
            return fail(EOPNOTSUPP);
    for (unsigned i = 0; i < d->nmsgs; i++) {
        const struct i2c_msg *m = &d->msgs[i];
        uint8_t op = m->flags & I2C_M_RD ? SE_BUS_OP_READ : SE_BUS_OP_WRITE;
        bool more = i + 1 < d->nmsgs;
        if (preload_transact(bus, fd, op, m->addr, more, m->buf, m->len))
            return -1;
    }
    return (int)d->nmsgs;
}

/* ---- I2C_SMBUS by plain transactions, as the kernel emulates it ---- */

struct smbus {
    uint8_t out[SMBUS_MAX];
    size_t out_n;
    uint8_t in[SMBUS_MAX];
    size_t in_n;
    bool has_out, has_in;
};

/* How each transfer looks on the wire: does a write or a read begin with the command byte, and how many
 * bytes of data follow it or come back. Blocks say their own length. */
static const struct smbus_form {
    uint32_t size;      /* I2C_SMBUS_* */
    bool writes, reads; /* the command byte goes out first */
    bool answers;       /* even when written, something is read: process call */
    size_t n;
} smbus_forms[] = {
    { I2C_SMBUS_QUICK, false, false, false, 0 },        { I2C_SMBUS_BYTE, true, false, false, 0 },
    { I2C_SMBUS_BYTE_DATA, true, true, false, 1 },      { I2C_SMBUS_WORD_DATA, true, true, false, 2 },
    { I2C_SMBUS_PROC_CALL, true, true, true, 2 },       { I2C_SMBUS_BLOCK_DATA, true, true, false, 0 },
    { I2C_SMBUS_I2C_BLOCK_DATA, true, true, false, 0 },
};

static const struct smbus_form *smbus_form(uint32_t size)
{
    for (size_t i = 0; i < sizeof(smbus_forms) / sizeof(smbus_forms[0]); i++)
        if (smbus_forms[i].size == size)
            return &smbus_forms[i];
    return NULL;
}

/* The bytes of a write: data of one or two bytes little endian, a block with or without its length. */
static void smbus_data(const struct i2c_smbus_ioctl_data *d, const struct smbus_form *form, struct smbus *s)
{
    if (!d->data)
        return; /* quick commands and lone bytes carry none */
    if (form->n >= 1)
        s->out[s->out_n++] = form->n == 1 ? d->data->byte : (uint8_t)d->data->word;
    if (form->n == 2)
        s->out[s->out_n++] = (uint8_t)(d->data->word >> 8);
    if (d->size == I2C_SMBUS_BLOCK_DATA)
        s->out[s->out_n++] = d->data->block[0];
    if (d->size == I2C_SMBUS_BLOCK_DATA || d->size == I2C_SMBUS_I2C_BLOCK_DATA) {
        memcpy(s->out + s->out_n, d->data->block + 1, d->data->block[0]);
        s->out_n += d->data->block[0];
    }
}

static bool is_block(const struct i2c_smbus_ioctl_data *d)
{
    return d->size == I2C_SMBUS_BLOCK_DATA || d->size == I2C_SMBUS_I2C_BLOCK_DATA;
}

/* Which bytes go each way. False: not offered, or a block of a wrong size. */
static bool smbus_plan(const struct i2c_smbus_ioctl_data *d, struct smbus *s)
{
    const struct smbus_form *form = smbus_form(d->size);
    bool reads = d->read_write == I2C_SMBUS_READ;

    if (!form || (is_block(d) && d->data->block[0] > I2C_SMBUS_BLOCK_MAX))
        return false;
    if (d->size == I2C_SMBUS_BLOCK_DATA && reads)
        return false; /* the length of the answer is only known while it is read */
    if (reads ? form->reads : form->writes)
        s->out[s->out_n++] = d->command;
    if (!reads || form->answers)
        smbus_data(d, form, s);
    s->has_in = reads || form->answers;
    s->has_out = !reads || form->reads;
    if (s->has_in)
        s->in_n = d->size == I2C_SMBUS_BYTE             ? 1
                  : d->size == I2C_SMBUS_I2C_BLOCK_DATA ? d->data->block[0]
                                                        : form->n;
    return true;
}

static void smbus_result(const struct i2c_smbus_ioctl_data *d, const struct smbus *s)
{
    if (!s->has_in || !d->data)
        return;
    if (d->size == I2C_SMBUS_BYTE || d->size == I2C_SMBUS_BYTE_DATA)
        d->data->byte = s->in[0];
    else if (d->size == I2C_SMBUS_WORD_DATA || d->size == I2C_SMBUS_PROC_CALL)
        d->data->word = (uint16_t)(s->in[0] | s->in[1] << 8);
    else if (d->size == I2C_SMBUS_I2C_BLOCK_DATA)
        memcpy(d->data->block + 1, s->in, s->in_n);
}

/* Old callers' name for a block, which libi2c still uses to write: a read asks for all there can be. */
static void smbus_modernise(struct i2c_smbus_ioctl_data *d)
{
    if (d->size != I2C_SMBUS_I2C_BLOCK_BROKEN || !d->data)
        return;
    d->size = I2C_SMBUS_I2C_BLOCK_DATA;
    if (d->read_write == I2C_SMBUS_READ)
        d->data->block[0] = I2C_SMBUS_BLOCK_MAX;
}

static int smbus(struct preload_bus *bus, int fd, const struct i2c_smbus_ioctl_data *request)
{
    struct i2c_smbus_ioctl_data d;
    struct smbus s = { 0 };
    bool dataless;

    if (!request)
        return fail(EINVAL);
    d = *request;
    smbus_modernise(&d);
    dataless = d.size == I2C_SMBUS_QUICK || (d.size == I2C_SMBUS_BYTE && d.read_write == I2C_SMBUS_WRITE);
    if (!d.data && !dataless)
        return fail(EINVAL);
    if (!smbus_plan(&d, &s))
        return fail(EOPNOTSUPP);
    if (s.has_out &&
        preload_transact(bus, fd, SE_BUS_OP_WRITE, preload_address(bus), s.has_in, s.out, s.out_n))
        return -1;
    if (s.has_in && preload_transact(bus, fd, SE_BUS_OP_READ, preload_address(bus), false, s.in, s.in_n))
        return -1;
    smbus_result(&d, &s);
    return 0;
}

/* ---- the rest ---- */

static int set_slave(struct preload_bus *bus, uintptr_t address)
{
    if (address > ADDRESS_MAX)
        return fail(EINVAL);
    preload_set_address(bus, (uint16_t)address);
    return 0;
}

static int funcs(unsigned long *ret)
{
    if (!ret)
        return fail(EFAULT);
    *ret = functions;
    return 0;
}

static int dispatch(struct preload_bus *bus, int fd, unsigned long request, void *arg)
{
    switch (request) {
    case I2C_SLAVE:
    case I2C_SLAVE_FORCE:
        return set_slave(bus, (uintptr_t)arg);
    case I2C_FUNCS:
        return funcs(arg);
    case I2C_RDWR:
        return rdwr(bus, fd, arg);
    case I2C_SMBUS:
        return smbus(bus, fd, arg);
    case I2C_TENBIT:
        return arg ? fail(EINVAL) : 0; /* the adapter has no ten-bit addresses */
    case I2C_PEC:
    case I2C_RETRIES:
    case I2C_TIMEOUT:
        return 0;
    default:
        return fail(ENOTTY);
    }
}

int preload_ioctl(struct preload_bus *bus, int fd, unsigned long request, void *arg)
{
    int r;

    preload_lock(bus);
    r = dispatch(bus, fd, request, arg);
    preload_unlock(bus);
    return r;
}
