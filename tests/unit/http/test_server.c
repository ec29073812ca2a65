/* tests/unit/http/test_server.c - the server over streams in memory. */
#include "http/server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "../net/recorder.h"

struct bench {
    struct net_loop *loop;
    struct http_server *srv;
    struct recorder c; /* the client's end */
    struct http_token held[4];
    size_t held_n;
    struct net_timer *timer;
    struct http_token gone;
    int gone_n;
};

static void echo(void *ctx, struct http_request *req)
{
    autobuf body = BUF_INIT(4096);
    (void)ctx;
    const char *name = http_params_get(req->labels, "name"), *q = http_params_get(req->params, "q");
    assert_int_equal(buf_printf(&body, "%.*s name=%s q=%s body=%.*s", SLICE_FMT(req->method), name,
                                q ? q : "-", SLICE_FMT(req->body)),
                     ERR_OK);
    static const struct http_header h[] = { HTTP_HEADER("X-Test", "yes") };
    assert_int_equal(
        http_reply(req->server, req->token, &(struct http_response){ 200, h, 1, buf_slice(&body), false }),
        ERR_OK);
    /* once only */
    assert_int_equal(http_reply_json(req->server, req->token, 200, SLICE_LIT("{}")), ERR_NOT_FOUND);
}

static void hold(void *ctx, struct http_request *req)
{
    struct bench *b = ctx;
    b->held[b->held_n++] = req->token;
}

static void bad_header(void *ctx, struct http_request *req)
{
    static const struct http_header h[] = { HTTP_HEADER("X", "a\r\nInjected: b") };
    (void)ctx;
    assert_int_equal(http_reply(req->server, req->token, &(struct http_response){ 200, h, 1, { 0 }, false }),
                     ERR_INVALID);
}

static const struct http_route routes[] = {
    { "GET", "/echo/{name}", echo, NULL },
    { "PUT", "/echo/{name}", echo, NULL },
    { "GET", "/hold", hold, NULL },
    { "GET", "/bad-header", bad_header, NULL },
};

static void bench_start(struct bench *b, struct http_server_opts o)
{
    struct net_stream *server_end = NULL, *client_end = NULL;
    *b = (struct bench){ 0 };
    o.routes = routes;
    o.route_count = ARRAY_LEN(routes);
    o.ctx = b;
    assert_int_equal(net_loop_new(&b->loop), ERR_OK);
    assert_int_equal(http_server_new(b->loop, &o, &b->srv), ERR_OK);
    assert_int_equal(net_stream_pair(b->loop, &client_end, &server_end), ERR_OK);
    http_server_adopt(b->srv, server_end);
    rec_attach(&b->c, client_end);
}

static void bench_done(struct bench *b)
{
    http_server_free(b->srv);
    rec_done(&b->c);
    net_loop_free(b->loop);
}

static void turn(struct bench *b)
{
    for (int i = 0; i < 6; i++)
        assert_int_equal(net_loop_turn(b->loop, 0), ERR_OK);
}

static void ask(struct bench *b, const char *text)
{
    assert_int_equal(net_stream_write(b->c.s, slice_str(text)), ERR_OK);
    turn(b);
}

static bool got(const struct bench *b, const char *text)
{
    return strstr(buf_str(&b->c.got), text) != NULL;
}

#define H "Host: x\r\n"

static void answers_and_stays_open(void **state)
{
    struct bench b;
    (void)state;
    bench_start(&b, (struct http_server_opts){ 0 });
    ask(&b, "PUT /echo/a%2Fb?q=1%202 HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nhi");
    assert_true(got(&b, "HTTP/1.1 200 OK\r\nX-Test: yes\r\nDate: "));
    assert_true(got(&b, "Content-Length: 26\r\nConnection: keep-alive\r\n\r\nPUT name=a/b q=1 2 body=hi"));
    assert_int_equal(b.c.closed, 0);
    buf_clear(&b.c.got);
    ask(&b, "GET /echo/2 HTTP/1.1\r\n" H "Connection: close\r\n\r\n");
    assert_true(got(&b, "Connection: close\r\n\r\nGET name=2 q=- body="));
    assert_int_equal(b.c.closed, 1);
    assert_int_equal(http_server_connections(b.srv), 0);
    bench_done(&b);
}

static void head_has_the_length_and_no_body(void **state)
{
    struct bench b;
    (void)state;
    bench_start(&b, (struct http_server_opts){ 0 });
    ask(&b, "HEAD /echo/x HTTP/1.1\r\n" H "\r\n");
    assert_true(got(&b, "Content-Length: 21\r\n"));
    assert_false(got(&b, "name="));
    bench_done(&b);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    struct bench b;
    (void)state;
    bench_start(&b, (struct http_server_opts){ 0 });
    ask(&b, "GET /hold HTTP/1.1\r\n" H "\r\nGET /echo/second HTTP/1.1\r\n" H "\r\nGET /hold HTTP/1.1\r\n" H
            "\r\n");
    assert_int_equal(b.held_n, 1);
    assert_int_equal(b.c.got.n, 0); /* the second waits for the first */
    assert_int_equal(http_reply_json(b.srv, b.held[0], 200, SLICE_LIT("{\"n\":1}")), ERR_OK);
    turn(&b);
    const char *first = strstr(buf_str(&b.c.got), "{\"n\":1}");
    assert_non_null(first);
    assert_non_null(strstr(first, "name=second"));
    assert_int_equal(b.held_n, 2);
    bench_done(&b);
}

static void a_token_outlives_its_connection(void **state)
{
    struct bench b;
    (void)state;
    bench_start(&b, (struct http_server_opts){ .reply_ms = 30 });
    ask(&b, "GET /hold HTTP/1.1\r\n" H "\r\n");
    assert_int_equal(b.held_n, 1);
    assert_int_equal(http_reply_json(b.srv, (struct http_token){ 0 }, 200, SLICE_LIT("{}")), ERR_NOT_FOUND);
    assert_int_equal(http_reply_json(b.srv, (struct http_token){ 99, 1 }, 200, SLICE_LIT("{}")),
                     ERR_NOT_FOUND);
    assert_true(TURN_UNTIL(b.loop, b.c.closed, 2000)); /* 504 */
    assert_true(got(&b, "HTTP/1.1 504 "));
    assert_int_equal(http_reply_json(b.srv, b.held[0], 200, SLICE_LIT("{}")), ERR_NOT_FOUND);
    bench_done(&b);
}

static const struct {
    const char *what, *ask, *answer;
    bool stays;
} answers[] = {
    { "unknown path", "GET /nothing HTTP/1.1\r\n" H "\r\n", "HTTP/1.1 404 Not Found\r\n", true },
    { "wrong method", "DELETE /echo/x HTTP/1.1\r\n" H "\r\n", "Allow: GET, PUT\r\n", true },
    { "broken escape", "GET /echo/%zz HTTP/1.1\r\n" H "\r\n", "HTTP/1.1 400 Bad Request\r\n", true },
    { "broken query", "GET /echo/a?q=%zz HTTP/1.1\r\n" H "\r\n", "HTTP/1.1 400 Bad Request\r\n", true },
    { "malformed", "GET\r\n\r\n", "{\"message\":\"malformed request line\"}", false },
    { "too large", "PUT /echo/x HTTP/1.1\r\n" H "Content-Length: 101\r\n\r\n", "HTTP/1.1 413 ", false },
    { "an answer that cannot be sent", "GET /bad-header HTTP/1.1\r\n" H "\r\n", "HTTP/1.1 500 ", false },
};

static void refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        struct bench b;
        print_message("  %s\n", answers[i].what);
        bench_start(&b, (struct http_server_opts){ .max_body = 100 });
        ask(&b, answers[i].ask);
        assert_true(got(&b, answers[i].answer));
        assert_false(got(&b, "Injected"));
        assert_int_equal(b.c.closed, !answers[i].stays);
        bench_done(&b);
    }
}

static void continue_is_sent_once_and_only_when_welcome(void **state)
{
    struct bench b;
    (void)state;
    bench_start(&b, (struct http_server_opts){ .max_body = 100 });
    ask(&b, "PUT /echo/x HTTP/1.1\r\n" H "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    assert_string_equal(buf_str(&b.c.got), "HTTP/1.1 100 Continue\r\n\r\n");
    ask(&b, "ok");
    assert_true(got(&b, "body=ok"));
    buf_clear(&b.c.got);
    ask(&b, "PUT /echo/x HTTP/1.1\r\n" H "Expect: 100-continue\r\nContent-Length: 101\r\n\r\n");
    assert_memory_equal(buf_str(&b.c.got), "HTTP/1.1 413 ", 13);
    bench_done(&b);
}

static const struct {
    const char *what, *ask, *answer;
} deadlines[] = {
    { "idle", "", "" },
    { "head", "GET / HT", "HTTP/1.1 408 " },
    { "body", "PUT /echo/x HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\na", "HTTP/1.1 408 " },
    { "reply", "GET /hold HTTP/1.1\r\n" H "\r\n", "HTTP/1.1 504 " },
};

static void every_phase_has_its_deadline(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(deadlines); i++) {
        struct http_server_opts o = { 0 };
        int64_t *const mine[] = { &o.idle_ms, &o.head_ms, &o.body_ms, &o.reply_ms };
        struct bench b;
        print_message("  %s\n", deadlines[i].what);
        *mine[i] = 40; /* the others have seconds */
        bench_start(&b, o);
        ask(&b, deadlines[i].ask);
        assert_int_equal(b.c.closed, 0);
        assert_true(TURN_UNTIL(b.loop, b.c.closed, 2000));
        assert_memory_equal(buf_str(&b.c.got), deadlines[i].answer, strlen(deadlines[i].answer));
        bench_done(&b);
    }
}

static void join(struct bench *b, struct recorder *r)
{
    struct net_stream *s = NULL, *c = NULL;

    assert_int_equal(net_stream_pair(b->loop, &c, &s), ERR_OK);
    rec_attach(r, c);
    http_server_adopt(b->srv, s);
    turn(b);
}

/* Who asks for nothing, or does not come to the end of it, makes room: the one that waits for longest. */
static void idle_connections_keep_nobody_out(void **state)
{
    struct bench b;
    struct recorder more[3];

    (void)state;
    bench_start(&b, (struct http_server_opts){ .max_conns = 2 });
    ask(&b, "GET /hold HTTP/1.1\r\n" H "\r\n");
    join(&b, &more[0]);
    join(&b, &more[1]);
    assert_int_equal(more[0].closed, 1);
    assert_int_equal(more[1].closed, 0);
    assert_int_equal(net_stream_write(more[1].s, SLICE_LIT("GET /echo/a HT")), ERR_OK);
    turn(&b);
    join(&b, &more[2]);
    assert_int_equal(more[1].closed, 1);
    assert_int_equal(more[2].closed, 0);
    assert_int_equal(b.c.closed, 0); /* it waits for its answer */
    assert_int_equal(http_server_connections(b.srv), 2);
    for (int i = 0; i < 3; i++)
        rec_done(&more[i]);
    bench_done(&b);
}

/* Bodies that come slowly are not kept beyond the bound: the slowest sender makes room for the others. */
static void all_bodies_together_are_bounded(void **state)
{
    struct bench b;
    struct recorder more[2];
    char body[600];

    (void)state;
    memset(body, 'x', sizeof(body));
    bench_start(&b, (struct http_server_opts){ .max_bodies = 1000 });
    ask(&b, "PUT /echo/a HTTP/1.1\r\n" H "Content-Length: 700\r\n\r\n");
    assert_int_equal(net_stream_write(b.c.s, slice_of(body, sizeof(body))), ERR_OK);
    turn(&b);
    usleep(2000);
    for (int i = 0; i < 2; i++) {
        join(&b, &more[i]);
        assert_int_equal(net_stream_write(more[i].s, SLICE_LIT("PUT /echo/b HTTP/1.1\r\n" H
                                                               "Content-Length: 600\r\n\r\n")),
                         ERR_OK);
        assert_int_equal(net_stream_write(more[i].s, slice_of(body, sizeof(body))), ERR_OK);
        turn(&b);
        assert_memory_equal(buf_str(&more[i].got), "HTTP/1.1 200 ", 13); /* and its bytes count no more */
    }
    assert_int_equal(b.c.closed, 1);
    assert_memory_equal(buf_str(&b.c.got), "HTTP/1.1 503 ", 13);
    for (int i = 0; i < 2; i++)
        rec_done(&more[i]);
    bench_done(&b);
}

/* Large answers that nobody reads are not kept beyond the bound; small ones, and others when they are read,
 * go. */
static void all_answers_together_are_bounded(void **state)
{
    struct bench b;
    struct recorder more[2];
    autofree char *body = mem_calloc(1, 100000);
    const struct http_response large = { .status = 200, .body = slice_of(body, 100000) };

    (void)state;
    bench_start(&b, (struct http_server_opts){ .max_replies = 250000 });
    ask(&b, "GET /hold HTTP/1.1\r\n" H "\r\n");
    for (int i = 0; i < 2; i++) {
        join(&b, &more[i]);
        assert_int_equal(net_stream_write(more[i].s, SLICE_LIT("GET /hold HTTP/1.1\r\n" H "\r\n")), ERR_OK);
        turn(&b);
    }
    assert_int_equal(http_reply(b.srv, b.held[0], &large), ERR_OK);
    assert_int_equal(http_reply(b.srv, b.held[1], &large), ERR_OK);
    assert_int_equal(http_reply(b.srv, b.held[2], &large), ERR_BUSY);
    turn(&b);
    assert_memory_equal(buf_str(&more[1].got), "HTTP/1.1 503 ", 13);
    ask(&b, "GET /hold HTTP/1.1\r\n" H "\r\n"); /* the others were read meanwhile */
    assert_int_equal(http_reply(b.srv, b.held[3], &large), ERR_OK);
    for (int i = 0; i < 2; i++)
        rec_done(&more[i]);
    bench_done(&b);
}

static void no_more_than_max_conns(void **state)
{
    struct bench b;
    struct recorder second;
    (void)state;
    bench_start(&b, (struct http_server_opts){ .max_conns = 1 });
    ask(&b, "GET /hold HTTP/1.1\r\n" H "\r\n");
    join(&b, &second);
    assert_memory_equal(buf_str(&second.got), "HTTP/1.1 503 ", 13);
    assert_int_equal(second.closed, 1);
    assert_int_equal(http_server_connections(b.srv), 1);
    rec_done(&second);
    bench_done(&b);
}

static void a_client_that_leaves_is_forgotten(void **state)
{
    struct bench b;
    (void)state;
    bench_start(&b, (struct http_server_opts){ 0 });
    ask(&b, "GET /echo/x HT");
    net_stream_free(steal(&b.c.s));
    turn(&b);
    assert_int_equal(http_server_connections(b.srv), 0);
    bench_done(&b);
}

static void on_gone(void *ctx, struct http_token token)
{
    struct bench *b = ctx;

    b->gone = token;
    b->gone_n++;
}

/* A request that hangs: whoever waits for its answer for long hears that nobody wants it any more. */
static void a_client_that_leaves_its_request_is_told(void **state)
{
    struct bench b;
    (void)state;
    bench_start(&b, (struct http_server_opts){ .reply_ms = -1, .on_gone = on_gone });
    ask(&b, "GET /hold HTTP/1.1\r\n" H "\r\n");
    assert_int_equal(b.gone_n, 0);
    net_stream_free(steal(&b.c.s));
    turn(&b);
    assert_int_equal(b.gone_n, 1);
    assert_int_equal(b.gone.slot, b.held[0].slot);
    assert_int_equal(b.gone.gen, b.held[0].gen);
    assert_int_equal(http_server_connections(b.srv), 0);
    assert_int_equal(http_reply_json(b.srv, b.held[0], 200, SLICE_LIT("{}")), ERR_NOT_FOUND);
    bench_done(&b);
}

/* And one that was answered, or asks more meanwhile, is not. */
static void who_waits_may_send_more(void **state)
{
    struct bench b;
    (void)state;
    bench_start(&b, (struct http_server_opts){ .reply_ms = -1, .on_gone = on_gone });
    ask(&b, "GET /hold HTTP/1.1\r\n" H "\r\nGET /echo/next HTTP/1.1\r\n" H "\r\n");
    assert_int_equal(b.c.got.n, 0);
    assert_int_equal(http_reply_json(b.srv, b.held[0], 200, SLICE_LIT("{\"held\":1}")), ERR_OK);
    assert_true(TURN_UNTIL(b.loop, got(&b, "name=next"), 2000));
    assert_true(got(&b, "{\"held\":1}"));
    net_stream_free(steal(&b.c.s));
    turn(&b);
    assert_int_equal(b.gone_n, 0);
    bench_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_and_stays_open),
        cmocka_unit_test(head_has_the_length_and_no_body),
        cmocka_unit_test(pipelined_requests_are_answered_in_order),
        cmocka_unit_test(a_token_outlives_its_connection),
        cmocka_unit_test(refusals),
        cmocka_unit_test(continue_is_sent_once_and_only_when_welcome),
        cmocka_unit_test(every_phase_has_its_deadline),
        cmocka_unit_test(idle_connections_keep_nobody_out),
        cmocka_unit_test(all_bodies_together_are_bounded),
        cmocka_unit_test(all_answers_together_are_bounded),
        cmocka_unit_test(no_more_than_max_conns),
        cmocka_unit_test(a_client_that_leaves_is_forgotten),
        cmocka_unit_test(a_client_that_leaves_its_request_is_told),
        cmocka_unit_test(who_waits_may_send_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
