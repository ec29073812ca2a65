#include "../cm.h"

#include "base/mem.h"
#include "sigv4/canonical.h"

/* The IoT rows are iot-core.md 4.1, measured with botocore. */
static const struct {
    const char *path, *want;
} paths[] = {
    { "/", "/" },
    { "", "/" },
    { "/topics/%24aws%2Frules%2Fx%2Fa%20b", "/topics/%2524aws%252Frules%252Fx%252Fa%2520b" },
    { "/retainedMessage/a%2Fb", "/retainedMessage/a%252Fb" },
    { "/things/a%3Ab/shadow", "/things/a%253Ab/shadow" },
    { "/things/t/jobs/%24next", "/things/t/jobs/%2524next" },
    { "/things/t/jobs/$next", "/things/t/jobs/%24next" }, /* a literal '$' */
    { "/things/t/principals", "/things/t/principals" },
    { "//a///b", "/a/b" },
    { "/a/./b/../c", "/a/c" },
    { "/../../a", "/a" },
    { "/a/..", "/" },
    { "/a/b/", "/a/b/" },
    { "/a/.", "/a" },
    { "/~-._", "/~-._" },
    { "/a%", "/a%25" },
};

static void path_forms(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        autobuf out = BUF_INIT(1000);
        print_message("  %s\n", paths[i].path);
        assert_int_equal(buf_add_str(&out, "x/y"), ERR_OK); /* ".." never reaches what was there before */
        assert_int_equal(sigv4_canonical_path(slice_str(paths[i].path), &out), ERR_OK);
        assert_string_equal(buf_str(&out) + 3, paths[i].want);
    }
}

#define HEADER(name, value)               \
    {                                     \
        SLICE_LIT(name), SLICE_LIT(value) \
    }

static const struct sigv4_header headers[] = {
    HEADER("Host", "example.com:4566"),   HEADER("X-Many", " a  b "), HEADER("x-many", "\tc\t\t d"),
    HEADER("Content-Type", "text/plain"), HEADER("X-Empty", "  "),
};

static void whole_request(void **state)
{
    const struct sigv4_request req = { SLICE_LIT("PUT"), SLICE_LIT("/a"),    SLICE_LIT("z=1&y=2"),
                                       headers,          ARRAY_LEN(headers), SLICE_LIT("unused") };
    const struct sigv4_canonical c = { &req, "host;x-empty;x-many", "HASH", 0 };
    autobuf out = BUF_INIT(1000);

    (void)state;
    assert_int_equal(sigv4_canonical_request(&c, &out), ERR_OK);
    assert_string_equal(buf_str(&out), "PUT\n/a\ny=2&z=1\nhost:example.com:4566\nx-empty:\nx-many:a b,c d\n\n"
                                       "host;x-empty;x-many\nHASH");
}

static void a_signed_header_that_is_not_there(void **state)
{
    const struct sigv4_request req = { SLICE_LIT("GET"), SLICE_LIT("/"),     { 0 },
                                       headers,          ARRAY_LEN(headers), { 0 } };
    const struct sigv4_canonical c = { &req, "host;x-absent", "HASH", 0 };
    autobuf out = BUF_INIT(1000);

    (void)state;
    assert_int_equal(sigv4_canonical_request(&c, &out), ERR_NOT_FOUND);
}

static void finding_headers(void **state)
{
    const struct sigv4_request req = { .headers = headers, .header_count = ARRAY_LEN(headers) };
    size_t n = 9;

    (void)state;
    assert_true(slice_eq(sigv4_header_find(&req, SLICE_LIT("HOST"), &n), SLICE_LIT("example.com:4566")));
    assert_int_equal(n, 1);
    assert_int_equal(sigv4_header_find(&req, SLICE_LIT("x-many"), &n).n, 0); /* which one would be a guess */
    assert_int_equal(n, 2);
    assert_int_equal(sigv4_header_find(&req, SLICE_LIT("x-man"), &n).n, 0);
    assert_int_equal(n, 0);
}

static void capped(void **state)
{
    const struct sigv4_request req = { SLICE_LIT("PUT"), SLICE_LIT("/a"),    { 0 },
                                       headers,          ARRAY_LEN(headers), { 0 } };
    const struct sigv4_canonical c = { &req, "host;x-many", "HASH", 0 };

    (void)state;
    for (size_t cap = 0; cap < 60; cap++) {
        autobuf out = BUF_INIT(cap);
        assert_int_equal(sigv4_canonical_request(&c, &out), ERR_TOO_BIG);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(path_forms),
        cmocka_unit_test(whole_request),
        cmocka_unit_test(a_signed_header_that_is_not_there),
        cmocka_unit_test(finding_headers),
        cmocka_unit_test(capped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
