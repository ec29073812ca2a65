/* Command and answer APDUs (reference 2.3 to 2.5). */
#include "../cm.h"
#include "base/tlv.h"
#include "se/apdu.h"

static void encode(enum se_command_form form, size_t data, struct buf *out)
{
    auto_command c = { 0 };

    se_command_init(&c, 0x02, 0x03, 0x04, form);
    for (size_t i = 0; i < data; i++)
        writer_u8(&c.w, 0xdd);
    assert_int_equal(se_command_encode(&c, out), ERR_OK);
}

static const struct {
    enum se_command_form form;
    size_t data, total;
    struct slice head, tail;
} forms[] = {
    { SE_COMMAND_STATUS, 0, 5, SLICE_LIT("\x80\x02\x03\x04\x00"), SLICE_LIT("") },
    { SE_COMMAND_ANSWER, 0, 5, SLICE_LIT("\x80\x02\x03\x04\x00"), SLICE_LIT("") },
    { SE_COMMAND_EXT_ANSWER, 0, 7, SLICE_LIT("\x80\x02\x03\x04\x00\x00\x00"), SLICE_LIT("") },
    { SE_COMMAND_STATUS, 1, 6, SLICE_LIT("\x80\x02\x03\x04\x01\xdd"), SLICE_LIT("\xdd") },
    { SE_COMMAND_ANSWER, 254, 259, SLICE_LIT("\x80\x02\x03\x04\xfe\xdd"), SLICE_LIT("\xdd") },
    { SE_COMMAND_STATUS, 255, 262, SLICE_LIT("\x80\x02\x03\x04\x00\x00\xff\xdd"), SLICE_LIT("\xdd") },
    { SE_COMMAND_ANSWER, 255, 264, SLICE_LIT("\x80\x02\x03\x04\x00\x00\xff\xdd"), SLICE_LIT("\xdd\x00\x00") },
    { SE_COMMAND_EXT_ANSWER, 1, 10, SLICE_LIT("\x80\x02\x03\x04\x00\x00\x01\xdd"),
      SLICE_LIT("\xdd\x00\x00") },
    { SE_COMMAND_EXT_ANSWER, 1024, 1033, SLICE_LIT("\x80\x02\x03\x04\x00\x04\x00\xdd"),
      SLICE_LIT("\xdd\x00\x00") },
};

static void each_form(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        autobuf out = BUF_INIT(SE_APDU_MAX);

        encode(forms[i].form, forms[i].data, &out);
        assert_int_equal(out.n, forms[i].total);
        assert_true(slice_starts(buf_slice(&out), forms[i].head));
        assert_true(slice_eq(slice_skip(buf_slice(&out), out.n - forms[i].tail.n), forms[i].tail));
    }
}

static void one_byte_too_much(void **state)
{
    autobuf out = BUF_INIT(SE_APDU_MAX);
    auto_command c = { 0 };

    se_command_init(&c, 2, 0, 0, SE_COMMAND_STATUS);
    for (size_t i = 0; i < SE_APDU_DATA_MAX_7X + 1; i++)
        writer_u8(&c.w, 0);
    assert_int_equal(se_command_encode(&c, &out), ERR_TOO_BIG);
    assert_int_equal(out.n, 0);
}

static void split(void **state)
{
    struct slice data = SLICE_LIT("old");
    uint16_t sw = 0x7777;

    assert_int_equal(se_answer_split(SLICE_LIT("\x90"), &data, &sw), ERR_PROTO);
    assert_int_equal(se_answer_split(SLICE_LIT(""), &data, &sw), ERR_PROTO);
    assert_int_equal(sw, 0x7777);
    assert_int_equal(data.n, 3);
    assert_int_equal(se_answer_split(SLICE_LIT("\x69\x85"), &data, &sw), ERR_OK);
    assert_int_equal(sw, 0x6985);
    assert_int_equal(data.n, 0);
}

static const struct {
    struct slice in;
    err_t want;
    uint16_t value;
} numbers[] = {
    { SLICE_LIT("\x41\x02\x01\x02"), ERR_OK, 0x0102 },
    { SLICE_LIT("\x41\x81\x02\x01\x02"), ERR_OK, 0x0102 },
    { SLICE_LIT("\x41\x82\x00\x02\x01\x02"), ERR_OK, 0x0102 },
    { SLICE_LIT("\x42\x02\x01\x02"), ERR_PROTO, 0 },
    { SLICE_LIT("\x41\x01\x01"), ERR_PROTO, 0 },
    { SLICE_LIT("\x41\x03\x01\x02\x03"), ERR_PROTO, 0 },
    { SLICE_LIT("\x41\x02\x01\x02\x00"), ERR_PROTO, 0 },     /* a byte after it */
    { SLICE_LIT("\x41\x02\x01\x02\x42\x00"), ERR_PROTO, 0 }, /* a TLV after it */
    { SLICE_LIT("\x41\x02\x01"), ERR_PROTO, 0 },
    { SLICE_LIT("\x41\x82\xff\xff\x01\x02"), ERR_PROTO, 0 },
    { SLICE_LIT("\x41"), ERR_PROTO, 0 },
    { SLICE_LIT(""), ERR_PROTO, 0 },
};

static void numbers_end_exactly(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        uint16_t v = 0x7777;

        assert_int_equal(se_answer_be16(numbers[i].in, 0x41, &v), numbers[i].want);
        assert_int_equal(v, numbers[i].want ? 0x7777 : numbers[i].value);
    }
}

static const struct {
    uint16_t sw;
    err_t want;
} words[] = {
    { 0x9000, ERR_OK },          { 0x6700, ERR_INVALID },     { 0x6982, ERR_DENIED },
    { 0x6983, ERR_DENIED },      { 0x6984, ERR_INVALID },     { 0x6985, ERR_NOT_FOUND },
    { 0x6986, ERR_DENIED },      { 0x6a80, ERR_INVALID },     { 0x6a82, ERR_UNSUPPORTED },
    { 0x6a84, ERR_NO_SPACE },    { 0x6a86, ERR_UNSUPPORTED }, { 0x6d00, ERR_UNSUPPORTED },
    { 0x6e00, ERR_UNSUPPORTED }, { 0x66a6, ERR_BUSY },        { 0x0000, ERR_PROTO },
    { 0x9001, ERR_PROTO },
};

static void status_words(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        assert_int_equal(se_err_from_sw(words[i].sw), words[i].want);
    assert_string_equal(se_sw_text(0x1234), "unknown status");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_form),           cmocka_unit_test(one_byte_too_much), cmocka_unit_test(split),
        cmocka_unit_test(numbers_end_exactly), cmocka_unit_test(status_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
