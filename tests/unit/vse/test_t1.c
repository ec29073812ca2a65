/* The slave block layer (NXP UM11225), frame by frame. */
#include "../cm.h"
#include "base/crc.h"
#include "base/hex.h"
#include "base/mem.h"
#include "vse/t1.h"

static struct vse_t1 t;

static int setup(void **state)
{
    (void)state;
    vse_t1_init(&t);
    return 0;
}

static size_t frame(uint8_t *out, uint8_t nad, uint8_t pcb, struct slice inf)
{
    uint16_t crc;

    out[0] = nad;
    out[1] = pcb;
    out[2] = (uint8_t)inf.n;
    if (inf.n)
        memcpy(out + 3, inf.p, inf.n);
    crc = crc16_x25(slice_of(out, 3 + inf.n));
    out[3 + inf.n] = (uint8_t)crc;
    out[4 + inf.n] = (uint8_t)(crc >> 8);
    return 5 + inf.n;
}

static enum vse_t1_event tx(uint8_t pcb, struct slice inf)
{
    uint8_t b[SE_T1_BLOCK_MAX];

    return vse_t1_write(&t, slice_of(b, frame(b, 0x5a, pcb, inf)));
}

static void rx(uint8_t pcb, struct slice inf)
{
    uint8_t want[SE_T1_BLOCK_MAX], got[SE_T1_BLOCK_MAX];
    size_t n = frame(want, 0xa5, pcb, inf);

    assert_true(vse_t1_read(&t, got, n));
    assert_memory_equal(got, want, n);
    assert_false(vse_t1_read(&t, got, 1));
}

static void silent(void)
{
    uint8_t b;

    assert_false(vse_t1_read(&t, &b, 1));
}

#define NONE ((struct slice){ 0 })
#define ANSWER SLICE_LIT("ok\x90\x00")

static void frames_of_the_reference(void **state)
{
    static const struct {
        const char *what, *in, *out;
    } cases[] = {
        { "soft reset", "5acf00377f",
          "a5ef2300a0000003960403e800fe020b03e80801000000006400000a4a434f5034204154504f8777" },
        { "resync", "5ac000fffc", "a5e0003f19" },
        { "end of session", "5ac5004782", NULL },
        { "noise", "0000000000", "" },
        { "empty", "", "" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        autobuf in = BUF_INIT(64), out = BUF_INIT(64);
        uint8_t got[64];
        print_message("  %s\n", cases[i].what);
        assert_int_equal(hex_decode(&in, slice_str(cases[i].in)), ERR_OK);
        (void)vse_t1_write(&t, buf_slice(&in));
        if (!cases[i].out) {
            rx(0xe5, NONE);
            continue;
        }
        assert_int_equal(hex_decode(&out, slice_str(cases[i].out)), ERR_OK);
        assert_int_equal(vse_t1_read(&t, got, out.n ? out.n : 1), out.n != 0);
        assert_memory_equal(got, buf_str(&out), out.n);
    }
}

static void s_blocks(void **state)
{
    static const struct {
        uint8_t pcb;
        enum vse_t1_event event;
        uint8_t reply;
        struct slice inf;
    } cases[] = {
        { 0xc0, VSE_T1_NONE, 0xe0, NONE },
        { 0xc1, VSE_T1_NONE, 0xe1, SLICE_LIT("\x20") },
        { 0xc1, VSE_T1_NONE, 0xe1, SLICE_LIT("\xfe") },
        { 0xc1, VSE_T1_NONE, 0x82, SLICE_LIT("\x00") },
        { 0xc1, VSE_T1_NONE, 0x82, SLICE_LIT("\xff") }, /* one past the limit */
        { 0xc1, VSE_T1_NONE, 0x82, NONE },
        { 0xc2, VSE_T1_NONE, 0xe2, NONE },
        { 0xc3, VSE_T1_NONE, 0x82, SLICE_LIT("\x01") }, /* only the SE asks for time */
        { 0xe3, VSE_T1_NONE, 0x82, SLICE_LIT("\x01") }, /* none was asked for */
        { 0xc5, VSE_T1_DESELECT, 0xe5, NONE },
        { 0xc6, VSE_T1_RESET, 0xe6, NONE },
        { 0xc0, VSE_T1_NONE, 0x82, SLICE_LIT("x") },
        { 0xc4, VSE_T1_NONE, 0x82, NONE },
        { 0xdf, VSE_T1_NONE, 0x82, NONE }, /* deep power down is the SE052's */
        { 0xe0, VSE_T1_NONE, 0x82, NONE },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(tx(cases[i].pcb, cases[i].inf), cases[i].event);
        rx(cases[i].reply, cases[i].reply == 0x82 ? NONE : cases[i].inf);
    }
}

static void damaged_blocks_are_asked_for_again(void **state)
{
    uint8_t b[SE_T1_BLOCK_MAX + 1];
    size_t n = frame(b, 0x5a, 0x00, SLICE_LIT("apdu"));
    (void)state;

    for (size_t cut = 1; cut < n; cut++) { /* every prefix; copied so that a read of byte `cut` is seen */
        autofree uint8_t *copy = mem_dup(b, cut);
        assert_int_equal(vse_t1_write(&t, slice_of(copy, cut)), VSE_T1_NONE);
        rx(0x81, NONE);
    }
    for (size_t i = 1; i < n; i++) {
        b[i] ^= 0x04;
        assert_int_equal(vse_t1_write(&t, slice_of(b, n)), VSE_T1_NONE);
        rx(0x81, NONE);
        b[i] ^= 0x04;
    }
    memset(b, 0, sizeof(b)); /* LEN 255 is not used: 260 bytes */
    b[0] = 0x5a;
    b[2] = 255;
    assert_int_equal(vse_t1_write(&t, slice_of(b, 260)), VSE_T1_NONE);
    rx(0x81, NONE);
}

static void an_apdu_and_its_answer(void **state)
{
    (void)state;
    assert_int_equal(tx(0x00, SLICE_LIT("apdu")), VSE_T1_EXECUTE);
    assert_true(slice_eq(vse_t1_apdu(&t), SLICE_LIT("apdu")));
    assert_true(vse_t1_busy(&t));
    silent();
    vse_t1_answer(&t, vse_t1_ticket(&t), ANSWER);
    assert_false(vse_t1_busy(&t));
    rx(0x00, ANSWER);
    assert_int_equal(tx(0x40, SLICE_LIT("next")), VSE_T1_EXECUTE);
    vse_t1_answer(&t, vse_t1_ticket(&t), ANSWER);
    rx(0x40, ANSWER);
}

static void chains_both_ways(void **state)
{
    uint8_t data[300];
    (void)state;

    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)i;
    assert_int_equal(tx(0x20, slice_of(data, 254)), VSE_T1_NONE);
    rx(0x90, NONE);
    assert_int_equal(tx(0x40, slice_of(data + 254, 46)), VSE_T1_EXECUTE);
    assert_true(slice_eq(vse_t1_apdu(&t), SLICE_ARRAY(data)));
    vse_t1_answer(&t, vse_t1_ticket(&t), SLICE_ARRAY(data));
    rx(0x20, slice_of(data, 254));
    assert_int_equal(tx(0x80, NONE), VSE_T1_NONE); /* N(R) = the one just sent: again */
    rx(0x20, slice_of(data, 254));
    assert_int_equal(tx(0x92, NONE), VSE_T1_NONE); /* any error: again */
    rx(0x20, slice_of(data, 254));
    assert_int_equal(tx(0x90, NONE), VSE_T1_NONE);
    rx(0x40, slice_of(data + 254, 46));
    assert_int_equal(tx(0x80, NONE), VSE_T1_NONE); /* acknowledges what has no successor */
    rx(0x82, NONE);
    assert_int_equal(tx(0x00, SLICE_LIT("n")), VSE_T1_EXECUTE);
}

static void repetitions_are_not_executed(void **state)
{
    (void)state;
    assert_int_equal(tx(0x00, SLICE_LIT("apdu")), VSE_T1_EXECUTE);
    assert_int_equal(tx(0x00, SLICE_LIT("apdu")), VSE_T1_NONE); /* still running: silence, not an error */
    silent();
    vse_t1_answer(&t, vse_t1_ticket(&t), ANSWER);
    assert_int_equal(tx(0x00, SLICE_LIT("apdu")), VSE_T1_NONE);
    rx(0x00, ANSWER);
    assert_int_equal(tx(0x00, SLICE_LIT("apdu")), VSE_T1_NONE);
    rx(0x00, ANSWER);
    assert_int_equal(tx(0x00, SLICE_LIT("other")), VSE_T1_NONE); /* not a repetition */
    rx(0x92, NONE);
    assert_int_equal(tx(0x40, SLICE_LIT("apdu")), VSE_T1_EXECUTE);
    assert_int_equal(tx(0x00, SLICE_LIT("early")), VSE_T1_NONE); /* before the answer */
    rx(0x82, NONE);
}

static void a_wrong_number_at_the_start(void **state)
{
    (void)state;
    assert_int_equal(tx(0x40, SLICE_LIT("apdu")), VSE_T1_NONE);
    rx(0x82, NONE);
    assert_int_equal(tx(0x81, NONE), VSE_T1_NONE); /* nothing was sent that could be sent again */
    rx(0x82, NONE);
}

static void an_apdu_that_is_too_long(void **state)
{
    uint8_t data[254] = { 0 };
    uint8_t ns = 0;
    (void)state;

    for (size_t sent = 0; sent <= SE_APDU_MAX; sent += sizeof(data), ns ^= 1) {
        assert_int_equal(tx((uint8_t)(ns << 6 | 0x20), SLICE_ARRAY(data)), VSE_T1_NONE);
        rx((uint8_t)(0x80 | (ns ^ 1) << 4), NONE);
    }
    assert_int_equal(tx((uint8_t)(ns << 6), SLICE_ARRAY(data)), VSE_T1_NONE);
    rx(0x00, SLICE_LIT("\x67\x00"));
    assert_int_equal(tx((uint8_t)((ns ^ 1) << 6), SLICE_LIT("fine")), VSE_T1_EXECUTE);
    assert_int_equal(vse_t1_apdu(&t).n, 4);
}

static void waiting_time(void **state)
{
    uint8_t b[2];
    (void)state;

    vse_t1_wtx(&t); /* nothing runs: nothing happens */
    silent();
    assert_int_equal(tx(0x00, SLICE_LIT("a")), VSE_T1_EXECUTE);
    vse_t1_wtx(&t);
    rx(0xc3, SLICE_LIT("\x01"));
    assert_int_equal(tx(0x81, NONE), VSE_T1_NONE);
    rx(0xc3, SLICE_LIT("\x01")); /* the request itself may be asked for again */
    assert_int_equal(tx(0xe3, SLICE_LIT("\x01")), VSE_T1_NONE);
    silent();
    vse_t1_wtx(&t);
    assert_true(vse_t1_read(&t, b, 2)); /* the host is reading the request when the answer comes */
    vse_t1_answer(&t, vse_t1_ticket(&t), ANSWER);
    assert_true(vse_t1_read(&t, b, 2) && vse_t1_read(&t, b, 2));
    silent();
    assert_int_equal(tx(0xe3, SLICE_LIT("\x01")), VSE_T1_NONE);
    rx(0x00, ANSWER);
    assert_int_equal(tx(0x40, SLICE_LIT("b")), VSE_T1_EXECUTE);
    vse_t1_wtx(&t); /* nobody has begun to read it: the answer takes its place */
    vse_t1_answer(&t, vse_t1_ticket(&t), ANSWER);
    rx(0x40, ANSWER);
}

static void stale_answers_are_dropped(void **state)
{
    static const uint8_t pcbs[] = { 0xc0, 0xc2, 0xc5, 0xc6, 0xcf };
    (void)state;
    for (size_t i = 0; i < sizeof(pcbs); i++) {
        uint8_t b[SE_T1_OVERREAD];
        vse_t1_init(&t);
        assert_int_equal(tx(0x00, SLICE_LIT("a")), VSE_T1_EXECUTE);
        uint32_t old = vse_t1_ticket(&t);
        (void)tx(pcbs[i], NONE);
        assert_true(vse_t1_read(&t, b, sizeof(b)));
        vse_t1_answer(&t, old, ANSWER);
        silent();
        uint8_t ns = pcbs[i] == 0xc2 ? 0x40 : 0; /* an abort keeps the numbers */
        assert_int_equal(tx(ns, SLICE_LIT("b")), VSE_T1_EXECUTE);
        vse_t1_answer(&t, old, ANSWER);
        silent();
        vse_t1_answer(&t, vse_t1_ticket(&t), ANSWER);
        rx(0x00, ANSWER);
    }
}

static void a_refusal_does_not_hide_what_was_sent(void **state)
{
    uint8_t b[] = { 0x5a, 0x90, 0x00, 0x00, 0x00 };
    uint8_t data[300] = { 0 };
    (void)state;

    assert_int_equal(tx(0x00, SLICE_LIT("a")), VSE_T1_EXECUTE);
    vse_t1_answer(&t, vse_t1_ticket(&t), SLICE_ARRAY(data));
    rx(0x20, slice_of(data, 254));
    (void)vse_t1_write(&t, SLICE_ARRAY(b)); /* a damaged acknowledge */
    rx(0x91, NONE);
    (void)tx(0x91, NONE); /* the host could not read that either, and wants the block */
    rx(0x20, slice_of(data, 254));
    (void)tx(0x90, NONE);
    rx(0x40, slice_of(data, 46));
}

static void reads_keep_their_place_and_are_padded(void **state)
{
    uint8_t b[SE_T1_OVERREAD];
    (void)state;

    (void)tx(0xc0, NONE);
    assert_true(vse_t1_read(&t, b, 2));
    assert_memory_equal(b, "\xa5\xe0", 2);
    assert_true(vse_t1_read(&t, b, 0)); /* an address only: acknowledged, there is something */
    assert_true(vse_t1_read(&t, b, sizeof(b)));
    assert_memory_equal(b, "\x00\x3f\x19\xff", 4);
    assert_int_equal(b[SE_T1_OVERREAD - 1], 0xff);
    silent();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(frames_of_the_reference, setup),
        cmocka_unit_test_setup(s_blocks, setup),
        cmocka_unit_test_setup(damaged_blocks_are_asked_for_again, setup),
        cmocka_unit_test_setup(an_apdu_and_its_answer, setup),
        cmocka_unit_test_setup(chains_both_ways, setup),
        cmocka_unit_test_setup(repetitions_are_not_executed, setup),
        cmocka_unit_test_setup(a_wrong_number_at_the_start, setup),
        cmocka_unit_test_setup(an_apdu_that_is_too_long, setup),
        cmocka_unit_test_setup(waiting_time, setup),
        cmocka_unit_test_setup(stale_answers_are_dropped, setup),
        cmocka_unit_test_setup(a_refusal_does_not_hide_what_was_sent, setup),
        cmocka_unit_test_setup(reads_keep_their_place_and_are_padded, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
