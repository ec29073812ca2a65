#include "se/command.h"

#include "se/detail.h"

#include <stdio.h>

enum { FIRST_7X = 6 }; /* 6.x and 7.x are one generation */

const char *se_what(char out[SE_WHAT_MAX], uint32_t id, const char *doing)
{
    (void)snprintf(out, SE_WHAT_MAX, "object %08x: %s", id, doing);
    return out;
}

bool se_is_7x(const struct se_chip *chip)
{
    return se_chip_version(chip).major >= FIRST_7X;
}

size_t se_data_max(const struct se_chip *chip)
{
    return se_is_7x(chip) ? SE_APDU_DATA_MAX_7X : SE_APDU_DATA_MAX_3X;
}

err_t se_need_7x(const struct se_chip *chip, const char *what)
{
    if (se_is_7x(chip))
        return ERR_OK;
    return se_fail(ERR_UNSUPPORTED, "%s: applets of 3.x cannot", what);
}

err_t se_hold(struct se_chip *chip, struct se_chip **ret_held)
{
    err_t e = se_chip_begin(chip);

    if (!e)
        *ret_held = chip;
    return e;
}

void se_release(struct se_chip **held)
{
    if (*held)
        se_chip_end(*held);
    *held = NULL;
}

err_t se_command_run(struct se_chip *chip, const struct se_command *c, const char *what,
                     struct slice *ret_answer)
{
    autobuf apdu = BUF_SECRET(SE_APDU_MAX);
    struct slice answer;
    err_t e = se_command_encode(c, &apdu);

    if (!e && c->data.n > se_data_max(chip))
        e = ERR_TOO_BIG;
    if (e)
        return se_fail(e, "%s: the command is too long for the chip", what);
    e = se_chip_command(chip, buf_slice(&apdu), &answer);
    if (e)
        return se_fail_at(e, "%s: ", what);
    *ret_answer = answer;
    return ERR_OK;
}

err_t se_command_status(struct se_chip *chip, const struct se_command *c, const char *what)
{
    struct slice answer = { 0 };
    err_t e = se_command_run(chip, c, what, &answer);

    if (e)
        return e;
    return answer.n ? se_command_malformed(what) : ERR_OK;
}

void se_put_bytes(struct se_command *c, uint8_t tag, struct slice value)
{
    if (value.n)
        tlv_put(&c->w, tag, value);
}

void se_put_u8(struct se_command *c, uint8_t tag, uint8_t value)
{
    if (value)
        tlv_put_u8(&c->w, tag, value);
}

void se_put_be16(struct se_command *c, uint8_t tag, uint16_t value)
{
    if (value)
        tlv_put_be16(&c->w, tag, value);
}

void se_put_id(struct se_command *c, uint8_t tag, uint32_t id)
{
    if (id != SE_ID_NONE)
        tlv_put_be32(&c->w, tag, id);
}

err_t se_call_status(struct se_chip *chip, const struct se_command *c, const char *what)
{
    auto_hold *held = NULL;
    err_t e = se_hold(chip, &held);

    return e ? e : se_command_status(chip, c, what);
}

static err_t run_for_bytes(struct se_chip *chip, const struct se_command *c, const char *what, size_t min,
                           size_t max, bool optional, struct buf *out)
{
    auto_hold *held = NULL;
    struct slice answer = { 0 }, value = { 0 };
    err_t e = se_hold(chip, &held);

    if (!e)
        e = se_command_run(chip, c, what, &answer);
    if (e || (optional && answer.n == 0))
        return e;
    if (se_answer_only(answer, SE_TAG_1, &value) || value.n < min || value.n > max)
        return se_command_malformed(what);
    e = buf_add(out, value);
    return e ? se_fail(e, "%s: %zu bytes are more than there is room for", what, value.n) : ERR_OK;
}

err_t se_call_bytes(struct se_chip *chip, const struct se_command *c, const char *what, size_t min,
                    size_t max, struct buf *out)
{
    return run_for_bytes(chip, c, what, min, max, false, out);
}

err_t se_call_optional(struct se_chip *chip, const struct se_command *c, const char *what, size_t max,
                       struct buf *out)
{
    return run_for_bytes(chip, c, what, 0, max, true, out);
}

err_t se_call_fixed(struct se_chip *chip, const struct se_command *c, const char *what, uint8_t *ret,
                    size_t n)
{
    autobuf out = BUF_SECRET(n);
    err_t e = se_call_bytes(chip, c, what, n, n, &out);

    if (!e)
        memcpy(ret, out.p, n);
    return e;
}

err_t se_result(struct slice value, bool *ret)
{
    if (value.n != 1 || (value.p[0] != SE_RESULT_SUCCESS && value.p[0] != SE_RESULT_FAILURE))
        return ERR_PROTO;
    *ret = value.p[0] == SE_RESULT_SUCCESS;
    return ERR_OK;
}

err_t se_call_result(struct se_chip *chip, const struct se_command *c, const char *what, bool *ret)
{
    uint8_t value = 0;
    err_t e = se_call_fixed(chip, c, what, &value, 1);

    if (!e && se_result(slice_of(&value, 1), ret))
        e = se_command_malformed(what);
    return e;
}
