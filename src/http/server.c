/* src/http/server.c - connections: read a request, hand it over, send the answer, again. */
#include "http/server.h"

#include "base/clock.h"
#include "base/json.h"
#include "http/parse.h"
#include "http/reply.h"

enum phase {
    PHASE_IDLE, /* between requests */
    PHASE_HEAD, /* a first byte has come */
    PHASE_BODY,
    PHASE_WORKING, /* a handler has it */
};

struct conn {
    struct http_server *srv;
    struct net_stream *s;
    struct http_parse *parse;
    struct net_timer *timer;
    enum phase phase;
    int64_t since_ms; /* in this phase */
    size_t counted;   /* bytes of its body in the server's sum */
    bool in_handler;
    bool replied;
    bool close; /* after this answer */
    struct http_request req;
    struct http_params labels, params;
    void *user;
    void (*user_free)(void *user);
    uint32_t slot;
};

/* A token names slot and generation; each request of a connection is a generation of its own. */
struct slot {
    struct conn *conn;
    uint32_t gen;
};

struct http_server {
    struct net_loop *loop;
    struct http_server_opts opts;
    struct slot *slots;
    size_t slot_count, slot_room;
    size_t open;
    size_t bodies; /* bytes, of all connections */
};

struct slice http_request_header(const struct http_request *req, const char *name)
{
    return http_header_get(req->headers, req->header_count, name);
}

/* ---- slots ---- */

static err_t slot_take(struct http_server *srv, struct conn *c)
{
    size_t i = 0;
    while (i < srv->slot_count && srv->slots[i].conn)
        i++;
    if (i == srv->slot_count) {
        err_t e = mem_grow(&srv->slots, &srv->slot_room, i + 1, srv->opts.max_conns, sizeof(srv->slots[0]));
        if (e)
            return e;
        srv->slots[srv->slot_count++].gen = 1; /* the zero token is nobody's */
    }
    srv->slots[i].conn = c;
    c->slot = (uint32_t)i;
    srv->open++;
    return ERR_OK;
}

static void slot_leave(struct conn *c)
{
    struct slot *slot = &c->srv->slots[c->slot];
    slot->conn = NULL;
    slot->gen++; /* tokens given out for it are nobody's now */
    c->srv->open--;
}

static struct conn *conn_of(struct http_server *srv, struct http_token t)
{
    if (t.slot >= srv->slot_count || srv->slots[t.slot].gen != t.gen)
        return NULL;
    struct conn *c = srv->slots[t.slot].conn;
    return c && c->phase == PHASE_WORKING && !c->replied ? c : NULL;
}

/* ---- the end of a request, the end of a connection ---- */

static void count_body(struct conn *c, size_t n)
{
    c->srv->bodies += n - c->counted;
    c->counted = n;
}

static void request_done(struct conn *c)
{
    count_body(c, 0);
    http_params_done(&c->labels);
    http_params_done(&c->params);
    http_parse_reset(c->parse);
    c->req = (struct http_request){ 0 };
    c->replied = false;
}

static void conn_free(struct conn *c, bool cut)
{
    count_body(c, 0);
    slot_leave(c);
    if (cut || !c->s) /* given away */
        net_stream_free(c->s);
    else
        net_stream_finish(c->s);
    net_timer_free(c->timer);
    http_params_done(&c->labels);
    http_params_done(&c->params);
    http_parse_free(c->parse);
    if (c->user_free)
        c->user_free(c->user);
    free(c);
}

static void enter(struct conn *c, enum phase phase)
{
    const struct http_server_opts *o = &c->srv->opts;
    const int64_t ms[] = {
        [PHASE_IDLE] = o->idle_ms,
        [PHASE_HEAD] = o->head_ms,
        [PHASE_BODY] = o->body_ms,
        [PHASE_WORKING] = o->reply_ms,
    };
    c->phase = phase;
    c->since_ms = clock_mono_ms();
    if (ms[phase] < 0)
        net_timer_stop(c->timer);
    else
        net_timer_set(c->timer, ms[phase]);
}

/* The answer is queued: next request or end. */
static void after_reply(struct conn *c)
{
    if (c->close) {
        conn_free(c, false);
        return;
    }
    request_done(c);
    enter(c, PHASE_IDLE);
    net_stream_pause(c->s); /* so that what was kept is shown again in every case */
    net_stream_resume(c->s);
}

/* ---- answers ---- */

#define REPLY_SMALL (64u << 10) /* bytes of a body that are not counted */

static err_t send_reply(struct conn *c, const struct http_response *resp)
{
    autobuf out = BUF_SECRET(SIZE_MAX / 2); /* wiped: an answer may carry a new private key */
    bool head_only = slice_eq(c->req.method, SLICE_LIT("HEAD"));
    err_t e = http_reply_encode(&out, resp, c->close, head_only);
    if (!e)
        e = net_stream_write(c->s, buf_slice(&out));
    return e;
}

/* Our own answers are small and well formed: what can fail is only the connection. */
static void send_error(struct conn *c, int status, const char *reason)
{
    autobuf json = BUF_INIT(4096);
    auto_json *j = json_pack("{s:s}", "message", reason);
    static const struct http_header type[] = { HTTP_HEADER("Content-Type", "application/json") };
    if (!j || json_write(&json, j, 0))
        buf_clear(&json);
    (void)send_reply(c, &(struct http_response){ status, type, 1, buf_slice(&json), false }); /* as said */
}

static void refuse(struct conn *c, int status, const char *reason)
{
    c->close = true;
    send_error(c, status, reason);
    conn_free(c, false);
}

/* Only large answers are counted, so the walk is worth its while. */
static bool over_replies(const struct http_server *srv, const struct http_response *resp)
{
    size_t queued = resp->body.n;

    if (!srv->opts.max_replies || resp->body.n <= REPLY_SMALL)
        return false;
    for (size_t i = 0; i < srv->slot_count; i++) {
        if (srv->slots[i].conn && srv->slots[i].conn->s)
            queued += net_stream_queued(srv->slots[i].conn->s);
    }
    return queued > srv->opts.max_replies;
}

err_t http_reply(struct http_server *srv, struct http_token token, const struct http_response *resp)
{
    struct conn *c = conn_of(srv, token);
    if (!c)
        return ERR_NOT_FOUND;
    c->close |= resp->close;
    err_t e = over_replies(srv, resp) ? ERR_BUSY : send_reply(c, resp);
    if (e) {
        c->close = true;
        send_error(c, e == ERR_BUSY ? 503 : 500,
                   e == ERR_BUSY ? "too much is being sent now: try again later"
                                 : "the answer could not be sent");
    }
    if (e == ERR_WRONG_STATE)
        e = ERR_NOT_FOUND; /* the stream has ended, on_close is on its way */
    c->replied = true;
    srv->slots[c->slot].gen++;
    if (!c->in_handler)
        after_reply(c);
    return e;
}

err_t http_upgrade(struct http_server *srv, struct http_token token, const struct http_header *headers,
                   size_t header_count, struct net_stream **ret)
{
    struct conn *c = conn_of(srv, token);
    autobuf head = BUF_INIT(4096);
    if (!c)
        return ERR_NOT_FOUND;
    err_t e = http_upgrade_encode(&head, headers, header_count);
    if (!e)
        e = net_stream_write(c->s, buf_slice(&head));
    if (e) {
        (void)http_reply(srv, token, &(struct http_response){ .status = 500, .close = true }); /* as said */
        return e == ERR_WRONG_STATE ? ERR_NOT_FOUND : e;
    }
    *ret = steal(&c->s);
    c->replied = c->close = true;
    srv->slots[c->slot].gen++;
    net_stream_set_handler(*ret, NULL, NULL);
    net_stream_resume(*ret);
    if (!c->in_handler)
        conn_free(c, false);
    return ERR_OK;
}

err_t http_reply_json(struct http_server *srv, struct http_token token, int status, struct slice json)
{
    static const struct http_header type[] = { HTTP_HEADER("Content-Type", "application/json") };
    return http_reply(srv, token, &(struct http_response){ status, type, 1, json, false });
}

/* ---- requests ---- */

static void reply_not_allowed(struct conn *c)
{
    const struct http_server_opts *o = &c->srv->opts;
    autobuf allow = BUF_INIT(1024);
    if (http_route_allow(o->routes, o->route_count, c->req.path, &allow))
        buf_clear(&allow);
    const struct http_header h[] = {
        HTTP_HEADER("Content-Type", "application/json"),
        { SLICE_LIT("Allow"), buf_slice(&allow) },
    };
    const struct http_response resp = { 405, h, 2, SLICE_LIT("{\"message\":\"method not allowed\"}"), false };
    (void)http_reply(c->srv, c->req.token, &resp); /* the connection's trouble if it cannot be sent */
}

static void reply_status(struct conn *c, int status, const char *json)
{
    (void)http_reply_json(c->srv, c->req.token, status, slice_str(json)); /* as above */
}

static void fill_request(struct conn *c)
{
    const struct http_parsed *p = http_parse_get(c->parse);
    c->req = (struct http_request){
        .token = { c->slot, c->srv->slots[c->slot].gen },
        .server = c->srv,
        .method = p->method,
        .target = p->target,
        .path = p->path,
        .query = p->query,
        .headers = p->headers,
        .header_count = p->header_count,
        .body = p->body,
        .labels = &c->labels,
        .params = &c->params,
        .stream = c->s,
        .user = c->user,
    };
    c->close = !p->keep_alive;
}

/* HEAD is answered by what GET would do (RFC 9110 §9.3.2) unless it has a route of its own. */
static err_t find_route(struct conn *c)
{
    const struct http_server_opts *o = &c->srv->opts;
    err_t e =
        http_route_match(o->routes, o->route_count, c->req.method, c->req.path, &c->req.route, &c->labels);
    if (e == ERR_DENIED && slice_eq(c->req.method, SLICE_LIT("HEAD")))
        e = http_route_match(o->routes, o->route_count, SLICE_LIT("GET"), c->req.path, &c->req.route,
                             &c->labels);
    return e;
}

static void route_request(struct conn *c)
{
    err_t e = http_query_parse(&c->params, c->req.query);
    if (e == ERR_OK)
        e = find_route(c);
    if (e == ERR_OK)
        c->req.route->fn(c->srv->opts.ctx, &c->req);
    else if ((e == ERR_NOT_FOUND || e == ERR_DENIED) && c->srv->opts.fallback)
        c->srv->opts.fallback(c->srv->opts.ctx, &c->req);
    else if (e == ERR_DENIED)
        reply_not_allowed(c);
    else if (e == ERR_NOT_FOUND)
        reply_status(c, 404, "{\"message\":\"no such resource\"}");
    else if (e == ERR_NOMEM)
        reply_status(c, 503, "{\"message\":\"out of memory\"}");
    else
        reply_status(c, 400, "{\"message\":\"malformed path or query\"}");
}

/* Returns false when the connection has gone. */
static bool dispatch(struct conn *c)
{
    fill_request(c);
    enter(c, PHASE_WORKING);
    c->in_handler = true;
    route_request(c);
    c->in_handler = false;
    if (!c->replied) {
        if (!c->srv->opts.on_gone)
            net_stream_pause(c->s); /* until http_reply */
        return true;
    }
    bool last = c->close;
    after_reply(c);
    return !last;
}

static bool parse_failed(struct conn *c, err_t e)
{
    if (e == ERR_PROTO)
        refuse(c, http_parse_status(c->parse), http_parse_reason(c->parse));
    else
        refuse(c, 503, "out of memory");
    return false;
}

static void follow_phase(struct conn *c)
{
    if (c->phase == PHASE_IDLE && http_parse_started(c->parse))
        enter(c, PHASE_HEAD);
    if (c->phase != PHASE_HEAD || !http_parse_head_done(c->parse))
        return;
    enter(c, PHASE_BODY);
    if (http_parse_get(c->parse)->expect_continue)
        (void)net_stream_write(c->s, SLICE_LIT("HTTP/1.1 100 Continue\r\n\r\n")); /* on_close tells if not */
}

static bool over_bodies(const struct http_server *srv)
{
    return srv->opts.max_bodies && srv->bodies > srv->opts.max_bodies;
}

static struct conn *slowest_sender(const struct conn *c)
{
    const struct http_server *srv = c->srv;
    const struct conn *slowest = c;

    for (size_t i = 0; i < srv->slot_count; i++) {
        const struct conn *other = srv->slots[i].conn;

        if (other && other->phase == PHASE_BODY && other->counted && other->since_ms < slowest->since_ms)
            slowest = other;
    }
    return srv->slots[slowest->slot].conn;
}

/* Too much is being sent at once: the slowest makes room, and if that is not enough `c` itself. Returns false
 * when `c` has gone. */
static bool bound_bodies(struct conn *c)
{
    static const char why[] = "too much is being sent at once, try again";
    struct conn *slowest;

    count_body(c, http_parse_get(c->parse)->body.n);
    if (!over_bodies(c->srv))
        return true;
    slowest = slowest_sender(c);
    if (slowest != c) {
        refuse(slowest, 503, why);
        if (!over_bodies(c->srv))
            return true;
    }
    refuse(c, 503, why);
    return false;
}

/* One step: returns false when reading must stop (the connection has gone, or a handler works). */
static bool step(struct conn *c, struct slice *in)
{
    err_t e = http_parse_feed(c->parse, in);
    if (!bound_bodies(c))
        return false;
    if (e == ERR_OK)
        return dispatch(c) && c->phase != PHASE_WORKING;
    if (e != ERR_MORE)
        return parse_failed(c, e);
    follow_phase(c);
    return true;
}

static size_t on_read(void *ctx, struct slice in)
{
    struct conn *c = ctx;
    struct slice rest = in;
    if (c->phase == PHASE_WORKING)
        return 0;
    while (rest.n && step(c, &rest))
        ; /* pipelined requests one after the other */
    return in.n - rest.n;
}

static void on_open(void *ctx)
{
    struct conn *c = ctx;
    enter(c, PHASE_IDLE);
}

static void on_close(void *ctx, err_t why)
{
    struct conn *c = ctx;
    struct http_server *srv = c->srv;
    struct http_token token = c->req.token;
    bool unanswered = c->phase == PHASE_WORKING && !c->replied;

    (void)why; /* a client may leave at any time */
    conn_free(c, true);
    if (unanswered && srv->opts.on_gone)
        srv->opts.on_gone(srv->opts.ctx, token);
}

static const struct net_handler handler = { .on_open = on_open, .on_read = on_read, .on_close = on_close };

static void on_deadline(void *ctx)
{
    struct conn *c = ctx;
    switch (c->phase) {
    case PHASE_IDLE:
        conn_free(c, false);
        break;
    case PHASE_HEAD:
    case PHASE_BODY:
        refuse(c, 408, "the request did not arrive in time");
        break;
    case PHASE_WORKING:
        refuse(c, 504, "the request could not be answered in time");
        break;
    }
}

/* ---- life ---- */

static err_t conn_new(struct http_server *srv, struct net_stream *s, struct conn **ret)
{
    autofree struct conn *c = mem_calloc(1, sizeof(*c));
    if (!c)
        return ERR_NOMEM;
    *c = (struct conn){ .srv = srv, .s = s, .since_ms = clock_mono_ms() };
    err_t e = net_timer_new(srv->loop, on_deadline, c, &c->timer);
    if (!e)
        e = http_parse_new(&(struct http_parse_limits){ srv->opts.max_head, srv->opts.max_body }, &c->parse);
    if (!e)
        e = slot_take(srv, c);
    if (e) {
        net_timer_free(c->timer);
        http_parse_free(c->parse);
        return e;
    }
    *ret = steal(&c);
    return ERR_OK;
}

/* Who asks for nothing keeps nobody out: of those between requests, or still sending the head of one, the one
 * that has been for longest has to go. False: all are being served. */
static bool make_room(struct http_server *srv)
{
    struct conn *oldest = NULL;

    if (srv->open < srv->opts.max_conns)
        return true;
    for (size_t i = 0; i < srv->slot_count; i++) {
        struct conn *c = srv->slots[i].conn;

        if (c && c->phase <= PHASE_HEAD &&
            (!oldest || c->phase < oldest->phase ||
             (c->phase == oldest->phase && c->since_ms < oldest->since_ms)))
            oldest = c;
    }
    if (oldest)
        conn_free(oldest, false);
    return oldest;
}

void http_server_adopt(struct http_server *srv, struct net_stream *s)
{
    http_server_adopt_for(srv, s, NULL, NULL);
}

void http_server_adopt_for(struct http_server *srv, struct net_stream *s, void *user,
                           void (*user_free)(void *user))
{
    struct conn *c = NULL;
    err_t e = make_room(srv) ? conn_new(srv, s, &c) : ERR_BUSY;
    if (e) {
        if (user_free)
            user_free(user);
        (void)net_stream_write(s, SLICE_LIT("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n"
                                            "Connection: close\r\n\r\n")); /* a courtesy */
        net_stream_finish(s);
        return;
    }
    c->user = user;
    c->user_free = user_free;
    net_stream_set_limits(s, &(struct net_limits){ .in_max = srv->opts.max_head + srv->opts.max_body,
                                                   .out_max = srv->opts.max_reply,
                                                   .idle_ms = -1,
                                                   .stall_ms = -1 });
    net_stream_set_handler(s, &handler, c);
}

static void set_defaults(struct http_server_opts *o)
{
#define DEFAULT(field, value) o->field = o->field ? o->field : (value)
    DEFAULT(max_head, 16u * 1024);
    DEFAULT(max_body, 1024u * 1024);
    DEFAULT(max_reply, 16u * 1024 * 1024);
    DEFAULT(max_conns, 1024);
    DEFAULT(head_ms, 10000);
    DEFAULT(body_ms, 30000);
    DEFAULT(idle_ms, 60000);
    DEFAULT(reply_ms, 60000);
#undef DEFAULT
}

err_t http_server_new(struct net_loop *loop, const struct http_server_opts *opts, struct http_server **ret)
{
    err_t e = http_routes_check(opts->routes, opts->route_count);
    if (e)
        return e;
    struct http_server *srv = mem_calloc(1, sizeof(*srv));
    if (!srv)
        return ERR_NOMEM;
    srv->loop = loop;
    srv->opts = *opts;
    set_defaults(&srv->opts);
    *ret = srv;
    return ERR_OK;
}

void http_server_free(struct http_server *srv)
{
    if (!srv)
        return;
    for (size_t i = 0; i < srv->slot_count; i++)
        if (srv->slots[i].conn)
            conn_free(srv->slots[i].conn, true);
    free(srv->slots);
    free(srv);
}

size_t http_server_connections(const struct http_server *srv)
{
    return srv->open;
}
