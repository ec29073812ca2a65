#include "cloud/gateway/doors.h"

#include "base/mem.h"
#include "net/listener.h"
#include "net/worker.h"

#include <fcntl.h>
#include <unistd.h>

#define OPEN_MAX 65536u /* connections of a port */
#define THREADS_MAX 64u

/* A port as one loop has it. */
struct lane_port {
    struct front *front;
    struct net_listener *listener;
};

/* A loop that accepts. */
struct lane {
    struct doors *d;
    struct net_worker *worker; /* NULL: the home loop */
    struct net_loop *loop;
    bool running; /* the worker is */
    struct lane_port port[DOORS_MAX];
    struct net_task close, closed;
};

struct doors {
    struct net_loop *home;
    struct lane *lanes;
    unsigned threads, n_lanes; /* without workers the home loop is the one lane, else each worker has one */
    size_t n;                  /* ports */
    unsigned closing;          /* lanes that have not closed yet */
    bool close_asked;
};

/* ---- the end ---- */

static void close_lane(struct lane *l)
{
    for (size_t i = 0; i < DOORS_MAX; i++) {
        net_listener_free(steal(&l->port[i].listener));
        front_free(steal(&l->port[i].front));
    }
}

static void on_closed(void *ctx)
{
    struct lane *l = ctx;

    l->d->closing--;
}

/* On the lane's loop. What it has handed over before is in the home loop's queue in front of this answer. */
static void on_close(void *ctx)
{
    struct lane *l = ctx;

    close_lane(l);
    net_loop_post_task(l->d->home, &l->closed);
}

void doors_close(struct doors *d)
{
    if (d->close_asked)
        return;
    d->close_asked = true;
    for (unsigned i = 0; i < d->n_lanes; i++) {
        if (d->lanes[i].running) {
            d->closing++;
            net_loop_post_task(d->lanes[i].loop, &d->lanes[i].close);
        } else {
            close_lane(&d->lanes[i]);
        }
    }
}

bool doors_closed(const struct doors *d)
{
    return d->close_asked && d->closing == 0;
}

void doors_free(struct doors *d)
{
    if (!d)
        return;
    for (unsigned i = 0; i < d->n_lanes; i++) {
        if (!d->lanes[i].running)
            close_lane(&d->lanes[i]);
        net_worker_free(d->lanes[i].worker);
    }
    free(d->lanes);
    free(d);
}

/* ---- the beginning ---- */

static err_t lane_init(struct doors *d, struct lane *l)
{
    err_t e = d->threads > 1 ? net_worker_new(&l->worker) : ERR_OK;

    if (e)
        return e;
    l->d = d;
    l->loop = l->worker ? net_worker_loop(l->worker) : d->home;
    l->close = (struct net_task){ .fn = on_close, .ctx = l };
    l->closed = (struct net_task){ .fn = on_closed, .ctx = l };
    return ERR_OK;
}

static unsigned count_threads(unsigned asked)
{
    unsigned n = asked ? asked : net_cpus();

    return n < THREADS_MAX ? n : THREADS_MAX;
}

err_t doors_new(struct net_loop *home, unsigned threads, struct doors **ret)
{
    struct doors *d = mem_calloc(1, sizeof(*d));
    unsigned want;
    err_t e = ERR_OK;

    if (!d)
        return ERR_NOMEM;
    *d = (struct doors){ .home = home, .threads = count_threads(threads) };
    want = d->threads > 1 ? d->threads - 1 : 1;
    if (!(d->lanes = mem_calloc(want, sizeof(*d->lanes)))) {
        free(d);
        return ERR_NOMEM;
    }
    for (unsigned i = 0; i < want && !e; i++, d->n_lanes++)
        e = lane_init(d, &d->lanes[i]);
    if (e) {
        doors_free(d);
        return e;
    }
    *ret = d;
    return ERR_OK;
}

unsigned doors_threads(const struct doors *d)
{
    return d->threads;
}

static void on_accept(void *ctx, struct net_stream *s)
{
    front_adopt(ctx, s);
}

/* Every lane waits on the same socket: who is idle accepts. */
static err_t listen_too(const struct net_listener *first, const struct net_listen_opts *o, struct lane *l,
                        struct lane_port *port)
{
    autoclose int fd = fcntl(net_listener_fd(first), F_DUPFD_CLOEXEC, 0);
    err_t e = fd < 0 ? ERR_IO : net_listen_fd(l->loop, fd, o, on_accept, port->front, &port->listener);

    if (!e)
        (void)steal_fd(&fd);
    return e;
}

static err_t open_port(struct doors *d, const struct door *door, struct lane *l)
{
    struct front_opts fo = { door->name, door->tls, l->loop, d->home, door->fn, door->ctx };
    struct net_listen_opts lo = { .max_open = OPEN_MAX / d->n_lanes };
    struct lane_port *port = &l->port[d->n], *first = &d->lanes[0].port[d->n];
    err_t e = front_new(&fo, &port->front);

    if (e)
        return e;
    return port == first
               ? net_listen_tcp(l->loop, door->address, &lo, on_accept, port->front, &port->listener)
               : listen_too(first->listener, &lo, l, port);
}

err_t doors_open(struct doors *d, struct door *door)
{
    err_t e = d->n == DOORS_MAX ? ERR_TOO_BIG : ERR_OK;

    for (unsigned i = 0; i < d->n_lanes && !e; i++)
        e = open_port(d, door, &d->lanes[i]);
    if (e)
        return e;
    door->port = net_listener_port(d->lanes[0].port[d->n].listener);
    door->loopback = net_listener_is_loopback(d->lanes[0].port[d->n].listener);
    d->n++;
    return ERR_OK;
}

static err_t start_lane(struct lane *l)
{
    err_t e = l->worker ? net_worker_start(l->worker) : ERR_OK;

    l->running = l->worker && !e;
    return e;
}

err_t doors_start(struct doors *d)
{
    err_t e = ERR_OK;

    for (unsigned i = 0; i < d->n_lanes && !e; i++)
        e = start_lane(&d->lanes[i]);
    return e;
}
