/* tests/integration/programs/test_httpd.c - src/http, src/tls and src/net as foreign clients see them.
 *
 *     test_httpd CERT KEY [fetch URL CA]
 *
 * Serves on two free loopback ports and prints "plain PORT", "tls PORT". The TLS port wants a client
 * certificate and takes any; ALPN "http/1.1" goes without one. Deadlines are short. Ends on SIGTERM. With
 * "fetch" it is a client instead: http_fetch, the status and body on standard output, the failure's text on
 * standard error.
 *
 * /echo/{x} GET PUT POST   method, label, query "q", body
 * /peer                    TLS version, SNI, ALPN, subject of the client certificate
 * /slow                    an answer 200 ms later
 * /big                     4 MB of 'b'
 * /never                   no answer
 */
#include "base/clock.h"
#include "crypto/cert.h"
#include "crypto/key.h"
#include "http/client.h"
#include "http/server.h"
#include "net/listener.h"
#include "tls/stream.h"

#include <signal.h>
#include <stdio.h>

#define BIG (4u << 20)

struct app {
    struct net_loop *loop;
    struct http_server *http;
    struct tls_context *tls;
    uint8_t *big;
};

static void reply_text(struct http_request *req, const struct buf *text)
{
    static const struct http_header type[] = { HTTP_HEADER("Content-Type", "text/plain") };
    (void)http_reply(req->server, req->token,
                     &(struct http_response){ 200, type, 1, buf_slice(text), false });
}

static void echo(void *ctx, struct http_request *req)
{
    autobuf out = BUF_INIT(2u << 20);
    const char *q = http_params_get(req->params, "q");
    (void)ctx;
    if (buf_printf(&out, "%.*s %s %s ", SLICE_FMT(req->method), http_params_get(req->labels, "x"),
                   q ? q : "-") ||
        buf_add(&out, req->body))
        return; /* 504 shows it */
    reply_text(req, &out);
}

static void peer(void *ctx, struct http_request *req)
{
    autobuf out = BUF_INIT(4096);
    X509 *cert = tls_stream_peer_cert(req->stream);
    (void)ctx;
    if (buf_printf(&out, "version=%s sni=%s alpn=%s subject=", tls_stream_version(req->stream),
                   tls_stream_sni(req->stream), tls_stream_alpn(req->stream)) ||
        (cert && crypto_cert_subject_text(cert, &out)))
        return;
    reply_text(req, &out);
}

struct later {
    struct http_server *http;
    struct http_token token;
    struct net_timer *timer;
};

static void reply_now(void *ctx)
{
    struct later *l = ctx;
    (void)http_reply_json(l->http, l->token, 200,
                          SLICE_LIT("{\"slow\":true}")); /* the client may have left */
    net_timer_free(l->timer);
    free(l);
}

static void slow(void *ctx, struct http_request *req)
{
    struct app *app = ctx;
    struct later *l = mem_calloc(1, sizeof(*l));
    if (!l || net_timer_new(app->loop, reply_now, l, &l->timer)) {
        free(l);
        return;
    }
    l->http = req->server;
    l->token = req->token;
    net_timer_set(l->timer, 200);
}

static void big(void *ctx, struct http_request *req)
{
    struct app *app = ctx;
    (void)http_reply(req->server, req->token,
                     &(struct http_response){ 200, NULL, 0, slice_of(app->big, BIG), false });
}

static void never(void *ctx, struct http_request *req)
{
    (void)ctx, (void)req;
}

static const struct http_route routes[] = {
    { "GET", "/echo/{x}", echo, NULL },  { "PUT", "/echo/{x}", echo, NULL },
    { "POST", "/echo/{x}", echo, NULL }, { "GET", "/peer", peer, NULL },
    { "GET", "/slow", slow, NULL },      { "GET", "/big", big, NULL },
    { "GET", "/never", never, NULL },
};

static void accept_plain(void *ctx, struct net_stream *s)
{
    http_server_adopt(((struct app *)ctx)->http, s);
}

static void accept_tls(void *ctx, struct net_stream *s)
{
    struct app *app = ctx;
    struct net_stream *tls = NULL;
    if (tls_server_stream_new(app->tls, s, &tls))
        net_stream_free(s);
    else
        http_server_adopt(app->http, tls);
}

static err_t make_tls(struct app *app, const char *cert_path, const char *key_path, struct crypto_error *why)
{
    static const struct tls_alpn alpn[] = { { "x-amzn-http-ca", TLS_CLIENT_CERT_REQUIRE },
                                            { "http/1.1", TLS_CLIENT_CERT_NONE } };
    auto_crypto_ctx struct crypto_ctx *ctx = NULL;
    auto_x509 X509 *cert = NULL;
    auto_pkey EVP_PKEY *key = NULL;
    autofree char *uri = mem_printf("file://%s", key_path);
    err_t e = crypto_ctx_new(NULL, &ctx);
    if (!e)
        e = crypto_cert_load(ctx, cert_path, &cert, why);
    if (!e)
        e = crypto_key_load(ctx, uri, NULL, &key, why);
    struct tls_server_opts o = { .cert = cert,
                                 .key = key,
                                 .client_cert = TLS_CLIENT_CERT_REQUIRE,
                                 .alpn = alpn,
                                 .alpn_count = ARRAY_LEN(alpn),
                                 .handshake_ms = 1000 };
    return e ? e : tls_server_context_new(&o, &app->tls, why);
}

static void on_term(void *ctx)
{
    net_loop_stop(((struct app *)ctx)->loop);
}

static err_t run(struct app *app)
{
    struct net_listener *plain = NULL, *tls = NULL;
    struct net_signal *term = NULL;
    err_t e = net_signal_new(app->loop, SIGTERM, on_term, app, &term);
    if (!e)
        e = net_listen_tcp(app->loop, "127.0.0.1:0", NULL, accept_plain, app, &plain);
    if (!e)
        e = net_listen_tcp(app->loop, "127.0.0.1:0", NULL, accept_tls, app, &tls);
    if (!e) {
        printf("plain %u\ntls %u\n", net_listener_port(plain), net_listener_port(tls));
        fflush(stdout);
        e = net_loop_run(app->loop);
    }
    net_listener_free(plain);
    net_listener_free(tls);
    net_signal_free(term);
    return e;
}

static err_t serve(const char *cert, const char *key, struct crypto_error *why)
{
    struct app app = { .big = mem_calloc(1, BIG) };
    struct http_server_opts o = { .routes = routes,
                                  .route_count = ARRAY_LEN(routes),
                                  .ctx = &app,
                                  .max_body = 1u << 20,
                                  .head_ms = 500,
                                  .body_ms = 700,
                                  .idle_ms = 1500,
                                  .reply_ms = 1000 };
    if (app.big)
        memset(app.big, 'b', BIG);
    err_t e = net_loop_new(&app.loop);
    if (!e)
        e = http_server_new(app.loop, &o, &app.http);
    if (!e)
        e = make_tls(&app, cert, key, why);
    if (!e)
        e = run(&app);
    http_server_free(app.http);
    tls_context_free(app.tls);
    net_loop_free(app.loop);
    free(app.big);
    return e;
}

static err_t fetch(const char *cert, const char *key, const char *url, const char *ca)
{
    auto_http_answer a;
    struct http_client_opts o = { .ca_file = ca, .cert_file = cert, .key_file = key };
    err_t e = http_fetch(&o, &(struct http_fetch){ .url = url, .max_answer = 100u << 20 }, &a);
    if (e)
        fprintf(stderr, "%s: %s\n", err_str(e), a.why);
    else
        printf("%d %.*s\n", a.status, SLICE_FMT(buf_slice(&a.body)));
    return e;
}

int main(int argc, char **argv)
{
    struct crypto_error why = { 0 };
    if (argc == 6 && strcmp(argv[3], "fetch") == 0)
        return fetch(argv[1], argv[2], argv[4], argv[5]) ? 1 : 0;
    if (argc != 3)
        return 2;
    err_t e = serve(argv[1], argv[2], &why);
    if (e)
        fprintf(stderr, "test_httpd: %s %s\n", err_str(e), why.text);
    return e ? 1 : 0;
}
