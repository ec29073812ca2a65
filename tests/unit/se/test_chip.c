/* The handle: sequences, locking, recovery of the selected applet, fork, threads (docs/se.md). */
#include "../cm.h"
#include "base/mem.h"
#include "fake_part.h"
#include "se/detail.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static void answer_random(struct slice apdu, struct buf *answer)
{
    /* 80 04 00 49 00 00 04 41 02 00 04 00 00 */
    assert_true(slice_starts(apdu, SLICE_LIT("\x80\x04\x00\x49")));
    (void)buf_add(answer, SLICE_LIT("\x41\x04\x01\x02\x03\x04\x90\x00"));
}

static struct se_chip *open_chip(void)
{
    struct se_chip *chip = NULL;

    assert_int_equal(fake_part_open(answer_random, &chip), ERR_OK);
    return chip;
}

static void opening_selects_and_unlocks(void **state)
{
    struct se_chip *chip = open_chip();
    struct se_version v = se_chip_version(chip);

    assert_int_equal(v.major, 3);
    assert_int_equal(v.minor, 1);
    assert_int_equal(v.config, 0x3fff);
    assert_int_equal(v.secure_box, 0x010b);
    assert_int_equal(fake_part.selects, 1);
    assert_int_equal(fake_part.locks, fake_part.unlocks);
    se_chip_close(chip);
    assert_int_equal(fake_part.ends, 1);
    assert_int_equal(fake_part.locks, fake_part.unlocks);
    assert_int_equal(fake_part.closed, 1);
}

/* Nobody put his mark in between: nothing but the command goes over the bus. */
static void coming_back_costs_nothing(void **state)
{
    struct se_chip *chip = open_chip();
    uint8_t out[4];

    for (int i = 0; i < 3; i++)
        assert_int_equal(se_chip_random(chip, out, sizeof(out)), ERR_OK);
    assert_int_equal(fake_part.selects, 1);
    assert_int_equal(fake_part.resyncs, 1);
    assert_int_equal(fake_part.locks, 4);
    assert_int_equal(fake_part.unlocks, 4);
    se_chip_close(chip);
}

/* Somebody else used the chip: resync and SELECT, and no goodbye that would disturb him. */
static void after_somebody_else_everything_is_made_anew(void **state)
{
    struct se_chip *chip = open_chip();
    uint8_t out[4];

    for (int i = 0; i < 3; i++) {
        fake_part.touched = true;
        assert_int_equal(se_chip_random(chip, out, sizeof(out)), ERR_OK);
    }
    assert_int_equal(fake_part.selects, 4);
    assert_int_equal(fake_part.resyncs, 4);
    fake_part.touched = true;
    se_chip_close(chip);
    assert_int_equal(fake_part.ends, 0);
}

static void a_bracket_is_one_sequence(void **state)
{
    struct se_chip *chip = open_chip();
    uint8_t out[4];

    assert_int_equal(se_chip_begin(chip), ERR_OK);
    for (int i = 0; i < 3; i++)
        assert_int_equal(se_chip_random(chip, out, sizeof(out)), ERR_OK);
    assert_int_equal(fake_part.unlocks, 1); /* opening's */
    se_chip_end(chip);
    assert_int_equal(fake_part.unlocks, 2);
    se_chip_close(chip);
}

static void a_chip_that_comes_back_is_found(void **state)
{
    struct se_chip *chip = open_chip();
    uint8_t out[4] = { 9, 9, 9, 9 };

    fake_part.gone = true;
    assert_int_equal(se_chip_random(chip, out, sizeof(out)), ERR_UNAVAILABLE);
    assert_memory_equal(out, "\0\0\0\0", 4);
    assert_non_null(strstr(se_detail(), "sedge-chip serve"));
    fake_part.gone = false;
    assert_int_equal(se_chip_random(chip, out, sizeof(out)), ERR_OK);
    assert_int_equal(fake_part.opened, 2);
    assert_int_equal(fake_part.locks, fake_part.unlocks);
    se_chip_close(chip);
}

static void no_chip_at_opening(void **state)
{
    static const struct se_port port = { .kind = SE_PORT_I2C, .path = "/dev/i2c-7", .address = 0x49 };
    struct se_chip *chip = (struct se_chip *)1;

    assert_int_equal(se_chip_open_with(&port, se_bus_open, &chip), ERR_UNAVAILABLE);
    assert_ptr_equal(chip, 1);
    assert_non_null(strstr(se_detail(), "/dev/i2c-7"));
    assert_non_null(strstr(se_detail(), "0x49"));
    assert_non_null(strstr(se_detail(), "i2cdetect -y 7"));
    assert_non_null(strstr(se_detail(), "J14"));
    assert_non_null(strstr(se_detail(), "group i2c"));
}

/* A child may not disturb its parent's session, whatever the parent was doing at the fork. */
static void a_child_is_refused_and_harmless(void **state)
{
    struct se_chip *chip = open_chip();
    uint8_t out[4];
    int status = -1;
    pid_t child;

    assert_int_equal(se_chip_begin(chip), ERR_OK); /* mutex and bus held at the fork */
    child = fork();
    if (child == 0) {
        int unlocks = fake_part.unlocks, ends = fake_part.ends;
        err_t e = se_chip_random(chip, out, sizeof(out));

        se_chip_close(chip);
        _exit(e == ERR_WRONG_STATE && fake_part.unlocks == unlocks && fake_part.ends == ends &&
                      fake_part.closed == 1
                  ? 0
                  : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(se_chip_random(chip, out, sizeof(out)), ERR_OK);
    se_chip_end(chip);
    se_chip_close(chip);
}

static void *many_calls(void *arg)
{
    uint8_t out[4];

    for (int i = 0; i < 50; i++)
        if (se_chip_random(arg, out, sizeof(out)) || memcmp(out, "\1\2\3\4", 4) != 0)
            return arg;
    return NULL;
}

static void threads_take_turns(void **state)
{
    struct se_chip *chip = open_chip();
    pthread_t threads[4];
    void *bad;

    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, many_calls, chip), 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        assert_int_equal(pthread_join(threads[i], &bad), 0);
        assert_null(bad);
    }
    se_chip_close(chip);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opening_selects_and_unlocks),
        cmocka_unit_test(coming_back_costs_nothing),
        cmocka_unit_test(after_somebody_else_everything_is_made_anew),
        cmocka_unit_test(a_bracket_is_one_sequence),
        cmocka_unit_test(a_chip_that_comes_back_is_found),
        cmocka_unit_test(no_chip_at_opening),
        cmocka_unit_test(a_child_is_refused_and_harmless),
        cmocka_unit_test(threads_take_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
