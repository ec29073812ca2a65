/* The AWS sig-v4 test suite's key, date and host; its names are kept. */
#include "../cm.h"

#include "base/mem.h"
#include "sigv4/sigv4.h"

#include <string.h>

#define NOW 1440938160000 /* 20150830T123600Z */

static const struct sigv4_signer who = { "AKIDEXAMPLE",
                                         { (const uint8_t *)"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", 40 },
                                         NULL,
                                         "us-east-1",
                                         "service" };
static const struct sigv4_header host[] = { { { (const uint8_t *)"Host", 4 },
                                              { (const uint8_t *)"example.amazonaws.com", 21 } } };
static struct crypto_ctx *ctx;

static const struct {
    const char *name, *method, *path, *query, *signature;
} suite[] = {
    { "get-vanilla", "GET", "/", "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
    { "get-vanilla-query-order-key-case", "GET", "/", "Param2=value2&Param1=value1",
      "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500" },
    { "post-vanilla", "POST", "/", "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b" },
    { "get-slashes", "GET", "//", "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
    { "get-relative", "GET", "/example/..", "",
      "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
};

static void test_suite(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(suite); i++) {
        const struct sigv4_request req = {
            slice_str(suite[i].method), slice_str(suite[i].path), slice_str(suite[i].query), host, 1, { 0 }
        };
        autobuf out = BUF_INIT(1000);
        char date[17];
        print_message("  %s\n", suite[i].name);
        assert_int_equal(sigv4_sign(ctx, &req, &who, NOW, date, &out), ERR_OK);
        assert_string_equal(date, "20150830T123600Z");
        autofree char *want =
            mem_printf("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
                       "SignedHeaders=host;x-amz-date, Signature=%s",
                       suite[i].signature);
        assert_string_equal(buf_str(&out), want);
    }
}

static void all_headers_are_signed_in_order(void **state)
{
    const struct sigv4_header h[] = { { SLICE_LIT("X-B"), SLICE_LIT("1") },
                                      { SLICE_LIT("host"), SLICE_LIT("h") },
                                      { SLICE_LIT("Content-Type"), SLICE_LIT("t") },
                                      { SLICE_LIT("x-b"), SLICE_LIT("2") } };
    const struct sigv4_request req = { SLICE_LIT("GET"), SLICE_LIT("/"), { 0 }, h, ARRAY_LEN(h), { 0 } };
    struct sigv4_signer with_token = who;
    autobuf out = BUF_INIT(1000);
    char date[17];

    (void)state;
    with_token.session_token = "tok";
    assert_int_equal(sigv4_sign(ctx, &req, &with_token, NOW, date, &out), ERR_OK);
    assert_non_null(
        strstr(buf_str(&out), "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-b,"));
}

static void refused(void **state)
{
    struct sigv4_header many[129];
    struct sigv4_request req = { SLICE_LIT("GET"), SLICE_LIT("/"), { 0 }, NULL, 0, { 0 } };
    autobuf out = BUF_INIT(10000);
    char date[17] = "kept";

    (void)state;
    assert_int_equal(sigv4_sign(ctx, &req, &who, NOW, date, &out), ERR_INVALID); /* no Host */
    assert_int_equal(sigv4_presign(ctx, &req, &who, NOW, 60, &out), ERR_INVALID);
    for (size_t i = 0; i < ARRAY_LEN(many); i++)
        many[i] = host[0];
    req.headers = many;
    req.header_count = 127; /* and x-amz-date makes 128 */
    autobuf fine = BUF_INIT(10000);
    assert_int_equal(sigv4_sign(ctx, &req, &who, NOW, date, &fine), ERR_OK);
    memcpy(date, "kept", 5);
    req.header_count = 128;
    assert_int_equal(sigv4_sign(ctx, &req, &who, NOW, date, &out), ERR_TOO_BIG);
    assert_string_equal(date, "kept");
    assert_int_equal(out.n, 0);
}

static void presigned_forms(void **state)
{
    const struct sigv4_request req = {
        SLICE_LIT("GET"), SLICE_LIT("/mqtt"), SLICE_LIT("a=b"), host, 1, { 0 }
    };
    struct sigv4_signer s = who;
    autobuf rest = BUF_INIT(2000), gateway = BUF_INIT(2000);

    (void)state;
    s.session_token = "t/k";
    assert_int_equal(sigv4_presign(ctx, &req, &s, NOW, 60, &rest), ERR_OK);
    assert_true(slice_starts(
        buf_slice(&rest),
        SLICE_LIT("a=b&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20150830%2F")));
    assert_non_null(
        strstr(buf_str(&rest),
               "&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Security-Token=t%2Fk&X-Amz-Signature="));
    s.service = "iotdevicegateway"; /* trap 18: the token follows the signature */
    assert_int_equal(sigv4_presign(ctx, &req, &s, NOW, 0, &gateway), ERR_OK);
    assert_null(strstr(buf_str(&gateway), "X-Amz-Expires"));
    assert_string_equal(buf_str(&gateway) + gateway.n - 27, "&X-Amz-Security-Token=t%2Fk");
    buf_cut(&gateway, gateway.n - 27);
    s.session_token = NULL;
    autobuf without = BUF_INIT(2000);
    assert_int_equal(sigv4_presign(ctx, &req, &s, NOW, 0, &without), ERR_OK);
    assert_string_equal(buf_str(&gateway), buf_str(&without)); /* and changes nothing before it */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_suite),
        cmocka_unit_test(all_headers_are_signed_in_order),
        cmocka_unit_test(refused),
        cmocka_unit_test(presigned_forms),
    };
    if (crypto_ctx_new(NULL, &ctx))
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    crypto_ctx_free(ctx);
    return failed;
}
