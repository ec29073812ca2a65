#include "../cm.h"

#include "crypto/random.h"

#include <string.h>

static struct crypto_ctx *ctx;

static void fills_exactly(void **state)
{
    uint8_t a[34] = { 0 }, b[34] = { 0 };

    (void)state;
    assert_int_equal(crypto_random(ctx, a + 1, 32), ERR_OK);
    assert_int_equal(crypto_random(ctx, b + 1, 32), ERR_OK);
    assert_memory_not_equal(a + 1, b + 1, 32);
    assert_int_equal(a[0] | a[33] | b[0] | b[33], 0);
    assert_int_equal(crypto_random(ctx, a, 0), ERR_OK);
}

/* RFC 4122 §4.4: 8-4-4-4-12, version 4, variant 10. */
static void uuid_has_its_form(void **state)
{
    char u[CRYPTO_UUID_MAX], v[CRYPTO_UUID_MAX];

    (void)state;
    for (int i = 0; i < 50; i++) {
        assert_int_equal(crypto_random_uuid(ctx, u), ERR_OK);
        assert_int_equal(strlen(u), 36);
        assert_int_equal(strspn(u, "0123456789abcdef-"), 36);
        assert_true(u[8] == '-' && u[13] == '-' && u[18] == '-' && u[23] == '-');
        assert_int_equal(u[14], '4');
        assert_non_null(strchr("89ab", u[19]));
    }
    assert_int_equal(crypto_random_uuid(ctx, v), ERR_OK);
    assert_string_not_equal(u, v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_exactly),
        cmocka_unit_test(uuid_has_its_form),
    };
    if (crypto_ctx_new(NULL, &ctx))
        return 1;
    int bad = cmocka_run_group_tests(tests, NULL, NULL);
    crypto_ctx_free(ctx);
    return bad;
}
