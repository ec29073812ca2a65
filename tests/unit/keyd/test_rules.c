/* The decision, docs/spec/keyd.md section 3. */
#include "../cm.h"
#include "base/mem.h"
#include "keyd/config.h"

#define ALICE 4001
#define BOB 4002

static const struct keyd_peer alice = {
    .uid = ALICE, .gid = 10, .unit_known = true, .unit = "web.service", .groups = { 20, 30 }, .group_count = 2
};
static const struct keyd_peer bob = { .uid = BOB, .gid = 11, .unit_known = true };
static const struct keyd_peer ghost = { .uid = ALICE, .gid = 10 };

static const struct {
    const char *rules;
    const struct keyd_peer *peer;
    enum keyd_op op;
    uint32_t id;
    bool want;
} cases[] = {
    { "", &alice, KEYD_SIGN, 1, false },
    { "", &alice, KEYD_INFO, 0, false },
    { "allow user 4001 key 1 sign", &alice, KEYD_SIGN, 1, true },
    { "allow user 4001 key 1 sign", &alice, KEYD_SIGN, 2, false },
    { "allow user 4001 key 1 sign", &alice, KEYD_DECRYPT, 1, false },
    { "allow user 4001 key 1 sign", &bob, KEYD_SIGN, 1, false },
    { "allow user 4001 key 1 sign", &alice, KEYD_LIST, 1, true },
    { "allow user 4001 key 1 sign", &alice, KEYD_LIST, 2, false },
    { "allow user 4001 key 1 sign", &alice, KEYD_INFO, 0, true },
    { "allow user 4001 key 1 sign", &alice, KEYD_CURVE, 0, false },
    { "allow user 4001 key 1 generate", &alice, KEYD_CURVE, 0, true },
    { "allow user 4001 key any all", &alice, KEYD_ADMIN, 0, false },
    { "allow user 4001 admin", &alice, KEYD_ADMIN, 0, true },
    { "allow user 4001 admin", &alice, KEYD_DELETE, 77, true },
    { "allow user 4001 key 0x10-0x1F sign", &alice, KEYD_SIGN, 0x10, true },
    { "allow user 4001 key 0x10-0x1F sign", &alice, KEYD_SIGN, 0x1f, true },
    { "allow user 4001 key 0x10-0x1F sign", &alice, KEYD_SIGN, 0x20, false },
    { "allow user 4001 key 1,5,EF000001 sign, read", &alice, KEYD_READ, 0xef000001, true },
    { "allow group 10 key 1 sign", &alice, KEYD_SIGN, 1, true },
    { "allow group 30 key 1 sign", &alice, KEYD_SIGN, 1, true },
    { "allow group 31 key 1 sign", &alice, KEYD_SIGN, 1, false },
    { "allow unit web.service key 1 sign", &alice, KEYD_SIGN, 1, true },
    { "allow unit web.service key 1 sign", &bob, KEYD_SIGN, 1, false },
    { "allow unit web.service key 1 sign", &ghost, KEYD_SIGN, 1, false },
    { "allow user 4001 unit web.service key 1 sign", &alice, KEYD_SIGN, 1, true },
    { "allow user 4002 unit web.service key 1 sign", &alice, KEYD_SIGN, 1, false },
    { "allow user 4001 unit other.service key 1 sign", &alice, KEYD_SIGN, 1, false },
    { "allow any key any all\ndeny user 4001 key 1 sign", &alice, KEYD_SIGN, 1, false },
    { "deny user 4001 key 1 sign\nallow any key any all", &alice, KEYD_SIGN, 1, false },
    { "allow any key any all\ndeny user 4001 key 1 sign", &alice, KEYD_SIGN, 2, true },
    { "allow any key any all\ndeny user 4001 key 1 sign", &bob, KEYD_SIGN, 1, true },
    { "allow any key any all\ndeny user 4001 admin", &alice, KEYD_SIGN, 2, false },
    { "allow any key any all\ndeny user 4001 admin", &alice, KEYD_INFO, 0, false },
    { "allow any admin\ndeny unit web.service key 9 delete", &alice, KEYD_DELETE, 9, false },
    { "allow any admin\ndeny unit web.service key 9 delete", &ghost, KEYD_DELETE, 9,
      false }, /* it may be that unit */
    { "allow any admin\ndeny unit web.service key 9 delete", &bob, KEYD_DELETE, 9, true },
    { "allow any key any use", &alice, KEYD_DERIVE, 3, true },
    { "allow any key any use", &alice, KEYD_WRITE, 3, false },
};

static void each_case(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct keyd_config c;
        char why[KEYD_WHY_MAX] = "";

        print_message("  %s: %s %x\n", cases[i].rules, keyd_op_name(cases[i].op), cases[i].id);
        if (keyd_config_parse("rules", slice_str(cases[i].rules), &c, why))
            fail_msg("%s", why);
        assert_int_equal(keyd_rules_allow(&c.rules, cases[i].peer, cases[i].op, cases[i].id), cases[i].want);
        keyd_config_done(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(each_case) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
