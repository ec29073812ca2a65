/* src/edge/function/workers.c */
#include "edge/function/workers.h"

#include "base/clock.h"
#include "base/hex.h"
#include "base/mem.h"
#include "crypto/random.h"
#include "edge/function/launch.h"

#define TOKEN_BYTES 36 /* 48 characters of base64, as V1's have about */

struct workers {
    struct workers_opts o;
    struct pool_limits limits;
    struct pool *pool;
    struct runner *runner;
    struct userlogs *logs;
    struct net_later turn;
    struct net_timer *timer;
    const struct group *group;
    char *code_dir;
};

/* ---- the pool's turn ---- */

static void take_turn(void *ctx)
{
    struct workers *w = ctx;
    int64_t next;

    pool_settle(w->pool, clock_mono_ms());
    next = pool_next_ms(w->pool, clock_mono_ms());
    if (next < 0)
        net_timer_stop(w->timer);
    else
        net_timer_set(w->timer, next);
}

static void wake(void *ctx)
{
    struct workers *w = ctx;

    net_loop_later(w->o.loop, &w->turn);
}

/* ---- what the pool cannot make itself ---- */

static err_t new_uuid(void *ctx, char ret[POOL_ID_MAX])
{
    return crypto_random_uuid(((struct workers *)ctx)->o.crypto, ret);
}

/* The scheme word is part of the variable and of the header (reference 4.3). */
static err_t new_token(void *ctx, struct secret **ret)
{
    uint8_t random[TOKEN_BYTES];
    autobuf text = BUF_SECRET(100);
    err_t e = crypto_random(((struct workers *)ctx)->o.crypto, random, sizeof(random));

    e = e ? e : buf_add_str(&text, "Basic ");
    e = e ? e : base64_encode(&text, SLICE_ARRAY(random));
    mem_wipe(random, sizeof(random));
    return e ? e : secret_new(buf_slice(&text), ret);
}

static uint32_t jitter(void *ctx)
{
    uint32_t random = 0;

    (void)crypto_random(((struct workers *)ctx)->o.crypto, &random, sizeof(random)); /* else: none */
    return random;
}

static void write_log(void *ctx, enum elog_level level, const char *message, const struct elog_field *fields,
                      size_t n)
{
    (void)ctx;
    elog_write(level, message, fields, n);
}

/* ---- processes ---- */

static void start(void *ctx, const struct pool_start *s)
{
    struct workers *w = ctx;
    struct launch l = { w->o.config, w->o.package_dir, w->group, w->code_dir, w->logs, w->runner };
    struct problem why = { "" };

    if (launch_worker(&l, s, &why))
        pool_worker_not_started(w->pool, s->worker, why.text, clock_mono_ms());
}

/* A runner that takes no orders any more is lost, and told so by its own event. */
static void stop(void *ctx, uint64_t worker, int64_t grace_ms)
{
    (void)runner_stop(((struct workers *)ctx)->runner, worker, grace_ms);
}

static const struct pool_driver pool_driver = { wake, start, stop, new_uuid, new_token, jitter, write_log };

static void on_started(void *ctx, uint64_t worker, pid_t pid)
{
    pool_worker_started(((struct workers *)ctx)->pool, worker, pid);
}

static void on_not_started(void *ctx, uint64_t worker, const char *why)
{
    pool_worker_not_started(((struct workers *)ctx)->pool, worker, why, clock_mono_ms());
}

static void on_ended(void *ctx, uint64_t worker, int wait_status)
{
    pool_worker_ended(((struct workers *)ctx)->pool, worker, wait_status, clock_mono_ms());
}

static void on_lost(void *ctx)
{
    struct workers *w = ctx;

    w->o.on_lost(w->o.ctx);
}

static const struct runner_events runner_events = { on_started, on_not_started, on_ended, on_lost };

/* ---- life ---- */

static struct pool_limits limits_of(const struct config *c)
{
    struct pool_limits l = pool_limits_default();

    l.max_items = c->max_work_items;
    l.max_concurrent = c->max_concurrent;
    l.lru = c->lru_size;
    l.start_ms = c->health_check_timeout_ms;
    return l;
}

static err_t build(struct workers *w)
{
    err_t e;

    w->limits = limits_of(w->o.config);
    w->turn = (struct net_later){ .fn = take_turn, .ctx = w };
    e = pool_new(&w->limits, &pool_driver, w, &w->pool);
    e = e ? e : net_timer_new(w->o.loop, take_turn, w, &w->timer);
    e = e ? e : userlogs_new(w->o.loop, w->o.config->write_dir, &w->logs);
    return e ? e : runner_new(w->o.loop, steal_fd(&w->o.runner_fd), &runner_events, w, &w->runner);
}

err_t workers_new(const struct workers_opts *opts, struct workers **ret, struct problem *why)
{
    struct workers *w = mem_calloc(1, sizeof(*w));
    autoclose int fd = opts->runner_fd;
    err_t e;

    if (!w)
        return problem_set(why, ERR_NOMEM, "out of memory");
    w->o = *opts;
    w->o.runner_fd = steal_fd(&fd);
    e = build(w);
    if (e) {
        workers_free(w);
        return problem_set(why, e, "cannot reach the runner of functions: %s", err_str(e));
    }
    *ret = w;
    return ERR_OK;
}

void workers_free(struct workers *w)
{
    if (!w)
        return;
    runner_free(w->runner);
    mem_close_fd(&w->o.runner_fd);
    net_later_cancel(&w->turn);
    net_timer_free(w->timer);
    pool_free(w->pool);
    userlogs_free(w->logs);
    free(w->code_dir);
    free(w);
}

struct pool *workers_pool(struct workers *w)
{
    return w->pool;
}

/* ---- the group ---- */

static err_t set_functions(struct workers *w, const struct group *g)
{
    size_t n = g ? g->function_count : 0;
    autofree struct pool_function *list = mem_calloc(n ? n : 1, sizeof(*list));

    if (!list)
        return ERR_NOMEM;
    for (size_t i = 0; i < n; i++)
        list[i] = (struct pool_function){ .arn = g->functions[i].arn,
                                          .pinned = g->functions[i].pinned,
                                          .timeout_ms = g->functions[i].timeout_ms };
    return pool_set_functions(w->pool, list, n, clock_mono_ms());
}

err_t workers_set_group(struct workers *w, const struct group *g, const char *code_dir, struct problem *why)
{
    autofree char *dir = mem_strdup(code_dir ? code_dir : "");
    err_t e = dir ? set_functions(w, g) : ERR_NOMEM;

    if (e)
        return problem_set(why, e, "cannot take over the functions of the group: %s", err_str(e));
    free(w->code_dir);
    w->code_dir = steal(&dir);
    w->group = g;
    if (g)
        userlogs_configure(w->logs, g->lambda_level, g->lambda_space_kb);
    return ERR_OK;
}
