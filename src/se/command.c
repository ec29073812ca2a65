#include "se/command.h"

#include "se/detail.h"

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

err_t se_command_malformed(const char *what)
{
    return se_fail(ERR_PROTO, "%s: the chip's answer is malformed", what);
}
