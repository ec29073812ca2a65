#include "pool_world.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void wake(void *ctx)
{
    ((struct world *)ctx)->awake = true;
}

static void start(void *ctx, const struct pool_start *s)
{
    struct world *w = ctx;
    struct world_proc *p = &w->procs[w->proc_count++];

    if (w->proc_count == WORLD_PROCS || world_proc_by_no(w, s->worker))
        abort(); /* too many, or a number used twice */
    *p = (struct world_proc){ .no = s->worker, .alive = true };
    (void)snprintf(p->arn, sizeof(p->arn), "%s", s->arn);
    (void)snprintf(p->id, sizeof(p->id), "%s", s->worker_id);
    (void)snprintf(p->token, sizeof(p->token), "%.*s", SLICE_FMT(s->token));
    pool_worker_started(w->pool, s->worker, 1000 + (pid_t)s->worker);
}

static void stop(void *ctx, uint64_t worker, int64_t grace_ms)
{
    struct world_proc *p = world_proc_by_no(ctx, worker);

    if (!p || p->stop_asked)
        abort(); /* nobody, or told twice */
    p->stop_asked = true;
    p->grace_ms = grace_ms;
}

static err_t new_uuid(void *ctx, char ret[POOL_ID_MAX])
{
    struct world *w = ctx;

    if (w->fail_ids) {
        w->fail_ids = false;
        return ERR_CRYPTO;
    }
    (void)snprintf(ret, POOL_ID_MAX, "00000000-0000-4000-8000-%012x", ++w->ids);
    return ERR_OK;
}

static err_t new_token(void *ctx, struct secret **ret)
{
    char text[64];

    (void)snprintf(text, sizeof(text), "Basic token-of-%012x", ++((struct world *)ctx)->ids);
    return secret_new(slice_str(text), ret);
}

static uint32_t jitter(void *ctx)
{
    (void)ctx;
    return UINT32_MAX;
}

static void keep_log(void *ctx, enum elog_level level, const char *message, const struct elog_field *fields,
                     size_t n)
{
    struct world *w = ctx;
    autobuf line = BUF_INIT(ELOG_LINE_MAX);

    if (elog_format(&line, 0, level, message, fields, n))
        abort();
    if (w->log_n + line.n >= sizeof(w->log))
        w->log_n = 0;
    memcpy(w->log + w->log_n, line.p, line.n + 1);
    w->log_n += line.n;
}

static const struct pool_driver driver = { wake, start, stop, new_uuid, new_token, jitter, keep_log };

static struct world_event *note(struct world *w, enum world_kind kind, uint64_t waiter)
{
    struct world_event *e;

    if (w->event_count == WORLD_EVENTS)
        w->event_count = w->seen = 0;
    e = &w->events[w->event_count++];
    *e = (struct world_event){ .kind = kind, .waiter = waiter };
    return e;
}

static void on_work(void *ctx, uint64_t waiter, const struct pool_work *work)
{
    struct world_event *e = note(ctx, SAW_WORK, waiter);

    (void)snprintf(e->id, sizeof(e->id), "%s", work->id);
    (void)snprintf(e->text, sizeof(e->text), "%.*s", SLICE_FMT(work->payload));
}

static void on_result(void *ctx, uint64_t waiter, const struct pool_answer *answer)
{
    struct world_event *e = note(ctx, SAW_RESULT, waiter);

    (void)snprintf(e->error, sizeof(e->error), "%s", answer->function_error);
    (void)snprintf(e->text, sizeof(e->text), "%.*s", SLICE_FMT(answer->body));
}

static void on_dropped(void *ctx, uint64_t waiter, err_t why)
{
    note(ctx, SAW_DROP, waiter)->why = why;
}

static const struct pool_waiter_events waiter_events = { on_work, on_result, on_dropped };

static void on_ready(void *ctx, const char *arn)
{
    struct world_event *e = note(ctx, SAW_READY, 0);

    (void)snprintf(e->text, sizeof(e->text), "%s", arn);
}

static void on_failed(void *ctx, const char *arn, const char *why)
{
    struct world_event *e = note(ctx, SAW_FAILED, 0);

    (void)snprintf(e->text, sizeof(e->text), "%s: %s", arn, why);
}

static void on_drained(void *ctx)
{
    (void)note(ctx, SAW_DRAINED, 0);
}

static const struct pool_group_events group_events = { on_ready, on_failed, on_drained };

struct pool_limits world_limits(void)
{
    struct pool_limits l = pool_limits_default();

    l.max_items = 8;
    l.max_concurrent = 3;
    l.lru = 3;
    l.payload_max = 1000;
    l.bytes_max = 5000;
    l.max_results = 4;
    return l;
}

struct world *world_new(const struct pool_limits *limits)
{
    struct world *w = mem_calloc(1, sizeof(*w));

    if (!w)
        abort();
    w->limits = limits ? *limits : world_limits();
    w->now = 1000;
    if (pool_new(&w->limits, &driver, w, &w->pool))
        abort();
    pool_on_waiters(w->pool, &waiter_events, w);
    pool_on_group(w->pool, &group_events, w);
    return w;
}

void world_free(struct world *w)
{
    pool_free(w->pool);
    free(w);
}

void world_settle(struct world *w)
{
    for (int i = 0; w->awake; i++) {
        w->awake = false;
        pool_settle(w->pool, w->now);
        if (i > 1000)
            abort(); /* it never rests */
    }
}

void world_pass(struct world *w, int64_t ms)
{
    int64_t end = w->now + ms;

    world_settle(w);
    for (int turns = 0;; turns++) {
        int64_t next = pool_next_ms(w->pool, w->now);
        if (next < 0 || w->now + next > end)
            break;
        if (turns > 100000)
            abort(); /* a timer that goes round and round */
        w->now += next;
        pool_settle(w->pool, w->now);
        world_settle(w);
    }
    w->now = end;
}

err_t world_group(struct world *w, const char *const *functions)
{
    struct pool_function list[WORLD_FUNCTIONS];
    char names[WORLD_FUNCTIONS][64], kind[16];
    size_t n = 0;
    err_t e;

    for (; functions[n]; n++) {
        long long ms;
        if (sscanf(functions[n], "%63s %15s %lld", names[n], kind, &ms) != 3)
            abort();
        list[n] = (struct pool_function){ names[n], strcmp(kind, "pinned") == 0, ms };
    }
    e = pool_set_functions(w->pool, list, n, w->now);
    world_settle(w);
    return e;
}

struct world_proc *world_proc(struct world *w, const char *arn)
{
    for (size_t i = w->proc_count; i-- > 0;)
        if (w->procs[i].alive && strcmp(w->procs[i].arn, arn) == 0)
            return &w->procs[i];
    return NULL;
}

struct world_proc *world_proc_by_no(struct world *w, uint64_t no)
{
    for (size_t i = w->proc_count; i-- > 0;)
        if (w->procs[i].no == no)
            return &w->procs[i];
    return NULL;
}

size_t world_alive(const struct world *w, const char *arn)
{
    size_t n = 0;

    for (size_t i = 0; i < w->proc_count; i++)
        n += w->procs[i].alive && (!arn || strcmp(w->procs[i].arn, arn) == 0);
    return n;
}

void world_end(struct world *w, struct world_proc *p, int wait_status)
{
    p->alive = false;
    pool_worker_ended(w->pool, p->no, wait_status, w->now);
    world_settle(w);
}

const struct world_event *world_next(struct world *w)
{
    return w->seen < w->event_count ? &w->events[w->seen++] : NULL;
}

bool world_logged(const struct world *w, const char *text)
{
    return strstr(w->log, text) != NULL;
}
