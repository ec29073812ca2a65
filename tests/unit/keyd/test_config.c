/* The daemon's file: settings, rules, and errors that name the line. */
#include "../cm.h"
#include "base/buf.h"
#include "base/mem.h"
#include "keyd/config.h"

static void everything(void **state)
{
    struct keyd_config c;
    char why[KEYD_WHY_MAX] = "";
    const char *text =
        "# comment\n\n port = /dev/i2c-1:0x48 \r\nsocket=/run/x\nscp03 = credential:scp\n"
        "pin = credential:pin\npin-object = 7B503111\nsocket-mode = 0660\nclients = 9\n"
        "clients-per-user = 4096\naudit = denied\n\tallow user root key 0xEF000001 sign # not a comment\n";
    const char *good = "port = a\nallow user root unit a@b.service key 0xEF000001-EF0000FF any2 sign\n";

    assert_int_equal(keyd_config_parse("f", slice_str(text), &c, why), ERR_INVALID);
    assert_string_equal(
        why, "f:12: not an operation (sign verify encrypt decrypt derive attest generate write read "
             "delete login, all, use): \"#\"");
    assert_int_equal(keyd_config_parse("f", slice_str(good), &c, why), ERR_INVALID);
    assert_int_equal(
        keyd_config_parse("f", slice_head(slice_str(text), (size_t)(strstr(text, " # not") - text)), &c, why),
        ERR_OK);
    assert_string_equal(c.port, "/dev/i2c-1:0x48");
    assert_string_equal(c.socket, "/run/x");
    assert_string_equal(c.scp03, "credential:scp");
    assert_string_equal(c.pin, "credential:pin");
    assert_int_equal(c.pin_object, 0x7b503111);
    assert_int_equal(c.socket_mode, 0660);
    assert_int_equal(c.clients, 9);
    assert_int_equal(c.clients_per_user, 4096);
    assert_true(c.audit_denied_only);
    assert_int_equal(c.rules.count, 1);
    assert_true(c.rules.rule[0].has_user && c.rules.rule[0].user == 0);
    keyd_config_done(&c);
}

static const struct {
    const char *text, *says;
} bad[] = {
    { "port", "f:1: port wants a port" },
    { "port =", "f:1: port wants a port" },
    { "\n\nporto = 1", "f:3: no such setting" },
    { "clients = 0", "f:1: clients wants a number" },
    { "clients = 4097", "f:1: clients wants a number" },
    { "clients = -1", "f:1: clients wants a number" },
    { "clients = 99999999999999999999999", "f:1: clients wants a number" },
    { "socket-mode = 0999", "f:1: socket-mode wants an octal" },
    { "pin-object = 0", "f:1: pin-object wants an object id" },
    { "pin-object = 123456789", "f:1: pin-object wants" },
    { "audit = some", "f:1: audit wants all or denied" },
    { "pin = /etc/pin", "pin needs pin-object" },
    { "allow", "f:1: user, group, unit or any is expected" },
    { "allow key 1 sign", "f:1: user, group, unit or any is expected" },
    { "allow user", "f:1: a user is expected" },
    { "allow user no-such-user-here key 1 sign", "f:1: no such user" },
    { "allow user 4294967295 key 1 sign", "f:1: no such user" },
    { "allow user 99999999999 key 1 sign", "f:1: no such user" },
    { "allow group no-such-group-here key 1 sign", "f:1: no such group" },
    { "allow user 1 user 2 key 1 sign", "f:1: a user is expected once" },
    { "allow unit web key 1 sign", "f:1: a unit is expected once" },
    { "allow unit a/b.service key 1 sign", "f:1: a unit is expected once" },
    { "allow any user 1 key 1 sign", "f:1: key or admin is expected" },
    { "allow any", "f:1: key or admin is expected" },
    { "allow any key", "f:1: after `key`" },
    { "allow any key 0 sign", "f:1: after `key`" },
    { "allow any key 2-1 sign", "f:1: after `key`" },
    { "allow any key 1", "f:1: the operations are missing" },
    { "allow any key 1 sing", "f:1: not an operation" },
    { "allow any key 1 sign admin", "f:1: not an operation" },
    { "allow any admin key 1", "f:1: nothing may follow admin" },
    { "allow any key 1 2 3 4 5 6 7 8 9 a b c 11 12 13 14 15 sign", "f:1: too many key ids" },
};

static void each_error(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct keyd_config c = { .clients = 77 };
        char why[KEYD_WHY_MAX] = "";

        assert_int_equal(keyd_config_parse("f", slice_str(bad[i].text), &c, why), ERR_INVALID);
        print_message("  %s\n", why);
        assert_non_null(strstr(why, bad[i].says));
        assert_int_equal(c.clients, 77);
    }
}

static void too_many_rules(void **state)
{
    autobuf text = BUF_INIT(64 * 1024);
    struct keyd_config c;
    char why[KEYD_WHY_MAX] = "";

    for (int i = 0; i < KEYD_RULES_MAX; i++)
        assert_int_equal(buf_add_str(&text, "allow any key 1 sign\n"), ERR_OK);
    assert_int_equal(keyd_config_parse("f", buf_slice(&text), &c, why), ERR_OK);
    keyd_config_done(&c);
    assert_int_equal(buf_add_str(&text, "allow any key 1 sign"), ERR_OK);
    assert_int_equal(keyd_config_parse("f", buf_slice(&text), &c, why), ERR_TOO_BIG);
    assert_non_null(strstr(why, "f:1025: too many rules"));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(everything), cmocka_unit_test(each_error),
                                        cmocka_unit_test(too_many_rules) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
