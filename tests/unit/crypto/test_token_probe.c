/* The diagnosis of token failures, against a module that says what it is told to. */
#include "../cm.h"

#include "base/mem.h"
#include "crypto/token.h"
#include "fake_p11.h"

#include <dlfcn.h>
#include <string.h>

#define READY CKF_TOKEN_INITIALIZED

static const char *fake_path;
static void *handle;
static struct fake_p11 *fake;

static int setup(void **state)
{
    (void)state;
    if (crypto_token_module_open(fake_path, &handle, NULL))
        return 1;
    fake = dlsym(handle, "fake_p11");
    return !fake;
}

static const struct {
    const char *what;
    struct fake_p11 module;
    CK_RV rv; /* what the engine's errors said */
    err_t want;
    const char *says[3];
} cases[] = {
    { "wrong PIN",
      { 1, 0, 1, { "tok" }, { READY }, { 0 } },
      CKR_PIN_INCORRECT,
      ERR_AUTH,
      { "\"tok\"", "CKR_PIN_INCORRECT", "slotUserPin" } },
    { "final try",
      { 1, 0, 1, { "tok" }, { READY | CKF_USER_PIN_FINAL_TRY }, { 0 } },
      CKR_PIN_INCORRECT,
      ERR_AUTH,
      { "CKR_PIN_INCORRECT", "one more wrong PIN locks" } },
    { "locked, said by the code",
      { 1, 0, 1, { "tok" }, { READY }, { 0 } },
      CKR_PIN_LOCKED,
      ERR_AUTH,
      { "CKR_PIN_LOCKED", "security officer" } },
    { "locked, said by the flag",
      { 1, 0, 1, { "tok" }, { READY | CKF_USER_PIN_LOCKED }, { 0 } },
      CKR_PIN_INCORRECT,
      ERR_AUTH,
      { "CKR_PIN_LOCKED" } },
    { "no PIN set",
      { 1, 0, 1, { "tok" }, { READY }, { 0 } },
      CKR_USER_PIN_NOT_INITIALIZED,
      ERR_AUTH,
      { "CKR_USER_PIN_NOT_INITIALIZED" } },
    { "no such key",
      { 1, 0, 1, { "tok" }, { READY }, { 0 } },
      0,
      ERR_NOT_FOUND,
      { "\"key\"", "\"tok\"", "pkcs11-tool" } },
    { "other label",
      { 1, 0, 2, { "a", "b c" }, { READY, READY }, { 0 } },
      0,
      ERR_NOT_FOUND,
      { "no slot with label \"tok\"", "\"a\", \"b c\"", "slotLabel" } },
    { "a longer label", { 1, 0, 1, { "tok2" }, { READY }, { 0 } }, 0, ERR_NOT_FOUND, { "\"tok2\"" } },
    { "not initialised", { 1, 0, 1, { "tok" }, { 0 }, { 0 } }, 0, ERR_NOT_FOUND, { "no initialised token" } },
    { "second slot",
      { 1, 0, 2, { "a", "tok" }, { READY, READY }, { 0 } },
      0,
      ERR_NOT_FOUND,
      { "no private key" } },
    { "chip does not answer",
      { 1, 0, 1, { "" }, { 0 }, { CKR_DEVICE_ERROR } },
      0,
      ERR_UNAVAILABLE,
      { "CKR_DEVICE_ERROR", "connected", "\"tok\"" } },
    { "chip absent",
      { 1, 0, 1, { "" }, { 0 }, { CKR_TOKEN_NOT_PRESENT } },
      0,
      ERR_UNAVAILABLE,
      { "CKR_TOKEN_NOT_PRESENT" } },
    { "no slots", { 1, 0, 0, { 0 }, { 0 }, { 0 } }, 0, ERR_UNAVAILABLE, { "CKR_TOKEN_NOT_PRESENT" } },
    { "fails while reading",
      { 1, 0, 1, { "tok" }, { READY }, { 0 } },
      CKR_DEVICE_REMOVED,
      ERR_UNAVAILABLE,
      { "CKR_DEVICE_REMOVED" } },
    { "unknown code", { 1, 0, 1, { "tok" }, { READY }, { 0 } }, 0x80000123, ERR_CRYPTO, { "0x80000123" } },
    { "cannot be initialised",
      { 0, CKR_CANT_LOCK, 1, { "tok" }, { READY }, { 0 } },
      0,
      ERR_UNSUPPORTED,
      { "cannot be initialised", "CKR_CANT_LOCK" } },
    { "initialised by us", { 0, 0, 1, { "tok" }, { READY }, { 0 } }, 0, ERR_NOT_FOUND, { "no private key" } },
};

static void diagnoses(void **state)
{
    const struct crypto_p11uri uri = { .object = "key" };
    const struct crypto_token token = { fake_path, "tok", "7319" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct crypto_error why = { 0 };
        print_message("  %s\n", cases[i].what);
        *fake = cases[i].module;
        assert_int_equal(crypto_token_diagnose(handle, &uri, &token, cases[i].rv, &why), cases[i].want);
        for (size_t k = 0; k < ARRAY_LEN(cases[i].says) && cases[i].says[k]; k++)
            if (!strstr(why.text, cases[i].says[k]))
                fail_msg("\"%s\" does not say %s", why.text, cases[i].says[k]);
        assert_null(strstr(why.text, "7319"));
        assert_int_equal(fake->initialized, cases[i].module.initialized); /* left as it was found */
        assert_int_equal(crypto_token_diagnose(handle, &uri, &token, cases[i].rv, NULL), cases[i].want);
    }
}

static void modules(void **state)
{
    static const struct {
        const char *path;
        err_t want;
        const char *says;
    } bad[] = {
        { "libsss_pkcs11.so", ERR_INVALID, "absolute path" },
        { "/nonexistent/module.so", ERR_NOT_FOUND, "No such file" },
        { "/etc/passwd", ERR_UNSUPPORTED, "cannot load" },
        { "/", ERR_UNSUPPORTED, "cannot load" },
        { "/lib/x86_64-linux-gnu/libc.so.6", ERR_UNSUPPORTED, "C_GetFunctionList" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        void *h = (void *)state;
        struct crypto_error why = { 0 };
        print_message("  %s\n", bad[i].path);
        err_t e = crypto_token_module_open(bad[i].path, &h, &why);
        if (e == ERR_NOT_FOUND && bad[i].want == ERR_UNSUPPORTED)
            continue; /* libc is elsewhere on other machines */
        assert_int_equal(e, bad[i].want);
        assert_non_null(strstr(why.text, bad[i].says));
        assert_ptr_equal(h, state);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(diagnoses),
        cmocka_unit_test(modules),
    };
    if (argc != 2)
        return 2;
    fake_path = argv[1];
    return cmocka_run_group_tests(tests, setup, NULL);
}
