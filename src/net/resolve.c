/* src/net/resolve.c - see resolve.h. */
#include "net/resolve.h"

#include "base/mem.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Shared by the thread and the loop; the last one to let go frees it. */
struct lookup {
    atomic_int refs;
    int done_fd; /* the thread writes, the loop reads */
    char *host;
    char port[8];
    struct addrinfo *list;
    int error;
};

struct net_resolve {
    struct lookup *job;
    struct net_watch *watch;
    net_resolved_fn fn;
    void *ctx;
};

static atomic_int under_way;

static void lookup_unref(struct lookup *l)
{
    if (!l || atomic_fetch_sub(&l->refs, 1) != 1)
        return;
    if (l->list)
        freeaddrinfo(l->list);
    if (l->done_fd >= 0)
        close(l->done_fd);
    free(l->host);
    free(l);
}

/* RFC 6761 6.3: these names are the loopback addresses, without asking anybody. A small system may have
 * neither /etc/hosts nor a resolver that knows them. */
static bool is_localhost(const char *host)
{
    const char *last = strrchr(host, '.');
    return strcasecmp(last ? last + 1 : host, "localhost") == 0;
}

static void *lookup_run(void *arg)
{
    struct lookup *l = arg;
    uint64_t one = 1;
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
    const char *node = is_localhost(l->host) ? NULL : l->host; /* NULL: loopback */
    l->error = getaddrinfo(node, l->port, &hints, &l->list);
    (void)!write(l->done_fd, &one, sizeof(one)); /* an eventfd with room: cannot fail */
    atomic_fetch_sub(&under_way, 1);
    lookup_unref(l);
    return NULL;
}

static void on_done(void *ctx, bool readable, bool writable)
{
    struct net_resolve *r = ctx;
    uint64_t count;
    (void)readable, (void)writable;
    if (read(r->job->done_fd, &count, sizeof(count)) != sizeof(count))
        return;
    (void)net_watch_set(r->watch, false, false); /* turning off allocates nothing */
    r->fn(r->ctx, r->job->list, r->job->error);
}

static struct lookup *lookup_new(const char *host, uint16_t port)
{
    struct lookup *l = mem_calloc(1, sizeof(*l));
    if (!l)
        return NULL;
    atomic_init(&l->refs, 1);
    snprintf(l->port, sizeof(l->port), "%u", port);
    l->host = mem_strdup(host);
    l->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (l->host && l->done_fd >= 0)
        return l;
    lookup_unref(l);
    return NULL;
}

static err_t start_thread(struct lookup *l)
{
    pthread_t thread;
    if (atomic_fetch_add(&under_way, 1) >= NET_RESOLVE_MAX) {
        atomic_fetch_sub(&under_way, 1);
        return ERR_BUSY;
    }
    atomic_fetch_add(&l->refs, 1);
    if (pthread_create(&thread, NULL, lookup_run, l)) {
        atomic_fetch_sub(&under_way, 1);
        atomic_fetch_sub(&l->refs, 1); /* the caller's stays */
        return ERR_IO;
    }
    pthread_detach(thread);
    return ERR_OK;
}

err_t net_resolve_start(struct net_loop *loop, const char *host, uint16_t port, net_resolved_fn fn, void *ctx,
                        struct net_resolve **ret)
{
    struct net_resolve *r = mem_calloc(1, sizeof(*r));
    if (!r)
        return ERR_NOMEM;
    *r = (struct net_resolve){ .job = lookup_new(host, port), .fn = fn, .ctx = ctx };
    err_t e = r->job ? net_watch_new(loop, r->job->done_fd, on_done, r, &r->watch) : ERR_NOMEM;
    if (!e)
        e = net_watch_set(r->watch, true, false);
    if (!e)
        e = start_thread(r->job);
    if (e) {
        net_resolve_free(r);
        return e;
    }
    *ret = r;
    return ERR_OK;
}

void net_resolve_free(struct net_resolve *r)
{
    if (!r)
        return;
    net_watch_free(r->watch);
    lookup_unref(r->job);
    free(r);
}
