/* src/edge/ipc/ipc_impl.h - what the IPC server's files share: life (ipc.c), who may ask (guard.c), work
 * items (work.c), health (health.c).
 */
#pragma once
#include "base/clock.h"
#include "edge/ipc/ipc.h"
#include "http/server.h"
#include "net/listener.h"

struct ipc {
    struct net_loop *loop;
    struct pool *pool;
    const struct config *config;
    struct http_server *server;
    struct net_listener *v4, *v6;
};

/* {"message": ...} with this status. */
void ipc_refuse(struct ipc *ipc, struct http_token to, int status, const char *message);

/* False: the request is not of a program on this machine, or may not be, and is answered. */
bool ipc_guard(struct ipc *ipc, const struct http_request *req);

/* The pool's words for one that waits, and the way back. */
extern const struct pool_waiter_events ipc_waiter_events;
void ipc_on_gone(void *ctx, struct http_token token);

void ipc_invoke(void *ctx, struct http_request *req);
void ipc_get_result(void *ctx, struct http_request *req);
void ipc_poll(void *ctx, struct http_request *req);
void ipc_post_result(void *ctx, struct http_request *req);
void ipc_initialized(void *ctx, struct http_request *req);
void ipc_health_all(void *ctx, struct http_request *req);
void ipc_health_some(void *ctx, struct http_request *req);
