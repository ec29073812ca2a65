#include "se/slow.h"

#include "base/mem.h"
#include "se/detail.h"

#include <stdio.h>

enum { WHAT_MAX = 96 };

struct se_slow {
    struct se_chip *chip; /* NULL once it is over */
    size_t answer_n;
    char what[WHAT_MAX];
};

static err_t send(struct se_chip *chip, const struct se_command *c, const char *what)
{
    autobuf apdu = BUF_SECRET(SE_APDU_MAX);
    err_t e = se_command_encode(c, &apdu);

    if (e)
        return se_fail(e, "%s: the command is too long for the chip", what);
    e = se_chip_send(chip, buf_slice(&apdu));
    return e ? se_fail_at(e, "%s: ", what) : ERR_OK;
}

err_t se_slow_start(struct se_chip *chip, const struct se_command *c, const char *what, size_t answer_n,
                    struct se_slow **ret)
{
    struct se_slow *op = mem_calloc(1, sizeof(*op));
    err_t e = op ? se_chip_begin(chip) : se_fail(ERR_NOMEM, "out of memory");

    if (!e) {
        e = send(chip, c, what);
        if (e)
            se_chip_end(chip);
    }
    if (e) {
        free(op);
        return e;
    }
    op->chip = chip;
    op->answer_n = answer_n;
    (void)snprintf(op->what, sizeof(op->what), "%s", what);
    *ret = op;
    return ERR_OK;
}

static err_t take(const struct se_slow *op, struct slice answer, struct buf *out)
{
    struct slice value;

    if (op->answer_n == 0)
        return answer.n ? se_command_malformed(op->what) : ERR_OK;
    if (se_answer_only(answer, SE_TAG_1, &value) || value.n != op->answer_n)
        return se_command_malformed(op->what);
    return buf_add(out, value);
}

err_t se_slow_finish(struct se_slow *op, int64_t deadline_ms, struct buf *out)
{
    struct slice answer;
    err_t e;

    if (!op->chip)
        return se_fail(ERR_WRONG_STATE, "%s: it is over", op->what);
    e = se_chip_receive(op->chip, deadline_ms, &answer);
    if (e == ERR_MORE)
        return e;
    e = e ? se_fail_at(e, "%s: ", op->what) : take(op, answer, out);
    se_chip_end(op->chip);
    op->chip = NULL;
    return e;
}

void se_slow_free(struct se_slow *op)
{
    if (!op)
        return;
    if (op->chip) {
        se_chip_cancel(op->chip);
        se_chip_end(op->chip);
    }
    free(op);
}

void se_slow_free_ptr(struct se_slow **op)
{
    se_slow_free(*op);
}
