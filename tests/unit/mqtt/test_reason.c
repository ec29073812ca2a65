#include "../cm.h"
#include "base/mem.h"
#include "mqtt/packet.h"
#include "mqtt/reason.h"

/* MQTT 5.0 §2.4 and 3.1.1 table 3.1. */
static void names_and_return_codes(void **state)
{
    static const struct {
        uint8_t code;
        const char *name;
        uint8_t connack;
    } want[] = {
        { 0x00, "Success", 0 },
        { 0x84, "Unsupported Protocol Version", 1 },
        { 0x85, "Client Identifier not valid", 2 },
        { 0x86, "Bad User Name or Password", 4 },
        { 0x87, "Not authorized", 5 },
        { 0x88, "Server unavailable", 3 },
        { 0xa2, "Wildcard Subscriptions not supported", 3 },
        { 0xff, "unknown reason code", 3 },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        assert_string_equal(mqtt_reason_str(want[i].code), want[i].name);
        assert_int_equal(mqtt_connack_from_reason(want[i].code), want[i].connack);
    }
    assert_string_equal(mqtt_connack_str(5), "connection refused, not authorized");
    assert_string_equal(mqtt_connack_str(6), "unknown return code");
}

/* 5.0 table 2-6, its corners. */
static void which_packet_may_say_it(void **state)
{
    (void)state;
    assert_true(mqtt_reason_fits(0x00, MQTT_AUTH) && mqtt_reason_fits(0x00, MQTT_PUBCOMP));
    assert_true(mqtt_reason_fits(0x92, MQTT_PUBREL) && !mqtt_reason_fits(0x92, MQTT_PUBREC));
    assert_true(mqtt_reason_fits(0x97, MQTT_SUBACK) && !mqtt_reason_fits(0x97, MQTT_UNSUBACK));
    assert_true(mqtt_reason_fits(0x8b, MQTT_DISCONNECT) && !mqtt_reason_fits(0x8b, MQTT_CONNACK));
    assert_false(mqtt_reason_fits(0x03, MQTT_SUBACK) || mqtt_reason_fits(0xff, MQTT_DISCONNECT));
    assert_true(mqtt_reason_from_client(0x00) && mqtt_reason_from_client(0x04) &&
                mqtt_reason_from_client(0x99));
    assert_false(mqtt_reason_from_client(0x8b) || mqtt_reason_from_client(0x8e));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(names_and_return_codes),
                                        cmocka_unit_test(which_packet_may_say_it) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
