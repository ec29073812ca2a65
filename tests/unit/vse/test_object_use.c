/* vse_policy_check: every right against every type, who owns what. Through the commands:
 * test_vse_policies.py. */
#include "../cm.h"
#include "base/mem.h"
#include "vse/command.h"

enum { CONDITIONS = SE_POLICY_FORBID_ALL | SE_POLICY_REQUIRE_SM | SE_POLICY_REQUIRE_PCR };

static struct vse_applet a;
static struct vse_call call;

static int setup(void **state)
{
    (void)state;
    vse_applet_init(&a, &vse_personality_3_1, (struct vse_nvm){ 0 });
    call = (struct vse_call){ .session = &a.sessions.standard };
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    vse_applet_done(&a);
    return 0;
}

static void set_policy(struct vse_object *o, uint32_t rights)
{
    buf_clear(&o->policy);
    assert_int_equal(buf_add_u8(&o->policy, 8), ERR_OK);
    assert_int_equal(buf_add_be32(&o->policy, 0), ERR_OK);
    assert_int_equal(buf_add_be32(&o->policy, rights), ERR_OK);
}

static const uint8_t types[] = {
    SE_TYPE_EC_PAIR,     SE_TYPE_EC_PRIVATE,      SE_TYPE_EC_PUBLIC,  SE_TYPE_RSA_PAIR, SE_TYPE_RSA_PAIR_CRT,
    SE_TYPE_RSA_PRIVATE, SE_TYPE_RSA_PRIVATE_CRT, SE_TYPE_RSA_PUBLIC, SE_TYPE_AES,      SE_TYPE_DES,
    SE_TYPE_BINARY,      SE_TYPE_USERID,          SE_TYPE_COUNTER,    SE_TYPE_PCR,      SE_TYPE_HMAC
};

static void every_right_of_every_type(void **state)
{
    (void)state;
    for (size_t t = 0; t < ARRAY_LEN(types); t++) {
        for (unsigned b = 0; b < 32; b++) {
            auto_object *o = vse_object_new(1, types[t]);
            uint32_t right = 1u << b;
            bool has = vse_policy_rights_of(types[t]) & right;
            if (right & CONDITIONS)
                continue;
            assert_int_equal(vse_policy_check(&a, &call, o, right), has ? SE_SW_OK : SE_SW_CONDITIONS);
            set_policy(o, right);
            assert_int_equal(vse_policy_check(&a, &call, o, right), has ? SE_SW_OK : SE_SW_CONDITIONS);
            set_policy(o, ~right & ~(uint32_t)CONDITIONS);
            assert_int_equal(vse_policy_check(&a, &call, o, right),
                             has ? SE_SW_COMMAND_NOT_ALLOWED : SE_SW_CONDITIONS);
        }
    }
}

static void an_authentication_object_does_nothing_else(void **state)
{
    auto_object *o = vse_object_new(1, SE_TYPE_AES);
    (void)state;

    o->auth = true;
    assert_int_equal(vse_policy_check(&a, &call, o, SE_POLICY_ENCRYPT), SE_SW_CONDITIONS);
    assert_int_equal(vse_policy_check(&a, &call, o, SE_POLICY_SIGN), SE_SW_CONDITIONS);
    assert_int_equal(vse_policy_check(&a, &call, o, SE_POLICY_WRITE), SE_SW_OK);
    assert_int_equal(vse_policy_check(&a, &call, o, SE_POLICY_DELETE), SE_SW_OK);
}

static void the_applets_own_are_read_only(void **state)
{
    static const uint32_t ids[] = { SE_ID_UNIQUE_ID, SE_ID_ECKEY_USER, SE_ID_ECKEY_IMPORT };
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        auto_object *o = vse_object_new(ids[i], SE_TYPE_EC_PAIR);
        assert_int_equal(vse_policy_check(&a, &call, o, SE_POLICY_READ), SE_SW_OK);
        assert_int_equal(vse_policy_check(&a, &call, o, SE_POLICY_SIGN), SE_SW_COMMAND_NOT_ALLOWED);
        assert_int_equal(vse_policy_check(&a, &call, o, SE_POLICY_KEY_AGREEMENT), SE_SW_COMMAND_NOT_ALLOWED);
        assert_int_equal(vse_policy_check(&a, &call, o, SE_POLICY_WRITE), SE_SW_COMMAND_NOT_ALLOWED);
        assert_int_equal(vse_policy_check(&a, &call, o, SE_POLICY_DELETE), SE_SW_COMMAND_NOT_ALLOWED);
    }
}

static void a_transient_value_is_its_sessions(void **state)
{
    auto_object *o = vse_object_new(1, SE_TYPE_AES);
    (void)state;

    o->transient = true;
    o->session = 77;
    assert_int_equal(vse_policy_check(&a, &call, o, SE_POLICY_ENCRYPT), SE_SW_CONDITIONS);
    assert_int_equal(vse_policy_check(&a, &call, o, SE_POLICY_WRITE), SE_SW_CONDITIONS);
    assert_int_equal(vse_policy_check(&a, &call, o, SE_POLICY_DELETE), SE_SW_OK);
    a.sessions.standard.id = 77;
    assert_int_equal(vse_policy_check(&a, &call, o, SE_POLICY_ENCRYPT), SE_SW_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_right_of_every_type, setup, teardown),
        cmocka_unit_test_setup_teardown(an_authentication_object_does_nothing_else, setup, teardown),
        cmocka_unit_test_setup_teardown(the_applets_own_are_read_only, setup, teardown),
        cmocka_unit_test_setup_teardown(a_transient_value_is_its_sessions, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
