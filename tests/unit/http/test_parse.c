/* tests/unit/http/test_parse.c - requests and what is refused. RFC 9112. */
#include "http/parse.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define H "Host: x\r\n"

static const struct {
    const char *what, *in;
    int status; /* 0: complete; -1: wants more */
    const char *target, *body;
    bool keep_alive;
} cases[] = {
    { "plain GET", "GET /a?b=c HTTP/1.1\r\n" H "\r\n", 0, "/a?b=c", "", true },
    { "blank lines in front", "\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n", 0, "/", "", true },
    { "a body by length", "PUT / HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc", 0, "/", "abc", true },
    { "a body in chunks",
      "PUT / HTTP/1.1\r\n" H "Transfer-Encoding: Chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\nT: t\r\n\r\n",
      0, "/", "abc", true },
    { "absolute form", "GET http://x:1/p?q HTTP/1.1\r\n" H "\r\n", 0, "/p?q", "", true },
    { "close", "GET / HTTP/1.1\r\n" H "Connection: close\r\n\r\n", 0, "/", "", false },
    { "HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", 0, "/", "", false },
    { "an upgrade we do not take up", "GET / HTTP/1.1\r\n" H "Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n", 0,
      "/", "", true },
    { "a body of the longest size", "PUT / HTTP/1.1\r\n" H "Content-Length: 16\r\n\r\n0123456789abcdef", 0,
      "/", "0123456789abcdef", true },
    { "an empty header value", "GET / HTTP/1.1\r\n" H "A:\r\n\r\n", 0, "/", "", true },
    { "method of our own making is for the routes", "PURGE / HTTP/1.1\r\n" H "\r\n", 0, "/", "", true },

    { "both lengths", "PUT / HTTP/1.1\r\n" H "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
      NULL, NULL, 0 },
    { "both, the other way round",
      "PUT / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", 400, NULL, NULL, 0 },
    { "length twice", "PUT / HTTP/1.1\r\n" H "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400, NULL,
      NULL, 0 },
    { "length list", "PUT / HTTP/1.1\r\n" H "Content-Length: 3, 3\r\n\r\nabc", 400, NULL, NULL, 0 },
    { "signed length", "PUT / HTTP/1.1\r\n" H "Content-Length: +3\r\n\r\nabc", 400, NULL, NULL, 0 },
    { "negative length", "PUT / HTTP/1.1\r\n" H "Content-Length: -3\r\n\r\nabc", 400, NULL, NULL, 0 },
    { "empty length", "PUT / HTTP/1.1\r\n" H "Content-Length:\r\n\r\n", 400, NULL, NULL, 0 },
    { "hexadecimal length", "PUT / HTTP/1.1\r\n" H "Content-Length: 0x3\r\n\r\nabc", 400, NULL, NULL, 0 },
    { "coding twice",
      "PUT / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400, NULL,
      NULL, 0 },
    { "another coding", "PUT / HTTP/1.1\r\n" H "Transfer-Encoding: gzip\r\n\r\n", 501, NULL, NULL, 0 },
    { "coding list", "PUT / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n", 501, NULL, NULL, 0 },
    { "disguised coding", "PUT / HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n\r\n", 501, NULL, NULL, 0 },
    { "coding in HTTP/1.0", "PUT / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400, NULL, NULL, 0 },
    { "folded line", "GET / HTTP/1.1\r\n" H "A: b\r\n c\r\n\r\n", 400, NULL, NULL, 0 },
    { "folded by a tab", "GET / HTTP/1.1\r\n" H "A: b\r\n\tc\r\n\r\n", 400, NULL, NULL, 0 },
    { "space before the colon", "GET / HTTP/1.1\r\n" H "A : b\r\n\r\n", 400, NULL, NULL, 0 },
    { "space in a name", "GET / HTTP/1.1\r\n" H "A B: b\r\n\r\n", 400, NULL, NULL, 0 },
    { "no name", "GET / HTTP/1.1\r\n" H ": b\r\n\r\n", 400, NULL, NULL, 0 },
    { "no colon", "GET / HTTP/1.1\r\n" H "nocolon\r\n\r\n", 400, NULL, NULL, 0 },
    { "control character in a value", "GET / HTTP/1.1\r\n" H "A: \x01\r\n\r\n", 400, NULL, NULL, 0 },
    { "bare LF", "GET / HTTP/1.1\nHost: x\n\n", 400, NULL, NULL, 0 },
    { "bare LF once", "GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n", 400, NULL, NULL, 0 },
    { "bare CR", "GET / HTTP/1.1\r\nHost: x\rA: b\r\n\r\n", 400, NULL, NULL, 0 },
    { "no host", "GET / HTTP/1.1\r\n\r\n", 400, NULL, NULL, 0 },
    { "two hosts", "GET / HTTP/1.1\r\n" H H "\r\n", 400, NULL, NULL, 0 },
    { "two spaces", "GET  / HTTP/1.1\r\n" H "\r\n", 400, NULL, NULL, 0 },
    { "no target", "GET HTTP/1.1\r\n" H "\r\n", 400, NULL, NULL, 0 },
    { "three words too many", "GET / x HTTP/1.1\r\n" H "\r\n", 400, NULL, NULL, 0 },
    { "space behind the version", "GET / HTTP/1.1 \r\n" H "\r\n", 400, NULL, NULL, 0 },
    { "fragment", "GET /#x HTTP/1.1\r\n" H "\r\n", 400, NULL, NULL, 0 },
    { "not a path", "GET x HTTP/1.1\r\n" H "\r\n", 400, NULL, NULL, 0 },
    { "asterisk", "OPTIONS * HTTP/1.1\r\n" H "\r\n", 400, NULL, NULL, 0 },
    { "unescaped bytes", "GET /\xc3\xa4 HTTP/1.1\r\n" H "\r\n", 400, NULL, NULL, 0 },
    { "method with a colon", "GE:T / HTTP/1.1\r\n" H "\r\n", 400, NULL, NULL, 0 },
    { "HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, NULL, NULL, 0 },
    { "HTTP/1.2", "GET / HTTP/1.2\r\n" H "\r\n", 505, NULL, NULL, 0 },
    { "HTTP/0.9", "GET /\r\n\r\n", 400, NULL, NULL, 0 },
    { "a TLS client, told at its first byte", "\x16\x03", 400, NULL, NULL, 0 },
    { "unknown method", "BREW / HTTP/1.1\r\n" H "\r\n", 501, NULL, NULL, 0 },
    { "CONNECT", "CONNECT x:1 HTTP/1.1\r\n" H "\r\n", 400, NULL, NULL, 0 },
    { "CONNECT with a path", "CONNECT / HTTP/1.1\r\n" H "\r\n", 501, NULL, NULL, 0 },
    { "other expectation", "PUT / HTTP/1.1\r\n" H "Expect: more\r\nContent-Length: 1\r\n\r\n", 417, NULL,
      NULL, 0 },
    { "one byte too long a body", "PUT / HTTP/1.1\r\n" H "Content-Length: 17\r\n\r\n", 413, NULL, NULL, 0 },
    { "a length beyond 64 bits", "PUT / HTTP/1.1\r\n" H "Content-Length: 99999999999999999999999\r\n\r\n",
      413, NULL, NULL, 0 },
    { "chunks that sum up to too much",
      "PUT / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n10\r\n0123456789abcdef\r\n1\r\nx\r\n", 413,
      NULL, NULL, 0 },
    { "broken chunk size", "PUT / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", 400, NULL,
      NULL, 0 },
    { "chunk longer than it said", "PUT / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
      400, NULL, NULL, 0 },
    { "chunk size beyond 64 bits",
      "PUT / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", 400, NULL, NULL, 0 },
    { "chunk line with a bare LF",
      "PUT / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n", 400, NULL, NULL, 0 },
    { "an endless request line",
      "GET /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      414, NULL, NULL, 0 },
    { "endless headers",
      "GET / HTTP/1.1\r\nA: "
      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      431, NULL, NULL, 0 },
    { "unfinished head", "GET / HTTP/1.1\r\n" H, -1, NULL, NULL, 0 },
    { "unfinished body", "PUT / HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nab", -1, NULL, NULL, 0 },
};

#define MAX_HEAD 128
#define MAX_BODY 16

static struct http_parse *parser(void)
{
    struct http_parse *p = NULL;
    assert_int_equal(http_parse_new(&(struct http_parse_limits){ MAX_HEAD, MAX_BODY }, &p), ERR_OK);
    return p;
}

/* Feeds `in` in pieces of `step` bytes, each an allocation of its own so that AddressSanitizer sees
 * overreads. */
static err_t feed_in_steps(struct http_parse *p, struct slice in, size_t step)
{
    err_t e = ERR_MORE;
    while (in.n && e == ERR_MORE) {
        size_t n = in.n < step ? in.n : step;
        autofree uint8_t *copy = malloc(n);
        memcpy(copy, in.p, n);
        struct slice part = { copy, n };
        do
            e = http_parse_feed(p, &part);
        while (e == ERR_MORE && part.n);
        in = slice_skip(in, n - part.n);
        if (e == ERR_OK)
            assert_true(in.n == 0);
    }
    return e;
}

static void expect_case(size_t i, size_t step)
{
    struct http_parse *p = parser();
    err_t e = feed_in_steps(p, slice_str(cases[i].in), step);
    if (cases[i].status > 0) {
        assert_int_equal(e, ERR_PROTO);
        assert_int_equal(http_parse_status(p), cases[i].status);
        assert_true(strlen(http_parse_reason(p)) > 10);
    } else if (cases[i].status < 0) {
        assert_int_equal(e, ERR_MORE);
    } else {
        const struct http_parsed *r = http_parse_get(p);
        assert_int_equal(e, ERR_OK);
        assert_true(slice_eq(r->target, slice_str(cases[i].target)));
        assert_true(slice_eq(r->body, slice_str(cases[i].body)));
        assert_int_equal(r->keep_alive, cases[i].keep_alive);
    }
    http_parse_free(p);
}

static void each_case_in_every_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        print_message("  %s\n", cases[i].what);
        for (size_t step = 1; step <= strlen(cases[i].in); step++)
            expect_case(i, step);
    }
}

static void every_prefix_of_a_good_request_asks_for_more(void **state)
{
    struct slice whole = SLICE_LIT("PUT /x HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab");
    (void)state;
    for (size_t n = 1; n < whole.n; n++) {
        struct http_parse *p = parser();
        assert_int_equal(feed_in_steps(p, slice_head(whole, n), n), ERR_MORE);
        assert_true(http_parse_started(p));
        http_parse_free(p);
    }
}

static void pipelined_requests_come_one_by_one(void **state)
{
    static const char text[] = "PUT /1 HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"
                               "PUT /2 HTTP/1.1\r\n" H "Content-Length: 1\r\n\r\nb"
                               "GET /3 HTTP/1.1\r\n" H "\r\n";
    struct slice in = slice_str(text);
    struct http_parse *p = parser();
    (void)state;
    for (int i = 1; i <= 3; i++) {
        err_t e;
        do
            e = http_parse_feed(p, &in);
        while (e == ERR_MORE && in.n);
        assert_int_equal(e, ERR_OK);
        assert_int_equal(http_parse_get(p)->path.p[1], '0' + i);
        assert_int_equal(http_parse_feed(p, &in), ERR_OK); /* takes nothing more until reset */
        http_parse_reset(p);
    }
    assert_int_equal(in.n, 0);
    http_parse_free(p);
}

static void headers_query_and_expectation_are_kept(void **state)
{
    static const char text[] =
        "POST /p%2Fq?a=%20&b HTTP/1.1\r\n" H "X-Amz-Date:  20260101T000000Z \r\nx-amz-date: 2\r\n"
        "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\n";
    struct slice in = slice_str(text);
    struct http_parse *p = parser();
    (void)state;
    http_parse_free(p);
    p = NULL;
    assert_int_equal(http_parse_new(&(struct http_parse_limits){ 1000, MAX_BODY }, &p), ERR_OK);
    assert_int_equal(http_parse_feed(p, &in), ERR_MORE);
    assert_true(http_parse_head_done(p));
    const struct http_parsed *r = http_parse_get(p);
    assert_true(r->expect_continue);
    assert_true(slice_eq(r->path, SLICE_LIT("/p%2Fq")));
    assert_true(slice_eq(r->query, SLICE_LIT("a=%20&b")));
    assert_true(
        slice_eq(http_header_get(r->headers, r->header_count, "x-amz-date"), SLICE_LIT("20260101T000000Z")));
    assert_int_equal(r->header_count, 5);
    http_parse_free(p);
}

static void one_header_too_many(void **state)
{
    autobuf text = BUF_INIT(16384);
    struct http_parse *p = NULL;
    (void)state;
    assert_int_equal(http_parse_new(&(struct http_parse_limits){ 16384, MAX_BODY }, &p), ERR_OK);
    assert_int_equal(buf_add_str(&text, "GET / HTTP/1.1\r\n" H), ERR_OK);
    for (int i = 0; i < HTTP_HEADERS_MAX - 1; i++)
        assert_int_equal(buf_add_str(&text, "A: b\r\n"), ERR_OK);
    struct slice fits = buf_slice(&text);
    assert_int_equal(http_parse_feed(p, &fits), ERR_MORE);
    struct slice rest = SLICE_LIT("\r\n");
    assert_int_equal(http_parse_feed(p, &rest), ERR_OK);
    http_parse_reset(p);
    assert_int_equal(buf_add_str(&text, "A: b\r\n\r\n"), ERR_OK);
    struct slice over = buf_slice(&text);
    assert_int_equal(http_parse_feed(p, &over), ERR_PROTO);
    assert_int_equal(http_parse_status(p), 431);
    http_parse_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_case_in_every_cut),
        cmocka_unit_test(every_prefix_of_a_good_request_asks_for_more),
        cmocka_unit_test(pipelined_requests_come_one_by_one),
        cmocka_unit_test(headers_query_and_expectation_are_kept),
        cmocka_unit_test(one_header_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
