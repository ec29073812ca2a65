/* Key references of config.json. */
#include "../cm.h"
#include "base/mem.h"
#include "edge/keyref.h"

static const struct {
    const char *text;
    err_t want;
    enum keyref_kind kind;
    const char *label, *token, *pin;
} cases[] = {
    { "file:///greengrass/certs/k.pem", ERR_OK, KEYREF_FILE, "/greengrass/certs/k.pem", NULL, NULL },
    { "file://localhost/k.pem", ERR_OK, KEYREF_FILE, "/k.pem", NULL, NULL },
    { "file:///a%20b.pem", ERR_OK, KEYREF_FILE, "/a b.pem", NULL, NULL },
    { "file:///a%2.pem", ERR_INVALID, 0, NULL, NULL, NULL },
    { "file:///a%00.pem", ERR_INVALID, 0, NULL, NULL, NULL },
    { "file://host/k.pem", ERR_INVALID, 0, NULL, NULL, NULL },
    { "file:/k.pem", ERR_INVALID, 0, NULL, NULL, NULL },
    { "/k.pem", ERR_INVALID, 0, NULL, NULL, NULL },
    { "", ERR_INVALID, 0, NULL, NULL, NULL },
    { "pkcs11:object=iotkey;type=private", ERR_OK, KEYREF_TOKEN, "iotkey", NULL, NULL },
    { "pkcs11:object=iotkey", ERR_OK, KEYREF_TOKEN, "iotkey", NULL, NULL },
    { "pkcs11:object=sss:20181001;type=private", ERR_OK, KEYREF_TOKEN, "sss:20181001", NULL, NULL },
    { "pkcs11:token=green%20grass;object=a%2Fb;type=private", ERR_OK, KEYREF_TOKEN, "a/b", "green grass",
      NULL },
    { "pkcs11:object=k;type=private?pin-value=99", ERR_OK, KEYREF_TOKEN, "k", NULL, "99" },
    { "pkcs11:object=k;type=cert", ERR_INVALID, 0, NULL, NULL, NULL },
    { "pkcs11:type=private", ERR_INVALID, 0, NULL, NULL, NULL },
    { "pkcs11:", ERR_INVALID, 0, NULL, NULL, NULL },
    { "pkcs11:object=k;object=l", ERR_INVALID, 0, NULL, NULL, NULL },
};

static void same(const char *have, const char *want)
{
    if (want)
        assert_string_equal(have, want);
    else
        assert_null(have);
}

static void each_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct keyref k = { .kind = KEYREF_NONE };
        struct problem why = { "" };
        print_message("  %s\n", cases[i].text);
        assert_int_equal(keyref_parse(cases[i].text, "crypto.x", &k, &why), cases[i].want);
        assert_int_equal(k.kind, cases[i].want ? KEYREF_NONE : cases[i].kind);
        if (cases[i].want) {
            assert_non_null(strstr(why.text, "crypto.x"));
            continue;
        }
        same(k.label, cases[i].label);
        same(k.token, cases[i].token);
        assert_int_equal(k.pin != NULL, cases[i].pin != NULL);
        if (k.pin)
            assert_true(secret_eq(k.pin, slice_str(cases[i].pin)));
        keyref_done(&k);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(each_case) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
