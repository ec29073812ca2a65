#include "se/counter.h"

#include "base/reader.h"
#include "se/detail.h"
#include "se/object.h"
#include "se/write_start.h"

static err_t must_be_new(struct se_chip *chip, uint32_t id)
{
    bool there = false;
    err_t e = se_object_exists(chip, id, &there);

    return !e && there ? se_fail(ERR_EXISTS, "object %08x: exists; erase it first", id) : e;
}

/* Does `value` go into `size` bytes, and is that a size of a counter? */
static err_t check(uint32_t id, size_t size, uint64_t value)
{
    if (size == 0 || size > SE_COUNTER_MAX || (size < SE_COUNTER_MAX && value >> (8 * size)))
        return se_fail(ERR_INVALID, "object %08x: a counter has 1 to %d bytes, and the value has to fit", id,
                       SE_COUNTER_MAX);
    return ERR_OK;
}

static void put_value(struct se_command *c, size_t size, uint64_t value)
{
    uint8_t bytes[SE_COUNTER_MAX];

    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
    tlv_put(&c->w, SE_TAG_3, slice_of(bytes, size));
}

err_t se_counter_create(struct se_chip *chip, uint32_t id, size_t size, uint64_t first,
                        const struct se_write *how)
{
    char what[SE_WHAT_MAX];
    auto_hold *held = NULL;
    auto_command c = { 0 };
    err_t e = check(id, size, first);

    if (!e)
        e = se_hold(chip, &held);
    if (!e)
        e = must_be_new(chip, id);
    if (e)
        return e;
    se_write_start(&c, SE_P1_COUNTER, SE_P2_DEFAULT, id, how, true);
    tlv_put_be16(&c.w, SE_TAG_2, (uint16_t)size);
    if (first)
        put_value(&c, size, first);
    se_write_finish(&c, how);
    return se_command_status(chip, &c, se_what(what, id, "making the counter"));
}

err_t se_counter_set(struct se_chip *chip, uint32_t id, size_t size, uint64_t value)
{
    char what[SE_WHAT_MAX];
    auto_command c = { 0 };
    err_t e = check(id, size, value);

    if (e)
        return e;
    se_write_start(&c, SE_P1_COUNTER, SE_P2_DEFAULT, id, NULL, false);
    put_value(&c, size, value);
    return se_call_status(chip, &c, se_what(what, id, "raising the counter"));
}

err_t se_counter_increment(struct se_chip *chip, uint32_t id)
{
    char what[SE_WHAT_MAX];
    auto_command c = { 0 };

    se_write_start(&c, SE_P1_COUNTER, SE_P2_DEFAULT, id, NULL, false);
    return se_call_status(chip, &c, se_what(what, id, "counting"));
}

static void begin_read(struct se_command *c, uint32_t id)
{
    se_command_init(c, SE_INS_READ, SE_P1_DEFAULT, SE_P2_DEFAULT, SE_COMMAND_EXT_ANSWER);
    tlv_put_be32(&c->w, SE_TAG_1, id);
}

err_t se_counter_get(struct se_chip *chip, uint32_t id, uint64_t *ret)
{
    autobuf value = BUF_INIT(SE_COUNTER_MAX);
    char what[SE_WHAT_MAX];
    auto_command c = { 0 };
    uint64_t n = 0;
    err_t e;

    begin_read(&c, id);
    e = se_call_bytes(chip, &c, se_what(what, id, "reading the counter"), 1, SE_COUNTER_MAX, &value);
    if (e)
        return e;
    for (size_t i = 0; i < value.n; i++)
        n = n << 8 | value.p[i];
    *ret = n;
    return ERR_OK;
}

/* ---- PCRs ---- */

static err_t write_pcr(struct se_chip *chip, uint32_t id, uint8_t tag, struct slice value, bool fresh,
                       const struct se_write *how)
{
    char what[SE_WHAT_MAX];
    auto_command c = { 0 };

    se_write_start(&c, SE_P1_PCR, SE_P2_DEFAULT, id, how, fresh);
    se_put_bytes(&c, tag, value);
    se_write_finish(&c, how);
    return se_call_status(chip, &c, se_what(what, id, "writing the PCR"));
}

err_t se_pcr_create(struct se_chip *chip, uint32_t id, const uint8_t initial[SE_PCR_LEN],
                    const struct se_write *how)
{
    auto_hold *held = NULL;
    err_t e = se_hold(chip, &held);

    if (!e)
        e = must_be_new(chip, id);
    return e ? e : write_pcr(chip, id, SE_TAG_2, slice_of(initial, SE_PCR_LEN), true, how);
}

err_t se_pcr_extend(struct se_chip *chip, uint32_t id, struct slice data)
{
    if (data.n == 0) /* without data the command would reset it */
        return se_fail(ERR_INVALID, "object %08x: nothing to extend the PCR with", id);
    return write_pcr(chip, id, SE_TAG_3, data, false, NULL);
}

err_t se_pcr_reset(struct se_chip *chip, uint32_t id)
{
    return write_pcr(chip, id, SE_TAG_3, (struct slice){ 0 }, false, NULL);
}

err_t se_pcr_get(struct se_chip *chip, uint32_t id, uint8_t ret[SE_PCR_LEN])
{
    char what[SE_WHAT_MAX];
    auto_command c = { 0 };

    begin_read(&c, id);
    return se_call_fixed(chip, &c, se_what(what, id, "reading the PCR"), ret, SE_PCR_LEN);
}
