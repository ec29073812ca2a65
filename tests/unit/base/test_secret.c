#include "../cm.h"
#include "base/secret.h"

static void holds_compares_and_frees(void **state)
{
    autosecret *s = NULL, *empty = NULL;

    assert_int_equal(secret_new(SLICE_LIT("1234"), &s), ERR_OK);
    assert_int_equal(secret_len(s), 4);
    assert_true(secret_eq(s, SLICE_LIT("1234")));
    assert_false(secret_eq(s, SLICE_LIT("1235")));
    assert_false(secret_eq(s, SLICE_LIT("123")));
    assert_string_equal((const char *)secret_expose_bytes(s).p, "1234");
    assert_int_equal(secret_new(SLICE_LIT(""), &empty), ERR_OK);
    assert_true(secret_eq(empty, SLICE_LIT("")));
    secret_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(holds_compares_and_frees) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
