#include "../cm.h"
#include "base/mem.h"
#include "mqtt/image.h"

/* An image must be what the ordinary encoder writes, and what varies must land in its place. */

static const struct {
    const char *what;
    enum mqtt_version v;
    struct mqtt_image_of of;
    struct mqtt_image_vary vary;
    struct slice want;
} cases[] = {
    { "3.1.1, QoS 0",
      MQTT_V311,
      { .topic = SLICE_LIT("t"), .payload = SLICE_LIT("ab") },
      { 0 },
      SLICE_LIT("\x30\x05\x00\x01tab") },
    { "3.1.1, QoS 1, retained, again",
      MQTT_V311,
      { .topic = SLICE_LIT("t"), .payload = SLICE_LIT("ab") },
      { .dup = true, .retain = true, .qos = 1, .packet_id = 0x1234 },
      SLICE_LIT("\x3b\x07\x00\x01t\x12\x34"
                "ab") },
    { "3.1.1 leaves out what it does not know",
      MQTT_V311,
      { .topic = SLICE_LIT("t"), .props = SLICE_LIT("\x01\x01"), .expires = true, .alias = 3 },
      { .qos = 2, .packet_id = 1 },
      SLICE_LIT("\x34\x05\x00\x01t\x00\x01") },
    { "5, nothing", MQTT_V5, { .topic = SLICE_LIT("t") }, { 0 }, SLICE_LIT("\x30\x04\x00\x01t\x00") },
    { "5, all of it",
      MQTT_V5,
      { .props = SLICE_LIT("\x01\x01"),
        .expires = true,
        .alias = 3,
        .sub_ids = SLICE_LIT("\x0b\x07\x0b\x08") },
      { .qos = 1, .packet_id = 5, .expiry_s = 0x01020304 },
      SLICE_LIT("\x32\x13\x00\x00\x00\x05\x0e\x23\x00\x03\x02\x01\x02\x03\x04\x01\x01\x0b\x07\x0b\x08") },
};

static void each_image(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct mqtt_image im = { .bytes = BUF_INIT(256) };

        print_message("  %s\n", cases[i].what);
        assert_int_equal(mqtt_image_make(&im, cases[i].v, cases[i].vary.qos, &cases[i].of), ERR_OK);
        mqtt_image_set(&im, &cases[i].vary);
        assert_true(slice_eq(buf_slice(&im.bytes), cases[i].want));
        buf_done(&im.bytes);
    }
}

static void limits(void **state)
{
    struct mqtt_image im = { .bytes = BUF_INIT(8) };
    autofree uint8_t *big = mem_calloc(1, 65536);
    (void)state;

    assert_int_equal(
        mqtt_image_make(&im, MQTT_V311, 0, &(struct mqtt_image_of){ .topic = SLICE_LIT("12345") }),
        ERR_TOO_BIG); /* nine bytes */
    assert_int_equal(im.bytes.n, 0);
    assert_int_equal(
        mqtt_image_make(&im, MQTT_V311, 0, &(struct mqtt_image_of){ .topic = SLICE_LIT("1234") }), ERR_OK);
    assert_int_equal(
        mqtt_image_make(&im, MQTT_V311, 0, &(struct mqtt_image_of){ .topic = slice_of(big, 65536) }),
        ERR_TOO_BIG);
    assert_int_equal(mqtt_image_make(&im, MQTT_V5, 0,
                                     &(struct mqtt_image_of){ .payload = slice_of(big, MQTT_VARINT_MAX) }),
                     ERR_TOO_BIG);
    buf_done(&im.bytes);
}

static void subscription_identifiers(void **state)
{
    autobuf out = BUF_INIT(8);
    (void)state;

    assert_int_equal(mqtt_sub_id_add(&out, 1), ERR_OK);
    assert_int_equal(mqtt_sub_id_add(&out, MQTT_VARINT_MAX), ERR_OK);
    assert_true(slice_eq(buf_slice(&out), SLICE_LIT("\x0b\x01\x0b\xff\xff\xff\x7f")));
    assert_int_equal(mqtt_sub_id_add(&out, 1), ERR_TOO_BIG);
    assert_int_equal(out.n, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_image),
        cmocka_unit_test(limits),
        cmocka_unit_test(subscription_identifiers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
