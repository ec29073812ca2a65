/* Which operations on which objects a command is, docs/spec/keyd.md section 5. */
#include "../cm.h"
#include "base/mem.h"
#include "keyd/classify.h"

#define ID1 "\x41\x04\xef\x00\x00\x01"
#define ID 0xef000001u
#define SESSION "\x10\x08\x01\x02\x03\x04\x05\x06\x07\x08"

static const struct {
    const char *what;
    struct slice in;
    err_t want;
    enum keyd_kind kind;
    struct keyd_use uses[3];
} cases[] = {
    { "ECDSA",
      SLICE_LIT("\x80\x03\x0c\x09\x0b" ID1 "\x42\x01\x21\x43\x00"),
      ERR_OK,
      KEYD_PLAIN,
      { { KEYD_SIGN, ID } } },
    { "verify", SLICE_LIT("\x80\x03\x0c\x0a\x06" ID1), ERR_OK, KEYD_PLAIN, { { KEYD_VERIFY, ID } } },
    { "RSA encrypt", SLICE_LIT("\x80\x03\x02\x37\x06" ID1), ERR_OK, KEYD_PLAIN, { { KEYD_ENCRYPT, ID } } },
    { "RSA decrypt", SLICE_LIT("\x80\x03\x02\x38\x06" ID1), ERR_OK, KEYD_PLAIN, { { KEYD_DECRYPT, ID } } },
    { "RSA without padding",
      SLICE_LIT("\x80\x03\x02\x38\x0b" ID1 "\x42\x01\x0c\x43\x00"),
      ERR_OK,
      KEYD_PLAIN,
      { { KEYD_DECRYPT, ID } } },
    { "ECDH", SLICE_LIT("\x80\x03\x01\x0f\x06" ID1), ERR_OK, KEYD_PLAIN, { { KEYD_DERIVE, ID } } },
    { "ECDH into an object",
      SLICE_LIT("\x80\x03\x01\x0f\x0c" ID1 "\x47\x04\x00\x00\x00\x02"),
      ERR_OK,
      KEYD_PLAIN,
      { { KEYD_DERIVE, ID }, { KEYD_WRITE, 2 } } },
    { "HKDF with a salt object",
      SLICE_LIT("\x80\x03\x00\x2d\x12" ID1 "\x46\x04\x00\x00\x00\x03\x47\x04\x00\x00\x00\x02"),
      ERR_OK,
      KEYD_PLAIN,
      { { KEYD_DERIVE, ID }, { KEYD_DERIVE, 3 }, { KEYD_WRITE, 2 } } },
    { "EC generate",
      SLICE_LIT("\x80\x01\x61\x00\x09" ID1 "\x42\x01\x03"),
      ERR_OK,
      KEYD_PLAIN,
      { { KEYD_GENERATE, ID } } },
    { "EC write",
      SLICE_LIT("\x80\x01\x61\x00\x09" ID1 "\x43\x01\x03"),
      ERR_OK,
      KEYD_PLAIN,
      { { KEYD_WRITE, ID } } },
    { "EC write, public, for authentication",
      SLICE_LIT("\x80\x41\x21\x00\x09" ID1 "\x44\x01\x03"),
      ERR_OK,
      KEYD_PLAIN,
      { { KEYD_WRITE, ID } } },
    { "EC transient", SLICE_LIT("\x80\x81\x61\x00\x06" ID1), ERR_OK, KEYD_PLAIN, { { KEYD_GENERATE, ID } } },
    { "RSA generate",
      SLICE_LIT("\x80\x01\x62\x00\x0a" ID1 "\x42\x02\x08\x00"),
      ERR_OK,
      KEYD_PLAIN,
      { { KEYD_GENERATE, ID } } },
    { "RSA component",
      SLICE_LIT("\x80\x01\x62\x00\x09" ID1 "\x4a\x01\x00"),
      ERR_OK,
      KEYD_PLAIN,
      { { KEYD_WRITE, ID } } },
    { "a wrapped AES key",
      SLICE_LIT("\x80\x01\x03\x00\x0c" ID1 "\x42\x04\x00\x00\x00\x09"),
      ERR_OK,
      KEYD_PLAIN,
      { { KEYD_WRITE, ID }, { KEYD_DECRYPT, 9 } } },
    { "file", SLICE_LIT("\x80\x01\x06\x00\x06" ID1), ERR_OK, KEYD_PLAIN, { { KEYD_WRITE, ID } } },
    { "read", SLICE_LIT("\x80\x02\x00\x00\x06" ID1), ERR_OK, KEYD_PLAIN, { { KEYD_READ, ID } } },
    { "read the unique id",
      SLICE_LIT("\x80\x02\x00\x00\x06\x41\x04\x7f\xff\x02\x06"),
      ERR_OK,
      KEYD_PLAIN,
      { { KEYD_INFO, 0 } } },
    { "attested read",
      SLICE_LIT("\x80\x22\x00\x00\x0c" ID1 "\x45\x04\xf0\x00\x00\x12"),
      ERR_OK,
      KEYD_PLAIN,
      { { KEYD_READ, ID }, { KEYD_ATTEST, 0xf0000012 } } },
    { "type", SLICE_LIT("\x80\x02\x00\x26\x06" ID1), ERR_OK, KEYD_PLAIN, { { KEYD_LIST, ID } } },
    { "exists", SLICE_LIT("\x80\x04\x00\x27\x06" ID1), ERR_OK, KEYD_PLAIN, { { KEYD_LIST, ID } } },
    { "delete", SLICE_LIT("\x80\x04\x00\x28\x06" ID1), ERR_OK, KEYD_PLAIN, { { KEYD_DELETE, ID } } },
    { "list",
      SLICE_LIT("\x80\x02\x00\x25\x07\x41\x02\x00\x00\x42\x01\xff"),
      ERR_OK,
      KEYD_LIST_OBJECTS,
      { { KEYD_INFO, 0 } } },
    { "random", SLICE_LIT("\x80\x04\x00\x49\x04\x41\x02\x00\x08"), ERR_OK, KEYD_PLAIN, { { KEYD_INFO, 0 } } },
    { "session", SLICE_LIT("\x80\x04\x00\x1b\x06" ID1), ERR_OK, KEYD_SESSION_CREATE, { { KEYD_LOGIN, ID } } },
    { "sign in a session",
      SLICE_LIT("\x80\x05\x00\x00\x17" SESSION "\x41\x0b\x80\x03\x0c\x09\x06" ID1),
      ERR_OK,
      KEYD_PLAIN,
      { { KEYD_SIGN, ID } } },
    { "log in",
      SLICE_LIT("\x80\x05\x00\x00\x17" SESSION "\x41\x0b\x80\x04\x00\x2c\x06\x41\x04\x31\x32\x33\x34"),
      ERR_OK,
      KEYD_SESSION_ONLY,
      { { KEYD_INFO, 0 } } },
    { "log out",
      SLICE_LIT("\x80\x05\x00\x00\x10" SESSION "\x41\x04\x80\x04\x00\x1c"),
      ERR_OK,
      KEYD_SESSION_CLOSE,
      { { KEYD_INFO, 0 } } },
    { "wrapped in a session",
      SLICE_LIT("\x80\x05\x00\x00\x11" SESSION "\x41\x05\x84\x04\x00\x1c\x08"),
      ERR_OK,
      KEYD_PLAIN,
      { { KEYD_ADMIN, 0 } } },
    { "cipher init",
      SLICE_LIT("\x80\x03\x0e\x42\x0a" ID1 "\x42\x02\x00\x0f"),
      ERR_OK,
      KEYD_CONTEXT,
      { { KEYD_ENCRYPT, ID } } },
    { "cipher update",
      SLICE_LIT("\x80\x03\x0e\x0c\x06\x42\x02\x00\x0f\x43\x00"),
      ERR_OK,
      KEYD_CONTEXT,
      { { KEYD_INFO, 0 } } },
    { "crypto object",
      SLICE_LIT("\x80\x01\x10\x00\x0a\x41\x02\x00\x0f\x42\x01\x02\x43\x01\x0d"),
      ERR_OK,
      KEYD_CONTEXT_CREATE,
      { { KEYD_INFO, 0 } } },
    { "DeleteAll", SLICE_LIT("\x80\x04\x00\x2a"), ERR_OK, KEYD_PLAIN, { { KEYD_ADMIN, 0 } } },
    { "DESFire", SLICE_LIT("\x80\x03\x00\x53\x06" ID1), ERR_OK, KEYD_PLAIN, { { KEYD_ADMIN, 0 } } },
    { "nobody knows it", SLICE_LIT("\x80\x03\x0c\x77\x06" ID1), ERR_OK, KEYD_PLAIN, { { KEYD_ADMIN, 0 } } },
    { "a known one with another bit",
      SLICE_LIT("\x80\x03\x8c\x09\x06" ID1),
      ERR_OK,
      KEYD_PLAIN,
      { { KEYD_ADMIN, 0 } } },
    { "a known one with a flag it has not",
      SLICE_LIT("\x80\x84\x00\x28\x06" ID1),
      ERR_OK,
      KEYD_PLAIN,
      { { KEYD_ADMIN, 0 } } },
    { "the curve's own parameter is missing",
      SLICE_LIT("\x80\x01\x0b\x40\x09\x41\x01\x03\x42\x01\x01\x43\x01\x00"),
      ERR_OK,
      KEYD_PLAIN,
      { { KEYD_ADMIN, 0 } } },
    { "create curve",
      SLICE_LIT("\x80\x01\x0b\x04\x03\x41\x01\x03"),
      ERR_OK,
      KEYD_PLAIN,
      { { KEYD_CURVE, 0 } } },

    { "a value that is none",
      SLICE_LIT("\x80\x01\x61\x00\x08" ID1 "\x43\x00"),
      ERR_PROTO,
      KEYD_PLAIN,
      { { 0 } } },
    { "an RSA component that is none",
      SLICE_LIT("\x80\x01\x62\x00\x08" ID1 "\x4a\x00"),
      ERR_PROTO,
      KEYD_PLAIN,
      { { 0 } } },
    { "no object", SLICE_LIT("\x80\x03\x0c\x09\x03\x42\x01\x21"), ERR_PROTO, KEYD_PLAIN, { { 0 } } },
    { "object 0",
      SLICE_LIT("\x80\x03\x0c\x09\x06\x41\x04\x00\x00\x00\x00"),
      ERR_PROTO,
      KEYD_PLAIN,
      { { 0 } } },
    { "an id of five bytes",
      SLICE_LIT("\x80\x03\x0c\x09\x07\x41\x05\x00\xef\x00\x00\x01"),
      ERR_PROTO,
      KEYD_PLAIN,
      { { 0 } } },
    { "a target of two bytes",
      SLICE_LIT("\x80\x03\x01\x0f\x0a" ID1 "\x47\x02\x00\x02"),
      ERR_PROTO,
      KEYD_PLAIN,
      { { 0 } } },
    { "a crypto object of four bytes",
      SLICE_LIT("\x80\x03\x0e\x42\x0c" ID1 "\x42\x04\x00\x00\x00\x0f"),
      ERR_PROTO,
      KEYD_PLAIN,
      { { 0 } } },
    { "no such curve",
      SLICE_LIT("\x80\x01\x0b\x40\x09\x41\x01\x99\x42\x01\x01\x43\x01\x00"),
      ERR_PROTO,
      KEYD_PLAIN,
      { { 0 } } },
    { "a session id of seven bytes",
      SLICE_LIT("\x80\x05\x00\x00\x0f\x10\x07\x01\x02\x03\x04\x05\x06\x07\x41\x04\x80\x04\x00\x20"),
      ERR_PROTO,
      KEYD_PLAIN,
      { { 0 } } },
    { "an inner command with Le",
      SLICE_LIT("\x80\x05\x00\x00\x11" SESSION "\x41\x05\x80\x04\x00\x20\x00"),
      ERR_PROTO,
      KEYD_PLAIN,
      { { 0 } } },
    { "INITIALIZE UPDATE",
      SLICE_LIT("\x80\x50\x0b\x00\x08\x41\x06\x01\x02\x03\x04\x05\x06"),
      ERR_DENIED,
      KEYD_PLAIN,
      { { 0 } } },
    { "the same inside",
      SLICE_LIT("\x80\x05\x00\x00\x10" SESSION "\x41\x04\x80\x50\x00\x00"),
      ERR_DENIED,
      KEYD_PLAIN,
      { { 0 } } },
    { "session in a session",
      SLICE_LIT("\x80\x05\x00\x00\x20" SESSION "\x41\x14\x80\x05\x00\x00\x0f" SESSION "\x41\x03\x80\x04\x00"),
      ERR_DENIED,
      KEYD_PLAIN,
      { { 0 } } },
    { "another session from inside",
      SLICE_LIT("\x80\x05\x00\x00\x17" SESSION "\x41\x0b\x80\x04\x00\x1b\x06" ID1),
      ERR_DENIED,
      KEYD_PLAIN,
      { { 0 } } },
    { "misspelt session",
      SLICE_LIT("\x80\x05\x00\x01\x10" SESSION "\x41\x04\x80\x04\x00\x20"),
      ERR_DENIED,
      KEYD_PLAIN,
      { { 0 } } },
    { "close the default session", SLICE_LIT("\x80\x04\x00\x1c"), ERR_DENIED, KEYD_PLAIN, { { 0 } } },
    { "log in without a session",
      SLICE_LIT("\x80\x04\x00\x2c\x06\x41\x04\x31\x32\x33\x34"),
      ERR_DENIED,
      KEYD_PLAIN,
      { { 0 } } },
};

static void each_case(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct keyd_command c = { .count = 99 };

        print_message("  %s\n", cases[i].what);
        assert_int_equal(keyd_classify(cases[i].in, &c), cases[i].want);
        if (cases[i].want) {
            assert_int_equal(c.count, 99);
            continue;
        }
        assert_int_equal(c.kind, cases[i].kind);
        for (unsigned k = 0; k < ARRAY_LEN(cases[i].uses); k++) {
            assert_int_equal(k < c.count ? c.uses[k].op : 0, cases[i].uses[k].op);
            assert_int_equal(k < c.count ? c.uses[k].id : 0, cases[i].uses[k].id);
        }
    }
}

static void what_changes(void **state)
{
    struct keyd_command c;

    assert_int_equal(keyd_classify(SLICE_LIT("\x80\x03\x01\x0f\x0c" ID1 "\x47\x04\x00\x00\x00\x02"), &c),
                     ERR_OK);
    assert_true(keyd_command_changes(&c));
    assert_int_equal(keyd_classify(SLICE_LIT("\x80\x03\x0c\x09\x06" ID1), &c), ERR_OK);
    assert_false(keyd_command_changes(&c));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(each_case), cmocka_unit_test(what_changes) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
