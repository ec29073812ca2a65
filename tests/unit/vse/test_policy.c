/* Policy sets: form, and what a session without authentication is given. */
#include "../cm.h"
#include "base/mem.h"
#include "se/wire.h"
#include "vse/policy.h"

#define ANY "\x00\x00\x00\x00"
#define USER "\x7d\xa0\x00\x01"
#define PCR            \
    "\x00\x00\x00\x09" \
    "0123456789abcdef0123456789abcdef"

static const struct {
    const char *what;
    struct slice set;
    bool valid, sign, read;
} cases[] = {
    { "empty: everything", SLICE_LIT(""), true, true, true },
    { "sign only", SLICE_LIT("\x08" ANY "\x10\x00\x00\x00"), true, true, false },
    { "two policies add up", SLICE_LIT("\x08" ANY "\x10\x00\x00\x00\x08" ANY "\x00\x20\x00\x00"), true, true,
      true },
    { "somebody else's", SLICE_LIT("\x08" USER "\x10\x20\x00\x00"), true, false, false },
    { "forbid all wins", SLICE_LIT("\x08" ANY "\x10\x20\x00\x00\x08" ANY "\x20\x00\x00\x00"), true, false,
      false },
    { "forbidden to another", SLICE_LIT("\x08" ANY "\x10\x00\x00\x00\x08" USER "\x20\x00\x00\x00"), true,
      true, false },
    { "with secure messaging", SLICE_LIT("\x08" ANY "\x10\x02\x00\x00"), true, false, false },
    { "with a PCR", SLICE_LIT("\x2c" ANY "\x10\x01\x00\x00" PCR), true, false, false },
    { "a PCR that is missing", SLICE_LIT("\x08" ANY "\x10\x01\x00\x00"), false, false, false },
    { "7.x ids behind", SLICE_LIT("\x0c" ANY "\x10\x00\x01\x00" USER), true, true, false },
    { "too short", SLICE_LIT("\x07" ANY "\x10\x00\x00"), false, false, false },
    { "uneven", SLICE_LIT("\x09" ANY "\x10\x00\x00\x00x"), false, false, false },
    { "cut", SLICE_LIT("\x08" ANY "\x10\x00\x00"), false, false, false },
    { "length zero", SLICE_LIT("\x00"), false, false, false },
};

static void each_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        print_message("  %s\n", cases[i].what);
        assert_int_equal(vse_policy_valid(cases[i].set), cases[i].valid);
        if (!cases[i].valid)
            continue;
        assert_int_equal(vse_policy_allows(cases[i].set, SE_POLICY_SIGN), cases[i].sign);
        assert_int_equal(vse_policy_allows(cases[i].set, SE_POLICY_READ), cases[i].read);
    }
}

static void longer_than_a_set_may_be(void **state)
{
    static const uint8_t one[] = { 8, 0, 0, 0, 0, 0x10, 0, 0, 0 };
    uint8_t set[SE_POLICY_SET_MAX / sizeof(one) * sizeof(one) + sizeof(one)];
    (void)state;

    for (size_t i = 0; i < sizeof(set); i += sizeof(one))
        memcpy(set + i, one, sizeof(one));
    assert_false(vse_policy_valid(SLICE_ARRAY(set)));
    assert_true(vse_policy_valid(slice_of(set, sizeof(set) - sizeof(one))));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(each_case),
                                        cmocka_unit_test(longer_than_a_set_may_be) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
