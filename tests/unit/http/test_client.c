/* tests/unit/http/test_client.c - the client against our own server on another thread, plain and over TLS.
 * Foreign clients and servers meet in tests/integration/test_http.py. */
#include "http/client.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../net/recorder.h"
#include "../tls/certs.h"
#include "http/server.h"
#include "net/listener.h"
#include "tls/stream.h"

static struct id ca, server_id, device;
static char *ca_file, *device_file;

struct srv {
    struct net_loop *loop;
    struct http_server *http;
    struct net_listener *l;
    struct tls_context *tls; /* NULL: plain */
    atomic_int accepted;
    pthread_t thread;
    char base[64];
};

static void echo(void *ctx, struct http_request *req)
{
    autobuf body = BUF_INIT(1u << 20);
    struct http_header h[] = { { SLICE_LIT("X-Seen"), http_request_header(req, "X-Mine") } };
    X509 *cert = tls_stream_peer_cert(req->stream);
    (void)ctx;
    if (buf_printf(&body, "%.*s %.*s?%.*s cert=%d type=%d body=%.*s", SLICE_FMT(req->method),
                   SLICE_FMT(req->path), SLICE_FMT(req->query), cert && X509_cmp(cert, device.cert) == 0,
                   http_request_header(req, "Content-Type").p != NULL, SLICE_FMT(req->body)))
        abort();
    (void)http_reply(req->server, req->token, &(struct http_response){ 200, h, 1, buf_slice(&body), false });
}

static void big(void *ctx, struct http_request *req)
{
    static uint8_t bytes[300000];
    (void)ctx;
    memset(bytes, 'b', sizeof(bytes));
    (void)http_reply(req->server, req->token,
                     &(struct http_response){ 200, NULL, 0, SLICE_ARRAY(bytes), false });
}

static void never(void *ctx, struct http_request *req)
{
    (void)ctx, (void)req;
}

static const struct http_route routes[] = {
    { "GET", "/echo/{x}", echo, NULL },  { "PUT", "/echo/{x}", echo, NULL },
    { "POST", "/echo/{x}", echo, NULL }, { "DELETE", "/echo/{x}", echo, NULL },
    { "GET", "/big", big, NULL },        { "GET", "/never", never, NULL },
};

static void accepted(void *ctx, struct net_stream *s)
{
    struct srv *v = ctx;
    v->accepted++;
    if (v->tls && tls_server_stream_new(v->tls, s, &s))
        abort();
    http_server_adopt(v->http, s);
}

static void *serve(void *arg)
{
    if (net_loop_run(((struct srv *)arg)->loop))
        abort();
    return NULL;
}

static void srv_start(struct srv *v, bool tls)
{
    *v = (struct srv){ 0 };
    struct tls_server_opts to = { .cert = server_id.cert,
                                  .key = server_id.key,
                                  .client_cert = TLS_CLIENT_CERT_REQUEST };
    struct http_server_opts ho = { .routes = routes, .route_count = ARRAY_LEN(routes) };
    assert_int_equal(net_loop_new(&v->loop), ERR_OK);
    assert_int_equal(http_server_new(v->loop, &ho, &v->http), ERR_OK);
    if (tls)
        assert_int_equal(tls_server_context_new(&to, &v->tls, NULL), ERR_OK);
    assert_int_equal(net_listen_tcp(v->loop, "127.0.0.1:0", NULL, accepted, v, &v->l), ERR_OK);
    snprintf(v->base, sizeof(v->base), "%s://localhost:%u", tls ? "https" : "http", net_listener_port(v->l));
    assert_int_equal(pthread_create(&v->thread, NULL, serve, v), 0);
}

static void srv_stop(struct srv *v)
{
    net_loop_stop(v->loop);
    pthread_join(v->thread, NULL);
    net_listener_free(v->l);
    http_server_free(v->http);
    tls_context_free(v->tls);
    net_loop_free(v->loop);
}

static char *url(const struct srv *v, const char *path)
{
    return mem_printf("%s%s", v->base, path);
}

static void blocking_requests(void **state)
{
    static const struct {
        const char *method, *path, *body, *want;
    } cases[] = {
        { NULL, "/echo/a%2Fb?q=%20", "", "GET /echo/a%2Fb?q=%20 cert=0 type=0 body=" },
        { "PUT", "/echo/x", "hello", "PUT /echo/x? cert=0 type=0 body=hello" },
        { "POST", "/echo/x", "", "POST /echo/x? cert=0 type=0 body=" },
        { "DELETE", "/echo/../echo/x", "", "malformed path" }, /* sent as given: the server saw the dots */
        { "DELETE", "/echo/x", "", "DELETE /echo/x? cert=0 type=0 body=" },
        { "HEAD", "/echo/x", "", "" },
    };
    struct srv v;
    (void)state;
    srv_start(&v, false);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        auto_http_answer a;
        autofree char *u = url(&v, cases[i].path);
        static const struct http_header h[] = { HTTP_HEADER("X-Mine", "one two") };
        struct http_fetch f = { .method = cases[i].method,
                                .url = u,
                                .headers = h,
                                .header_count = 1,
                                .body = slice_str(cases[i].body) };
        print_message("  %s %s\n", cases[i].method ? cases[i].method : "-", cases[i].path);
        assert_int_equal(http_fetch(NULL, &f, &a), ERR_OK);
        assert_non_null(strstr(buf_str(&a.body), cases[i].want));
        assert_int_equal(a.body_bytes, a.body.n);
        if (a.status != 200) {
            assert_int_equal(a.status, 400); /* an answer all the same */
            continue;
        }
        assert_true(slice_eq(http_header_get(a.headers, a.header_count, "x-seen"), SLICE_LIT("one two")));
        assert_non_null(http_header_get(a.headers, a.header_count, "Date").p);
    }
    srv_stop(&v);
}

static void failures_have_a_class_and_a_text(void **state)
{
    struct srv v;
    (void)state;
    srv_start(&v, false);
    autofree char *never_url = url(&v, "/never?X-Secret=1"), *big_url = url(&v, "/big");
    autofree char *as_tls = mem_printf("https%s", big_url + 4);
    const struct {
        struct http_fetch f;
        err_t want;
        const char *text;
    } cases[] = {
        { { .url = "http://127.0.0.1:1/x" }, ERR_UNAVAILABLE, "GET http://127.0.0.1:1/x: Failed to connect" },
        { { .url = "http://no-such-host.invalid/" }, ERR_UNAVAILABLE, "no-such-host.invalid" },
        { { .url = "ftp://127.0.0.1/x" }, ERR_INVALID, "ftp" },
        { { .url = "http://u:Secret@127.0.0.1/x" }, ERR_INVALID, "GET http://127.0.0.1/x: " },
        { { .url = NULL }, ERR_INVALID, "not a request" },
        { { .url = never_url, .method = "B D" }, ERR_INVALID, "not a request" },
        { { .url = never_url, .total_ms = 100 }, ERR_TIMEOUT, "/never: " },
        { { .url = big_url, .max_answer = 299999 }, ERR_TOO_BIG, "/big: " }, /* one byte too few */
        { { .url = as_tls }, ERR_PROTO, "SSL" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        auto_http_answer a;
        print_message("  %s\n", cases[i].f.url);
        assert_int_equal(http_fetch(NULL, &cases[i].f, &a), cases[i].want);
        print_message("    %s\n", a.why);
        assert_int_equal(a.err, cases[i].want);
        assert_non_null(strstr(a.why, cases[i].text));
        assert_null(strstr(a.why, "Secret"));
    }
    srv_stop(&v);
}

static void a_download_to_a_file(void **state)
{
    struct srv v;
    auto_http_answer a, full;
    FILE *file = tmpfile();
    autoclose int dev_full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    (void)state;
    srv_start(&v, false);
    autofree char *u = url(&v, "/big");
    struct http_fetch f = { .url = u, .max_answer = 300000, .to_fd = true, .fd = fileno(file) };
    assert_int_equal(http_fetch(NULL, &f, &a), ERR_OK);
    assert_int_equal(a.body_bytes, 300000);
    assert_int_equal(a.body.n, 0);
    assert_int_equal(lseek(fileno(file), 0, SEEK_END), 300000);
    f.fd = dev_full;
    assert_int_equal(http_fetch(NULL, &f, &full), ERR_NO_SPACE);
    assert_non_null(strstr(full.why, "cannot be written"));
    fclose(file);
    srv_stop(&v);
}

struct got {
    int done;
    err_t err;
    int status;
    struct buf body;
};

static void done(void *ctx, struct http_answer *a)
{
    struct got *g = ctx;
    g->done++;
    g->err = a->err;
    g->status = a->status;
    g->body = a->body; /* taken over */
    a->body = (struct buf){ 0 };
}

static void start(struct http_client *c, struct net_loop *loop, const char *u, struct got *g,
                  uint64_t *ret_id)
{
    *g = (struct got){ 0 };
    assert_int_equal(http_client_start(c, &(struct http_fetch){ .url = u }, loop, done, g, ret_id), ERR_OK);
}

static void one_connection_for_many_requests_with_our_certificate(void **state)
{
    struct srv v;
    struct net_loop *loop = NULL;
    struct http_client *c = NULL;
    struct http_client_opts o = { .ca_file = ca_file, .cert_file = device_file, .key = device.key };
    (void)state;
    srv_start(&v, true);
    autofree char *u = url(&v, "/echo/x");
    assert_int_equal(net_loop_new(&loop), ERR_OK);
    assert_int_equal(http_client_new(&o, &c, NULL), ERR_OK);
    for (int i = 0; i < 3; i++) {
        struct got g;
        start(c, loop, u, &g, NULL);
        assert_true(TURN_UNTIL(loop, g.done, 10000));
        assert_int_equal(g.err, ERR_OK);
        assert_non_null(strstr(buf_str(&g.body), "cert=1"));
        buf_done(&g.body);
    }
    assert_int_equal(v.accepted, 1); /* only full handshakes pay for a token's signature */
    http_client_free(c);
    net_loop_free(loop);
    srv_stop(&v);
}

static void cancelled_and_left_requests_are_told(void **state)
{
    struct srv v;
    struct net_loop *loop = NULL;
    struct http_client *c = NULL;
    struct got a, b;
    uint64_t id = 0;
    (void)state;
    srv_start(&v, false);
    autofree char *u = url(&v, "/never");
    assert_int_equal(net_loop_new(&loop), ERR_OK);
    assert_int_equal(http_client_new(NULL, &c, NULL), ERR_OK);
    start(c, loop, u, &a, &id);
    start(c, loop, u, &b, NULL);
    assert_int_equal(net_loop_turn(loop, 50), ERR_OK);
    http_client_cancel(c, id);
    http_client_cancel(c, 12345); /* nobody */
    assert_true(TURN_UNTIL(loop, a.done, 5000));
    assert_int_equal(a.err, ERR_CANCELLED);
    assert_int_equal(b.done, 0);
    http_client_free(c);
    net_loop_free(loop); /* runs what was posted */
    assert_int_equal(b.done, 1);
    assert_int_equal(b.err, ERR_CANCELLED);
    buf_done(&a.body);
    buf_done(&b.body);
    srv_stop(&v);
}

static void one_request_too_many(void **state)
{
    struct srv v;
    struct net_loop *loop = NULL;
    struct http_client *c = NULL;
    struct got g = { 0 };
    (void)state;
    srv_start(&v, false);
    autofree char *u = url(&v, "/never");
    struct http_fetch f = { .url = u };
    assert_int_equal(net_loop_new(&loop), ERR_OK);
    assert_int_equal(http_client_new(NULL, &c, NULL), ERR_OK);
    for (int i = 0; i < 64; i++)
        assert_int_equal(http_client_start(c, &f, loop, done, &g, NULL), ERR_OK);
    assert_int_equal(http_client_start(c, &f, loop, done, &g, NULL), ERR_BUSY);
    http_client_free(c);
    net_loop_free(loop);
    assert_int_equal(g.done, 64);
    srv_stop(&v);
}

static void who_is_trusted_over_tls(void **state)
{
    struct srv v;
    struct crypto_error why = { 0 };
    struct http_client *c = NULL;
    (void)state;
    srv_start(&v, true);
    autofree char *u = url(&v, "/echo/x");
    struct http_fetch f = { .url = u };
    const struct {
        struct http_client_opts o;
        err_t want;
        const char *text;
    } cases[] = {
        { { .ca_file = ca_file }, ERR_OK, NULL },
        { { .ca_file = device_file }, ERR_AUTH, "certificate" },
        { { .ca_file = "/nonexistent/ca.pem" }, ERR_NOT_FOUND, "/nonexistent/ca.pem" },
        { { .ca_file = ca_file, .cert_file = "/nonexistent/c.pem", .key = device.key },
          ERR_NOT_FOUND,
          "c.pem" },
        { { .ca_file = ca_file, .cert_file = device_file, .key = ca.key }, ERR_CONFLICT, "" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        auto_http_answer a;
        assert_int_equal(http_fetch(&cases[i].o, &f, &a), cases[i].want);
        print_message("    %s\n", a.why ? a.why : "fine");
        if (cases[i].text)
            assert_non_null(strstr(a.why, cases[i].text));
    }
    assert_int_equal(http_client_new(&cases[4].o, &c, &why), ERR_CONFLICT);
    assert_true(strlen(why.text) > 10);
    assert_null(c);
    srv_stop(&v);
}

static int make_certs(void **state)
{
    (void)state;
    ca = id_make(&(struct id_opts){ .cn = "Test CA", .ca = true });
    server_id = id_make(&(struct id_opts){ .cn = "server", .san = "DNS:localhost", .issuer = &ca });
    device = id_make(&(struct id_opts){ .cn = "device" });
    ca_file = id_write_cert(&ca);
    device_file = id_write_cert(&device);
    return 0;
}

static int drop_certs(void **state)
{
    (void)state;
    id_done(&ca);
    id_done(&server_id);
    id_done(&device);
    unlink(ca_file);
    unlink(device_file);
    free(ca_file);
    free(device_file);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocking_requests),
        cmocka_unit_test(failures_have_a_class_and_a_text),
        cmocka_unit_test(a_download_to_a_file),
        cmocka_unit_test(one_connection_for_many_requests_with_our_certificate),
        cmocka_unit_test(cancelled_and_left_requests_are_told),
        cmocka_unit_test(one_request_too_many),
        cmocka_unit_test(who_is_trusted_over_tls),
    };
    return cmocka_run_group_tests(tests, make_certs, drop_certs);
}
