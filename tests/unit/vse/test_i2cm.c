/* The I2C master: lists of elements and the one device on the bus behind the part. */
#include "../cm.h"
#include "base/hex.h"
#include "base/mem.h"
#include "vse/i2cm.h"

#define DEVICE "0100024901"

static const struct {
    const char *what, *list;
    err_t want;
    const char *answer;
} cases[] = {
    { "configure", DEVICE, ERR_OK, "010001a5" },
    { "who am I",
      DEVICE "0300010f"
             "0400020001",
      ERR_OK,
      "010001a5"
      "030001a5"
      "040002a55e" },
    { "temperature",
      DEVICE "03000100"
             "0400020002",
      ERR_OK,
      "010001a5"
      "030001a5"
      "040003a51900" },
    { "write and read back",
      DEVICE "030003051122"
             "03000105"
             "0400020002",
      ERR_OK,
      "010001a5"
      "030001a5"
      "030001a5"
      "040003a51122" },
    { "read-only registers stay",
      DEVICE "0300030000ff"
             "0300020f00"
             "0300010f"
             "0400020002",
      ERR_OK,
      "010001a5"
      "030001a5"
      "030001a5"
      "030001a5"
      "040003a55e19" },
    { "nobody there",
      "0100025001"
      "03000100"
      "0400020002",
      ERR_OK,
      "010001a5"
      "03000196"
      "04000196" },
    { "not configured", "03000100", ERR_OK, "03000196" },
    { "read of nothing", DEVICE "0400020000", ERR_OK,
      "010001a5"
      "040001a5" },
    { "the longest read", DEVICE "0400020107", ERR_OK, NULL },
    { "one byte more", DEVICE "0400020108", ERR_TOO_BIG, "" },
    { "no element", "", ERR_INVALID, "" },
    { "unknown tag", "0200024901", ERR_INVALID, "" },
    { "half an element", "01000249", ERR_INVALID, "" },
    { "configure of three bytes", "010003490100", ERR_INVALID, "" },
    { "write of nothing", "030000", ERR_INVALID, "" },
    { "read with one byte of length", "04000101", ERR_INVALID, "" },
    { "a bad element behind a good one", DEVICE "030002050904", ERR_INVALID, "" },
};

static void each_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        autobuf list = BUF_INIT(300), answer = BUF_INIT(VSE_I2CM_ANSWER_MAX);
        char hex[2 * VSE_I2CM_ANSWER_MAX + 1] = "";
        struct vse_i2cm m;

        print_message("  %s\n", cases[i].what);
        vse_i2cm_init(&m);
        assert_int_equal(hex_decode(&list, slice_str(cases[i].list)), ERR_OK);
        assert_int_equal(vse_i2cm_run(&m, buf_slice(&list), &answer), cases[i].want);
        hex_str(hex, buf_slice(&answer));
        if (cases[i].answer)
            assert_string_equal(hex, cases[i].answer);
        else
            assert_int_equal(answer.n, VSE_I2CM_ANSWER_MAX);
    }
}

/* A list that is refused moves nothing on the bus. */
static void all_or_nothing(void **state)
{
    struct slice bad = SLICE_LIT("\x01\x00\x02\x49\x01\x03\x00\x02\x05\x77\x09");
    autobuf answer = BUF_INIT(VSE_I2CM_ANSWER_MAX);
    struct vse_i2cm m, before;

    (void)state;
    vse_i2cm_init(&m);
    before = m;
    assert_int_equal(vse_i2cm_run(&m, bad, &answer), ERR_INVALID);
    assert_memory_equal(&m, &before, sizeof(m));
}

static void the_list_has_a_limit(void **state)
{
    uint8_t list[VSE_I2CM_COMMAND_MAX + 1] = { 0x03, 0x00, VSE_I2CM_COMMAND_MAX + 1 - 3 };
    autobuf answer = BUF_INIT(VSE_I2CM_ANSWER_MAX);
    struct vse_i2cm m;

    (void)state;
    vse_i2cm_init(&m);
    assert_int_equal(vse_i2cm_run(&m, SLICE_ARRAY(list), &answer), ERR_TOO_BIG);
    list[2]--;
    assert_int_equal(vse_i2cm_run(&m, slice_of(list, VSE_I2CM_COMMAND_MAX), &answer), ERR_OK);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_case),
        cmocka_unit_test(all_or_nothing),
        cmocka_unit_test(the_list_has_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
