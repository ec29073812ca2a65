/* Named policies of ssscli: the file (docs/spec/ssscli.md CLI-20) and the rights in it. */
#include "../cm.h"
#include "cli/ssscli_policy.h"

#include <string.h>

#define RULE "{\"auth\":\"0x7DA00001\",\"rights\":[\"sign\",\"read\"]}"
#define FILE_OF(type, rules) "{\"v\":1,\"type\":\"" type "\",\"rules\":[" rules "]}"
#define BYTE "abababab"
#define VALUE BYTE BYTE BYTE BYTE BYTE BYTE BYTE BYTE

static const struct {
    const char *what;
    struct slice text;
    err_t want;
} cases[] = {
    { "one rule", SLICE_LIT(FILE_OF("asymkey", RULE)), ERR_OK },
    { "with a PCR",
      SLICE_LIT(FILE_OF("asymkey",
                        "{\"auth\":\"0x0\",\"rights\":[],\"pcr\":{\"id\":\"0x9\",\"value\":\"" VALUE "\"}}")),
      ERR_OK },
    { "PCR value too short",
      SLICE_LIT(
          FILE_OF("asymkey", "{\"auth\":\"0x0\",\"rights\":[],\"pcr\":{\"id\":\"0x9\",\"value\":\"ab\"}}")),
      ERR_CORRUPT },
    { "no rule", SLICE_LIT(FILE_OF("asymkey", "")), ERR_CORRUPT },
    { "right of another kind", SLICE_LIT(FILE_OF("file", RULE)), ERR_CORRUPT },
    { "no such right", SLICE_LIT(FILE_OF("asymkey", "{\"auth\":\"0x0\",\"rights\":[\"fly\"]}")),
      ERR_CORRUPT },
    { "right that is no text", SLICE_LIT(FILE_OF("asymkey", "{\"auth\":\"0x0\",\"rights\":[7]}")),
      ERR_CORRUPT },
    { "id without 0x", SLICE_LIT(FILE_OF("asymkey", "{\"auth\":\"7\",\"rights\":[]}")), ERR_CORRUPT },
    { "id of nine digits", SLICE_LIT(FILE_OF("asymkey", "{\"auth\":\"0x123456789\",\"rights\":[]}")),
      ERR_CORRUPT },
    { "no rights", SLICE_LIT(FILE_OF("asymkey", "{\"auth\":\"0x0\"}")), ERR_CORRUPT },
    { "another version", SLICE_LIT("{\"v\":2,\"type\":\"asymkey\",\"rules\":[" RULE "]}"), ERR_CORRUPT },
    { "no such type", SLICE_LIT(FILE_OF("key", RULE)), ERR_CORRUPT },
    { "no JSON", SLICE_LIT("sign = yes\n"), ERR_CORRUPT },
    { "an array", SLICE_LIT("[]"), ERR_CORRUPT },
};

static void each_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cli_policy p = { .set.n = 99 };
        char why[200] = "";

        print_message("  %s\n", cases[i].what);
        assert_int_equal(cli_policy_parse(cases[i].text, &p, why, sizeof(why)), cases[i].want);
        assert_true((why[0] != 0) == (cases[i].want != ERR_OK));
        if (cases[i].want)
            assert_int_equal(p.set.n, 99); /* untouched on failure */
    }
}

static void too_many_rules(void **state)
{
    autobuf text = BUF_INIT(1 << 16);
    struct cli_policy p;
    char why[200];

    (void)state;
    assert_int_equal(buf_add_str(&text, "{\"v\":1,\"type\":\"asymkey\",\"rules\":["), ERR_OK);
    for (int i = 0; i <= SE_POLICY_RULES_MAX; i++)
        assert_int_equal(buf_printf(&text, "%s" RULE, i ? "," : ""), ERR_OK);
    assert_int_equal(buf_add_str(&text, "]}"), ERR_OK);
    assert_int_equal(cli_policy_parse(buf_slice(&text), &p, why, sizeof(why)), ERR_CORRUPT);
    assert_string_equal(why, "more than 28 rules");
}

/* Every right has a bit and a name of its own, and each default is among what can be given. */
static void the_table_of_rights(void **state)
{
    uint32_t seen = 0;

    (void)state;
    for (size_t i = 0; i < cli_right_count; i++) {
        assert_int_equal(seen & cli_rights[i].bit, 0);
        assert_int_equal(cli_rights[i].defaults & ~cli_rights[i].kinds, 0);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(cli_rights[i].name, cli_rights[k].name);
        seen |= cli_rights[i].bit;
    }
    assert_true(CLI_RIGHT + cli_right_count <= CLI_OPTIONS);
}

/* The options are numbered as the rights are. */
static void options_are_numbered_as_rights(void **state)
{
    static const char *const kinds[] = { "policy asymkey", "policy symkey",  "policy userid",
                                         "policy file",    "policy counter", "policy pcr" };

    (void)state;
    for (size_t k = 0; k < CLI_POLICY_KINDS; k++) {
        const struct cli_option *const *o = cli_find_command(kinds[k])->options;
        size_t rights = 0, wanted = 0;

        for (; *o; o++) {
            if ((*o)->id < CLI_RIGHT)
                continue;
            assert_string_equal((*o)->name + 2, cli_rights[(*o)->id - CLI_RIGHT].name);
            assert_true(cli_rights[(*o)->id - CLI_RIGHT].kinds & 1u << k);
            rights++;
        }
        for (size_t i = 0; i < cli_right_count; i++)
            wanted += cli_rights[i].kinds >> k & 1;
        assert_int_equal(rights, wanted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_case),
        cmocka_unit_test(too_many_rules),
        cmocka_unit_test(the_table_of_rights),
        cmocka_unit_test(options_are_numbered_as_rights),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
