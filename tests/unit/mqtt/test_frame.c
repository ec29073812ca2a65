#include "../cm.h"
#include "base/mem.h"
#include "mqtt/frame.h"

static const struct {
    const char *what;
    struct slice in;
    err_t want;
    size_t body;
} cases[] = {
    { "nothing yet", SLICE_LIT(""), ERR_MORE, 0 },
    { "pingreq", SLICE_LIT("\xc0\x00"), ERR_OK, 0 },
    { "publish with a body", SLICE_LIT("\x30\x05\x00\x01t42"), ERR_OK, 5 },
    { "reserved type 0", SLICE_LIT("\x00\x00"), ERR_PROTO, 0 },
    { "type 0, one byte", SLICE_LIT("\x0f"), ERR_PROTO, 0 },
    { "padded length", SLICE_LIT("\x30\x80\x00"), ERR_PROTO, 0 }, /* [MQTT-1.5.5-1] */
    { "padded, three bytes", SLICE_LIT("\x30\x81\x80\x00"), ERR_PROTO, 0 },
    { "five length bytes", SLICE_LIT("\x30\xff\xff\xff\xff\x7f"), ERR_PROTO, 0 },
    { "announces 256 MiB", SLICE_LIT("\x30\xff\xff\xff\x7f"), ERR_TOO_BIG, 0 },
    { "one over the limit", SLICE_LIT("\x30\xfe\x07"), ERR_TOO_BIG, 0 }, /* 3 + 1022 > 1024 */
    { "just at the limit", SLICE_LIT("\x30\xfd\x07"), ERR_MORE, 0 },     /* 3 + 1021 */
};

static void each_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct slice in = cases[i].in;
        struct mqtt_frame f = { .type = 0xee };
        print_message("  %s\n", cases[i].what);
        assert_int_equal(mqtt_frame_next(&in, 1024, &f), cases[i].want);
        assert_int_equal(in.n, cases[i].want ? cases[i].in.n : 0);
        if (cases[i].want)
            assert_int_equal(f.type, 0xee); /* untouched on failure */
        else
            assert_int_equal(f.body.n, cases[i].body);
    }
}

/* The copy is exactly n bytes long, so AddressSanitizer catches a read of byte n. */
static void every_prefix_asks_for_more(void **state)
{
    struct slice whole = SLICE_LIT("\x30\x05\x00\x01t42");
    (void)state;
    for (size_t n = 1; n < whole.n; n++) {
        autofree uint8_t *copy = mem_dup(whole.p, n);
        struct slice in = { copy, n };
        struct mqtt_frame f;
        assert_int_equal(mqtt_frame_next(&in, 1024, &f), ERR_MORE);
        assert_int_equal(in.n, n);
    }
}

static void takes_one_packet_at_a_time(void **state)
{
    struct slice in = SLICE_LIT("\x82\x01x\xc0\x00\x30");
    struct mqtt_frame f;
    (void)state;
    assert_int_equal(mqtt_frame_next(&in, 1024, &f), ERR_OK);
    assert_int_equal(f.type, 8);
    assert_int_equal(f.flags, 2);
    assert_int_equal(f.body.n, 1);
    assert_int_equal(mqtt_frame_next(&in, 1024, &f), ERR_OK);
    assert_int_equal(f.type, 12);
    assert_int_equal(mqtt_frame_next(&in, 1024, &f), ERR_MORE);
    assert_int_equal(in.n, 1);
}

/* MQTT 5.0 table 1-1. */
static void varint_borders(void **state)
{
    static const struct {
        uint32_t v;
        struct slice bytes;
    } edges[] = {
        { 0, SLICE_LIT("\x00") },
        { 127, SLICE_LIT("\x7f") },
        { 128, SLICE_LIT("\x80\x01") },
        { 16383, SLICE_LIT("\xff\x7f") },
        { 16384, SLICE_LIT("\x80\x80\x01") },
        { 2097151, SLICE_LIT("\xff\xff\x7f") },
        { 2097152, SLICE_LIT("\x80\x80\x80\x01") },
        { MQTT_VARINT_MAX, SLICE_LIT("\xff\xff\xff\x7f") },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(edges); i++) {
        autobuf b = BUF_INIT(8);
        struct writer w = writer_of(&b);
        struct reader r = reader_of(edges[i].bytes);

        mqtt_varint_write(&w, edges[i].v);
        assert_int_equal(writer_done(&w), ERR_OK);
        assert_true(slice_eq(buf_slice(&b), edges[i].bytes));
        assert_int_equal(mqtt_varint_len(edges[i].v), edges[i].bytes.n);
        assert_int_equal(mqtt_varint_read(&r), edges[i].v);
        assert_int_equal(reader_done(&r), ERR_OK);
    }
}

static void varint_refuses(void **state)
{
    autobuf b = BUF_INIT(8);
    struct writer w = writer_of(&b);
    struct reader cut = reader_of(SLICE_LIT("\x80\x80"));
    (void)state;

    mqtt_varint_write(&w, MQTT_VARINT_MAX + 1);
    assert_int_equal(writer_done(&w), ERR_TOO_BIG);
    assert_int_equal(b.n, 0);
    assert_int_equal(mqtt_varint_read(&cut), 0);
    assert_int_equal(reader_done(&cut), ERR_PROTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_case),
        cmocka_unit_test(every_prefix_asks_for_more),
        cmocka_unit_test(takes_one_packet_at_a_time),
        cmocka_unit_test(varint_borders),
        cmocka_unit_test(varint_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
