#include "../cm.h"
#include "base/mem.h"
#include "mqtt/reason.h"
#include "recode.h"

/* Packets written by hand from the specifications. Good ones must come back from the encoder byte for byte;
 * bad ones name the clause they break. */
#define V4 MQTT_V311
#define V5 MQTT_V5
static const struct {
    const char *what;
    enum mqtt_version v;
    struct slice in;
    err_t want;
} cases[] = {
    /* CONNECT §3.1 */
    { "connect", V4,
      SLICE_LIT("\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01"
                "c"),
      ERR_OK },
    { "connect, no id, clean", V4, SLICE_LIT("\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00"), ERR_OK },
    { "connect, all of it", V4,
      SLICE_LIT("\x10\x1d\x00\x04MQTT\x04\xee\x02\x58\x00\x01"
                "c\x00\x02wt\x00\x03msg\x00\x01u\x00\x02\x00\xff"),
      ERR_OK },
    { "connect 5", V5,
      SLICE_LIT("\x10\x0e\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x01"
                "c"),
      ERR_OK },
    { "connect 5, will delay, password alone", V5,
      SLICE_LIT("\x10\x20\x00\x04MQTT\x05\x46\x00\x0a\x03\x21\x00\x0a\x00\x01"
                "c\x05\x18\x00\x00\x00\x05\x00\x01t\x00\x01m\x00\x01p"),
      ERR_OK },
    { "level 3", V4,
      SLICE_LIT("\x10\x0f\x00\x06MQIsdp\x03\x02\x00\x3c\x00\x01"
                "c"),
      ERR_UNSUPPORTED },
    { "level 6", V4,
      SLICE_LIT("\x10\x0d\x00\x04MQTT\x06\x02\x00\x3c\x00\x01"
                "c"),
      ERR_UNSUPPORTED }, /* [MQTT-3.1.2-2] */
    { "another protocol", V4,
      SLICE_LIT("\x10\x0d\x00\x04MQTX\x04\x02\x00\x3c\x00\x01"
                "c"),
      ERR_PROTO },
    { "flags of fixed header", V4,
      SLICE_LIT("\x11\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01"
                "c"),
      ERR_PROTO },
    { "reserved flag", V4,
      SLICE_LIT("\x10\x0d\x00\x04MQTT\x04\x03\x00\x3c\x00\x01"
                "c"),
      ERR_PROTO }, /* [MQTT-3.1.2-3] */
    { "will QoS without will", V4,
      SLICE_LIT("\x10\x0d\x00\x04MQTT\x04\x0a\x00\x3c\x00\x01"
                "c"),
      ERR_PROTO }, /* [MQTT-3.1.2-13] */
    { "will retain without will", V4,
      SLICE_LIT("\x10\x0d\x00\x04MQTT\x04\x22\x00\x3c\x00\x01"
                "c"),
      ERR_PROTO }, /* [MQTT-3.1.2-15] */
    { "will QoS 3", V4,
      SLICE_LIT("\x10\x13\x00\x04MQTT\x04\x1e\x00\x3c\x00\x01"
                "c\x00\x01t\x00\x01m"),
      ERR_PROTO }, /* [MQTT-3.1.2-14] */
    { "will topic with wildcard", V4,
      SLICE_LIT("\x10\x13\x00\x04MQTT\x04\x06\x00\x3c\x00\x01"
                "c\x00\x01#\x00\x01m"),
      ERR_PROTO },
    { "password without user", V4,
      SLICE_LIT("\x10\x10\x00\x04MQTT\x04\x42\x00\x3c\x00\x01"
                "c\x00\x01p"),
      ERR_PROTO }, /* [MQTT-3.1.2-22] */
    { "bytes behind", V4,
      SLICE_LIT("\x10\x0e\x00\x04MQTT\x04\x02\x00\x3c\x00\x01"
                "cx"),
      ERR_PROTO },
    { "id not UTF-8", V4, SLICE_LIT("\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01\xff"),
      ERR_PROTO }, /* [MQTT-3.1.3-4] */
    { "auth data without method", V5,
      SLICE_LIT("\x10\x12\x00\x04MQTT\x05\x02\x00\x3c\x04\x16\x00\x01x\x00\x01"
                "c"),
      ERR_INVALID },
    /* CONNACK §3.2 */
    { "connack", V4, SLICE_LIT("\x20\x02\x00\x00"), ERR_OK },
    { "connack, session", V4, SLICE_LIT("\x20\x02\x01\x00"), ERR_OK },
    { "connack 5, refused", V4, SLICE_LIT("\x20\x02\x00\x05"), ERR_OK },
    { "connack, session but refused", V4, SLICE_LIT("\x20\x02\x01\x05"), ERR_PROTO }, /* [MQTT-3.2.2-4] */
    { "connack, reserved flags", V4, SLICE_LIT("\x20\x02\x02\x00"), ERR_PROTO },
    { "connack, reserved code", V4, SLICE_LIT("\x20\x02\x00\x06"), ERR_PROTO },
    { "connack v5", V5, SLICE_LIT("\x20\x08\x00\x00\x05\x21\x00\x64\x24\x01"), ERR_OK },
    { "connack v5 without properties", V5, SLICE_LIT("\x20\x02\x00\x00"), ERR_PROTO },
    /* PUBLISH §3.3 */
    { "publish 0", V4, SLICE_LIT("\x30\x05\x00\x01tab"), ERR_OK },
    { "publish 1, dup, retain", V4,
      SLICE_LIT("\x3b\x07\x00\x01t\x12\x34"
                "ab"),
      ERR_OK },
    { "publish 2, empty", V4, SLICE_LIT("\x34\x05\x00\x01t\x00\x01"), ERR_OK },
    { "publish QoS 3", V4, SLICE_LIT("\x36\x05\x00\x01t\x00\x01"), ERR_PROTO },  /* [MQTT-3.3.1-4] */
    { "publish 0 with dup", V4, SLICE_LIT("\x38\x03\x00\x01t"), ERR_PROTO },     /* [MQTT-3.3.1-2] */
    { "publish to a filter", V4, SLICE_LIT("\x30\x05\x00\x03t/#"), ERR_PROTO },  /* [MQTT-3.3.2-2] */
    { "publish without topic", V4, SLICE_LIT("\x30\x02\x00\x00"), ERR_INVALID }, /* [MQTT-4.7.3-1] */
    { "publish with identifier 0", V4, SLICE_LIT("\x32\x05\x00\x01t\x00\x00"),
      ERR_INVALID }, /* [MQTT-2.3.1-1] */
    { "publish v5", V5,
      SLICE_LIT("\x32\x0d\x00\x01t\x00\x07\x05\x02\x00\x00\x00\x3c"
                "ab"),
      ERR_OK },
    { "publish v5, alias only", V5, SLICE_LIT("\x30\x06\x00\x00\x03\x23\x00\x01"), ERR_OK },
    { "publish v5, neither", V5, SLICE_LIT("\x30\x03\x00\x00\x00"), ERR_INVALID },
    { "publish v5, response topic with wildcard", V5, SLICE_LIT("\x30\x08\x00\x01t\x04\x08\x00\x01#"),
      ERR_INVALID }, /* [MQTT-3.3.2-14] */
    { "publish v5, topic with wildcard", V5, SLICE_LIT("\x30\x04\x00\x01+\x00"), ERR_PROTO },
    /* PUBACK and its kin §3.4 to §3.7 */
    { "puback", V4, SLICE_LIT("\x40\x02\x00\x01"), ERR_OK },
    { "pubrec", V4, SLICE_LIT("\x50\x02\x00\x01"), ERR_OK },
    { "pubrel", V4, SLICE_LIT("\x62\x02\x00\x01"), ERR_OK },
    { "pubcomp", V4, SLICE_LIT("\x70\x02\x00\x01"), ERR_OK },
    { "pubrel without its flag", V4, SLICE_LIT("\x60\x02\x00\x01"), ERR_PROTO }, /* [MQTT-3.6.1-1] */
    { "puback with a flag", V4, SLICE_LIT("\x42\x02\x00\x01"), ERR_PROTO },
    { "puback for 0", V4, SLICE_LIT("\x40\x02\x00\x00"), ERR_INVALID },
    { "puback too long", V4, SLICE_LIT("\x40\x03\x00\x01\x00"), ERR_PROTO },
    { "puback v5, short", V5, SLICE_LIT("\x40\x02\x00\x01"), ERR_OK },
    { "puback v5, code", V5, SLICE_LIT("\x40\x03\x00\x01\x87"), ERR_OK },
    { "puback v5, a code of SUBACK", V5, SLICE_LIT("\x40\x03\x00\x01\x01"),
      ERR_INVALID }, /* [MQTT-3.4.2-1] */
    { "pubrec v5, a code of PUBREL", V5, SLICE_LIT("\x50\x03\x00\x01\x92"),
      ERR_INVALID }, /* [MQTT-3.5.2-1] */
    { "pubrel v5, not found", V5, SLICE_LIT("\x62\x03\x00\x01\x92"), ERR_OK },
    { "pubrel v5, a code of PUBREC", V5, SLICE_LIT("\x62\x03\x00\x01\x97"),
      ERR_INVALID },                                                                    /* [MQTT-3.6.2-1] */
    { "pubcomp v5, unknown code", V5, SLICE_LIT("\x70\x03\x00\x01\x42"), ERR_INVALID }, /* [MQTT-3.7.2-1] */
    { "puback v5, code and reason", V5, SLICE_LIT("\x40\x08\x00\x01\x87\x04\x1f\x00\x01n"), ERR_OK },
    /* SUBSCRIBE, UNSUBSCRIBE §3.8, §3.10 */
    { "subscribe", V4,
      SLICE_LIT("\x82\x0a\x00\x01\x00\x01"
                "a\x00\x00\x01"
                "b\x01"),
      ERR_OK },
    { "subscribe without its flag", V4,
      SLICE_LIT("\x80\x06\x00\x01\x00\x01"
                "a\x00"),
      ERR_PROTO }, /* [MQTT-3.8.1-1] */
    { "subscribe for 0", V4,
      SLICE_LIT("\x82\x06\x00\x00\x00\x01"
                "a\x00"),
      ERR_INVALID },
    { "subscribe to nothing", V4, SLICE_LIT("\x82\x02\x00\x01"), ERR_INVALID }, /* [MQTT-3.8.3-3] */
    { "subscribe QoS 3", V4,
      SLICE_LIT("\x82\x06\x00\x01\x00\x01"
                "a\x03"),
      ERR_PROTO }, /* [MQTT-3-8.3-4] */
    { "subscribe reserved bits", V4,
      SLICE_LIT("\x82\x06\x00\x01\x00\x01"
                "a\x04"),
      ERR_PROTO },
    { "subscribe empty filter", V4, SLICE_LIT("\x82\x05\x00\x01\x00\x00\x00"), ERR_PROTO },
    { "subscribe v5, options", V5,
      SLICE_LIT("\x82\x07\x00\x01\x00\x00\x01"
                "a\x2d"),
      ERR_OK },
    { "subscribe v5, retain handling 3", V5,
      SLICE_LIT("\x82\x07\x00\x01\x00\x00\x01"
                "a\x30"),
      ERR_INVALID },
    { "subscribe v5, reserved bits", V5,
      SLICE_LIT("\x82\x07\x00\x01\x00\x00\x01"
                "a\x40"),
      ERR_PROTO },
    { "subscribe v5, no local shared", V5, SLICE_LIT("\x82\x10\x00\x01\x00\x00\x0a$share/g/a\x05"),
      ERR_INVALID }, /* 5.0 [MQTT-3.8.3-4] */
    { "unsubscribe", V4,
      SLICE_LIT("\xa2\x08\x00\x01\x00\x01"
                "a\x00\x01"
                "b"),
      ERR_OK },
    { "unsubscribe v5", V5,
      SLICE_LIT("\xa2\x06\x00\x01\x00\x00\x01"
                "a"),
      ERR_OK },
    { "unsubscribe nothing", V4, SLICE_LIT("\xa2\x02\x00\x01"), ERR_INVALID }, /* [MQTT-3.10.3-2] */
    /* SUBACK, UNSUBACK §3.9, §3.11 */
    { "suback", V4, SLICE_LIT("\x90\x05\x00\x01\x00\x01\x80"), ERR_OK },
    { "suback reserved code", V4, SLICE_LIT("\x90\x03\x00\x01\x03"), ERR_PROTO }, /* [MQTT-3.9.3-2] */
    { "suback without codes", V4, SLICE_LIT("\x90\x02\x00\x01"), ERR_PROTO },
    { "suback v5", V5, SLICE_LIT("\x90\x05\x00\x01\x00\x01\x87"), ERR_OK },
    { "unsuback", V4, SLICE_LIT("\xb0\x02\x00\x01"), ERR_OK },
    { "unsuback with codes", V4, SLICE_LIT("\xb0\x03\x00\x01\x00"), ERR_PROTO },
    { "unsuback v5", V5, SLICE_LIT("\xb0\x05\x00\x01\x00\x00\x11"), ERR_OK },
    /* the rest */
    { "pingreq", V4, SLICE_LIT("\xc0\x00"), ERR_OK },
    { "pingresp", V4, SLICE_LIT("\xd0\x00"), ERR_OK },
    { "pingreq with a body", V4, SLICE_LIT("\xc0\x01x"), ERR_PROTO },
    { "pingreq with flags", V4, SLICE_LIT("\xc1\x00"), ERR_PROTO },
    { "disconnect", V4, SLICE_LIT("\xe0\x00"), ERR_OK },
    { "disconnect with a body", V4, SLICE_LIT("\xe0\x01\x00"), ERR_PROTO },
    { "disconnect with flags", V4, SLICE_LIT("\xe1\x00"), ERR_PROTO }, /* [MQTT-3.14.1-1] */
    { "disconnect v5", V5, SLICE_LIT("\xe0\x01\x8e"), ERR_OK },
    { "disconnect v5, session expiry", V5, SLICE_LIT("\xe0\x07\x04\x05\x11\x00\x00\x00\x01"), ERR_OK },
    { "auth v5", V5, SLICE_LIT("\xf0\x06\x18\x04\x15\x00\x01x"), ERR_OK },
    { "auth v5, success", V5, SLICE_LIT("\xf0\x00"), ERR_OK },
    { "auth v5, a code of none", V5, SLICE_LIT("\xf0\x01\x04"), ERR_INVALID },          /* [MQTT-3.15.2-1] */
    { "auth v5 with flags", V5, SLICE_LIT("\xf1\x00"), ERR_PROTO },                     /* [MQTT-3.15.1-1] */
    { "disconnect v5, a code of CONNACK", V5, SLICE_LIT("\xe0\x01\x85"), ERR_INVALID }, /* [MQTT-3.14.2-1] */
    { "auth in 3.1.1", V4, SLICE_LIT("\xf0\x00"), ERR_PROTO },
};

static struct mqtt_frame frame_of(struct slice in)
{
    struct mqtt_frame f;
    assert_int_equal(mqtt_frame_next(&in, 4096, &f), ERR_OK);
    assert_int_equal(in.n, 0);
    return f;
}

static void each_packet(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        autobuf out = BUF_INIT(256);
        struct mqtt_frame f;
        err_t decoded, encoded;

        print_message("  %s\n", cases[i].what);
        f = frame_of(cases[i].in);
        encoded = recode(&f, cases[i].v, &out, &decoded);
        assert_int_equal(decoded, cases[i].want);
        assert_int_equal(encoded, ERR_OK);
        if (!decoded)
            assert_true(slice_eq(buf_slice(&out), cases[i].in));
    }
}

/* A body cut anywhere is refused or, where the specification makes the tail optional or opaque, comes back as
 * it is. */
static void every_prefix_of_every_body(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct mqtt_frame whole = frame_of(cases[i].in);
        for (size_t n = 0; n < whole.body.n; n++) {
            autofree uint8_t *copy = mem_dup(whole.body.p, n);
            autobuf out = BUF_INIT(256);
            struct mqtt_frame f = { whole.type, whole.flags, { copy, n } };
            err_t decoded;

            assert_int_equal(recode(&f, cases[i].v, &out, &decoded), ERR_OK);
            if (!decoded)
                assert_true(slice_eq(frame_of(buf_slice(&out)).body, f.body));
        }
    }
}

/* The encoders leave the buf as it was when its cap is met anywhere. */
static void every_cap(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct mqtt_frame f = frame_of(cases[i].in);
        for (size_t cap = 1; cases[i].want == ERR_OK && cap <= cases[i].in.n; cap++) {
            autobuf out = BUF_INIT(cap);
            err_t decoded;

            assert_int_equal(buf_add_u8(&out, '!'), ERR_OK);
            assert_int_equal(recode(&f, cases[i].v, &out, &decoded), ERR_TOO_BIG);
            assert_int_equal(out.n, 1);
        }
    }
}

static void connect_fields(void **state)
{
    struct mqtt_frame f = frame_of(SLICE_LIT("\x10\x1d\x00\x04MQTT\x04\xee\x02\x58\x00\x01"
                                             "c\x00\x02wt\x00\x03msg\x00\x01u\x00\x02\x00\xff"));
    struct mqtt_connect c;
    (void)state;

    assert_int_equal(mqtt_connect_decode(&f, &c), ERR_OK);
    assert_int_equal(c.version, MQTT_V311);
    assert_true(c.clean && c.has_will && c.has_username && c.has_password);
    assert_int_equal(c.keep_alive_s, 600);
    assert_true(slice_eq(c.client_id, SLICE_LIT("c")));
    assert_true(slice_eq(c.will.topic, SLICE_LIT("wt")) && slice_eq(c.will.payload, SLICE_LIT("msg")));
    assert_true(c.will.qos == 1 && c.will.retain);
    assert_true(slice_eq(c.username, SLICE_LIT("u")) && slice_eq(c.password, SLICE_LIT("\x00\xff")));
}

static void connect_5_fields(void **state)
{
    struct mqtt_frame f = frame_of(SLICE_LIT("\x10\x20\x00\x04MQTT\x05\x46\x00\x0a\x03\x21\x00\x0a\x00\x01"
                                             "c"
                                             "\x05\x18\x00\x00\x00\x05\x00\x01t\x00\x01m\x00\x01p"));
    struct mqtt_connect c;
    (void)state;

    assert_int_equal(mqtt_connect_decode(&f, &c), ERR_OK);
    assert_true(c.has_password && !c.has_username); /* lifted by 5.0 §3.1.2.9 */
    assert_int_equal(c.props.receive_max, 10);
    assert_int_equal(c.will.props.will_delay_s, 5);
    assert_false(mqtt_props_has(&c.props, MQTT_PROP_SESSION_EXPIRY));
}

static void outputs_untouched(void **state)
{
    struct mqtt_frame f = frame_of(SLICE_LIT("\x36\x05\x00\x01t\x00\x01"));
    struct mqtt_publish p = { .packet_id = 0xabcd };
    (void)state;
    assert_int_equal(mqtt_publish_decode(&f, MQTT_V311, &p), ERR_PROTO);
    assert_int_equal(p.packet_id, 0xabcd);
}

static void encoders_refuse(void **state)
{
    autobuf out = BUF_INIT(256);
    const struct mqtt_subscription bad_filter = { .filter = SLICE_LIT("a#") },
                                   bad_qos = { .filter = SLICE_LIT("a"), .qos = 3 };
    (void)state;
    assert_int_equal(
        mqtt_publish_encode(&out, MQTT_V311, &(struct mqtt_publish){ .topic = SLICE_LIT("a/#") }),
        ERR_INVALID);
    assert_int_equal(
        mqtt_publish_encode(&out, MQTT_V311, &(struct mqtt_publish){ .topic = SLICE_LIT("a"), .qos = 1 }),
        ERR_INVALID);
    assert_int_equal(mqtt_publish_encode(&out, MQTT_V311,
                                         &(struct mqtt_publish){ .topic = SLICE_LIT("a"), .packet_id = 1 }),
                     ERR_INVALID);
    assert_int_equal(mqtt_connect_encode(&out, &(struct mqtt_connect){ .version = 3 }), ERR_INVALID);
    assert_int_equal(mqtt_connect_encode(&out, &(struct mqtt_connect){ .version = MQTT_V311 }),
                     ERR_INVALID); /* [MQTT-3.1.3-7] */
    assert_int_equal(mqtt_subscribe_encode(&out, MQTT_V311, 1, NULL, &bad_filter, 1), ERR_INVALID);
    assert_int_equal(mqtt_subscribe_encode(&out, MQTT_V311, 1, NULL, &bad_qos, 1), ERR_INVALID);
    assert_int_equal(mqtt_subscribe_encode(&out, MQTT_V311, 1, NULL, NULL, 0), ERR_INVALID);
    assert_int_equal(mqtt_ack_encode(&out, MQTT_V311, MQTT_SUBACK, &(struct mqtt_ack){ .packet_id = 1 }),
                     ERR_INVALID);
    assert_int_equal(
        mqtt_publish_encode(&out, MQTT_V5,
                            &(struct mqtt_publish){ .topic = SLICE_LIT("a"),
                                                    .props.has = MQTT_PROP_BIT(MQTT_PROP_TOPIC_ALIAS) }),
        ERR_INVALID); /* alias 0: 5.0 [MQTT-3.3.2-8] */
    assert_int_equal(mqtt_empty_encode(&out, MQTT_CONNECT), ERR_INVALID);
    assert_int_equal(mqtt_disconnect_encode(&out, MQTT_V311, MQTT_AUTH, &(struct mqtt_disconnect){ 0 }),
                     ERR_INVALID);
    assert_int_equal(out.n, 0);
}

static void strings_at_their_limit(void **state)
{
    autofree uint8_t *big = mem_calloc(1, 65536);
    autobuf out = BUF_INIT(200000);
    struct mqtt_publish p = { .topic = { big, 65535 } };
    (void)state;
    memset(big, 'x', 65536);
    assert_int_equal(mqtt_publish_encode(&out, MQTT_V311, &p), ERR_OK);
    buf_clear(&out);
    p.topic.n = 65536;
    assert_int_equal(mqtt_publish_encode(&out, MQTT_V311, &p), ERR_INVALID);
    assert_int_equal(out.n, 0);
}

static void type_names(void **state)
{
    (void)state;
    assert_string_equal(mqtt_type_str(MQTT_CONNECT), "CONNECT");
    assert_string_equal(mqtt_type_str(MQTT_AUTH), "AUTH");
    assert_string_equal(mqtt_type_str(16), "reserved");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_packet),      cmocka_unit_test(every_prefix_of_every_body),
        cmocka_unit_test(every_cap),        cmocka_unit_test(connect_fields),
        cmocka_unit_test(connect_5_fields), cmocka_unit_test(outputs_untouched),
        cmocka_unit_test(encoders_refuse),  cmocka_unit_test(strings_at_their_limit),
        cmocka_unit_test(type_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
