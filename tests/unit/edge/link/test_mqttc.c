/* The client's state machine against bytes written by hand from MQTT 3.1.1. */
#include "../../cm.h"
#include "base/mem.h"
#include "edge/link/mqttc.h"

#define CONNACK_OK SLICE_LIT("\x20\x02\x00\x00")

static struct mqttc fresh(void)
{
    struct mqttc m;

    mqttc_init(&m, 30, 5);
    assert_int_equal(mqttc_open(&m, "CORE", 1000), ERR_OK);
    return m;
}

static struct mqttc opened(void)
{
    struct mqttc m = fresh();
    struct slice in = CONNACK_OK;
    struct mqttc_event ev;

    assert_int_equal(mqttc_input(&m, &in, 1000, &ev, NULL), ERR_OK);
    assert_int_equal(ev.type, MQTTC_EV_CONNECTED);
    buf_clear(&m.out);
    return m;
}

static void connect_bytes(void **state)
{
    struct mqttc m = fresh();
    /* §3.1: clean session, keep alive 30, client id CORE */
    struct slice want = SLICE_LIT("\x10\x10\x00\x04MQTT\x04\x02\x00\x1e\x00\x04"
                                  "CORE");

    (void)state;
    assert_int_equal(m.out.n, want.n);
    assert_memory_equal(m.out.p, want.p, want.n);
    mqttc_done(&m);
}

static const struct {
    const char *what;
    bool open; /* after CONNACK */
    struct slice in;
    err_t want;
    enum mqttc_event_type type;
} inputs[] = {
    { "refused", false, SLICE_LIT("\x20\x02\x00\x05"), ERR_OK, MQTTC_EV_REFUSED },
    { "second CONNACK", true, SLICE_LIT("\x20\x02\x00\x00"), ERR_PROTO, 0 },
    { "PUBLISH before CONNACK", false, SLICE_LIT("\x30\x04\x00\x01tx"), ERR_PROTO, 0 },
    { "QoS 0 message", true, SLICE_LIT("\x30\x04\x00\x01tx"), ERR_OK, MQTTC_EV_MESSAGE },
    { "QoS 2 message, never asked for", true, SLICE_LIT("\x34\x06\x00\x01t\x00\x01x"), ERR_PROTO, 0 },
    { "SUBACK of nothing", true, SLICE_LIT("\x90\x03\x00\x01\x01"), ERR_PROTO, 0 },
    { "PUBACK of nothing", true, SLICE_LIT("\x40\x02\x00\x01"), ERR_PROTO, 0 },
    { "PUBACK with id 0", true, SLICE_LIT("\x40\x02\x00\x00"), ERR_PROTO, 0 },
    { "PINGRESP", true, SLICE_LIT("\xd0\x00"), ERR_OK, MQTTC_EV_PONG },
    { "a server does not CONNECT", true, SLICE_LIT("\x10\x00"), ERR_PROTO, 0 },
    { "over the limit", true, SLICE_LIT("\x30\xff\xff\xff\x7f"), ERR_TOO_BIG, 0 },
    { "reserved type 0", true, SLICE_LIT("\x00\x00"), ERR_PROTO, 0 },
};

static void each_input(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(inputs); i++) {
        struct mqttc m = inputs[i].open ? opened() : fresh();
        struct slice in = inputs[i].in;
        struct mqttc_event ev = { .id = 4711 };
        struct problem why = { "" };
        print_message("  %s\n", inputs[i].what);
        assert_int_equal(mqttc_input(&m, &in, 1000, &ev, &why), inputs[i].want);
        assert_int_equal(in.n, inputs[i].want ? inputs[i].in.n : 0);
        if (inputs[i].want) {
            assert_int_equal(ev.id, 4711); /* untouched */
            assert_true(why.text[0] != '\0');
        } else
            assert_int_equal(ev.type, inputs[i].type);
        mqttc_done(&m);
    }
}

static void every_prefix_asks_for_more(void **state)
{
    struct slice whole = SLICE_LIT("\x32\x06\x00\x01t\x00\x09x");

    (void)state;
    for (size_t n = 0; n < whole.n; n++) {
        struct mqttc m = opened();
        autofree uint8_t *copy = mem_dup(whole.p, n);
        struct slice in = { copy, n };
        struct mqttc_event ev;
        assert_int_equal(mqttc_input(&m, &in, 1000, &ev, NULL), ERR_MORE);
        assert_int_equal(in.n, n);
        assert_int_equal(m.out.n, 0);
        mqttc_done(&m);
    }
}

static void qos1_is_acknowledged(void **state)
{
    struct mqttc m = opened();
    struct slice in = SLICE_LIT("\x32\x06\x00\x01t\x00\x09x");
    struct mqttc_event ev;

    (void)state;
    assert_int_equal(mqttc_input(&m, &in, 1000, &ev, NULL), ERR_OK);
    assert_true(slice_eq(ev.topic, SLICE_LIT("t")));
    assert_true(slice_eq(ev.payload, SLICE_LIT("x")));
    assert_true(slice_eq(buf_slice(&m.out), SLICE_LIT("\x40\x02\x00\x09")));
    mqttc_done(&m);
}

static void subscribe_granted_and_denied(void **state)
{
    (void)state;
    for (int denied = 0; denied < 2; denied++) {
        struct mqttc m = opened();
        struct slice in = denied ? SLICE_LIT("\x90\x03\x00\x01\x80") : SLICE_LIT("\x90\x03\x00\x01\x01");
        struct mqttc_event ev;
        uint16_t id = 0;
        assert_int_equal(mqttc_subscribe(&m, SLICE_LIT("t"), 1, 1000, &id), ERR_OK);
        assert_int_equal(id, 1);
        assert_true(slice_eq(buf_slice(&m.out), SLICE_LIT("\x82\x06\x00\x01\x00\x01t\x01")));
        assert_int_equal(mqttc_input(&m, &in, 1000, &ev, NULL), ERR_OK);
        assert_int_equal(ev.type, denied ? MQTTC_EV_DENIED : MQTTC_EV_SUBSCRIBED);
        assert_int_equal(ev.id, 1);
        mqttc_done(&m);
    }
}

static void a_puback_does_not_answer_a_subscribe(void **state)
{
    struct mqttc m = opened();
    struct slice in = SLICE_LIT("\x40\x02\x00\x01");
    struct mqttc_event ev;
    uint16_t id;

    (void)state;
    assert_int_equal(mqttc_subscribe(&m, SLICE_LIT("t"), 1, 1000, &id), ERR_OK);
    assert_int_equal(mqttc_input(&m, &in, 1000, &ev, NULL), ERR_PROTO);
    mqttc_done(&m);
}

static void operations_are_bounded(void **state)
{
    struct mqttc m = opened();
    uint16_t id = 0;

    (void)state;
    for (int i = 0; i < MQTTC_MAX_OPERATIONS; i++)
        assert_int_equal(mqttc_publish(&m, SLICE_LIT("t"), SLICE_LIT("x"), 1000, &id), ERR_OK);
    assert_int_equal(mqttc_publish(&m, SLICE_LIT("t"), SLICE_LIT("x"), 1000, &id), ERR_BUSY);
    struct slice in = SLICE_LIT("\x40\x02\x00\x03");
    struct mqttc_event ev;
    assert_int_equal(mqttc_input(&m, &in, 1000, &ev, NULL), ERR_OK);
    assert_int_equal(mqttc_publish(&m, SLICE_LIT("t"), SLICE_LIT("x"), 1000, &id), ERR_OK);
    assert_int_equal(id, MQTTC_MAX_OPERATIONS + 1);
    mqttc_done(&m);
}

static void no_operation_before_connack(void **state)
{
    struct mqttc m = fresh();
    uint16_t id = 7;

    (void)state;
    assert_int_equal(mqttc_publish(&m, SLICE_LIT("t"), SLICE_LIT("x"), 1000, &id), ERR_WRONG_STATE);
    assert_int_equal(id, 7);
    mqttc_done(&m);
}

/* mqttOperationTimeout is 5 s here; CONNACK has 10. */
static void deadlines(void **state)
{
    struct problem why;
    uint16_t id;

    (void)state;
    struct mqttc a = fresh();
    assert_int_equal(mqttc_next_ms(&a, 1000), 10000);
    assert_int_equal(mqttc_tick(&a, 10999, &why), ERR_OK);
    assert_int_equal(mqttc_tick(&a, 11000, &why), ERR_TIMEOUT);
    mqttc_done(&a);
    struct mqttc b = opened();
    assert_int_equal(mqttc_subscribe(&b, SLICE_LIT("t"), 1, 2000, &id), ERR_OK);
    assert_int_equal(mqttc_next_ms(&b, 2000), 5000);
    assert_int_equal(mqttc_tick(&b, 6999, &why), ERR_OK);
    assert_int_equal(mqttc_tick(&b, 7000, &why), ERR_TIMEOUT);
    mqttc_done(&b);
}

/* [MQTT-3.1.2-24] */
static void keep_alive(void **state)
{
    struct mqttc m = opened();
    struct problem why;
    struct mqttc_event ev;

    (void)state;
    assert_int_equal(mqttc_next_ms(&m, 1000), 30000);
    assert_int_equal(mqttc_tick(&m, 30999, &why), ERR_OK);
    assert_int_equal(m.out.n, 0);
    assert_int_equal(mqttc_tick(&m, 31000, &why), ERR_OK);
    assert_true(slice_eq(buf_slice(&m.out), SLICE_LIT("\xc0\x00")));
    assert_int_equal(mqttc_tick(&m, 40999, &why), ERR_OK);
    struct mqttc lost = m;
    assert_int_equal(mqttc_tick(&lost, 41000, &why), ERR_TIMEOUT);
    struct slice pong = SLICE_LIT("\xd0\x00");
    assert_int_equal(mqttc_input(&m, &pong, 40999, &ev, NULL), ERR_OK);
    assert_int_equal(mqttc_tick(&m, 41000, &why), ERR_OK);
    assert_int_equal(mqttc_next_ms(&m, 41000), 20000);
    mqttc_done(&m);
}

static void close_says_goodbye(void **state)
{
    struct mqttc m = opened();

    (void)state;
    mqttc_close(&m);
    assert_true(slice_eq(buf_slice(&m.out), SLICE_LIT("\xe0\x00")));
    assert_int_equal(mqttc_next_ms(&m, 0), -1);
    mqttc_done(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connect_bytes),
        cmocka_unit_test(each_input),
        cmocka_unit_test(every_prefix_asks_for_more),
        cmocka_unit_test(qos1_is_acknowledged),
        cmocka_unit_test(subscribe_granted_and_denied),
        cmocka_unit_test(a_puback_does_not_answer_a_subscribe),
        cmocka_unit_test(operations_are_bounded),
        cmocka_unit_test(no_operation_before_connack),
        cmocka_unit_test(deadlines),
        cmocka_unit_test(keep_alive),
        cmocka_unit_test(close_says_goodbye),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
