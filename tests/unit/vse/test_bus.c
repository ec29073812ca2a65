/* Bus requests on the socket, and transactions with a chip behind them. */
#include "../cm.h"
#include "base/mem.h"
#include "vse/bus.h"

static const struct {
    const char *what;
    struct slice in;
    err_t want;
    size_t left;
} cases[] = {
    { "quick write", SLICE_LIT("W\x48\x00\x00\x00\x00"), ERR_OK, 0 },
    { "write", SLICE_LIT("W\x48\x01\x00\x00\x02xy"), ERR_OK, 0 },
    { "read, another behind", SLICE_LIT("R\x7f\x00\x00\xff\xffR"), ERR_OK, 1 },
    { "neither", SLICE_LIT("X\x48\x00\x00\x00\x00"), ERR_PROTO, 6 },
    { "eight-bit address", SLICE_LIT("W\x80\x00\x00\x00\x00"), ERR_PROTO, 6 },
    { "unknown flag", SLICE_LIT("W\x48\x02\x00\x00\x00"), ERR_PROTO, 6 },
    { "not zero", SLICE_LIT("W\x48\x00\x01\x00\x00"), ERR_PROTO, 6 },
};

static void requests(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct slice in = cases[i].in;
        struct vse_bus_request q = { .op = 0xee };
        print_message("  %s\n", cases[i].what);
        assert_int_equal(vse_bus_request_next(&in, &q), cases[i].want);
        assert_int_equal(in.n, cases[i].left);
        assert_int_equal(q.op == 0xee, cases[i].want != ERR_OK);
    }
    for (size_t n = 0; n < cases[1].in.n; n++) {
        autofree uint8_t *copy = mem_dup(cases[1].in.p, n);
        struct slice in = { copy, n };
        struct vse_bus_request q;
        assert_int_equal(vse_bus_request_next(&in, &q), ERR_MORE);
        assert_int_equal(in.n, n);
    }
}

static err_t keep_nothing(void *ctx, const struct vse_nvm_op *ops, size_t n)
{
    (void)ctx;
    (void)ops;
    (void)n;
    return ERR_OK;
}

static struct vse_bus bus;

static bool transact(uint8_t op, uint8_t address, bool rs, struct slice data, size_t n, struct buf *out)
{
    struct vse_bus_request q = {
        .op = op, .address = address, .repeated_start = rs, .length = (uint16_t)n, .data = data
    };
    struct vse_bus_done done;

    buf_clear(out);
    assert_int_equal(vse_bus_transact(&bus, &q, out, &done), ERR_OK);
    assert_false(done.power_cut);
    return done.hold;
}

static void transactions(void **state)
{
    struct vse_chip_options how = { .counters_fd = -1 };
    autobuf out = BUF_INIT(VSE_BUS_REPLY_MAX);
    struct vse_applet a;
    (void)state;

    vse_applet_init(&a, &vse_personality_3_1, (struct vse_nvm){ NULL, keep_nothing });
    assert_int_equal(vse_chip_new(&a, &how, &bus.chip), ERR_OK);
    assert_false(
        transact(SE_BUS_OP_WRITE, 0x49, true, (struct slice){ 0 }, 0, &out)); /* a NACK holds nothing */
    assert_true(slice_eq(buf_slice(&out), SLICE_LIT("\x01\x00\x00\x00")));
    assert_false(transact(SE_BUS_OP_READ, 0x48, true, (struct slice){ 0 }, 5, &out));
    assert_true(slice_eq(buf_slice(&out), SLICE_LIT("\x01\x00\x00\x00")));
    assert_true(transact(SE_BUS_OP_WRITE, 0x48, true, SLICE_LIT("\x5a\xc0\x00\xff\xfc"), 5, &out));
    assert_true(slice_eq(buf_slice(&out), SLICE_LIT("\x00\x00\x00\x00")));
    assert_false(transact(SE_BUS_OP_READ, 0x48, false, (struct slice){ 0 }, 6, &out));
    assert_true(slice_eq(buf_slice(&out), SLICE_LIT("\x00\x00\x00\x06\xa5\xe0\x00\x3f\x19\xff")));
    vse_chip_free(bus.chip);
    vse_applet_done(&a);
}

/* What the part saw of a write and what the master sees of a read, on a wire with faults. */
static void faults_on_the_wire(void **state)
{
    static const char script[] = "at block 1 flip 8\nat block 4 lose 1\nat transaction 7 reset\n";
    struct vse_chip_options how = { .counters_fd = -1 };
    autobuf out = BUF_INIT(VSE_BUS_REPLY_MAX);
    struct vse_applet a;
    unsigned line;
    (void)state;

    vse_applet_init(&a, &vse_personality_3_1, (struct vse_nvm){ NULL, keep_nothing });
    assert_int_equal(vse_chip_new(&a, &how, &bus.chip), ERR_OK);
    assert_int_equal(vse_faults_parse(slice_str(script), &bus.faults, &line), ERR_OK);
    (void)transact(SE_BUS_OP_WRITE, 0x48, false, SLICE_LIT("\x5a\xc0\x00\xff\xfc"), 5, &out);
    (void)transact(SE_BUS_OP_READ, 0x48, false, (struct slice){ 0 }, 5, &out);
    assert_memory_equal(out.p + SE_BUS_REPLY_HEADER, "\xa5\x81\x00", 3); /* the CRC was wrong */
    (void)transact(SE_BUS_OP_WRITE, 0x48, false, SLICE_LIT("\x5a\xc0\x00\xff\xfc"), 5, &out);
    (void)transact(SE_BUS_OP_READ, 0x48, false, (struct slice){ 0 }, 6, &out);
    assert_memory_equal(out.p + SE_BUS_REPLY_HEADER, "\xa5\x00\x3f\x19\xff\xff", 6); /* E0 is missing */
    (void)transact(SE_BUS_OP_WRITE, 0x48, false, SLICE_LIT("\x5a\xc0\x00\xff\xfc"), 5, &out);
    (void)transact(SE_BUS_OP_READ, 0x48, false, (struct slice){ 0 }, 2, &out);
    assert_int_equal(out.p[0], SE_BUS_STATUS_DONE);
    (void)transact(SE_BUS_OP_READ, 0x48, false, (struct slice){ 0 }, 3,
                   &out); /* the rest went with the power */
    assert_int_equal(out.p[0], SE_BUS_STATUS_ADDRESS_NACK);
    vse_chip_free(bus.chip);
    vse_faults_free(bus.faults);
    bus.faults = NULL;
    vse_applet_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(requests), cmocka_unit_test(transactions),
                                        cmocka_unit_test(faults_on_the_wire) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
