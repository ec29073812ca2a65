/* src/edge/ipc/ipc.c - the IPC server's life and its table of routes. */
#include "base/json.h"
#include "base/mem.h"
#include "edge/elog.h"
#include "edge/ipc/ipc_impl.h"

#include <inttypes.h>
#include <sys/resource.h>

#define MAX_CONNECTIONS 1024
#define MIN_CONNECTIONS 16
#define HEAD_MAX (24u * 1024) /* a client context of POOL_CONTEXT_MAX is a header */
#define IDLE_MS 600000        /* the SDKs keep their connections */

#define FUNCTIONS "/2016-11-01/functions/{arn}"
#define HEALTH "/2016-11-01/health/workers"

static const struct http_route routes[] = {
    { "POST", FUNCTIONS, ipc_invoke, NULL },
    { "GET", FUNCTIONS, ipc_get_result, NULL },
    { "GET", FUNCTIONS "/work", ipc_poll, NULL },
    { "POST", FUNCTIONS "/work", ipc_post_result, NULL },
    { "PUT", FUNCTIONS "/initialized", ipc_initialized, NULL },
    { "GET", HEALTH, ipc_health_all, NULL },
    { "POST", HEALTH, ipc_health_some, NULL },
};

void ipc_refuse(struct ipc *ipc, struct http_token to, int status, const char *message)
{
    autobuf text = BUF_INIT(4096);
    auto_json *doc = json_pack("{s:s}", "message", message);

    if (!doc || json_write(&text, doc, 0))
        buf_clear(&text);
    (void)http_reply_json(ipc->server, to, status, buf_slice(&text)); /* the peer's loss when it has gone */
}

/* Functions' connections leave half of the descriptors to the rest of the core. */
static size_t connections_max(void)
{
    struct rlimit l;

    if (getrlimit(RLIMIT_NOFILE, &l) != 0 || l.rlim_cur / 2 >= MAX_CONNECTIONS)
        return MAX_CONNECTIONS;
    return l.rlim_cur / 2 > MIN_CONNECTIONS ? (size_t)l.rlim_cur / 2 : MIN_CONNECTIONS;
}

static void on_accept(void *ctx, struct net_stream *s)
{
    http_server_adopt(((struct ipc *)ctx)->server, s);
}

err_t ipc_new(struct net_loop *loop, struct pool *pool, const struct config *config, struct ipc **ret,
              struct problem *why)
{
    struct pool_limits limits = pool_limits_default();
    struct http_server_opts o = { .routes = routes,
                                  .route_count = ARRAY_LEN(routes),
                                  .max_head = HEAD_MAX,
                                  .max_body = limits.payload_max,
                                  .max_bodies = limits.bytes_max,
                                  .max_conns = connections_max(),
                                  .idle_ms = IDLE_MS,
                                  .reply_ms = -1,
                                  .on_gone = ipc_on_gone };
    struct ipc *ipc = mem_calloc(1, sizeof(*ipc));
    err_t e;

    if (!ipc)
        return problem_set(why, ERR_NOMEM, "out of memory");
    *ipc = (struct ipc){ .loop = loop, .pool = pool, .config = config };
    o.ctx = ipc;
    e = http_server_new(loop, &o, &ipc->server);
    if (e) {
        ipc_free(ipc);
        return problem_set(why, e, "cannot set up the functions' interface: %s", err_str(e));
    }
    pool_on_waiters(pool, &ipc_waiter_events, ipc);
    *ret = ipc;
    return ERR_OK;
}

static err_t listen_on(struct ipc *ipc, const char *host, struct net_listener **ret)
{
    /* One more than the server has: it is the server that ends the idlest for one that comes. */
    struct net_listen_opts o = { .max_open = MAX_CONNECTIONS + 1, .backlog = 512 };
    autofree char *addr = mem_printf("%s:%" PRId64, host, ipc->config->gg_daemon_port);

    return addr ? net_listen_tcp(ipc->loop, addr, &o, on_accept, ipc, ret) : ERR_NOMEM;
}

err_t ipc_listen(struct ipc *ipc, struct problem *why)
{
    err_t e;

    if (ipc->v4)
        return ERR_OK;
    e = listen_on(ipc, "127.0.0.1", &ipc->v4);
    if (e)
        return problem_set(why, e,
                           "functions cannot be served on port %" PRId64
                           " of 127.0.0.1: %s; end the program that "
                           "has it, or give coreThing.ggDaemonPort another port and restart",
                           ipc->config->gg_daemon_port, e == ERR_BUSY ? "the port is in use" : err_str(e));
    if (listen_on(ipc, "[::1]", &ipc->v6))
        elog(ELOG_DEBUG, "Functions are served on 127.0.0.1 only.",
             ELOG_N("port", ipc->config->gg_daemon_port));
    return ERR_OK;
}

void ipc_free(struct ipc *ipc)
{
    if (!ipc)
        return;
    net_listener_free(ipc->v4);
    net_listener_free(ipc->v6);
    pool_on_waiters(ipc->pool, NULL, NULL);
    http_server_free(ipc->server);
    free(ipc);
}
