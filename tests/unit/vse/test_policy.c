/* Policy sets: form, and what they give to whom. */
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

static const struct vse_policy_who nobody;

static void each_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        print_message("  %s\n", cases[i].what);
        assert_int_equal(vse_policy_valid(cases[i].set), cases[i].valid);
        if (!cases[i].valid)
            continue;
        assert_int_equal(vse_policy_gives(cases[i].set, SE_POLICY_SIGN, &nobody), cases[i].sign);
        assert_int_equal(vse_policy_gives(cases[i].set, SE_POLICY_READ, &nobody), cases[i].read);
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

/* ---- who asks ---- */

#define OTHER "\x7d\xa0\x00\x02"
#define SIGN "\x10\x00\x00\x00"
#define NEVER "\x20\x00\x00\x00"
#define SIGN_SM "\x10\x02\x00\x00"
#define SIGN_PCR "\x10\x01\x00\x00"

static bool pcr_nine_holds(const void *ctx, uint32_t id, struct slice value)
{
    return *(const bool *)ctx && id == 9 && slice_eq(value, SLICE_LIT("0123456789abcdef0123456789abcdef"));
}

static void who_may_sign(void **state)
{
    enum { NOBODY, THE_USER = 1, SECURED = 2, PCR_HOLDS = 4 };
    static const struct {
        const char *what;
        struct slice set;
        unsigned who;
        bool sign;
    } table[] = {
        { "for anybody, the user asks", SLICE_LIT("\x08" ANY SIGN), THE_USER, true },
        { "for the user, nobody asks", SLICE_LIT("\x08" USER SIGN), NOBODY, false },
        { "for the user, who asks", SLICE_LIT("\x08" USER SIGN), THE_USER, true },
        { "for another", SLICE_LIT("\x08" OTHER SIGN), THE_USER, false },
        { "forbidden to the user, given to anybody", SLICE_LIT("\x08" USER NEVER "\x08" ANY SIGN), THE_USER,
          false },
        { "the same, in the other order", SLICE_LIT("\x08" ANY SIGN "\x08" USER NEVER), THE_USER, false },
        { "the same, nobody asks", SLICE_LIT("\x08" ANY SIGN "\x08" USER NEVER), NOBODY, true },
        { "forbidden to anybody, given to the user", SLICE_LIT("\x08" ANY NEVER "\x08" USER SIGN), THE_USER,
          true },
        { "the same, nobody asks", SLICE_LIT("\x08" ANY NEVER "\x08" USER SIGN), NOBODY, false },
        { "forbidden to anybody, the user is not named", SLICE_LIT("\x08" ANY NEVER "\x08" OTHER SIGN),
          THE_USER, false },
        { "secure messaging: without", SLICE_LIT("\x08" ANY SIGN_SM), NOBODY, false },
        { "secure messaging: with", SLICE_LIT("\x08" ANY SIGN_SM), SECURED, true },
        { "secure messaging for the user: without", SLICE_LIT("\x08" USER SIGN_SM), THE_USER, false },
        { "secure messaging for the user: with", SLICE_LIT("\x08" USER SIGN_SM), THE_USER | SECURED, true },
        { "secure messaging for the user: nobody", SLICE_LIT("\x08" USER SIGN_SM), SECURED, false },
        { "PCR: another value", SLICE_LIT("\x2c" ANY SIGN_PCR PCR), NOBODY, false },
        { "PCR: this value", SLICE_LIT("\x2c" ANY SIGN_PCR PCR), PCR_HOLDS, true },
        { "PCR or the user", SLICE_LIT("\x2c" ANY SIGN_PCR PCR "\x08" USER SIGN), THE_USER, true },
        { "PCR and secure messaging: half", SLICE_LIT("\x2c" ANY "\x10\x03\x00\x00" PCR), PCR_HOLDS, false },
        { "PCR and secure messaging: both", SLICE_LIT("\x2c" ANY "\x10\x03\x00\x00" PCR), PCR_HOLDS | SECURED,
          true },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        bool holds = table[i].who & PCR_HOLDS;
        struct vse_policy_who who = { table[i].who & THE_USER ? 0x7da00001 : 0, table[i].who & SECURED,
                                      pcr_nine_holds, &holds };
        print_message("  %s\n", table[i].what);
        assert_true(vse_policy_valid(table[i].set));
        assert_int_equal(vse_policy_gives(table[i].set, SE_POLICY_SIGN, &who), table[i].sign);
        assert_false(vse_policy_gives(table[i].set, SE_POLICY_VERIFY, &who));
    }
}

/* Each bit gives its own right and no other. */
static void each_bit_alone(void **state)
{
    (void)state;
    for (unsigned b = 0; b < 32; b++) {
        uint32_t bit = 1u << b;
        uint8_t set[] = {
            8, 0, 0, 0, 0, (uint8_t)(bit >> 24), (uint8_t)(bit >> 16), (uint8_t)(bit >> 8), (uint8_t)bit
        };
        bool condition =
            bit == SE_POLICY_FORBID_ALL || bit == SE_POLICY_REQUIRE_SM || bit == SE_POLICY_REQUIRE_PCR;
        if (condition)
            continue;
        for (unsigned other = 0; other < 32; other++)
            assert_int_equal(vse_policy_gives(SLICE_ARRAY(set), 1u << other, &nobody), other == b);
        assert_true(vse_policy_restricts(SLICE_ARRAY(set), bit, &nobody));
        assert_false(vse_policy_restricts(SLICE_ARRAY(set), ~bit, &nobody));
    }
}

static void the_default_is_all_of_the_type(void **state)
{
    static const uint8_t types[] = { SE_TYPE_EC_PAIR,
                                     SE_TYPE_EC_PRIVATE,
                                     SE_TYPE_EC_PUBLIC,
                                     SE_TYPE_RSA_PAIR,
                                     SE_TYPE_RSA_PAIR_CRT,
                                     SE_TYPE_RSA_PRIVATE,
                                     SE_TYPE_RSA_PRIVATE_CRT,
                                     SE_TYPE_RSA_PUBLIC,
                                     SE_TYPE_AES,
                                     SE_TYPE_DES,
                                     SE_TYPE_BINARY,
                                     SE_TYPE_USERID,
                                     SE_TYPE_COUNTER,
                                     SE_TYPE_PCR,
                                     SE_TYPE_HMAC };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        uint32_t rights = vse_policy_rights_of(types[i]);
        uint8_t set[VSE_POLICY_DEFAULT_LEN];
        vse_policy_default(types[i], set);
        assert_true(vse_policy_valid(SLICE_ARRAY(set)));
        assert_true(rights & SE_POLICY_DELETE);
        for (unsigned b = 0; b < 32; b++)
            assert_int_equal(vse_policy_gives(SLICE_ARRAY(set), 1u << b, &nobody), (rights >> b) & 1);
    }
    assert_int_equal(vse_policy_rights_of(0), 0);
    assert_int_equal(vse_policy_rights_of(SE_TYPE_ALL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(each_case),
                                        cmocka_unit_test(longer_than_a_set_may_be),
                                        cmocka_unit_test(who_may_sign), cmocka_unit_test(each_bit_alone),
                                        cmocka_unit_test(the_default_is_all_of_the_type) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
