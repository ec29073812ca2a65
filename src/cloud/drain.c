#include "cloud/drain.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#define LOOK_MS 20
#define LINGER_MS 1000 /* for the bytes of the last answers, and for peers to close their side */

struct drain {
    struct net_loop *loop;
    struct net_timer *timer;
    drain_left_fn left;
    void *ctx;
    int64_t end_ms;
    bool gone; /* nobody is left, but for what net_stream_finish still sends */
};

static bool wait_on(struct drain *d, size_t left)
{
    int64_t now_ms = clock_mono_ms();

    if (!left && !d->gone) {
        d->gone = true;
        d->end_ms = now_ms + LINGER_MS;
    }
    return now_ms < d->end_ms && (left || net_loop_finishing(d->loop));
}

static void look(void *ctx)
{
    struct drain *d = ctx;
    size_t n = d->left(d->ctx);

    if (wait_on(d, n)) {
        net_timer_set(d->timer, LOOK_MS);
        return;
    }
    if (n)
        log_warn("%zu connections did not end within %d s: they are cut", n, DRAIN_MS / 1000);
    net_loop_stop(d->loop);
}

err_t drain_new(struct net_loop *loop, drain_left_fn left, void *ctx, struct drain **ret)
{
    autofree struct drain *d = mem_calloc(1, sizeof(*d));

    if (!d)
        return ERR_NOMEM;
    *d = (struct drain){ .loop = loop, .left = left, .ctx = ctx, .end_ms = clock_mono_ms() + DRAIN_MS };
    if (net_timer_new(loop, look, d, &d->timer))
        return ERR_NOMEM;
    net_timer_set(d->timer, 0);
    *ret = steal(&d);
    return ERR_OK;
}

void drain_free(struct drain *d)
{
    if (!d)
        return;
    net_timer_free(d->timer);
    free(d);
}
