#include "net/worker.h"

#include "base/clock.h"
#include "base/mem.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

#define LINGER_MS 1000
#define LOOK_MS 10

struct net_worker {
    struct net_loop *loop;
    pthread_t thread;
    bool started;
    struct net_task end;
    int64_t end_ms; /* 0: not asked yet */
};

static bool goes_on(const struct net_worker *w)
{
    return !w->end_ms || (net_loop_finishing(w->loop) && clock_mono_ms() < w->end_ms);
}

static void *run(void *arg)
{
    struct net_worker *w = arg;

    while (goes_on(w) && !net_loop_turn(w->loop, w->end_ms ? LOOK_MS : -1))
        ;
    return NULL;
}

static void on_end(void *ctx)
{
    struct net_worker *w = ctx;

    w->end_ms = clock_mono_ms() + LINGER_MS;
}

err_t net_worker_new(struct net_worker **ret)
{
    autofree struct net_worker *w = mem_calloc(1, sizeof(*w));
    err_t e = w ? net_loop_new(&w->loop) : ERR_NOMEM;

    if (e)
        return e;
    w->end = (struct net_task){ .fn = on_end, .ctx = w };
    *ret = steal(&w);
    return ERR_OK;
}

struct net_loop *net_worker_loop(struct net_worker *w)
{
    return w->loop;
}

err_t net_worker_start(struct net_worker *w)
{
    sigset_t all, before;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    w->started = pthread_create(&w->thread, NULL, run, w) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return w->started ? ERR_OK : ERR_IO;
}

void net_worker_free(struct net_worker *w)
{
    if (!w)
        return;
    if (w->started) {
        net_loop_post_task(w->loop, &w->end);
        (void)pthread_join(w->thread, NULL);
    }
    net_loop_free(w->loop);
    free(w);
}

unsigned net_cpus(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;

    return n > 0 ? (unsigned)n : 1;
}
