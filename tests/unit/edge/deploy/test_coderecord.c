/* code.json: written, read, refused. EC-27. */
#include "../../cm.h"
#include "base/mem.h"
#include "edge/deploy/coderecord.h"

#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B64 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C64 "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

static void there_and_back(void **state)
{
    struct coderecords in = { 0 }, out = { 0 };
    autobuf text = BUF_INIT(CODERECORD_MAX_BYTES);

    (void)state;
    assert_int_equal(coderecords_add(&in, "arn:f:1", A64, B64), ERR_OK);
    assert_int_equal(coderecords_add(&in, "arn:g:1", C64, A64), ERR_OK);
    assert_int_equal(coderecords_write(&text, &in), ERR_OK);
    assert_int_equal(coderecords_parse(buf_slice(&text), &out), ERR_OK);
    assert_int_equal(out.count, 2);
    assert_string_equal(coderecords_find(&out, A64)->arn, "arn:f:1");
    assert_string_equal(coderecords_find(&out, A64)->tree, B64);
    assert_string_equal(coderecords_find(&out, C64)->arn, "arn:g:1");
    assert_null(coderecords_find(&out, B64));
    coderecords_done(&in);
    coderecords_done(&out);
}

/* A name in it becomes a path. */
static void refused(void **state)
{
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{\"v\":2,\"code\":{}}",
        "{\"v\":1,\"code\":[]}",
        "{\"v\":1,\"code\":{\"a\":{}}}",
        "{\"v\":1,\"code\":{\"a\":{\"artifact\":\"" A64 "\"}}}",
        "{\"v\":1,\"code\":{\"a\":{\"artifact\":\"" A64 "a\",\"tree\":\"" B64 "\"}}}",
        "{\"v\":1,\"code\":{\"../a\":{\"artifact\":\"" A64 "\",\"tree\":\"" B64 "\"}}}",
        "{\"v\":1,\"code\":{\"a/b\":{\"artifact\":\"" A64 "\",\"tree\":\"" B64 "\"}}}",
        "{\"v\":1,\"code\":{\"\":{\"artifact\":\"" A64 "\",\"tree\":\"" B64 "\"}}}",
    };
    struct coderecords r = { 0 };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (coderecords_parse(slice_str(bad[i]), &r) != ERR_INVALID)
            fail_msg("%s", bad[i]);
        assert_int_equal(r.count, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
