#include "../cm.h"
#include "base/mem.h"
#include "mqtt/packet.h"

/* Blocks with their length, where they stand, and whether MQTT 5.0 table 2-4 and the sections behind it allow
 * them. */
static const struct {
    const char *what;
    unsigned where;
    struct slice in;
    err_t want;
} cases[] = {
    { "empty", MQTT_CONNECT, SLICE_LIT("\x00"), ERR_OK },
    { "session expiry", MQTT_CONNECT, SLICE_LIT("\x05\x11\x00\x00\x0e\x10"), ERR_OK },
    { "session expiry in publish", MQTT_PUBLISH, SLICE_LIT("\x05\x11\x00\x00\x0e\x10"), ERR_PROTO },
    { "session expiry twice", MQTT_CONNECT, SLICE_LIT("\x0a\x11\x00\x00\x0e\x10\x11\x00\x00\x0e\x10"),
      ERR_INVALID },
    { "receive maximum", MQTT_CONNECT, SLICE_LIT("\x03\x21\x00\x64"), ERR_OK },
    { "receive maximum 0", MQTT_CONNECT, SLICE_LIT("\x03\x21\x00\x00"), ERR_INVALID },
    { "maximum packet size 0", MQTT_CONNECT, SLICE_LIT("\x05\x27\x00\x00\x00\x00"), ERR_INVALID },
    { "request problem information 2", MQTT_CONNECT, SLICE_LIT("\x02\x17\x02"), ERR_INVALID },
    { "unknown identifier", MQTT_CONNECT, SLICE_LIT("\x02\x04\x00"), ERR_PROTO },
    { "identifier 0", MQTT_CONNECT, SLICE_LIT("\x02\x00\x00"), ERR_PROTO },
    { "identifier over 127", MQTT_CONNECT, SLICE_LIT("\x03\x80\x01\x00"), ERR_PROTO },
    { "identifier over 2^27", MQTT_CONNECT, SLICE_LIT("\x04\x81\x80\x80\x40"), ERR_PROTO },
    { "user property", MQTT_PUBACK,
      SLICE_LIT("\x07\x26\x00\x01"
                "a\x00\x01"
                "b"),
      ERR_OK },
    { "user property twice", MQTT_PUBACK,
      SLICE_LIT("\x0e\x26\x00\x01"
                "a\x00\x01"
                "b\x26\x00\x01"
                "a\x00\x01"
                "c"),
      ERR_OK },
    { "user property without value", MQTT_PUBACK,
      SLICE_LIT("\x04\x26\x00\x01"
                "a"),
      ERR_PROTO },
    { "user property not UTF-8", MQTT_PUBACK,
      SLICE_LIT("\x07\x26\x00\x01\xff\x00\x01"
                "b"),
      ERR_PROTO },
    { "content type with U+0000", MQTT_PUBLISH, SLICE_LIT("\x04\x03\x00\x01\x00"), ERR_PROTO },
    { "correlation data is binary", MQTT_PUBLISH, SLICE_LIT("\x04\x09\x00\x01\x00"), ERR_OK },
    { "subscription identifier 0", MQTT_SUBSCRIBE, SLICE_LIT("\x02\x0b\x00"), ERR_INVALID },
    { "two identifiers in publish", MQTT_PUBLISH, SLICE_LIT("\x04\x0b\x01\x0b\x02"), ERR_OK },
    { "two identifiers in subscribe", MQTT_SUBSCRIBE, SLICE_LIT("\x04\x0b\x01\x0b\x02"), ERR_INVALID },
    { "length beyond the end", MQTT_CONNECT, SLICE_LIT("\x06\x11\x00\x00\x0e\x10"), ERR_PROTO },
    { "will delay", MQTT_PROPS_WILL, SLICE_LIT("\x05\x18\x00\x00\x00\x01"), ERR_OK },
    { "will delay in connect", MQTT_CONNECT, SLICE_LIT("\x05\x18\x00\x00\x00\x01"), ERR_PROTO },
    { "maximum QoS", MQTT_CONNACK, SLICE_LIT("\x02\x24\x01"), ERR_OK },
    { "maximum QoS 2", MQTT_CONNACK, SLICE_LIT("\x02\x24\x02"), ERR_INVALID },
};

static void each_block(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct reader r = reader_of(cases[i].in);
        struct mqtt_props p;
        print_message("  %s\n", cases[i].what);
        mqtt_props_read(&r, cases[i].where, &p);
        assert_int_equal(reader_done(&r), cases[i].want);
    }
}

static void good_blocks_come_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct reader r = reader_of(cases[i].in);
        autobuf out = BUF_INIT(64);
        struct writer w = writer_of(&out);
        struct mqtt_props p;

        mqtt_props_read(&r, cases[i].where, &p);
        /* Several subscription identifiers are only ever read. */
        if (reader_done(&r) || (p.subscription_id && p.block.n > 2))
            continue;
        mqtt_props_write(&w, cases[i].where, &p);
        assert_int_equal(writer_done(&w), ERR_OK);
        assert_true(slice_eq(buf_slice(&out), cases[i].in));
    }
}

static void every_prefix_fails(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        for (size_t n = 0; n < cases[i].in.n; n++) {
            autofree uint8_t *copy = mem_dup(cases[i].in.p, n);
            struct reader r = reader_of(slice_of(copy, n));
            struct mqtt_props p;
            mqtt_props_read(&r, cases[i].where, &p);
            assert_int_equal(reader_done(&r), ERR_PROTO);
        }
    }
}

static void refuses_to_write_what_is_illegal(void **state)
{
    const struct {
        const char *what;
        unsigned where;
        struct mqtt_props p;
        err_t want;
    } bad[] = {
        { "topic alias in connect",
          MQTT_CONNECT,
          { .has = MQTT_PROP_BIT(MQTT_PROP_TOPIC_ALIAS), .topic_alias = 1 },
          ERR_INVALID },
        { "receive maximum 0", MQTT_CONNECT, { .has = MQTT_PROP_BIT(MQTT_PROP_RECEIVE_MAX) }, ERR_INVALID },
        { "flag of 2", MQTT_CONNACK, { .has = MQTT_PROP_BIT(MQTT_PROP_MAX_QOS), .max_qos = 2 }, ERR_INVALID },
        { "no such property", MQTT_CONNECT, { .has = MQTT_PROP_BIT(4) }, ERR_INVALID },
        { "reason not UTF-8",
          MQTT_CONNACK,
          { .has = MQTT_PROP_BIT(MQTT_PROP_REASON_STRING), .reason_string = SLICE_LIT("\xc0\x80") },
          ERR_INVALID },
        { "identifier too big",
          MQTT_SUBSCRIBE,
          { .has = MQTT_PROP_BIT(MQTT_PROP_SUBSCRIPTION_ID), .subscription_id = MQTT_VARINT_MAX + 1 },
          ERR_TOO_BIG },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        autobuf out = BUF_INIT(64);
        struct writer w = writer_of(&out);
        print_message("  %s\n", bad[i].what);
        mqtt_props_write(&w, bad[i].where, &bad[i].p);
        assert_int_equal(writer_done(&w), bad[i].want);
        assert_int_equal(out.n, 0);
    }
}

static void user_properties_in_order(void **state)
{
    autobuf block = BUF_INIT(64);
    struct mqtt_prop_item item;
    struct slice rest;
    (void)state;

    assert_int_equal(mqtt_prop_add_user(&block, SLICE_LIT("k"), SLICE_LIT("1")), ERR_OK);
    assert_int_equal(mqtt_prop_add_user(&block, SLICE_LIT("\xff"), SLICE_LIT("2")), ERR_INVALID);
    assert_int_equal(block.n, 7);
    assert_int_equal(mqtt_prop_add_user(&block, SLICE_LIT("k"), SLICE_LIT("2")), ERR_OK);
    rest = buf_slice(&block);
    assert_int_equal(mqtt_prop_next(&rest, &item), ERR_OK);
    assert_true(slice_eq(item.value, SLICE_LIT("1")));
    assert_int_equal(mqtt_prop_next(&rest, &item), ERR_OK);
    assert_true(slice_eq(item.name, SLICE_LIT("k")) && slice_eq(item.value, SLICE_LIT("2")));
    assert_int_equal(mqtt_prop_next(&rest, &item), ERR_MORE);
    assert_int_equal(item.id, MQTT_PROP_USER); /* untouched */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_block),
        cmocka_unit_test(good_blocks_come_back),
        cmocka_unit_test(every_prefix_fails),
        cmocka_unit_test(refuses_to_write_what_is_illegal),
        cmocka_unit_test(user_properties_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
