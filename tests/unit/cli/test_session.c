/* The session file of ssscli (docs/spec/ssscli.md CLI-4). */
#include "../cm.h"
#include "base/slice.h"
#include "cli/ssscli_session.h"

#include <string.h>

#define GOOD "# x\nsubsystem = se05x\nport = vse:/run/chip\nauth_type = None\n"

static const struct {
    const char *what;
    struct slice text;
    err_t want;
} cases[] = {
    { "plain", SLICE_LIT(GOOD), ERR_OK },
    { "no line end", SLICE_LIT("port = none"), ERR_OK },
    { "a member of another version", SLICE_LIT("port = none\ncolour = red\n"), ERR_OK },
    { "empty", SLICE_LIT(""), ERR_CORRUPT },
    { "no port", SLICE_LIT("auth_type = None\n"), ERR_CORRUPT },
    { "empty port", SLICE_LIT("port = \n"), ERR_CORRUPT },
    { "no equals sign", SLICE_LIT("port\n"), ERR_CORRUPT },
    { "a NUL", SLICE_LIT("port = a\0b\n"), ERR_CORRUPT },
    { "unknown kind of session", SLICE_LIT("port = none\nauth_type = UserId_SCP\n"), ERR_CORRUPT },
    { "kind without its object", SLICE_LIT("port = none\nauth_type = UserID\n"), ERR_CORRUPT },
    { "object that is no number", SLICE_LIT("port = none\nauth_type = UserID\nauth_id = x\n"), ERR_CORRUPT },
    { "channel without keys", SLICE_LIT("port = none\nauth_type = PlatformSCP\n"), ERR_CORRUPT },
    { "all of it",
      SLICE_LIT(
          "port = none\nauth_type = AESKey_PlatformSCP\nauth_id = 7DA00002\nauth_key = /k\nscp_keys = /s\n"),
      ERR_OK },
};

static void each_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cli_session s = { .auth_id = 0xee };

        print_message("  %s\n", cases[i].what);
        assert_int_equal(cli_session_parse(cases[i].text, &s), cases[i].want);
        if (cases[i].want)
            assert_int_equal(s.auth_id, 0xee); /* untouched on failure */
    }
}

static void a_port_one_longer_than_its_room(void **state)
{
    char text[SE_PORT_TEXT_MAX + 16] = "port = ";
    struct cli_session s;

    (void)state;
    memset(text + 7, 'x', SE_PORT_TEXT_MAX - 1);
    assert_int_equal(cli_session_parse(slice_str(text), &s), ERR_OK);
    text[7 + SE_PORT_TEXT_MAX - 1] = 'x';
    assert_int_equal(cli_session_parse(slice_str(text), &s), ERR_CORRUPT);
}

static void every_kind_reads_as_it_is_written(void **state)
{
    static const char *const words[] = { "None",
                                         "UserID",
                                         "ECKey",
                                         "AESKey",
                                         "PlatformSCP",
                                         "UserID_PlatformSCP",
                                         "ECKey_PlatformSCP",
                                         "AESKey_PlatformSCP" };

    (void)state;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        struct cli_session s = { .port = "" };

        assert_int_equal(cli_session_auth_parse(words[i], &s), ERR_OK);
        assert_string_equal(cli_session_auth_text(&s), words[i]);
    }
    assert_int_equal(cli_session_auth_parse("None_PlatformSCP", &(struct cli_session){ .port = "" }),
                     ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_case),
        cmocka_unit_test(a_port_one_longer_than_its_room),
        cmocka_unit_test(every_kind_reads_as_it_is_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
