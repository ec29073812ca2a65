#include "../cm.h"
#include "base/mem.h"
#include "shadow/tree.h"

static json_t *parse(const char *text)
{
    json_t *j = NULL;
    assert_int_equal(json_parse(slice_str(text), 64, &j, NULL), ERR_OK);
    return j;
}

static void assert_json(json_t *j, const char *want)
{
    autobuf out = BUF_INIT(4096);
    assert_int_equal(json_write(&out, j, 0), ERR_OK);
    assert_string_equal(buf_str(&out), want);
}

/* iot-core.md 5.2. Metadata had time stamp 1, the patch comes at 2. */
static const struct {
    const char *state, *meta, *patch, *want, *want_meta;
} merges[] = {
    { "{}", "{}", "{\"a\":1}", "{\"a\":1}", "{\"a\":{\"timestamp\":2}}" },
    { "{\"a\":1,\"b\":2}", "{\"a\":{\"timestamp\":1},\"b\":{\"timestamp\":1}}", "{\"b\":3}",
      "{\"a\":1,\"b\":3}", "{\"a\":{\"timestamp\":1},\"b\":{\"timestamp\":2}}" },
    { "{\"a\":1}", "{\"a\":{\"timestamp\":1}}", "{\"a\":null}", "{}", "{}" },
    { "{}", "{}", "{\"a\":null}", "{}", "{}" },
    { "{\"a\":{\"x\":1,\"y\":2}}", "{\"a\":{\"x\":{\"timestamp\":1},\"y\":{\"timestamp\":1}}}",
      "{\"a\":{\"x\":null}}", "{\"a\":{\"y\":2}}", "{\"a\":{\"y\":{\"timestamp\":1}}}" },
    /* an object that becomes empty stays; one that comes empty is stored */
    { "{\"a\":{\"x\":1}}", "{\"a\":{\"x\":{\"timestamp\":1}}}", "{\"a\":{\"x\":null}}", "{\"a\":{}}",
      "{\"a\":{}}" },
    { "{}", "{}", "{\"d\":{}}", "{\"d\":{}}", "{\"d\":{}}" },
    /* arrays are values */
    { "{\"a\":[1,2,3]}", "{\"a\":[{\"timestamp\":1},{\"timestamp\":1},{\"timestamp\":1}]}", "{\"a\":[4]}",
      "{\"a\":[4]}", "{\"a\":[{\"timestamp\":2}]}" },
    { "{}", "{}", "{\"a\":[{\"k\":1},[2]]}", "{\"a\":[{\"k\":1},[2]]}",
      "{\"a\":[{\"k\":{\"timestamp\":2}},[{\"timestamp\":2}]]}" },
    /* a leaf becomes an object and back */
    { "{\"a\":1}", "{\"a\":{\"timestamp\":1}}", "{\"a\":{\"x\":1}}", "{\"a\":{\"x\":1}}",
      "{\"a\":{\"x\":{\"timestamp\":2}}}" },
    { "{\"a\":{\"x\":1}}", "{\"a\":{\"x\":{\"timestamp\":1}}}", "{\"a\":1}", "{\"a\":1}",
      "{\"a\":{\"timestamp\":2}}" },
    /* nulls inside what is new are not stored */
    { "{}", "{}", "{\"a\":{\"x\":null,\"y\":1}}", "{\"a\":{\"y\":1}}", "{\"a\":{\"y\":{\"timestamp\":2}}}" },
    /* a key named timestamp is a key like any other */
    { "{\"timestamp\":5}", "{\"timestamp\":{\"timestamp\":1}}", "{\"timestamp\":{\"a\":1}}",
      "{\"timestamp\":{\"a\":1}}", "{\"timestamp\":{\"a\":{\"timestamp\":2}}}" },
};

static void merge_table(void **st)
{
    (void)st;
    for (size_t i = 0; i < ARRAY_LEN(merges); i++) {
        auto_json *state = parse(merges[i].state);
        auto_json *meta = parse(merges[i].meta);
        auto_json *patch = parse(merges[i].patch);
        print_message("  %s + %s\n", merges[i].state, merges[i].patch);
        assert_int_equal(shadow_merge(state, meta, patch, 2), ERR_OK);
        assert_json(state, merges[i].want);
        assert_json(meta, merges[i].want_meta);
        assert_json(patch, merges[i].patch); /* inputs stay */
    }
}

/* iot-core.md 5.3 */
static const struct {
    const char *desired, *reported, *want;
} deltas[] = {
    { "{\"a\":1}", NULL, "{\"a\":1}" },
    { NULL, "{\"a\":1}", "{}" },
    { "{\"a\":1}", "{\"a\":1}", "{}" },
    { "{\"a\":1}", "{\"a\":\"1\"}", "{\"a\":1}" }, /* type-sensitive */
    { "{\"a\":1}", "{\"a\":1,\"b\":2}", "{}" },    /* only reported: never */
    { "{\"a\":{\"x\":1,\"y\":2}}", "{\"a\":{\"x\":1,\"y\":3}}", "{\"a\":{\"y\":2}}" },
    { "{\"a\":{\"x\":1}}", "{\"a\":{\"x\":1,\"z\":0}}", "{}" },
    { "{\"a\":[1,2]}", "{\"a\":[1]}", "{\"a\":[1,2]}" },
    { "{\"a\":[1,2]}", "{\"a\":[1,2]}", "{}" },
    { "{\"d\":{}}", "{}", "{\"d\":{}}" }, /* [T] */
    { "{\"d\":{}}", "{\"d\":{}}", "{}" },
    { "{\"d\":{}}", "{\"d\":1}", "{\"d\":{}}" },
    { "{\"a\":true,\"b\":{\"c\":{\"d\":1}}}", "{\"a\":true,\"b\":{\"c\":{}}}", "{\"b\":{\"c\":{\"d\":1}}}" },
};

static void delta_table(void **st)
{
    (void)st;
    for (size_t i = 0; i < ARRAY_LEN(deltas); i++) {
        auto_json *desired = deltas[i].desired ? parse(deltas[i].desired) : NULL;
        auto_json *reported = deltas[i].reported ? parse(deltas[i].reported) : NULL;
        auto_json *meta = desired ? shadow_stamp(desired, 7) : NULL;
        auto_json *delta = NULL;
        auto_json *delta_meta = NULL;
        auto_json *want_meta = NULL;
        print_message("  %s - %s\n", deltas[i].desired, deltas[i].reported);
        assert_int_equal(shadow_delta(desired, reported, meta, &delta, &delta_meta), ERR_OK);
        assert_json(delta, deltas[i].want);
        want_meta = shadow_stamp(delta, 7);
        assert_true(json_equal(delta_meta, want_meta)); /* desired's stamps of exactly these keys */
    }
}

static void depth_and_nulls(void **st)
{
    static const struct {
        const char *text;
        unsigned depth;
        bool null;
    } t[] = {
        { "1", 0, false },
        { "{}", 1, false },
        { "{\"a\":{\"b\":1}}", 2, false },
        { "{\"a\":[[1]]}", 3, false },
        { "{\"a\":null}", 1, false },
        { "{\"a\":[null]}", 2, true },
        { "{\"a\":[{\"b\":[1,null]}]}", 4, true },
        { "{\"a\":[{\"b\":null}]}", 3, false },
    };
    (void)st;
    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        auto_json *j = parse(t[i].text);
        assert_int_equal(json_depth(j, 99), t[i].depth);
        assert_int_equal(shadow_has_null_in_array(j), t[i].null);
        if (t[i].depth > 1)
            assert_int_equal(json_depth(j, 1), 2); /* one over the limit is enough to know */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(merge_table), cmocka_unit_test(delta_table),
                                        cmocka_unit_test(depth_and_nulls) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
