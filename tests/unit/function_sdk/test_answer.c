#include "../cm.h"

#include "answer.h"
#include "base/buf.h"

#define OK "HTTP/1.1 200 OK\r\n"
#define LENGTH "Content-Length: 3\r\n"

static const struct {
    const char *what;
    struct slice in;
    err_t want;
    int status;
    size_t body;
} cases[] = {
    { "with a body", SLICE_LIT(OK LENGTH "\r\nabc"), ERR_OK, 200, 3 },
    { "no reason", SLICE_LIT("HTTP/1.1 404\r\n" LENGTH "\r\n"), ERR_OK, 404, 3 },
    { "no content", SLICE_LIT("HTTP/1.1 204 No Content\r\n\r\n"), ERR_OK, 204, 0 },
    { "names in any case", SLICE_LIT(OK "content-LENGTH:3\r\n\r\n"), ERR_OK, 200, 3 },
    { "nothing", SLICE_LIT(""), ERR_MORE, 0, 0 },
    { "no length", SLICE_LIT(OK "\r\n"), ERR_PROTO, 0, 0 },
    { "two lengths", SLICE_LIT(OK LENGTH LENGTH "\r\n"), ERR_PROTO, 0, 0 },
    { "no number", SLICE_LIT(OK "Content-Length: x\r\n\r\n"), ERR_PROTO, 0, 0 },
    { "empty number", SLICE_LIT(OK "Content-Length:\r\n\r\n"), ERR_PROTO, 0, 0 },
    { "signed", SLICE_LIT(OK "Content-Length: +3\r\n\r\n"), ERR_PROTO, 0, 0 },
    { "the largest body", SLICE_LIT(OK "Content-Length: 67108864\r\n\r\n"), ERR_OK, 200, 67108864 },
    { "one more", SLICE_LIT(OK "Content-Length: 67108865\r\n\r\n"), ERR_TOO_BIG, 0, 0 },
    { "a number without end", SLICE_LIT(OK "Content-Length: 99999999999999999999999999\r\n\r\n"), ERR_TOO_BIG,
      0, 0 },
    { "chunks", SLICE_LIT(OK "Transfer-Encoding: chunked\r\n\r\n"), ERR_PROTO, 0, 0 },
    { "another protocol", SLICE_LIT("HTTP/2 200 OK\r\n" LENGTH "\r\n"), ERR_PROTO, 0, 0 },
    { "status of letters", SLICE_LIT("HTTP/1.1 2xx OK\r\n" LENGTH "\r\n"), ERR_PROTO, 0, 0 },
    { "status of four digits", SLICE_LIT("HTTP/1.1 2000 OK\r\n" LENGTH "\r\n"), ERR_PROTO, 0, 0 },
    { "not yet an answer", SLICE_LIT("HTTP/1.1 100 Continue\r\n\r\n"), ERR_PROTO, 0, 0 },
    { "a header without colon", SLICE_LIT(OK LENGTH "nonsense\r\n\r\n"), ERR_PROTO, 0, 0 },
    { "a header without name", SLICE_LIT(OK LENGTH ": x\r\n\r\n"), ERR_PROTO, 0, 0 },
    { "a lone LF", SLICE_LIT(OK LENGTH "a: b\n\r\n\r\n"), ERR_PROTO, 0, 0 },
    { "a NUL", SLICE_LIT(OK LENGTH "a: \0\r\n\r\n"), ERR_PROTO, 0, 0 },
    { "nothing but ends of lines", SLICE_LIT("\r\n\r\n"), ERR_PROTO, 0, 0 },
};

static void each_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct answer_head h = { .status = -1 };
        print_message("  %s\n", cases[i].what);
        assert_int_equal(answer_head_parse(cases[i].in, &h), cases[i].want);
        assert_int_equal(h.status, cases[i].want ? -1 : cases[i].status); /* untouched on failure */
        if (!cases[i].want)
            assert_int_equal(h.body_size, cases[i].body);
    }
}

static void headers(void **state)
{
    static const struct slice in =
        SLICE_LIT(OK "X-Amz-InvocationId: an-id\r\nx-amz-function-error:\r\nX-Amz-Client-Context:  e30= \r\n"
                     "Connection: close\r\n" LENGTH "\r\nabc");
    struct answer_head h;
    (void)state;
    assert_int_equal(answer_head_parse(in, &h), ERR_OK);
    assert_true(slice_eq(h.invocation_id, SLICE_LIT("an-id")));
    assert_int_equal(h.function_error.n, 0);
    assert_true(slice_eq(h.client_context, SLICE_LIT("e30=")));
    assert_false(h.keep);
    assert_int_equal(h.head_size, in.n - 3);
}

static void every_prefix_asks_for_more(void **state)
{
    static const struct slice whole = SLICE_LIT(OK LENGTH "X-Amz-InvocationId: an-id\r\n\r\n");
    (void)state;
    for (size_t n = 0; n < whole.n; n++) {
        autofree uint8_t *copy = mem_dup(whole.p, n);
        struct answer_head h = { .status = -1 };
        assert_int_equal(answer_head_parse(slice_of(copy, n), &h), ERR_MORE);
        assert_int_equal(h.status, -1);
    }
}

/* A core that never ends its head. */
static void a_head_without_end(void **state)
{
    autobuf b = BUF_INIT(1 << 20);
    struct answer_head h;
    (void)state;
    assert_int_equal(buf_add_str(&b, OK "X: "), ERR_OK);
    while (b.n < ANSWER_HEAD_MAX)
        assert_int_equal(buf_add_u8(&b, 'x'), ERR_OK);
    assert_int_equal(answer_head_parse(buf_slice(&b), &h), ERR_MORE);
    assert_int_equal(buf_add_u8(&b, 'x'), ERR_OK);
    assert_int_equal(answer_head_parse(buf_slice(&b), &h), ERR_TOO_BIG);
    assert_int_equal(buf_add_str(&b, "\r\n\r\n"), ERR_OK);
    assert_int_equal(answer_head_parse(buf_slice(&b), &h), ERR_TOO_BIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(each_case), cmocka_unit_test(headers),
                                        cmocka_unit_test(every_prefix_asks_for_more),
                                        cmocka_unit_test(a_head_without_end) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
