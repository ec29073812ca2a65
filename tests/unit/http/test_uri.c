/* tests/unit/http/test_uri.c - percent escapes and query strings. */
#include "http/uri.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
    const char *in;
    bool plus;
    err_t want;
    const char *out;
} decodes[] = {
    { "", false, ERR_OK, "" },
    { "abc", false, ERR_OK, "abc" },
    { "a%2Fb%2fc", false, ERR_OK, "a/b/c" },
    { "%24aws%2Frules", false, ERR_OK, "$aws/rules" },
    { "%252F", false, ERR_OK, "%2F" }, /* once, not twice */
    { "a+b", false, ERR_OK, "a+b" },
    { "a+b", true, ERR_OK, "a b" },
    { "%C3%A4", false, ERR_OK, "\xc3\xa4" },
    { "%", false, ERR_INVALID, NULL },
    { "%4", false, ERR_INVALID, NULL },
    { "%4g", false, ERR_INVALID, NULL },
    { "%g4", false, ERR_INVALID, NULL },
    { "% 4", false, ERR_INVALID, NULL },
    { "x%00", false, ERR_INVALID, NULL },
};

static void escapes_are_undone_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(decodes); i++) {
        autobuf out = BUF_INIT(64);
        print_message("  '%s'\n", decodes[i].in);
        assert_int_equal(buf_add_str(&out, "<"), ERR_OK);
        assert_int_equal(http_percent_decode(&out, slice_str(decodes[i].in), decodes[i].plus),
                         decodes[i].want);
        assert_string_equal(buf_str(&out) + 1,
                            decodes[i].want ? "" : decodes[i].out); /* untouched on failure */
    }
}

static void encode_is_the_inverse(void **state)
{
    autobuf enc = BUF_INIT(1024), dec = BUF_INIT(256), kept = BUF_INIT(64);
    uint8_t all[255];
    (void)state;
    for (int i = 0; i < 255; i++)
        all[i] = (uint8_t)(i + 1);
    assert_int_equal(http_percent_encode(&enc, SLICE_ARRAY(all), false), ERR_OK);
    assert_int_equal(http_percent_decode(&dec, buf_slice(&enc), true), ERR_OK);
    assert_int_equal(dec.n, 255);
    assert_memory_equal(dec.p, all, 255);
    assert_int_equal(http_percent_encode(&kept, SLICE_LIT("a/b c~"), true), ERR_OK);
    assert_string_equal(buf_str(&kept), "a/b%20c~");
}

static const struct {
    const char *query;
    err_t want;
    size_t n;
    const char *name, *value; /* one to look up */
} queries[] = {
    { "", ERR_OK, 0, "a", NULL },
    { "a=1", ERR_OK, 1, "a", "1" },
    { "a=1&b=2&a=3", ERR_OK, 3, "a", "1" },
    { "a", ERR_OK, 1, "a", "" },
    { "a=", ERR_OK, 1, "a", "" },
    { "=v", ERR_OK, 1, "", "v" },
    { "&&a=b=c&", ERR_OK, 1, "a", "b=c" },
    { "start=2024-01-01T00%3A00%3A00Z", ERR_OK, 1, "start", "2024-01-01T00:00:00Z" },
    { "na%6De=x%26y", ERR_OK, 1, "name", "x&y" },
    { "a=%", ERR_INVALID, 0, "a", NULL },
    { "a=%00", ERR_INVALID, 0, "a", NULL },
    { "ok=1&%zz=1", ERR_INVALID, 1, "ok", "1" },
};

static void queries_are_taken_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(queries); i++) {
        struct http_params p = { 0 };
        print_message("  '%s'\n", queries[i].query);
        assert_int_equal(http_query_parse(&p, slice_str(queries[i].query)), queries[i].want);
        assert_int_equal(p.n, queries[i].n);
        const char *v = http_params_get(&p, queries[i].name);
        if (queries[i].value)
            assert_string_equal(v, queries[i].value);
        else
            assert_null(v);
        http_params_done(&p);
    }
}

static void one_parameter_too_many(void **state)
{
    autobuf q = BUF_INIT(4096);
    struct http_params p = { 0 };
    (void)state;
    for (int i = 0; i < HTTP_PARAMS_MAX; i++)
        assert_int_equal(buf_printf(&q, "p%d=%d&", i, i), ERR_OK);
    assert_int_equal(http_query_parse(&p, buf_slice(&q)), ERR_OK);
    assert_int_equal(http_params_add(&p, SLICE_LIT("x"), SLICE_LIT("y"), false), ERR_TOO_BIG);
    assert_int_equal(p.n, HTTP_PARAMS_MAX);
    http_params_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escapes_are_undone_once),
        cmocka_unit_test(encode_is_the_inverse),
        cmocka_unit_test(queries_are_taken_apart),
        cmocka_unit_test(one_parameter_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
