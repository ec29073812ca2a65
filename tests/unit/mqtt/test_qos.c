#include "../cm.h"
#include "base/mem.h"
#include "mqtt/qos.h"

#define EVENTS (MQTT_EV_RX_PUBCOMP + 1)
#define STATES (MQTT_QOS_OWE_PUBCOMP + 1)

/* §4.3 as one word per state: the events that are legal there. */
#define E(x) (1u << MQTT_EV_##x)
static const unsigned legal[STATES] = {
    [MQTT_QOS_IDLE] = E(TX_PUBLISH1) | E(TX_PUBLISH2) | E(RX_PUBLISH1) | E(RX_PUBLISH2),
    [MQTT_QOS_WAIT_PUBACK] = E(TX_PUBLISH1) | E(RX_PUBACK),
    [MQTT_QOS_WAIT_PUBREC] = E(TX_PUBLISH2) | E(RX_PUBREC),
    [MQTT_QOS_WAIT_PUBCOMP] = E(TX_PUBREL) | E(RX_PUBREC) | E(RX_PUBCOMP),
    [MQTT_QOS_OWE_PUBACK] = E(RX_PUBLISH1) | E(TX_PUBACK),
    [MQTT_QOS_OWE_PUBREC] = E(RX_PUBLISH2) | E(TX_PUBREC),
    [MQTT_QOS_WAIT_PUBREL] = E(RX_PUBLISH2) | E(RX_PUBREL),
    [MQTT_QOS_OWE_PUBCOMP] = E(RX_PUBREL) | E(TX_PUBCOMP),
};

static void every_pair_of_state_and_event(void **state)
{
    (void)state;
    for (unsigned s = 0; s < STATES; s++) {
        for (unsigned e = 0; e < EVENTS; e++) {
            enum mqtt_qos_state to = 99;
            err_t got = mqtt_qos_next(s, e, &to);
            assert_int_equal(got, legal[s] >> e & 1 ? ERR_OK : ERR_PROTO);
            assert_int_equal(to == 99, got != ERR_OK);
        }
    }
}

static void walk(enum mqtt_qos_state s, const enum mqtt_qos_event *ev, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_int_equal(mqtt_qos_next(s, ev[i], &s), ERR_OK);
    assert_int_equal(s, MQTT_QOS_IDLE);
}

/* Figure 4.2 and 4.3. */
static void whole_exchanges(void **state)
{
    static const enum mqtt_qos_event send1[] = { MQTT_EV_TX_PUBLISH1, MQTT_EV_RX_PUBACK };
    static const enum mqtt_qos_event send2[] = { MQTT_EV_TX_PUBLISH2, MQTT_EV_RX_PUBREC, MQTT_EV_TX_PUBREL,
                                                 MQTT_EV_RX_PUBCOMP };
    static const enum mqtt_qos_event recv1[] = { MQTT_EV_RX_PUBLISH1, MQTT_EV_TX_PUBACK };
    static const enum mqtt_qos_event recv2[] = { MQTT_EV_RX_PUBLISH2, MQTT_EV_TX_PUBREC, MQTT_EV_RX_PUBREL,
                                                 MQTT_EV_TX_PUBCOMP };
    (void)state;
    walk(MQTT_QOS_IDLE, send1, 2);
    walk(MQTT_QOS_IDLE, send2, 4);
    walk(MQTT_QOS_IDLE, recv1, 2);
    walk(MQTT_QOS_IDLE, recv2, 4);
}

static void identifiers_to_remember(void **state)
{
    struct mqtt_ids set = { 0 };
    (void)state;

    assert_false(mqtt_ids_has(&set, 7));
    assert_int_equal(mqtt_ids_add(&set, 7, 3), ERR_OK);
    assert_int_equal(mqtt_ids_add(&set, 7, 3), ERR_EXISTS);
    assert_int_equal(mqtt_ids_add(&set, 65535, 3), ERR_OK);
    assert_int_equal(mqtt_ids_add(&set, 1, 3), ERR_OK);
    assert_int_equal(mqtt_ids_add(&set, 2, 3), ERR_BUSY); /* one past the limit */
    assert_true(mqtt_ids_remove(&set, 7));
    assert_false(mqtt_ids_remove(&set, 7));
    assert_true(mqtt_ids_has(&set, 1) && mqtt_ids_has(&set, 65535));
    assert_true(mqtt_ids_remove(&set, 1) && mqtt_ids_remove(&set, 65535));
    assert_null(set.ids); /* an empty set holds nothing */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair_of_state_and_event),
        cmocka_unit_test(whole_exchanges),
        cmocka_unit_test(identifiers_to_remember),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
