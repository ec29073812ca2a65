/* Client contexts: what the SDKs send, and what anybody could. */
#include "../../cm.h"
#include "base/hex.h"
#include "base/mem.h"
#include "edge/function/context.h"

static err_t parse(const char *json, struct client_context *ret)
{
    autobuf b = BUF_INIT(2 * CLIENT_CONTEXT_MAX);

    assert_int_equal(base64_encode(&b, slice_str(json)), ERR_OK);
    return client_context_parse(buf_slice(&b), ret);
}

static const struct {
    const char *json;
    err_t want;
    const char *subject, *policy;
} cases[] = {
    { "", ERR_OK, NULL, NULL },
    { "{}", ERR_OK, NULL, NULL },
    { "{\"custom\":null}", ERR_OK, NULL, NULL },
    { "{\"client\":{},\"custom\":{\"a\":1},\"env\":{}}", ERR_OK, NULL, NULL },
    { "{\"custom\":{\"source\":\"arn:x\",\"subject\":\"hello/w\",\"queueFullPolicy\":\"AllOrError\"}}",
      ERR_OK, "hello/w", "AllOrError" },
    { "{\"custom\":{\"subject\":\"\",\"queueFullPolicy\":null}}", ERR_OK, "", NULL },
    { "{\"custom\":{\"subject\":5}}", ERR_INVALID, NULL, NULL },
    { "{\"custom\":{\"subject\":\"a\",\"queueFullPolicy\":[]}}", ERR_INVALID, NULL, NULL },
    { "{\"custom\":{\"subject\":\"a\\u0000b\"}}", ERR_INVALID, NULL, NULL },
    { "{\"custom\":\"x\"}", ERR_INVALID, NULL, NULL },
    { "[]", ERR_INVALID, NULL, NULL },
    { "null", ERR_INVALID, NULL, NULL },
    { "{\"custom\":{\"subject\":\"a\"}", ERR_INVALID, NULL, NULL },
    { "{\"custom\":{\"subject\":\"a\",\"subject\":\"b\"}}", ERR_INVALID, NULL, NULL },
};

static bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static void each_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        auto_client_context c = { 0 };
        err_t e = parse(cases[i].json, &c);
        if (e != cases[i].want || !same(c.subject, cases[i].subject) ||
            !same(c.queue_full_policy, cases[i].policy))
            fail_msg("%s: %s", cases[i].json, err_str(e));
    }
}

static void not_base64(void **state)
{
    static const char *const texts[] = { "x", "e30", "e30=\n", "{}", "e3 0=" };
    auto_client_context c = { 0 };
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        assert_int_equal(client_context_parse(slice_str(texts[i]), &c), ERR_INVALID);
    assert_null(c.subject);
}

static void its_size(void **state)
{
    autofree char *big = mem_calloc(CLIENT_CONTEXT_MAX + 5, 1);
    auto_client_context c = { 0 };
    (void)state;

    memset(big, 'A', CLIENT_CONTEXT_MAX + 4);
    assert_int_equal(client_context_parse(slice_of(big, CLIENT_CONTEXT_MAX + 4), &c), ERR_TOO_BIG);
    assert_int_equal(client_context_parse(slice_of(big, CLIENT_CONTEXT_MAX), &c), ERR_INVALID);
}

static void what_functions_get(void **state)
{
    autobuf b = BUF_INIT(CLIENT_CONTEXT_MAX);
    (void)state;

    assert_int_equal(client_context_write(&b, "hello/world"), ERR_OK);
    /* {"custom":{"subject":"hello/world"}} */
    assert_string_equal(buf_str(&b), "eyJjdXN0b20iOnsic3ViamVjdCI6ImhlbGxvL3dvcmxkIn19");
}

static void written_and_read(void **state)
{
    static const char *const topics[] = { "a", "quote\"back\\slash", "tab\t", "\xc3\xa9/\xe2\x82\xac" };
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(topics); i++) {
        autobuf b = BUF_INIT(CLIENT_CONTEXT_MAX);
        auto_client_context c = { 0 };
        assert_int_equal(client_context_write(&b, topics[i]), ERR_OK);
        assert_int_equal(client_context_parse(buf_slice(&b), &c), ERR_OK);
        assert_string_equal(c.subject, topics[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_case),          cmocka_unit_test(not_base64),       cmocka_unit_test(its_size),
        cmocka_unit_test(what_functions_get), cmocka_unit_test(written_and_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
