/* RFC 7512 as config.json uses it. */
#include "../cm.h"

#include "base/mem.h"
#include "crypto/p11uri.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *uri;
    const char *object, *token, *pin, *warning;
    bool has_type;
} good[] = {
    { "pkcs11:object=iotkey;type=private", "iotkey", "", "", "", true },
    { "pkcs11:object=sss:20181001;type=private", "sss:20181001", "", "", "",
      true },                                      /* §2.3: ':' needs no escape */
    { "PKCS11:object=k", "k", "", "", "", false }, /* schemes ignore case */
    { "pkcs11:token=My%20Token;object=a%3Bb%3D%25;type=private", "a;b=%", "My Token", "", "", true },
    { "pkcs11:object=%e2%82%ac", "\xe2\x82\xac", "", "", "", false },
    { "pkcs11:object=k;type=private?pin-value=12%2f34", "k", "", "12/34", "", true },
    { "pkcs11:object=k;pin-value=1234", "k", "", "1234", "", false }, /* libp11's habit: in the path */
    { "pkcs11:object=k?pin-value=a/b?c|d", "k", "", "a/b?c|d", "", false },
    { "pkcs11:type=private;object=k;manufacturer=x;serial=1?module-path=/l.so&pin-value=1", "k", "", "1",
      "pkcs11: URI: ignored manufacturer, serial", true },
    { "pkcs11:object=k?", "k", "", "", "", false },
    { "pkcs11:object=k;x-vendor=", "k", "", "", "pkcs11: URI: ignored x-vendor", false },
};

static void accepted(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct crypto_p11uri u;
        struct crypto_error why = { .warning = "stale" };
        print_message("  %s\n", good[i].uri);
        assert_int_equal(crypto_p11uri_parse(slice_str(good[i].uri), &u, &why), ERR_OK);
        assert_string_equal(u.object, good[i].object);
        assert_string_equal(u.token, good[i].token);
        assert_string_equal(u.pin, good[i].pin);
        assert_string_equal(why.warning, good[i].warning);
        assert_int_equal(u.has_type, good[i].has_type);
        assert_int_equal(crypto_p11uri_parse(slice_str(good[i].uri), &u, NULL), ERR_OK);
        crypto_p11uri_done(&u);
        assert_int_equal(u.object[0], 0);
        assert_int_equal(u.pin[0], 0);
    }
}

/* RFC 7512 §2.4: query attributes that say where the token is. */
static void place(void **state)
{
    struct crypto_p11uri u;
    struct crypto_error why = { 0 };

    (void)state;
    assert_int_equal(crypto_p11uri_parse(
                         SLICE_LIT("pkcs11:object=k?module-path=/a%20b.so&pin-source=file:/p&x=1"), &u, &why),
                     ERR_OK);
    assert_string_equal(u.module_path, "/a b.so");
    assert_string_equal(u.pin_source, "file:/p");
    assert_string_equal(why.warning, "pkcs11: URI: ignored x");
    crypto_p11uri_warn_place(&u, &why);
    assert_string_equal(why.warning, "pkcs11: URI: ignored x, module-path, pin-source");
    crypto_p11uri_warn_place(&u, NULL);
    crypto_p11uri_done(&u);
    assert_int_equal(crypto_p11uri_parse(SLICE_LIT("pkcs11:object=k;module-path=/a.so"), &u, &why), ERR_OK);
    assert_string_equal(u.module_path, ""); /* an attribute of the query only */
}

static void id_is_bytes(void **state)
{
    struct crypto_p11uri u;

    (void)state;
    assert_int_equal(crypto_p11uri_parse(SLICE_LIT("pkcs11:id=%00%ffA;object=k"), &u, NULL), ERR_OK);
    assert_int_equal(u.id_len, 3);
    assert_memory_equal(u.id,
                        "\x00\xff"
                        "A",
                        3);
}

#define A32 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
    const char *uri;
    err_t want;
    const char *says;
} bad[] = {
    { "", ERR_INVALID, "not a pkcs11" },
    { "pkcs11", ERR_INVALID, "not a pkcs11" },
    { "file:///x", ERR_INVALID, "not a pkcs11" },
    { "pkcs11:", ERR_INVALID, "no object" },
    { "pkcs11:type=private", ERR_INVALID, "no object" },
    { "pkcs11:?object=k", ERR_INVALID, "no object" }, /* object is a path attribute */
    { "pkcs11:object=", ERR_INVALID, "\"object\" is empty" },
    { "pkcs11:object=k;type=public", ERR_INVALID, "private" },
    { "pkcs11:object=k;type=cert", ERR_INVALID, "private" },
    { "pkcs11:object=k;type=Private", ERR_INVALID, "private" },
    { "pkcs11:object=k;object=k", ERR_INVALID, "twice" },
    { "pkcs11:object=k;pin-value=1?pin-value=1", ERR_INVALID, "twice" },
    { "pkcs11:object=k;", ERR_INVALID, "ends with" },
    { "pkcs11:object=k?pin-value=1&", ERR_INVALID, "ends with" },
    { "pkcs11:object", ERR_INVALID, "without '='" },
    { "pkcs11:object=k;;type=private", ERR_INVALID, "without '='" },
    { "pkcs11:object=k;=v", ERR_INVALID, "name" },
    { "pkcs11:object=k;a b=v", ERR_INVALID, "name" },
    { "pkcs11:object=a b", ERR_INVALID, "%XX" },
    { "pkcs11:object=a%", ERR_INVALID, "%XX" },
    { "pkcs11:object=a%4", ERR_INVALID, "%XX" },
    { "pkcs11:object=a%4g", ERR_INVALID, "%XX" },
    { "pkcs11:object=a/b", ERR_INVALID, "%XX" }, /* §2.3: '/' is for the query only */
    { "pkcs11:object=\xe2\x82\xac", ERR_INVALID, "%XX" },
    { "pkcs11:object=a%00b", ERR_INVALID, "UTF-8" },
    { "pkcs11:object=%ff", ERR_INVALID, "UTF-8" },
    { "pkcs11:object=k;token=", ERR_INVALID, "\"token\" is empty" },
    { "pkcs11:object=k;token=" A32 "a", ERR_TOO_BIG, "too long" }, /* one past CK_TOKEN_INFO.label */
    { "pkcs11:object=k;id=" A32 A32 "a", ERR_TOO_BIG, "too long" },
};

static void refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct crypto_p11uri u, before;
        struct crypto_error why = { 0 };
        memset(&u, 0xee, sizeof(u));
        before = u;
        print_message("  %s\n", bad[i].uri);
        assert_int_equal(crypto_p11uri_parse(slice_str(bad[i].uri), &u, &why), bad[i].want);
        assert_memory_equal(&u, &before, sizeof(u)); /* untouched on failure */
        assert_non_null(strstr(why.text, bad[i].says));
        assert_int_equal(crypto_p11uri_parse(slice_str(bad[i].uri), &u, NULL), bad[i].want);
    }
}

static void limits(void **state)
{
    struct crypto_p11uri u;
    char text[600];

    (void)state;
    (void)snprintf(text, sizeof(text), "pkcs11:object=%.*s", 255,
                   "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                   "xxxxxxxxxxxxxxxxxxxxxxx"
                   "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                   "xxxxxxxxxxxxxxxxxxxxxxx"
                   "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
    assert_int_equal(strlen(text), 14 + 255);
    assert_int_equal(crypto_p11uri_parse(slice_str(text), &u, NULL), ERR_OK);
    assert_int_equal(strlen(u.object), 255);
    (void)strcat(text, "x");
    assert_int_equal(crypto_p11uri_parse(slice_str(text), &u, NULL), ERR_TOO_BIG);
    assert_int_equal(crypto_p11uri_parse(SLICE_LIT("pkcs11:object=k;token=" A32), &u, NULL), ERR_OK);
}

/* A PIN is never repeated in a message. */
static void no_pin_in_errors(void **state)
{
    struct crypto_p11uri u;
    struct crypto_error why = { 0 };

    (void)state;
    assert_int_equal(crypto_p11uri_parse(SLICE_LIT("pkcs11:object=k?pin-value=73 19"), &u, &why),
                     ERR_INVALID);
    assert_null(strstr(why.text, "73"));
    assert_int_equal(
        crypto_p11uri_parse(SLICE_LIT("pkcs11:object=k;pin-value=7319;pin-value=7319"), &u, &why),
        ERR_INVALID);
    assert_null(strstr(why.text, "7319"));
}

static void every_prefix_is_safe(void **state)
{
    const char *whole = "pkcs11:token=a%20b;object=k%41;type=private;id=%01?pin-value=12%34";

    (void)state;
    for (size_t n = 0; n <= strlen(whole); n++) {
        autofree uint8_t *copy = malloc(n ? n : 1); /* exactly n bytes: ASan sees a read of byte n */
        struct crypto_p11uri u;
        memcpy(copy, whole, n);
        err_t e = crypto_p11uri_parse(slice_of(copy, n), &u, NULL);
        assert_true(e == ERR_OK || e == ERR_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepted),
        cmocka_unit_test(place),
        cmocka_unit_test(id_is_bytes),
        cmocka_unit_test(refused),
        cmocka_unit_test(limits),
        cmocka_unit_test(no_pin_in_errors),
        cmocka_unit_test(every_prefix_is_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
