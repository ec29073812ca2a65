#include "../cm.h"
#include "base/json.h"

static void positions_and_reasons(void **state)
{
    static const struct {
        const char *text;
        int line;
        const char *why;
    } bad[] = {
        { "{\n  \"a\": 1,\n  \"b\": [1, 2\n", 4, "the text ends while an array [ is still open" },
        { "{\n  \"a\": {\n", 3, "the text ends while an object { is still open" },
        { "{\n \"a\": 1\n \"b\": 2}", 3, "'}' expected near" },
        { "{\"a\":1,\"a\":2}", 1, "duplicate object key" },
        { "{} x", 1, "end of file expected" },
        { "", 1, "" },
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct json_where w;
        json_t *j = (json_t *)&w;
        assert_int_equal(json_parse(slice_str(bad[i].text), 10, &j, &w), ERR_INVALID);
        assert_ptr_equal(j, &w); /* untouched */
        assert_int_equal(w.line, bad[i].line);
        assert_non_null(strstr(w.text, bad[i].why));
    }
}

static void depth_limit(void **state)
{
    auto_json *j = NULL, *k = NULL;
    assert_int_equal(json_parse(SLICE_LIT("{\"a\":[1]}"), 2, &j, NULL), ERR_OK);
    assert_int_equal(json_parse(SLICE_LIT("{\"a\":[[1]]}"), 2, &k, NULL), ERR_INVALID);
}

static void round_trip(void **state)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        { "{\"b\":1,\"a\":[true,false,null]}", "{\"b\":1,\"a\":[true,false,null]}" },
        { "[0.1, 1e100, -2.5, 9007199254740993, 1.0]", "[0.1,1e+100,-2.5,9007199254740993,1.0]" },
        { "\"\\u0001\\n\\\"\\\\\\u00e9\"", "\"\\u0001\\n\\\"\\\\\xc3\xa9\"" },
        { "{}", "{}" },
        { "[]", "[]" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        auto_json *j = NULL;
        autobuf b = BUF_INIT(1000);
        assert_int_equal(json_parse(slice_str(cases[i].in), 5, &j, NULL), ERR_OK);
        assert_int_equal(json_write(&b, j, 0), ERR_OK);
        assert_string_equal(buf_str(&b), cases[i].out);
    }
}

static void indented(void **state)
{
    auto_json *j = NULL;
    autobuf b = BUF_INIT(1000);
    assert_int_equal(json_parse(SLICE_LIT("{\"a\":{\"b\":[1]},\"c\":{}}"), 5, &j, NULL), ERR_OK);
    assert_int_equal(json_write(&b, j, 2), ERR_OK);
    assert_string_equal(buf_str(&b), "{\n  \"a\": {\n    \"b\": [\n      1\n    ]\n  },\n  \"c\": {}\n}");
}

static void typed_members(void **state)
{
    auto_json *j = NULL;
    assert_int_equal(json_parse(SLICE_LIT("{\"s\":\"x\",\"i\":7,\"b\":true,\"o\":{},\"a\":[]}"), 5, &j, NULL),
                     ERR_OK);
    assert_string_equal(json_get_str(j, "s"), "x");
    assert_null(json_get_str(j, "i"));
    assert_int_equal(json_get_int(j, "i", 1), 7);
    assert_int_equal(json_get_int(j, "s", 1), 1);
    assert_true(json_get_bool(j, "b", false));
    assert_true(json_get_bool(j, "none", true));
    assert_non_null(json_get_obj(j, "o"));
    assert_null(json_get_obj(j, "a"));
    assert_non_null(json_get_arr(j, "a"));
}

static void write_meets_the_cap(void **state)
{
    auto_json *j = NULL;
    autobuf b = BUF_INIT(4);
    assert_int_equal(json_parse(SLICE_LIT("[1,2,3]"), 5, &j, NULL), ERR_OK);
    assert_int_equal(json_write(&b, j, 0), ERR_TOO_BIG);
    assert_int_equal(b.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(positions_and_reasons),
        cmocka_unit_test(depth_limit),
        cmocka_unit_test(round_trip),
        cmocka_unit_test(indented),
        cmocka_unit_test(typed_members),
        cmocka_unit_test(write_meets_the_cap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
