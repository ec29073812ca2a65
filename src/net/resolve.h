/* src/net/resolve.h - private to src/net: look a name up without blocking the loop.
 *
 * getaddrinfo knows everything the system is configured for and blocks; it runs on a detached thread, which
 * holds a reference to the job, so that nobody ever waits for it. */
#pragma once
#include "net/loop.h"

#include <netdb.h>

struct net_resolve;

/* On the loop's thread. list is borrowed; NULL with gai_error (gai_strerror) on failure. */
typedef void (*net_resolved_fn)(void *ctx, const struct addrinfo *list, int gai_error);

/* ERR_BUSY with NET_RESOLVE_MAX look-ups under way in the process, ERR_NOMEM, ERR_IO. */
#define NET_RESOLVE_MAX 16
err_t net_resolve_start(struct net_loop *loop, const char *host, uint16_t port, net_resolved_fn fn, void *ctx,
                        struct net_resolve **ret);
/* Forget it: fn will not be called (again). Also from fn, and needed after it. NULL is fine. */
void net_resolve_free(struct net_resolve *r);
