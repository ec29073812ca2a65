/* One connection: its messages in, its answers out. One request at a time; while it is under way nothing is
 * read. */
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "keyd/audit.h"
#include "keyd/peer.h"
#include "keyd/server.h"

#include <stdio.h>

enum {
    IN_MAX = 2 * SE_KEYD_FRAME_MAX + SE_KEYD_FRAME_HEADER, /* the end of a sequence and the next command */
    OUT_MAX = 4 * SE_KEYD_FRAME_MAX,
};

/* ---- out ---- */

static void doom(struct keyd_client *c)
{
    if (c->gone)
        return;
    c->doomed = true;
    net_timer_set(c->deadline, 0); /* not here: callers still stand on it */
}

static void write_frame(struct keyd_client *c, uint8_t type, struct slice body)
{
    autobuf frame = BUF_SECRET(SE_KEYD_FRAME_MAX);
    err_t e;

    if (c->gone)
        return;
    e = se_keyd_frame_put(&frame, type, 0, body);
    if (!e)
        e = net_stream_write(c->stream, buf_slice(&frame));
    if (e) /* it does not read its answers, or has gone */
        doom(c);
}

/* The request is over: the next one may come. */
static void request_over(struct keyd_client *c)
{
    c->request = KEYD_REQUEST_NONE;
    c->command = (struct keyd_command){ 0 };
    buf_clear(&c->apdu);
    if (c->doomed || c->gone)
        return;
    net_timer_stop(c->deadline);
    if (c->paused)
        net_stream_resume(c->stream);
    c->paused = false;
}

void keyd_client_welcome(struct keyd_client *c)
{
    const struct keyd_server *s = c->server;
    const struct se_version *v = &s->state.version;
    struct se_keyd_welcome w = {
        .version = SE_KEYD_VERSION,
        .flags = (s->state.channel.on ? SE_KEYD_WELCOME_CHANNEL : 0) |
                 (s->state.channel.published ? SE_KEYD_WELCOME_PUBLISHED : 0) |
                 (s->pin ? SE_KEYD_WELCOME_PIN : 0),
        .select = { v->major, v->minor, v->patch, (uint8_t)(v->config >> 8), (uint8_t)v->config,
                    (uint8_t)(v->secure_box >> 8), (uint8_t)v->secure_box },
        .generation = c->generation,
    };
    autobuf body = BUF_INIT(SE_KEYD_BODY_MAX);

    (void)snprintf(w.keys, sizeof(w.keys), "%.*s", SE_KEYD_CHANNEL_NAME_MAX, s->state.channel.keys);
    c->welcome = true;
    if (se_keyd_welcome_encode(&w, &body))
        doom(c);
    else
        write_frame(c, SE_KEYD_WELCOME, buf_slice(&body));
    request_over(c);
}

void keyd_client_answer(struct keyd_client *c, struct slice answer)
{
    autobuf body = BUF_SECRET(SE_KEYD_BODY_MAX);

    if (buf_add_be32(&body, c->generation) || buf_add(&body, answer))
        doom(c);
    else
        write_frame(c, SE_KEYD_ANSWER, buf_slice(&body));
    request_over(c);
}

static err_t refusal(uint32_t generation, err_t why, const char *text, struct buf *body)
{
    struct writer w = writer_of(body);

    writer_be32(&w, generation);
    writer_u8(&w, (uint8_t)se_keyd_code(why));
    writer_str(&w, text);
    return writer_done(&w);
}

void keyd_client_refuse(struct keyd_client *c, err_t why, const char *fmt, ...)
{
    autobuf body = BUF_INIT(SE_KEYD_BODY_MAX);
    char text[SE_KEYD_TEXT_MAX];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (refusal(c->generation, why, text, &body))
        doom(c);
    else
        write_frame(c, SE_KEYD_REFUSED, buf_slice(&body));
    request_over(c);
}

/* ---- in ---- */

static void drop(struct keyd_client *c, const char *why)
{
    log_info("client uid=%u pid=%d dropped: %s", (unsigned)c->peer.uid, (int)c->peer.pid, why);
    keyd_client_free(c);
}

/* These return false when the client is no more. */

static bool on_hello(struct keyd_client *c, const struct se_keyd_frame *f)
{
    if (c->welcome || f->body.n == 0)
        return drop(c, "misplaced greeting"), false;
    c->request = KEYD_REQUEST_HELLO;
    if (f->body.p[0] != SE_KEYD_VERSION) {
        keyd_client_refuse(c, ERR_UNSUPPORTED, "this daemon speaks version %d of its protocol",
                           SE_KEYD_VERSION);
        doom(c);
        return true;
    }
    net_timer_set(c->deadline, KEYD_QUEUE_MS);
    keyd_turn_wait(c);
    return true;
}

static bool on_exchange(struct keyd_client *c, const struct se_keyd_frame *f)
{
    c->begins = f->flags & SE_KEYD_FLAG_BEGIN;
    if (!c->welcome || (!c->begins && !c->in_sequence) || buf_add(&c->apdu, f->body))
        return drop(c, "a command outside a sequence"), false;
    c->request = KEYD_REQUEST_COMMAND;
    if (c->server->stopping) {
        keyd_client_refuse(c, ERR_UNAVAILABLE, "it is being stopped");
        return true;
    }
    net_timer_set(c->deadline, KEYD_QUEUE_MS);
    keyd_request_start(c);
    return true;
}

static bool on_frame(struct keyd_client *c, const struct se_keyd_frame *f)
{
    switch (f->type) {
    case SE_KEYD_HELLO:
        return on_hello(c, f);
    case SE_KEYD_EXCHANGE:
        return on_exchange(c, f);
    case SE_KEYD_END:
        keyd_turn_end(c);
        return true;
    default:
        return drop(c, "unknown message"), false;
    }
}

static size_t on_read(void *ctx, struct slice in)
{
    struct keyd_client *c = ctx;
    size_t all = in.n;
    struct se_keyd_frame f;
    err_t e = ERR_OK;

    while (!e && c->request == KEYD_REQUEST_NONE && !c->doomed) {
        e = se_keyd_frame_next(&in, &f);
        if (!e && !on_frame(c, &f))
            return 0;
    }
    if (e == ERR_TOO_BIG) {
        drop(c, "message too long");
        return 0;
    }
    if (c->request != KEYD_REQUEST_NONE && in.n && !c->paused) {
        c->paused = true;
        net_stream_pause(c->stream);
    }
    if (e == ERR_MORE && in.n && !net_timer_armed(c->deadline))
        net_timer_set(c->deadline, KEYD_HELLO_MS); /* a message has begun: let it come whole */
    return all - in.n;
}

static void on_close(void *ctx, err_t why)
{
    (void)why;
    keyd_client_free(ctx);
}

static void on_deadline(void *ctx)
{
    struct keyd_client *c = ctx;

    if (c->doomed || c->request == KEYD_REQUEST_NONE) {
        drop(c, c->doomed ? "it does not read its answers, or speaks another version"
                          : "no whole message in time");
        return;
    }
    if (!c->waiting.queued) /* its command is with the chip, which has deadlines of its own */
        return;
    keyd_users_forget(&c->server->users, c->user, &c->waiting);
    keyd_client_refuse(c, ERR_BUSY, "waited %d s for a turn", KEYD_QUEUE_MS / 1000);
}

static const struct net_handler handler = { .on_read = on_read, .on_close = on_close };

/* ---- life ---- */

/* Tell it and hang up. A socket of this machine delivers what was written before its end, so nothing has to
 * stay. */
static void turn_away(struct net_stream *stream, err_t why, const char *text)
{
    autobuf body = BUF_INIT(SE_KEYD_BODY_MAX), frame = BUF_INIT(SE_KEYD_FRAME_MAX);
    err_t e = refusal(0, why, text, &body);

    if (!e)
        e = se_keyd_frame_put(&frame, SE_KEYD_REFUSED, 0, buf_slice(&body));
    if (!e)
        (void)net_stream_write(stream, buf_slice(&frame)); /* it is hung up on, told or not */
    net_stream_free(stream);
}

static struct keyd_client *client_new(struct keyd_server *s, struct net_stream *stream)
{
    struct keyd_client *c = mem_calloc(1, sizeof(*c));

    if (!c || net_timer_new(s->loop, on_deadline, c, &c->deadline)) {
        free(c);
        return NULL;
    }
    c->server = s;
    c->stream = stream;
    c->apdu = BUF_SECRET(SE_APDU_MAX);
    c->generation = 1;
    c->link = &s->clients;
    c->next = s->clients;
    if (c->next)
        c->next->link = &c->next;
    s->clients = c;
    return c;
}

/* May it come in? ret_user is counted then. */
static err_t admit(struct keyd_server *s, const struct keyd_peer *peer, struct keyd_user **ret_user)
{
    err_t e = keyd_users_enter(&s->users, peer->uid, s->config.clients, s->config.clients_per_user,
                               clock_mono_ms(), ret_user);

    if (e || keyd_rules_know(&s->config.rules, peer))
        return e;
    keyd_audit(*ret_user, peer, NULL, "connect", KEYD_REFUSED, 0, false);
    keyd_users_leave(&s->users, *ret_user);
    return ERR_DENIED;
}

static const char *reason(err_t e)
{
    switch (e) {
    case ERR_DENIED:
        return "may do nothing here: no rule allows it; the rules are in";
    case ERR_BUSY:
        return "has to wait: too many connections; the limits are in";
    default:
        return "cannot be served: what is to be known of the connection cannot be told; see the log of";
    }
}

static err_t welcome_in(struct keyd_server *s, const struct keyd_peer *peer, struct net_stream *stream,
                        struct keyd_client **ret)
{
    struct keyd_user *user = NULL;
    err_t e = admit(s, peer, &user);

    if (e)
        return e;
    *ret = client_new(s, stream);
    if (!*ret) {
        keyd_users_leave(&s->users, user);
        return ERR_NOMEM;
    }
    (*ret)->user = user;
    (*ret)->peer = *peer;
    return ERR_OK;
}

void keyd_client_accept(void *server, struct net_stream *stream)
{
    static const struct net_limits limits = {
        .in_max = IN_MAX, .out_max = OUT_MAX, .idle_ms = -1, .stall_ms = -1
    };
    struct keyd_server *s = server;
    struct keyd_client *c = NULL;
    struct keyd_peer peer = { 0 };
    char text[SE_KEYD_TEXT_MAX];
    err_t e = keyd_peer_of(net_stream_fd(stream), &peer);

    if (e)
        log_warn("a client is turned away: its user or groups cannot be told: %s", err_str(e));
    else
        e = welcome_in(s, &peer, stream, &c);
    if (e) {
        (void)snprintf(text, sizeof(text), "user %u %s %s", (unsigned)peer.uid, reason(e), s->config_path);
        turn_away(stream, e, text);
        return;
    }
    net_stream_set_limits(stream, &limits);
    net_stream_set_handler(stream, &handler, c);
    net_timer_set(c->deadline, KEYD_HELLO_MS);
}

static void cut(struct keyd_client *c)
{
    net_stream_free(c->stream);
    net_timer_free(c->deadline);
    c->stream = NULL;
    c->deadline = NULL;
    c->gone = true;
    c->in_sequence = false;
}

void keyd_client_free(struct keyd_client *c)
{
    struct keyd_server *s = c->server;

    cut(c);
    if (s->holder == c)
        s->holder = NULL;
    if (s->running == c)
        return; /* the chip finishes it, and what comes of it has to be given back */
    keyd_users_forget(&s->users, c->user, &c->waiting);
    keyd_session_release(c);
    keyd_context_release(c);
    *c->link = c->next;
    if (c->next)
        c->next->link = c->link;
    keyd_users_leave(&s->users, c->user);
    buf_done(&c->apdu);
    free(c);
    keyd_turn_next(s);
}
