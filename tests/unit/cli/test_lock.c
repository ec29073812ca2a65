/* Which policies are those of a locked key (docs/decisions/lock.md). */
#include "../cm.h"
#include "cli/lock.h"

static const struct {
    const char *what;
    uint32_t everybody, somebody;
    bool rsa, want;
} cases[] = {
    { "sign, verify, read", SE_POLICY_SIGN | SE_POLICY_VERIFY | SE_POLICY_READ, 0, false, true },
    { "sign alone", SE_POLICY_SIGN, 0, false, true },
    { "sign for one who authenticates", SE_POLICY_READ, SE_POLICY_SIGN, false, true },
    { "RSA needs the plain operation", SE_POLICY_SIGN | SE_POLICY_DECRYPT, 0, true, true },
    { "EC does not", SE_POLICY_SIGN | SE_POLICY_DECRYPT, 0, false, false },
    { "write", SE_POLICY_SIGN | SE_POLICY_WRITE, 0, false, false },
    { "generate", SE_POLICY_SIGN | SE_POLICY_GENERATE, 0, false, false },
    { "delete", SE_POLICY_SIGN | SE_POLICY_DELETE, 0, false, false },
    { "delete for one who authenticates", SE_POLICY_SIGN, SE_POLICY_DELETE, false, false },
    { "key agreement", SE_POLICY_SIGN | SE_POLICY_KEY_AGREEMENT, 0, false, false },
    { "export", SE_POLICY_SIGN | SE_POLICY_IMPORT_EXPORT, 0, true, false },
    { "nothing", SE_POLICY_READ, 0, false, false },
};

static void each_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct se_policy p = { 0 };

        print_message("  %s\n", cases[i].what);
        assert_int_equal(se_policy_add(&p, SE_ID_NONE, cases[i].everybody), ERR_OK);
        if (cases[i].somebody)
            assert_int_equal(se_policy_add(&p, 0x7da00001, cases[i].somebody), ERR_OK);
        assert_int_equal(lock_policy_is(&p, cases[i].rsa), cases[i].want);
    }
    assert_false(lock_policy_is(&(struct se_policy){ 0 }, false)); /* the default: everything */
}

static void what_is_given_is_what_is_recognised(void **state)
{
    (void)state;
    for (int rsa = 0; rsa < 2; rsa++) {
        struct lock l = { .rsa = rsa };
        struct se_policy p;

        assert_int_equal(lock_policy_make(&l, &p), ERR_OK);
        assert_true(lock_policy_is(&p, rsa));
        assert_true(se_policy_names(&p, SE_ID_NONE, SE_POLICY_SIGN));
        l.auth[l.auths++] = 0x7da00001;
        assert_int_equal(lock_policy_make(&l, &p), ERR_OK);
        assert_true(lock_policy_is(&p, rsa));
        assert_false(se_policy_names(&p, SE_ID_NONE, SE_POLICY_SIGN));
        assert_false(se_policy_names(&p, SE_ID_NONE, SE_POLICY_DECRYPT));
        assert_true(se_policy_names(&p, 0x7da00001, SE_POLICY_SIGN));
        assert_true(se_policy_names(&p, SE_ID_NONE, SE_POLICY_READ));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_case),
        cmocka_unit_test(what_is_given_is_what_is_recognised),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
