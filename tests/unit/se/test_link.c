/* The host's half of T=1 against a scripted part: UM11225 and the recovery rules of NXP's host
 * (reference 1.9). Every byte is written out here, CRCs from a separate program. */
#include "script_bus.h"

#include "../cm.h"
#include "base/clock.h"
#include "base/mem.h"
#include "se/detail.h"
#include "se/link.h"

/* 80 04 11 22 out, 90 00 back, on fresh counters */
#define CMD "\x80\x04\x11\x22"
#define I0_CMD "\x5a\x00\x04\x80\x04\x11\x22\xae\xfa"
#define I1_CMD "\x5a\x40\x04\x80\x04\x11\x22\x7f\xf8"
#define I0_OK "\xa5\x00\x02\x90\x00\x02\xaf"
#define I1_OK "\xa5\x40\x02\x90\x00\xb5\xb9"
#define I0_OK_BAD_CRC "\xa5\x00\x02\x90\x00\x02\xae"
#define R0_CRC "\x5a\x81\x00\x41\xa3" /* host's NACKs, N(R) 0 */
#define R0_OTHER "\x5a\x82\x00\x29\x89"
#define R1_ACK "\x5a\x90\x00\x08\x2f"
#define R0_ACK "\x5a\x80\x00\x99\xba"
#define SE_R0_ACK "\xa5\x80\x00\x6a\x7c"
#define SE_R1_ACK "\xa5\x90\x00\xfb\xe9"
#define SE_R0_CRC "\xa5\x81\x00\xb2\x65"
#define SE_R0_OTHER "\xa5\x82\x00\xda\x4f"
#define SE_R1_OTHER "\xa5\x92\x00\x4b\xda"
#define R1_CRC "\x5a\x91\x00\xd0\x36"
#define SOFT_RESET "\x5a\xcf\x00\x37\x7f"
#define ATR                                                                                                \
    "\x00\xa0\x00\x00\x03\x96\x04\x03\xe8\x00\xfe\x02\x0b\x03\xe8\x08\x01\x00\x00\x00\x00\x64\x00\x00\x0a" \
    "\x4a\x43\x4f\x50\x34\x20\x41\x54\x50\x4f"
#define SOFT_RESET_OK "\xa5\xef\x23" ATR "\x87\x77"
#define ATR_OK "\xa5\xe7\x23" ATR "\x2a\x8d"
#define RESYNC "\x5a\xc0\x00\xff\xfc"
#define RESYNC_OK "\xa5\xe0\x00\x3f\x19"
#define GET_ATR "\x5a\xc7\x00\xf7\xb1"

#define RESET_STEPS W(SOFT_RESET), R(SOFT_RESET_OK)

static const struct se_timing quick = {
    .guard_us = 10,
    .poll_us = 100,
    .write_patience_ms = 100,
    .request_patience_ms = 100,
    .apdu_patience_ms = 20,
    .bwt_ms = 2,
};

struct link_case {
    const char *what;
    err_t want;
    size_t n;
    struct script_step steps[16];
};

/* One APDU, expecting 90 00; a failure has to end in a soft reset and counters at 0. */
static const struct link_case apdu_cases[] = {
    { "straight", ERR_OK, 2, { W(I0_CMD), R(I0_OK) } },
    { "the part is busy for some polls", ERR_OK, 3, { W(I0_CMD), NACK_READS(7), R(I0_OK) } },
    { "the part sleeps: two writes NACKed", ERR_OK, 3, { NACK_WRITES(2), W(I0_CMD), R(I0_OK) } },
    { "bad CRC once: R error 1, resent", ERR_OK, 4, { W(I0_CMD), R(I0_OK_BAD_CRC), W(R0_CRC), R(I0_OK) } },
    { "bad CRC twice",
      ERR_OK,
      6,
      { W(I0_CMD), R(I0_OK_BAD_CRC), W(R0_CRC), R(I0_OK_BAD_CRC), W(R0_CRC), R(I0_OK) } },
    { "bad CRC three times: reset",
      ERR_PROTO,
      8,
      { W(I0_CMD), R(I0_OK_BAD_CRC), W(R0_CRC), R(I0_OK_BAD_CRC), W(R0_CRC), R(I0_OK_BAD_CRC),
        RESET_STEPS } },
    { "garbage without the start byte",
      ERR_OK,
      4,
      { W(I0_CMD), R("\x00\x82\x00\x00\x00"), W(R0_CRC), R(I0_OK) } },
    { "stale bytes are drained before the NACK",
      ERR_OK,
      5,
      { W(I0_CMD), R(I0_OK_BAD_CRC), R("\x11\x22\x33"), W(R0_CRC), R(I0_OK) } },
    { "silence once: R error 1", ERR_OK, 3, { W(I0_CMD), W(R0_CRC), R(I0_OK) } },
    { "silence four times: reset",
      ERR_TIMEOUT,
      6,
      { W(I0_CMD), W(R0_CRC), W(R0_CRC), W(R0_CRC), RESET_STEPS } },
    { "wrong N(S): R error 2", ERR_OK, 4, { W(I0_CMD), R(I1_OK), W(R0_OTHER), R(I0_OK) } },
    { "wrong N(S) three times: reset",
      ERR_PROTO,
      8,
      { W(I0_CMD), R(I1_OK), W(R0_OTHER), R(I1_OK), W(R0_OTHER), R(I1_OK), RESET_STEPS } },
    { "the part NACKs our block: resent unchanged",
      ERR_OK,
      4,
      { W(I0_CMD), R(SE_R0_CRC), W(I0_CMD), R(I0_OK) } },
    { "error 2 as well", ERR_OK, 4, { W(I0_CMD), R(SE_R0_OTHER), W(I0_CMD), R(I0_OK) } },
    { "ACK that repeats N(S) means send again", ERR_OK, 4, { W(I0_CMD), R(SE_R0_ACK), W(I0_CMD), R(I0_OK) } },
    { "ACK where an answer is due", ERR_OK, 4, { W(I0_CMD), R(SE_R1_ACK), W(R0_OTHER), R(I0_OK) } },
    { "waiting time: granted with its multiplier",
      ERR_OK,
      6,
      { W(I0_CMD), R("\xa5\xc3\x01\x05\x3f\x9b"), W("\x5a\xe3\x01\x05\xd6\x5d"),
        R("\xa5\xc3\x01\x05\x3f\x9b"), W("\x5a\xe3\x01\x05\xd6\x5d"), R(I0_OK) } },
    { "after a waiting time our NACK asks for our own block",
      ERR_OK,
      6,
      { W(I0_CMD), R("\xa5\xc3\x01\x05\x3f\x9b"), W("\x5a\xe3\x01\x05\xd6\x5d"), R(SE_R0_CRC), W(I0_CMD),
        R(I0_OK) } },
    { "the part announces its size",
      ERR_OK,
      4,
      { W(I0_CMD), R("\xa5\xc1\x01\x7f\x5a\xf2"), W("\x5a\xe1\x01\x7f\xb3\x34"), R(I0_OK) } },
    { "abort: reset", ERR_CANCELLED, 4, { W(I0_CMD), R("\xa5\xc2\x00\xbc\x09"), RESET_STEPS } },
    { "unknown S-request", ERR_OK, 4, { W(I0_CMD), R("\xa5\xde\x00\x8d\x35"), W(R0_OTHER), R(I0_OK) } },
    { "an S-response nobody asked for", ERR_OK, 4, { W(I0_CMD), R(RESYNC_OK), W(R0_OTHER), R(I0_OK) } },
    { "an empty block that announces more",
      ERR_OK,
      4,
      { W(I0_CMD), R("\xa5\x20\x00\x95\xd3"), W(R0_OTHER), R(I0_OK) } },
    { "a block cut short", ERR_OK, 4, { W(I0_CMD), R("\xa5\x00\x02"), W(R0_CRC), R(I0_OK) } },
    { "the bus dies while waiting", ERR_UNAVAILABLE, 2, { W(I0_CMD), DIES } },
    { "the bus dies at once", ERR_UNAVAILABLE, 1, { DIES } },
    { "nobody acknowledges", ERR_UNAVAILABLE, 1, { NACK_WRITES(100000) } },
};

static void apdu_each(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(apdu_cases); i++) {
        const struct link_case *c = &apdu_cases[i];
        struct slice answer = SLICE_LIT("untouched");
        struct script_bus b;
        struct se_link link;

        print_message("  %s\n", c->what);
        script_bus_init(&b, c->steps, c->n);
        se_link_init(&link, &b.bus);
        link.timing = quick;
        assert_int_equal(se_link_apdu(&link, SLICE_LIT(CMD), &answer), c->want);
        if (c->want) {
            assert_true(slice_eq(answer, SLICE_LIT("untouched")));
            assert_string_not_equal(se_detail(), "");
        } else {
            assert_true(slice_eq(answer, SLICE_LIT("\x90\x00")));
            assert_int_equal(link.t1.ns, 1);
            assert_int_equal(link.t1.nr, 1);
        }
        if (c->want && c->want != ERR_UNAVAILABLE) { /* the reset started the counters over */
            assert_int_equal(link.t1.ns, 0);
            assert_int_equal(link.t1.nr, 0);
        }
        if (c->want != ERR_UNAVAILABLE)
            assert_int_equal(b.at, c->n);
    }
}

static void counters_go_on_to_the_next_command(void **state)
{
    static const struct script_step steps[] = {
        W(I0_CMD), R(I0_OK), W(I1_CMD), R(I1_OK), W(I0_CMD), R(I0_OK)
    };
    struct script_bus b;
    struct se_link link;
    struct slice answer;

    script_bus_init(&b, steps, ARRAY_LEN(steps));
    se_link_init(&link, &b.bus);
    link.timing = quick;
    for (int i = 0; i < 3; i++)
        assert_int_equal(se_link_apdu(&link, SLICE_LIT(CMD), &answer), ERR_OK);
    assert_int_equal(b.at, ARRAY_LEN(steps));
}

/* The part expects another number than the one block it has got: it was reset, or somebody else used it. The
 * command was not executed, and nothing is reset: the caller brings the link in step and may send it again.
 */
static void another_count_is_a_conflict(void **state)
{
    static const struct script_step steps[] = { W(I0_CMD), R(SE_R1_OTHER) };
    struct slice answer = SLICE_LIT("untouched");
    struct script_bus b;
    struct se_link link;

    script_bus_init(&b, steps, ARRAY_LEN(steps));
    se_link_init(&link, &b.bus);
    link.timing = quick;
    assert_int_equal(se_link_apdu(&link, SLICE_LIT(CMD), &answer), ERR_CONFLICT);
    assert_true(slice_eq(answer, SLICE_LIT("untouched")));
    assert_true(link.t1.certain);
    assert_int_equal(b.at, ARRAY_LEN(steps));
}

/* The same refusal after we asked for its last block proves nothing: the command may have been executed
 * before. */
static void the_same_later_is_no_conflict(void **state)
{
    static const struct script_step steps[] = { W(I0_CMD),      R(I0_OK_BAD_CRC), W(R0_CRC),
                                                R(SE_R1_OTHER), W(I0_CMD),        R(I0_OK) };
    struct slice answer;
    struct script_bus b;
    struct se_link link;

    script_bus_init(&b, steps, ARRAY_LEN(steps));
    se_link_init(&link, &b.bus);
    link.timing = quick;
    assert_int_equal(se_link_apdu(&link, SLICE_LIT(CMD), &answer), ERR_OK);
    assert_false(link.t1.certain);
}

/* The part did not hear our block. Asked for its last block it repeats the answer before: ours is sent again.
 */
static void a_block_the_part_did_not_hear(void **state)
{
    static const struct script_step steps[] = { W(I0_CMD), R(I0_OK),  W(I1_CMD), W(R1_CRC),
                                                R(I0_OK),  W(I1_CMD), R(I1_OK) };
    struct slice answer;
    struct script_bus b;
    struct se_link link;

    script_bus_init(&b, steps, ARRAY_LEN(steps));
    se_link_init(&link, &b.bus);
    link.timing = quick;
    for (int i = 0; i < 2; i++)
        assert_int_equal(se_link_apdu(&link, SLICE_LIT(CMD), &answer), ERR_OK);
    assert_int_equal(b.at, ARRAY_LEN(steps));
}

/* In two steps: not yet, not yet, there. */
static void an_answer_that_is_not_there_yet(void **state)
{
    static const struct script_step steps[] = { W(I0_CMD), NACK_READS(40), R(I0_OK) };
    struct slice answer = SLICE_LIT("untouched");
    struct script_bus b;
    struct se_link link;
    int waits = 0;
    err_t e;

    script_bus_init(&b, steps, ARRAY_LEN(steps));
    se_link_init(&link, &b.bus);
    link.timing = quick;
    link.timing.apdu_patience_ms = 1000;
    assert_int_equal(se_link_send(&link, SLICE_LIT(CMD)), ERR_OK);
    while ((e = se_link_receive(&link, clock_mono_ms() + 1, &answer)) == ERR_MORE) {
        assert_true(slice_eq(answer, SLICE_LIT("untouched")));
        waits++;
    }
    assert_int_equal(e, ERR_OK);
    assert_true(waits >= 1);
    assert_true(slice_eq(answer, SLICE_LIT("\x90\x00")));
}

/* 1.7: 300 bytes each way on fresh counters. The last bytes of each block are its CRC. */
static uint8_t long_command[300], long_answer[300], wire_c0[259], wire_c1[51], wire_a0[259], wire_a1[51];

static uint16_t bitwise_crc(const uint8_t *p, size_t n)
{
    uint16_t c = 0xffff;

    for (size_t i = 0; i < n; i++) {
        c ^= p[i];
        for (int k = 0; k < 8; k++)
            c = c & 1 ? (uint16_t)(c >> 1 ^ 0x8408) : (uint16_t)(c >> 1);
    }
    return c ^ 0xffff;
}

static void make_block(uint8_t *wire, uint8_t nad, uint8_t pcb, const uint8_t *inf, uint8_t n)
{
    uint16_t crc;

    wire[0] = nad;
    wire[1] = pcb;
    wire[2] = n;
    memcpy(wire + 3, inf, n);
    crc = bitwise_crc(wire, 3u + n);
    wire[3 + n] = (uint8_t)crc;
    wire[4 + n] = (uint8_t)(crc >> 8);
}

static void make_long(void)
{
    for (size_t i = 0; i < 300; i++) {
        long_command[i] = (uint8_t)i;
        long_answer[i] = (uint8_t)(255 - i);
    }
    make_block(wire_c0, 0x5a, 0x20, long_command, 254);
    make_block(wire_c1, 0x5a, 0x40, long_command + 254, 46);
    make_block(wire_a0, 0xa5, 0x20, long_answer, 254);
    make_block(wire_a1, 0xa5, 0x40, long_answer + 254, 46);
}

static void chained(const struct script_step *steps, size_t n, err_t want)
{
    struct slice answer = { 0 };
    struct script_bus b;
    struct se_link link;

    script_bus_init(&b, steps, n);
    se_link_init(&link, &b.bus);
    link.timing = quick;
    assert_int_equal(se_link_apdu(&link, SLICE_ARRAY(long_command), &answer), want);
    assert_int_equal(b.at, n);
    if (!want)
        assert_true(slice_eq(answer, SLICE_ARRAY(long_answer)));
}

#define WA(a)                    \
    {                            \
        'w', { a, sizeof(a) }, 0 \
    }
#define RA(a)                    \
    {                            \
        'r', { a, sizeof(a) }, 0 \
    }

static void chaining_both_ways(void **state)
{
    const struct script_step plain[] = { WA(wire_c0), R(SE_R1_ACK), WA(wire_c1),
                                         RA(wire_a0), W(R1_ACK),    RA(wire_a1) };
    const struct script_step first_nacked[] = { WA(wire_c0), R(SE_R0_CRC), WA(wire_c0), R(SE_R1_ACK),
                                                WA(wire_c1), RA(wire_a0),  W(R1_ACK),   RA(wire_a1) };
    const struct script_step first_unanswered[] = { WA(wire_c0), W(R0_CRC), R(SE_R1_ACK), WA(wire_c1),
                                                    RA(wire_a0), W(R1_ACK), RA(wire_a1) };
    const struct script_step ack_nacked[] = { WA(wire_c0), R(SE_R1_ACK), WA(wire_c1),
                                              RA(wire_a0), W(R1_ACK),    R("\xa5\x81\x00\xb2\x65"),
                                              W(R1_ACK),   RA(wire_a1) };
    const struct script_step wait_inside[] = { WA(wire_c0),
                                               R(SE_R1_ACK),
                                               WA(wire_c1),
                                               RA(wire_a0),
                                               W(R1_ACK),
                                               R("\xa5\xc3\x01\x05\x3f\x9b"),
                                               W("\x5a\xe3\x01\x05\xd6\x5d"),
                                               RA(wire_a1) };
    const struct script_step wrong_order[] = { WA(wire_c0),
                                               R(SE_R1_ACK),
                                               WA(wire_c1),
                                               RA(wire_a0),
                                               W(R1_ACK),
                                               RA(wire_a0),
                                               W("\x5a\x92\x00\xb8\x1c"),
                                               RA(wire_a1) };

    make_long();
    chained(plain, ARRAY_LEN(plain), ERR_OK);
    chained(first_nacked, ARRAY_LEN(first_nacked), ERR_OK);
    chained(first_unanswered, ARRAY_LEN(first_unanswered), ERR_OK);
    chained(ack_nacked, ARRAY_LEN(ack_nacked), ERR_OK);
    chained(wait_inside, ARRAY_LEN(wait_inside), ERR_OK);
    chained(wrong_order, ARRAY_LEN(wrong_order), ERR_OK);
}

/* Ten resends are the limit, then the interface is reset (1.9). */
static void resends_are_limited(void **state)
{
    struct script_step steps[2 * 11 + 2];
    size_t n = 0;
    struct script_bus b;
    struct se_link link;
    struct slice answer;

    for (int i = 0; i < 11; i++) {
        steps[n++] = (struct script_step)W(I0_CMD);
        steps[n++] = (struct script_step)R(SE_R0_CRC);
    }
    steps[n++] = (struct script_step)W(SOFT_RESET);
    steps[n++] = (struct script_step)R(SOFT_RESET_OK);
    script_bus_init(&b, steps, n);
    se_link_init(&link, &b.bus);
    link.timing = quick;
    assert_int_equal(se_link_apdu(&link, SLICE_LIT(CMD), &answer), ERR_PROTO);
    assert_int_equal(b.at, n);
}

/* A part that asks for time for ever is left after 500 grants. */
static void waiting_is_limited(void **state)
{
    const struct se_block wtx = { SE_PCB_S_REQUEST | SE_S_WTX, SLICE_LIT("\x01") };
    struct se_t1 t;
    int granted = 0;

    se_t1_init(&t);
    assert_int_equal(se_t1_apdu(&t, SLICE_LIT(CMD)), SE_T1_WRITE);
    while (se_t1_rx_block(&t, &wtx) == SE_T1_WRITE)
        granted++;
    assert_int_equal(granted, 500);
    assert_int_equal(se_t1_error(&t), ERR_TIMEOUT);
}

/* More than the largest answer of any applet is refused before it is stored. */
static void answer_is_limited(void **state)
{
    uint8_t inf[254] = { 0 };
    struct se_block b = { SE_PCB_I_MORE, SLICE_ARRAY(inf) };
    struct se_t1 t;
    enum se_t1_act act;
    int taken = 0;

    se_t1_init(&t);
    act = se_t1_apdu(&t, SLICE_LIT(CMD));
    while (act == SE_T1_WRITE) {
        act = se_t1_rx_block(&t, &b);
        b.pcb ^= SE_PCB_I_NS;
        taken++;
    }
    assert_int_equal(act, SE_T1_FAIL);
    assert_int_equal(se_t1_error(&t), ERR_TOO_BIG);
    assert_int_equal(taken, SE_ANSWER_MAX / 254 + 1);
}

/* What the machine carried can be wiped without losing its place. */
static void wiping_keeps_the_counters(void **state)
{
    static const struct script_step steps[] = { W(I0_CMD), R(I0_OK), W(I1_CMD), R(I1_OK) };
    struct script_bus b;
    struct se_link link;
    struct slice answer;

    script_bus_init(&b, steps, ARRAY_LEN(steps));
    se_link_init(&link, &b.bus);
    link.timing = quick;
    assert_int_equal(se_link_apdu(&link, SLICE_LIT(CMD), &answer), ERR_OK);
    se_t1_wipe(&link.t1);
    for (size_t i = 0; i < sizeof(link.t1.last); i++)
        assert_int_equal(link.t1.last[i] | link.t1.out[i] | link.t1.answer[i], 0);
    assert_int_equal(se_link_apdu(&link, SLICE_LIT(CMD), &answer), ERR_OK);
}

static const struct link_case resync_cases[] = {
    { "straight", ERR_OK, 2, { W(RESYNC), R(RESYNC_OK) } },
    { "somebody's unread answer comes first", ERR_OK, 4, { W(RESYNC), R(I0_OK), W(RESYNC), R(RESYNC_OK) } },
    { "the part still works for somebody who was killed",
      ERR_OK,
      6,
      { W(RESYNC), R("\xa5\xc3\x01\x05\x3f\x9b"), W("\x5a\xe3\x01\x05\xd6\x5d"), R(I1_OK), W(RESYNC),
        R(RESYNC_OK) } },
    { "silence once", ERR_OK, 3, { W(RESYNC), W(RESYNC), R(RESYNC_OK) } },
    { "only a soft reset helps", ERR_OK, 4, { W(RESYNC), W(RESYNC), RESET_STEPS } },
    { "a soft reset answered without ATR helps as well",
      ERR_OK,
      4,
      { W(RESYNC), W(RESYNC), W(SOFT_RESET), R("\xa5\xef\x00\xf7\x9a") } },
    { "acknowledges but never speaks",
      ERR_UNAVAILABLE,
      4,
      { W(RESYNC), W(RESYNC), W(SOFT_RESET), W(SOFT_RESET) } },
    { "nobody there", ERR_UNAVAILABLE, 1, { NACK_WRITES(100000) } },
};

static void resync_each(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(resync_cases); i++) {
        const struct link_case *c = &resync_cases[i];
        struct script_bus b;
        struct se_link link;

        print_message("  %s\n", c->what);
        script_bus_init(&b, c->steps, c->n);
        se_link_init(&link, &b.bus);
        link.timing = quick;
        link.t1.ns = link.t1.nr = 1;
        assert_int_equal(se_link_resync(&link), c->want);
        if (!c->want)
            assert_int_equal(link.t1.ns + link.t1.nr, 0);
        if (b.steps[0].kind == 'w')
            assert_int_equal(b.at, c->n);
    }
}

/* ---- ATR ---- */

static void atr_sets_timing(void **state)
{
    static const struct script_step steps[] = { W(GET_ATR), R(ATR_OK) };
    struct script_bus b;
    struct se_link link;

    script_bus_init(&b, steps, ARRAY_LEN(steps));
    se_link_init(&link, &b.bus);
    link.timing = quick;
    assert_int_equal(se_link_atr(&link), ERR_OK);
    assert_int_equal(link.timing.bwt_ms, 1000);
    assert_int_equal(link.timing.poll_us, 1000);
    assert_int_equal(link.timing.guard_us, 100);
    assert_int_equal(link.t1.ifsc, 254);
}

static void atr_prefixes_change_nothing(void **state)
{
    struct slice whole = SLICE_LIT(ATR);

    for (size_t n = 0; n < 24; n++) { /* all the fields we use end at byte 22; the parameter block at 24 */
        autofree uint8_t *copy = mem_dup(whole.p, n);
        struct se_timing t = quick;
        uint8_t ifsc = 77;

        assert_int_equal(se_atr_apply(slice_of(copy, n), &t, &ifsc), ERR_PROTO);
        assert_memory_equal(&t, &quick, sizeof(t));
        assert_int_equal(ifsc, 77);
    }
}

/* A hostile ATR cannot make us wait for ever or send blocks longer than the format has. */
static void atr_is_kept_within_limits(void **state)
{
    struct slice atr =
        SLICE_LIT("\x00\xa0\x00\x00\x03\x96\x04\xff\xff\xff\xff\x02\x0b\x03\xe8\x08\xff\x00\x00\x00\xff\xff"
                  "\x00\x00\x00");
    struct se_timing t = quick;
    uint8_t ifsc = 77;

    assert_int_equal(se_atr_apply(atr, &t, &ifsc), ERR_OK);
    assert_int_equal(t.bwt_ms, 10000);
    assert_int_equal(t.poll_us, 20000);
    assert_int_equal(t.guard_us, 50000);
    assert_int_equal(ifsc, 254);
}

/* A chip that NACKs everything is given up in bounded time with the default patience. */
static void no_chip_is_told_soon(void **state)
{
    static const struct script_step steps[] = { NACK_WRITES(1000000) };
    struct script_bus b;
    struct se_link link;
    int64_t start = clock_mono_ms();

    script_bus_init(&b, steps, ARRAY_LEN(steps));
    se_link_init(&link, &b.bus);
    assert_int_equal(se_link_resync(&link), ERR_UNAVAILABLE);
    assert_true(clock_mono_ms() - start < 5000);
    assert_true(b.writes < 500); /* no busy loop */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(apdu_each),
        cmocka_unit_test(another_count_is_a_conflict),
        cmocka_unit_test(the_same_later_is_no_conflict),
        cmocka_unit_test(a_block_the_part_did_not_hear),
        cmocka_unit_test(an_answer_that_is_not_there_yet),
        cmocka_unit_test(counters_go_on_to_the_next_command),
        cmocka_unit_test(chaining_both_ways),
        cmocka_unit_test(resends_are_limited),
        cmocka_unit_test(waiting_is_limited),
        cmocka_unit_test(answer_is_limited),
        cmocka_unit_test(wiping_keeps_the_counters),
        cmocka_unit_test(resync_each),
        cmocka_unit_test(atr_sets_timing),
        cmocka_unit_test(atr_prefixes_change_nothing),
        cmocka_unit_test(atr_is_kept_within_limits),
        cmocka_unit_test(no_chip_is_told_soon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
