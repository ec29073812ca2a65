/* src/cloud/gateway/doors.h - the device ports, and the threads behind them.
 *
 * With one thread everything happens on the home loop. With more, each further one has a loop that accepts on
 * every device port, runs TLS for the connections it accepted as long as they live, and relays their bytes;
 * what they mean is decided on the home loop, where the broker and the HTTP service are
 * (docs/decisions/gateway-threads.md). The functions below are the home loop's.
 */
#pragma once
#include "cloud/gateway/front.h"

struct doors;

/* threads: in all, the home loop's among them; 0: one for each CPU that may be used. ERR_NOMEM, ERR_IO. */
err_t doors_new(struct net_loop *home, unsigned threads, struct doors **ret);
unsigned doors_threads(const struct doors *d);

struct door {
    const char *name;        /* "mqtt" */
    const char *address;     /* as net_listen_tcp takes it */
    struct tls_context *tls; /* borrowed */
    front_fn fn;             /* on the home loop's thread */
    void *ctx;
    uint16_t port; /* set: the real one */
    bool loopback; /* set */
};
/* Accept there; `door` lives on with the caller only for the call. Before doors_start. Errors of
 * net_listen_tcp. */
err_t doors_open(struct doors *d, struct door *door);
#define DOORS_MAX 8u

/* ERR_IO: there can be no thread. */
err_t doors_start(struct doors *d);

/* Nobody is accepted any more, and handshakes under way end. Takes effect on the other threads a moment
 * later. */
void doors_close(struct doors *d);
/* After doors_close: has the last stream been handed over? Turn the home loop until it has. */
bool doors_closed(const struct doors *d);
/* The users of the streams handed over have freed them. Output under way gets a second. NULL is fine. */
void doors_free(struct doors *d);
