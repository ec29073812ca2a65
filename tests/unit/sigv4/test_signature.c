/* AWS's published example: GET https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08. */
#include "../cm.h"

#include "sigv4/canonical.h"

static void published_example(void **state)
{
    const struct sigv4_scope scope = { "20150830T123600Z", "us-east-1", "iam" };
    struct slice canonical =
        SLICE_LIT("GET\n/\nAction=ListUsers&Version=2010-05-08\n"
                  "content-type:application/x-www-form-urlencoded; charset=utf-8\nhost:iam.amazonaws.com\n"
                  "x-amz-date:20150830T123600Z\n\ncontent-type;host;x-amz-date\n"
                  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    auto_crypto_ctx struct crypto_ctx *ctx = NULL;
    char signature[65] = "";

    (void)state;
    assert_int_equal(crypto_ctx_new(NULL, &ctx), ERR_OK);
    assert_int_equal(sigv4_signature(ctx, &scope, SLICE_LIT("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
                                     canonical, signature),
                     ERR_OK);
    assert_string_equal(signature, "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
}

/* A secret of any length is a secret: none is special, none overruns. */
static void long_and_empty_secrets(void **state)
{
    const struct sigv4_scope scope = { "20150830T123600Z", "us-east-1", "iam" };
    auto_crypto_ctx struct crypto_ctx *ctx = NULL;
    static const uint8_t big[5000];
    char a[65], b[65] = "kept";

    (void)state;
    assert_int_equal(crypto_ctx_new(NULL, &ctx), ERR_OK);
    assert_int_equal(sigv4_signature(ctx, &scope, (struct slice){ 0 }, SLICE_LIT("x"), a), ERR_OK);
    assert_int_equal(sigv4_signature(ctx, &scope, SLICE_ARRAY(big), SLICE_LIT("x"), b), ERR_TOO_BIG);
    assert_string_equal(b, "kept");
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(published_example),
                                        cmocka_unit_test(long_and_empty_secrets) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
