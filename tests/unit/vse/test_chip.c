/* The part as a whole: the bus never waits for the applet. */
#include "../cm.h"
#include "base/clock.h"
#include "base/crc.h"
#include "vse/chip.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

static err_t keep_nothing(void *ctx, const struct vse_nvm_op *ops, size_t n)
{
    (void)ctx;
    (void)ops;
    (void)n;
    return ERR_OK;
}

static void pause_briefly(void)
{
    (void)nanosleep(&(struct timespec){ 0, 2000000 }, NULL);
}

static void send(struct vse_chip *c, uint8_t pcb, struct slice inf)
{
    uint8_t b[SE_T1_BLOCK_MAX] = { 0x5a, pcb, (uint8_t)inf.n };
    uint16_t crc;

    if (inf.n)
        memcpy(b + 3, inf.p, inf.n);
    crc = crc16_x25(slice_of(b, 3 + inf.n));
    b[3 + inf.n] = (uint8_t)crc;
    b[4 + inf.n] = (uint8_t)(crc >> 8);
    vse_chip_write(c, slice_of(b, 5 + inf.n));
}

/* Poll until there is a block; its PCB. */
static uint8_t wait_block(struct vse_chip *c, uint8_t *out)
{
    int64_t end = clock_mono_ms() + 20000;

    while (!vse_chip_read(c, out, SE_T1_OVERREAD)) {
        assert_true(clock_mono_ms() < end);
        pause_briefly();
    }
    return out[1];
}

static uint16_t command(struct vse_chip *c, uint8_t ns, struct slice apdu)
{
    uint8_t b[SE_T1_OVERREAD];

    send(c, (uint8_t)(ns << 6), apdu);
    assert_int_equal(wait_block(c, b), ns << 6);
    return (uint16_t)(b[2 + b[2] - 1] << 8 | b[2 + b[2]]);
}

#define SIGN                                                                     \
    SLICE_LIT("\x80\x03\x0c\x09\x2b\x41\x04\x00\x00\x00\x01\x42\x01\x21\x43\x20" \
              "0123456789abcdef0123456789abcdef")

static void slow_signatures_ask_for_time_and_are_counted(void **state)
{
    FILE *counters = tmpfile();
    struct vse_chip_options how = { .private_op_ms = 1100, .counters_fd = fileno(counters) };
    uint8_t b[SE_T1_OVERREAD];
    char line[128] = { 0 };
    struct vse_applet a;
    struct vse_chip *c;
    int64_t start;
    (void)state;

    vse_applet_init(&a, &vse_personality_3_1, (struct vse_nvm){ NULL, keep_nothing });
    a.curves[SE_CURVE_P256] = VSE_CURVE_CREATED | SE_CURVE_PARAM_ALL;
    assert_int_equal(vse_chip_new(&a, &how, &c), ERR_OK);
    assert_int_equal(command(c, 0, SLICE_LIT("\x00\xa4\x04\x00\x10" SE_APPLET_AID "\x00")), 0x9000);
    assert_int_equal(command(c, 1, SLICE_LIT("\x80\x01\x61\x00\x09\x41\x04\x00\x00\x00\x01\x42\x01\x03")),
                     0x9000);
    assert_true(pread(fileno(counters), line, sizeof(line) - 1, 0) > 0);
    assert_non_null(strstr(line, "\"private_key_operations\": 0,"));

    start = clock_mono_ms();
    send(c, 0x00, SIGN);
    assert_false(vse_chip_read(c, b, 1)); /* at once: no answer, and no waiting for it */
    assert_true(clock_mono_ms() - start < 1000);
    assert_int_equal(wait_block(c, b), 0xc3);
    send(c, 0xe3, SLICE_LIT("\x01"));
    assert_int_equal(wait_block(c, b), 0x00);
    assert_true(clock_mono_ms() - start >= 1100);
    assert_int_equal(b[3], SE_TAG_1);
    assert_true(pread(fileno(counters), line, sizeof(line) - 1, 0) > 0);
    assert_non_null(strstr(line, "\"private_key_operations\": 1,"));

    send(c, 0x40, SIGN); /* the host gives up and starts again: no stale answer, and the reset is done */
    send(c, 0xcf, (struct slice){ 0 });
    assert_int_equal(wait_block(c, b), 0xef);
    assert_int_equal(command(c, 0, SLICE_LIT("\x80\x04\x00\x20\x00")), 0x6d00);
    vse_chip_free(c);
    vse_applet_done(&a);
    fclose(counters);
}

/* SELECT in a model of 400 kHz: the bits of each acknowledged transaction, the guard time, the part's own
 * time. */
static void virtual_time_is_bits_and_work(void **state)
{
    struct vse_chip_options how = { .counters_fd = -1 };
    struct vse_totals t;
    struct vse_applet a;
    struct vse_chip *c;
    uint8_t b[SE_T1_OVERREAD];
    int64_t start = clock_mono_ms();
    (void)state;

    vse_applet_init(&a, &vse_personality_3_1, (struct vse_nvm){ NULL, keep_nothing });
    assert_int_equal(vse_chip_new(&a, &how, &c), ERR_OK);
    assert_int_equal(vse_chip_totals(c).virtual_us, 0);
    send(c, 0xc0, (struct slice){ 0 });
    assert_true(vse_chip_read(c, b, 5));
    t = vse_chip_totals(c);
    assert_int_equal(t.bus_bits, 2 * 56);
    assert_int_equal(t.writes, 1);
    assert_int_equal(t.reads, 1);
    assert_int_equal(t.guard_us, SE_SEGT_US);
    assert_int_equal(t.virtual_us, 2 * 140 + SE_SEGT_US); /* an S-block is the interface's own business */
    assert_int_equal(command(c, 0, SLICE_LIT("\x00\xa4\x04\x00\x10" SE_APPLET_AID "\x00")), 0x9000);
    t = vse_chip_totals(c);
    assert_int_equal(t.commands, 1);
    assert_int_equal(t.computing_us, 10000);
    assert_int_equal(t.bus_bits, 2 * 56 + (2 + 9 * 28) + (2 + 9 * 261)); /* it reads 260 at once */
    assert_int_equal(t.virtual_us, t.computing_us + 2 * SE_SEGT_US + t.bus_bits * 1000 / 400);
    assert_true(clock_mono_ms() - start < 2000);
    vse_chip_free(c);
    vse_applet_done(&a);
}

static void real_time_is_as_slow_as_it_says(void **state)
{
    struct vse_chip_options how = { .counters_fd = -1, .realtime = true, .private_op_ms = 100, .bus_khz = 1 };
    uint8_t b[SE_T1_OVERREAD];
    struct vse_applet a;
    struct vse_chip *c;
    int64_t start;
    (void)state;

    vse_applet_init(&a, &vse_personality_3_1, (struct vse_nvm){ NULL, keep_nothing });
    a.curves[SE_CURVE_P256] = VSE_CURVE_CREATED | SE_CURVE_PARAM_ALL;
    assert_int_equal(vse_chip_new(&a, &how, &c), ERR_OK);
    send(c, 0xc0, (struct slice){ 0 });
    assert_false(vse_chip_read(c, b, 5)); /* the block is still on the wire, for 56 ms */
    assert_int_equal(wait_block(c, b), 0xe0);
    assert_int_equal(command(c, 0, SLICE_LIT("\x00\xa4\x04\x00\x10" SE_APPLET_AID "\x00")), 0x9000);
    assert_int_equal(command(c, 1, SLICE_LIT("\x80\x01\x61\x00\x09\x41\x04\x00\x00\x00\x01\x42\x01\x03")),
                     0x9000);
    start = clock_mono_us();
    assert_int_equal(command(c, 0, SIGN), 0x9000);
    assert_true(clock_mono_us() - start >= 142000); /* the table's 42 ms, and ours */
    vse_chip_free(c);
    vse_applet_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(slow_signatures_ask_for_time_and_are_counted),
                                        cmocka_unit_test(virtual_time_is_bits_and_work),
                                        cmocka_unit_test(real_time_is_as_slow_as_it_says) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
