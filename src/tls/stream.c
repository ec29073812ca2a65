/* src/tls/stream.c - see stream.h: bytes between a transport, OpenSSL and the user. */
#include "tls/stream.h"

#include "tls/stream_impl.h"

#include <arpa/inet.h>
#include <openssl/err.h>

#define RECORD_MAX 16384 /* RFC 8446 §5.1 */
/* What TLS adds to the user's bytes: under 64 a record, and a handshake's flight. */
#define OVERHEAD(n) ((n) / 128 + 65536)

static struct tls_stream *tls_of(struct net_stream *s)
{
    return CONTAINER_OF(s, struct tls_stream, base);
}

struct tls_stream *tls_stream_of_ssl(const SSL *ssl)
{
    return SSL_get_app_data(ssl);
}

static void end(struct tls_stream *t, err_t why, const char *text)
{
    bool opening = t->base.state == NET_OPENING;
    net_stream_end(&t->base, why, "%s%s%s%s", opening ? "TLS handshake with " : "TLS connection with ",
                   t->base.peer, opening ? " failed: " : " ended: ", text);
}

/* ---- downwards ---- */

/* Give the transport what OpenSSL wrote. */
static err_t flush_out(struct tls_stream *t)
{
    if (!t->io.out.n || !t->transport)
        return ERR_OK;
    err_t e = net_stream_write(t->transport, buf_slice(&t->io.out));
    buf_done(&t->io.out); /* an idle connection holds nothing */
    buf_init(&t->io.out, SIZE_MAX / 2);
    if (e && e != ERR_WRONG_STATE) /* a transport that has ended says so itself */
        end(t, e, "output cannot be queued");
    return e;
}

static err_t encrypt(struct tls_stream *t, struct slice data)
{
    size_t written;
    ERR_clear_error();
    if (SSL_write_ex(t->ssl, data.p, data.n, &written) == 1 && written == data.n)
        return flush_out(t);
    char why[TLS_WHY_MAX];
    err_t e = tls_why(t->ssl, SSL_get_error(t->ssl, 0), false, why);
    end(t, e, why);
    return ERR_WRONG_STATE;
}

/* Encrypt what was written. Returns an error when that ended the stream. */
static err_t seal(struct tls_stream *t)
{
    autobuf plain = t->plain;
    net_later_cancel(&t->seal);
    t->plain = BUF_SECRET(SIZE_MAX / 2); /* an idle connection holds nothing */
    return plain.n ? encrypt(t, buf_slice(&plain)) : ERR_OK;
}

/* At the end of the turn: what was written in it goes out as one record and one call of the kernel. */
static void seal_later(void *ctx)
{
    struct tls_stream *t = ctx;
    net_stream_hold(&t->base);
    if (t->base.state == NET_OPEN && seal(t) == ERR_OK && t->transport && !net_stream_queued(t->transport))
        net_stream_drained(&t->base);
    (void)net_stream_release(&t->base);
}

static size_t tls_queued(const struct net_stream *s)
{
    const struct tls_stream *t = (const struct tls_stream *)(const void *)s;
    return t->plain.n + (t->transport ? net_stream_queued(t->transport) : 0);
}

static err_t tls_write(struct net_stream *s, struct slice data)
{
    struct tls_stream *t = tls_of(s);
    size_t queued = tls_queued(s);
    if (data.n > s->out_max || queued > s->out_max - data.n)
        return ERR_TOO_BIG;
    err_t e = buf_add(&t->plain, data);
    if (e || s->state == NET_OPENING)
        return e;
    if (t->plain.n >= RECORD_MAX)
        return seal(t);
    net_loop_later(s->loop, &t->seal);
    return ERR_OK;
}

/* ---- upwards ---- */

static void read_failed(struct tls_stream *t, int ssl_error)
{
    char why[TLS_WHY_MAX];
    if (ssl_error == SSL_ERROR_ZERO_RETURN) {
        end(t, ERR_EOF, "the peer closed it");
        return;
    }
    err_t e = tls_why(t->ssl, ssl_error, false, why);
    end(t, e, why);
}

/* Until OpenSSL has nothing more: the poll will not tell again about bytes it holds. */
static void read_app(struct tls_stream *t)
{
    uint8_t plain[RECORD_MAX];
    size_t n;
    while (net_stream_wants(&t->base)) {
        ERR_clear_error();
        if (SSL_read_ex(t->ssl, plain, sizeof(plain), &n) == 1) {
            net_stream_feed(&t->base, slice_of(plain, n));
            continue;
        }
        int ssl_error = SSL_get_error(t->ssl, 0);
        if (ssl_error != SSL_ERROR_WANT_READ)
            read_failed(t, ssl_error);
        break;
    }
    (void)flush_out(t); /* answers to KeyUpdate and the like; a failure has ended the stream */
}

/* ---- the handshake ---- */

/* With c->lock. */
static void unlist(struct tls_stream *t)
{
    struct tls_context *c = t->c;
    if (!t->link)
        return;
    *t->link = t->next;
    if (t->next)
        t->next->link = t->link;
    else
        c->newest = t->link;
    t->link = NULL;
    c->handshakes--;
}

static void uncount(struct tls_stream *t)
{
    (void)pthread_mutex_lock(&t->c->lock);
    unlist(t);
    (void)pthread_mutex_unlock(&t->c->lock);
}

static void count(struct tls_stream *t)
{
    struct tls_context *c = t->c;
    (void)pthread_mutex_lock(&c->lock);
    t->next = NULL;
    t->link = c->newest;
    *c->newest = t;
    c->newest = &t->next;
    c->handshakes++;
    (void)pthread_mutex_unlock(&c->lock);
}

/* "192.0.2.1" of "192.0.2.1:4711" */
static struct slice address_of(const char *peer)
{
    const char *colon = strrchr(peer, ':');
    return colon ? slice_of(peer, (size_t)(colon - peer)) : slice_str(peer);
}

static bool same_address(const char *a, const char *b)
{
    return slice_eq(address_of(a), address_of(b));
}

/* With c->lock: whose handshake ends for one that comes from `s`. Only streams of its loop are ours to end.
 */
static struct tls_stream *choose_victim(const struct tls_context *c, const struct net_stream *s)
{
    struct tls_stream *oldest = NULL, *sibling = NULL;
    size_t siblings = 0;
    for (struct tls_stream *t = c->oldest; t; t = t->next) {
        if (t->base.loop != s->loop)
            continue;
        oldest = oldest ? oldest : t;
        if (!same_address(t->base.peer, s->peer))
            continue;
        sibling = sibling ? sibling : t;
        siblings++;
    }
    return sibling && siblings >= c->max_handshakes / 4 ? sibling : oldest;
}

/* False: there is no place for a handshake of this loop. */
static bool make_place(struct tls_context *c, const struct net_stream *s)
{
    struct tls_stream *victim = NULL;
    (void)pthread_mutex_lock(&c->lock);
    bool full = c->handshakes >= c->max_handshakes;
    if (full && (victim = choose_victim(c, s)))
        unlist(victim);
    (void)pthread_mutex_unlock(&c->lock);
    if (victim)
        end(victim, ERR_BUSY, "newer handshakes took its place, too many are under way");
    return !full || victim;
}

static void opened(struct tls_stream *t)
{
    uncount(t);
    if (seal(t) == ERR_OK)
        net_stream_opened(&t->base);
}

static void failed(struct tls_stream *t, err_t why, const char *text)
{
    (void)flush_out(t); /* our alert tells the peer */
    uncount(t);
    end(t, why, text);
}

void tls_handshake_step(SSL *ssl, bool signing, struct tls_result *ret)
{
    ERR_clear_error();
    *ret = (struct tls_result){ .step = TLS_STEP_FAILED };
    int r = SSL_do_handshake(ssl);
    if (r == 1) {
        ret->step = TLS_STEP_DONE;
        return;
    }
    int ssl_error = SSL_get_error(ssl, r);
    if (ssl_error == SSL_ERROR_WANT_READ)
        ret->step = TLS_STEP_MORE;
    else if (ssl_error == SSL_ERROR_WANT_X509_LOOKUP)
        ret->step = TLS_STEP_SIGN;
    else
        ret->err = tls_why(ssl, ssl_error, signing, ret->why);
}

static void hand_over(struct tls_stream *t);

static void follow(struct tls_stream *t, const struct tls_result *r)
{
    switch (r->step) {
    case TLS_STEP_MORE:
        (void)flush_out(t); /* as above */
        break;
    case TLS_STEP_DONE:
        if (flush_out(t) == ERR_OK)
            opened(t);
        break;
    case TLS_STEP_SIGN:
        (void)flush_out(t);
        hand_over(t);
        break;
    case TLS_STEP_FAILED:
        failed(t, r->err, r->why);
        break;
    }
}

/* Go on with what there is to read. */
static void work(struct tls_stream *t)
{
    struct tls_result r;
    net_stream_hold(&t->base);
    if (t->base.state == NET_OPENING && !t->away) {
        tls_handshake_step(t->ssl, false, &r);
        follow(t, &r);
    }
    if (t->base.state == NET_OPEN)
        read_app(t);
    (void)net_stream_release(&t->base); /* t may be gone */
}

/* ---- to the signer and back ---- */

static void sign_on_thread(struct tls_job *job, bool stopping)
{
    struct tls_stream *t = CONTAINER_OF(job, struct tls_stream, job);
    if (stopping || atomic_load(&t->cancelled))
        *t->result = (struct tls_result){ TLS_STEP_FAILED, ERR_CANCELLED, "the signer is being stopped" };
    else
        tls_handshake_step(t->ssl, true, t->result);
    net_loop_post_task(t->base.loop, &t->back); /* from here on t is the loop's again */
}

static void hand_over(struct tls_stream *t)
{
    err_t e = buf_add(&t->io.held, t->io.in);
    t->io.in = (struct slice){ 0 };
    t->result = mem_calloc(1, sizeof(*t->result));
    if (e || !t->result) {
        failed(t, ERR_NOMEM, "no memory");
        return;
    }
    net_stream_pause(t->transport);
    t->away = true;
    e = tls_signer_push(t->c->signer, &t->job);
    if (!e)
        return;
    t->away = false;
    failed(t, e,
           e == ERR_BUSY ? "too many handshakes wait for the token's signature"
                         : "the signer is being stopped");
}

static void free_now(struct tls_stream *t);

static void transport_ended(struct tls_stream *t, err_t why);

static void come_back(void *ctx)
{
    struct tls_stream *t = ctx;
    struct tls_result r = *t->result;
    free(t->result);
    t->result = NULL;
    t->away = false;
    if (t->base.dead) {
        free_now(t);
        return;
    }
    if (t->base.state != NET_OPENING)
        return; /* the deadline was first; the user has been told or is about to be */
    net_stream_hold(&t->base);
    follow(t, &r);
    if (!t->away && t->base.state != NET_ENDED && !t->base.dead) {
        net_stream_resume(t->transport);
        work(t); /* what was held for the signer may go on with data */
    }
    if (!t->away && t->lost)
        transport_ended(t, t->lost);
    (void)net_stream_release(&t->base);
}

/* ---- what the transport tells ---- */

static void on_open(void *ctx)
{
    struct tls_stream *t = ctx;
    net_stream_open_by(&t->base, t->c->handshake_ms, "the TLS handshake");
    work(t); /* a client speaks first */
}

static size_t on_read(void *ctx, struct slice in)
{
    struct tls_stream *t = ctx;
    if (t->away || t->base.state == NET_ENDED || t->base.dead)
        return 0;
    t->io.in = in;
    net_stream_hold(&t->base);
    work(t);
    size_t used = in.n;
    if (!t->away) { /* else all of it was taken over, and t->io is the signer's */
        used -= t->io.in.n;
        t->io.in = (struct slice){ 0 };
    }
    (void)net_stream_release(&t->base);
    return used;
}

static void on_drain(void *ctx)
{
    struct tls_stream *t = ctx;
    if (t->base.state == NET_OPEN)
        net_stream_drained(&t->base);
}

static void transport_ended(struct tls_stream *t, err_t why)
{
    uncount(t);
    if (t->base.state == NET_OPENING && why == ERR_EOF)
        end(t, ERR_PROTO, "the peer closed the connection");
    else if (t->base.state == NET_OPENING)
        net_stream_end(&t->base, why, "%s", net_stream_why(t->transport));
    else
        end(t, why,
            why == ERR_EOF ? "the peer closed the connection without saying so in TLS"
                           : net_stream_why(t->transport));
}

static void on_close(void *ctx, err_t why)
{
    struct tls_stream *t = ctx;
    if (t->away)
        t->lost = why;
    else
        transport_ended(t, why);
}

static const struct net_handler transport_handler = { on_open, on_read, on_drain, on_close };

/* ---- what the base asks for ---- */

static void tls_want_read(struct net_stream *s, bool on)
{
    struct tls_stream *t = tls_of(s);
    if (!t->transport || (s->state == NET_OPENING && !s->dead))
        return; /* a handshake reads whatever the user wants */
    if (on) {
        net_stream_resume(t->transport);
        net_stream_wake(s); /* bytes OpenSSL already holds */
    } else {
        net_stream_pause(t->transport);
    }
}

static void tls_pump(struct net_stream *s)
{
    struct tls_stream *t = tls_of(s);
    if (s->state == NET_OPEN)
        read_app(t);
}

static void tls_limits(struct net_stream *s, const struct net_limits *lim)
{
    struct tls_stream *t = tls_of(s);
    s->stall_ms = 0; /* the transport sees progress, we do not */
    if (t->transport)
        net_stream_set_limits(t->transport,
                              &(struct net_limits){ .out_max = s->out_max + OVERHEAD(s->out_max),
                                                    .idle_ms = -1,
                                                    .stall_ms = lim->stall_ms });
}

static void tls_finish(struct net_stream *s)
{
    struct tls_stream *t = tls_of(s);
    if (s->state == NET_OPEN)
        (void)seal(t);
    ERR_clear_error();
    (void)SSL_shutdown(t->ssl); /* writes close_notify; we do not wait for the peer's */
    (void)flush_out(t);
    net_stream_finish(steal(&t->transport));
    net_stream_give_up(s);
}

static void free_now(struct tls_stream *t)
{
    net_later_cancel(&t->seal);
    SSL_free(t->ssl);
    free(t->result);
    buf_done(&t->io.held);
    buf_done(&t->io.out);
    buf_done(&t->plain);
    tls_context_free(t->c);
    net_stream_done(&t->base);
    free(t);
}

static void tls_destroy(struct net_stream *s)
{
    struct tls_stream *t = tls_of(s);
    atomic_store(&t->cancelled, true);
    net_later_cancel(&t->seal);
    uncount(t);
    if (t->base.state == NET_ENDED)
        net_stream_finish(steal(&t->transport)); /* an alert may still be on its way */
    else
        net_stream_free(steal(&t->transport));
    if (!t->away)
        free_now(t); /* otherwise when it comes back */
}

static const struct net_stream_vtable tls_vtable = {
    .write = tls_write,
    .queued = tls_queued,
    .want_read = tls_want_read,
    .finish = tls_finish,
    .limits = tls_limits,
    .pump = tls_pump,
    .destroy = tls_destroy,
};

/* ---- life ---- */

static err_t attach_ssl(struct tls_stream *t)
{
    t->ssl = tls_context_connection(t->c);
    BIO *bio = t->ssl ? tls_bio_new(&t->io) : NULL;
    if (!bio)
        return ERR_NOMEM;
    SSL_set_bio(t->ssl, bio, bio);
    SSL_set_app_data(t->ssl, t);
    if (t->c->server)
        SSL_set_accept_state(t->ssl);
    else
        SSL_set_connect_state(t->ssl);
    return ERR_OK;
}

static err_t stream_alloc(struct tls_context *c, struct net_stream *transport, struct tls_stream **ret)
{
    autofree struct tls_stream *t = mem_calloc(1, sizeof(*t));
    if (!t || net_stream_init(&t->base, transport->loop, &tls_vtable, transport->peer))
        return ERR_NOMEM;
    t->base.stall_ms = 0;
    t->c = c;
    tls_context_ref(c);
    buf_init(&t->io.held, SIZE_MAX / 2); /* both are bounded by what the transport may keep and queue */
    buf_init(&t->io.out, SIZE_MAX / 2);
    t->plain = BUF_SECRET(SIZE_MAX / 2);
    t->seal = (struct net_later){ .fn = seal_later, .ctx = t };
    t->job.run = sign_on_thread;
    t->back = (struct net_task){ .fn = come_back, .ctx = t };
    if (attach_ssl(t)) {
        free_now(steal(&t));
        return ERR_NOMEM;
    }
    *ret = steal(&t);
    return ERR_OK;
}

static void take_transport(struct tls_stream *t, struct net_stream *transport)
{
    t->transport = transport;
    net_stream_set_limits(transport,
                          &(struct net_limits){ .out_max = t->base.out_max + OVERHEAD(t->base.out_max),
                                                .idle_ms = -1,
                                                .stall_ms = -1 });
    net_stream_set_handler(transport, &transport_handler, t);
}

err_t tls_server_stream_new(struct tls_context *c, struct net_stream *transport, struct net_stream **ret)
{
    struct tls_stream *t = NULL;
    if (!make_place(c, transport))
        return ERR_BUSY;
    err_t e = stream_alloc(c, transport, &t);
    if (e)
        return e;
    count(t);
    take_transport(t, transport);
    *ret = &t->base;
    return ERR_OK;
}

static bool is_ip(const char *host)
{
    struct in6_addr a;
    return inet_pton(AF_INET, host, &a) == 1 || inet_pton(AF_INET6, host, &a) == 1;
}

static bool expect_host(SSL *ssl, const char *host)
{
    if (is_ip(host)) /* RFC 6066 §3: addresses are not sent as SNI */
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
    return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

err_t tls_client_stream_new(struct tls_context *c, struct net_stream *transport, const char *host,
                            struct net_stream **ret)
{
    struct tls_stream *t = NULL;
    err_t e = stream_alloc(c, transport, &t);
    if (e)
        return e;
    if (!expect_host(t->ssl, host)) {
        ERR_clear_error();
        free_now(t);
        return ERR_INVALID;
    }
    take_transport(t, transport);
    *ret = &t->base;
    return ERR_OK;
}

err_t tls_connect(struct net_loop *loop, struct tls_context *c, const char *host, uint16_t port,
                  int64_t connect_ms, struct net_stream **ret)
{
    struct net_stream *tcp = NULL;
    err_t e = net_connect_tcp(loop, host, port, connect_ms, &tcp);
    if (e)
        return e;
    e = tls_client_stream_new(c, tcp, host, ret);
    if (e)
        net_stream_free(tcp);
    return e;
}

/* ---- questions ---- */

bool tls_stream_is_tls(const struct net_stream *s)
{
    return s->v == &tls_vtable;
}

static SSL *open_ssl(const struct net_stream *s)
{
    if (!tls_stream_is_tls(s) || s->state == NET_OPENING)
        return NULL;
    return ((const struct tls_stream *)(const void *)s)->ssl;
}

X509 *tls_stream_peer_cert(const struct net_stream *s)
{
    SSL *ssl = open_ssl(s);
    return ssl ? SSL_get0_peer_certificate(ssl) : NULL;
}

const char *tls_stream_sni(const struct net_stream *s)
{
    SSL *ssl = open_ssl(s);
    const char *name = ssl && SSL_is_server(ssl) ? SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name) : NULL;
    return name ? name : "";
}

const char *tls_stream_alpn(const struct net_stream *s)
{
    SSL *ssl = open_ssl(s);
    const unsigned char *name = NULL;
    unsigned n = 0;
    if (!ssl)
        return "";
    SSL_get0_alpn_selected(ssl, &name, &n);
    struct tls_stream *t = tls_stream_of_ssl(ssl);
    for (size_t i = 0; i < t->c->alpn_count; i++)
        if (strlen(t->c->alpn[i].name) == n && memcmp(t->c->alpn[i].name, name, n) == 0)
            return t->c->alpn[i].name;
    return "";
}

const char *tls_stream_version(const struct net_stream *s)
{
    SSL *ssl = open_ssl(s);
    return ssl ? SSL_get_version(ssl) : "";
}
