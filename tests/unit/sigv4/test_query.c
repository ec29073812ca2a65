#include "../cm.h"

#include "sigv4/canonical.h"

#include <stdio.h>

static const struct {
    const char *in, *as_is, *normalised; /* normalised NULL: ERR_INVALID */
} cases[] = {
    { "", "", "" },
    { "a", "a=", "a=" },
    { "b=2&a=1", "a=1&b=2", "a=1&b=2" },
    { "a=2&a=1&a=", "a=&a=1&a=2", "a=&a=1&a=2" },
    { "a-b=1&a=2", "a=2&a-b=1", "a=2&a-b=1" }, /* by name, not by the joined text: '-' sorts before '=' */
    { "B=1&a=2", "B=1&a=2", "B=1&a=2" },
    { "t=2024-01-01T00%3A00%3A00Z&e=x", "e=x&t=2024-01-01T00%3A00%3A00Z", "e=x&t=2024-01-01T00%3A00%3A00Z" },
    { "t=10:00", "t=10:00", "t=10%3A00" },
    { "t=%3a", "t=%3a", "t=%3A" },
    { "t=%41", "t=%41", "t=A" },
    { "t=a+b", "t=a+b", "t=a%2Bb" },
    { "t=a=b", "t=a=b", "t=a%3Db" },
    { "t=%4", "t=%4", NULL },
    { "t=%zz", "t=%zz", NULL },
    { "a=1&X-Amz-Signature=ff&b=2", "a=1&b=2", "a=1&b=2" },
    { "a=1&&b=2", "=&a=1&b=2", "=&a=1&b=2" },
};

static void canonical(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        autobuf out = BUF_INIT(1000), out2 = BUF_INIT(1000);
        print_message("  %s\n", cases[i].in);
        assert_int_equal(sigv4_canonical_query(slice_str(cases[i].in), 0, &out), ERR_OK);
        assert_string_equal(buf_str(&out), cases[i].as_is);
        err_t e = sigv4_canonical_query(slice_str(cases[i].in), SIGV4_QUERY_NORMALISED, &out2);
        assert_int_equal(e, cases[i].normalised ? ERR_OK : ERR_INVALID);
        if (cases[i].normalised)
            assert_string_equal(buf_str(&out2), cases[i].normalised);
    }
}

static void token_in_and_out(void **state)
{
    struct slice q = SLICE_LIT("X-Amz-Security-Token=t&X-Amz-Date=d");
    autobuf with = BUF_INIT(100), without = BUF_INIT(100);

    (void)state;
    assert_int_equal(sigv4_canonical_query(q, 0, &with), ERR_OK);
    assert_string_equal(buf_str(&with), "X-Amz-Date=d&X-Amz-Security-Token=t");
    assert_int_equal(sigv4_canonical_query(q, SIGV4_QUERY_NO_TOKEN, &without), ERR_OK);
    assert_string_equal(buf_str(&without), "X-Amz-Date=d");
}

static void limit(void **state)
{
    autobuf q = BUF_INIT(10000), out = BUF_INIT(10000);

    (void)state;
    for (int i = 0; i < SIGV4_PARAMS_MAX; i++)
        assert_int_equal(buf_printf(&q, "%s%d=x", i ? "&" : "", i), ERR_OK);
    assert_int_equal(sigv4_canonical_query(buf_slice(&q), 0, &out), ERR_OK);
    assert_int_equal(buf_add_str(&q, "&one=more"), ERR_OK);
    assert_int_equal(sigv4_canonical_query(buf_slice(&q), 0, &out), ERR_TOO_BIG);
}

static void escapes(void **state)
{
    autobuf out = BUF_INIT(100);

    (void)state;
    assert_int_equal(sigv4_escape(SLICE_LIT("aZ09-._~ /%\xc3\xa9"), false, &out), ERR_OK);
    assert_string_equal(buf_str(&out), "aZ09-._~%20%2F%25%C3%A9");
    buf_clear(&out);
    assert_int_equal(sigv4_escape(SLICE_LIT("/a/"), true, &out), ERR_OK);
    assert_string_equal(buf_str(&out), "/a/");
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(canonical), cmocka_unit_test(token_in_and_out),
                                        cmocka_unit_test(limit), cmocka_unit_test(escapes) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
