/* tests/unit/se/exchange.h - a part that expects these commands, byte for byte, and gives these answers.
 *
 * For test programs; include "../cm.h" first. In a test: BEGIN(X(command, answer), ...); calls on `chip`;
 * FINISH(), which also sees that every command came. The bytes are written out by hand from the reference.
 */
#pragma once
#include "base/mem.h"
#include "fake_part.h"

struct exchange {
    struct slice command, answer;
};

static const struct exchange *script;
static size_t script_n, script_at;

static void play(struct slice apdu, struct buf *answer)
{
    print_message("    command %zu: %zu bytes\n", script_at, apdu.n);
    assert_true(script_at < script_n);
    assert_int_equal(apdu.n, script[script_at].command.n);
    assert_memory_equal(apdu.p, script[script_at].command.p, apdu.n);
    (void)buf_add(answer, script[script_at].answer);
    script_at++;
}

static struct se_chip *chip_with(const struct exchange *steps, size_t n)
{
    struct se_chip *chip = NULL;

    script = steps;
    script_n = n;
    script_at = 0;
    assert_int_equal(fake_part_open(play, &chip), ERR_OK);
    return chip;
}

#define X(c, a)                    \
    {                              \
        SLICE_LIT(c), SLICE_LIT(a) \
    }
#define BEGIN(...)                                          \
    static const struct exchange steps[] = { __VA_ARGS__ }; \
    struct se_chip *chip = chip_with(steps, ARRAY_LEN(steps))
#define FINISH()                           \
    assert_int_equal(script_at, script_n); \
    se_chip_close(chip)
