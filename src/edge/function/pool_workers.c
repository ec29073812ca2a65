/* src/edge/function/pool_workers.c - workers: started, given work, timed, stopped, mourned. */
#include "base/mem.h"
#include "edge/function/pool_impl.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

/* ---- life ---- */

/* Every token is compared, with or without a hit. */
struct worker *worker_by_token(const struct pool *p, const char *token)
{
    struct slice given = slice_str(token);
    struct worker *w, *found = NULL;

    for (w = TAILQ_FIRST(&p->workers); w; w = TAILQ_NEXT(w, link))
        if (secret_eq(w->token, given))
            found = w;
    return found;
}

const char *pool_function_of(const struct pool *p, const char *token)
{
    const struct worker *w = worker_by_token(p, token);

    return w ? w->arn : NULL;
}

static struct worker *worker_by_no(const struct pool *p, uint64_t no)
{
    struct worker *w;

    for (w = TAILQ_FIRST(&p->workers); w; w = TAILQ_NEXT(w, link))
        if (w->no == no)
            return w;
    return NULL;
}

/* Nothing but its end follows a stop. */
void worker_set(struct worker *w, enum worker_state state, int64_t deadline_ms, int64_t now_ms)
{
    if (w->state == WORKER_STOPPING)
        return;
    w->state = state;
    w->since_ms = now_ms;
    w->deadline_ms = deadline_ms;
}

void worker_free(struct worker *w)
{
    if (!w)
        return;
    secret_free(w->token);
    free(w->arn);
    free(w);
}

err_t worker_start(struct pool *p, struct pool_fn *fn, int64_t now_ms)
{
    struct worker *w = mem_calloc(1, sizeof(*w));
    err_t e = w ? p->driver->new_uuid(p->ctx, w->id) : ERR_NOMEM;

    e = e ? e : p->driver->new_token(p->ctx, &w->token);
    if (!e && !(w->arn = mem_strdup(fn->arn)))
        e = ERR_NOMEM;
    if (e) {
        worker_free(w);
        return e;
    }
    w->no = ++p->last_worker;
    w->fn = fn;
    w->pinned = fn->pinned;
    w->started_ms = now_ms;
    w->tell_start = true;
    worker_set(w, WORKER_STARTING, now_ms + p->limits.start_ms, now_ms);
    TAILQ_INSERT_TAIL(&p->workers, w, link);
    p->on_demand += !w->pinned;
    p->stats.started++;
    p->stats.restarted += fn->pinned && fn->starts > 0;
    fn->starts++;
    fn->living++;
    memcpy(fn->last_id, w->id, sizeof(w->id));
    pool_wake(p);
    return ERR_OK;
}

/* Its poll, or the one its item was on the way to, will get nothing. */
static void drop_poll(struct pool *p, struct worker *w)
{
    pool_drop_waiter(p, w->waiter, ERR_CANCELLED);
    w->waiter = POOL_NOBODY;
    if (!w->tell_work)
        return;
    pool_drop_waiter(p, w->handed, ERR_CANCELLED);
    w->handed = POOL_NOBODY;
    w->tell_work = false;
}

void worker_stop(struct pool *p, struct worker *w, enum worker_end why, int64_t grace_ms)
{
    if (w->state == WORKER_STOPPING)
        return;
    if (w->tell_work && w->item)
        item_requeue(p, steal(&w->item)); /* it never left */
    drop_poll(p, w);
    w->end = why;
    w->grace_ms = grace_ms;
    w->tell_stop = true;
    worker_set(w, WORKER_STOPPING, POOL_NEVER, 0);
    pool_wake(p);
}

/* Nothing of it is left but what it invoked, which nobody will fetch now. */
static void bury(struct pool *p, struct worker *w)
{
    TAILQ_REMOVE(&p->workers, w, link);
    items_forget_owner(p, w->no);
    p->on_demand -= !w->pinned;
    if (w->fn)
        w->fn->living--;
    else if (--p->old_workers == 0)
        p->tell_drained = true;
    pool_wake(p);
    worker_free(w);
}

/* ---- failures to start ---- */

static void declare_failed(struct pool *p, struct pool_fn *fn, int64_t now_ms)
{
    size_t n = fn->queued;

    fn->tell_failed = fn->tell_failed || !fn->failed;
    fn->failed = true;
    POOL_LOG(p, ELOG_ERROR, "The function's workers do not start, invocations fail until one does.",
             ELOG_S("funcArn", fn->arn), ELOG_S("errorString", fn->why), ELOG_N("attempts", fn->start_fails),
             ELOG_N("retryInMs", fn->not_before_ms - now_ms), ELOG_N("workItemsEnded", (int64_t)n));
    items_end_queued(p, fn, "Function.StartFailed", fn->why, now_ms);
}

static void set_back(struct pool *p, struct pool_fn *fn, int64_t now_ms)
{
    fn->not_before_ms = now_ms + backoff_next(&fn->backoff, p->driver->jitter(p->ctx));
    pool_wake(p);
}

void fn_start_failed(struct pool *p, struct pool_fn *fn, const char *worker_id, const char *why,
                     int64_t now_ms)
{
    struct item *it;

    (void)snprintf(fn->why, sizeof(fn->why), "worker with %s failed to initialize with reason %s", worker_id,
                   why);
    fn->start_fails++;
    set_back(p, fn, now_ms);
    if (fn->start_fails >= p->limits.max_starts) {
        declare_failed(p, fn, now_ms);
        return;
    }
    it = item_take_next(p, fn);
    if (it && !item_lost_worker(p, it, now_ms))
        item_requeue(p, it);
}

/* ---- ends ---- */

/* As os.ProcessState prints it, which V1's log lines show. */
static const char *describe_status(char out[48], int status)
{
    if (WIFSIGNALED(status))
        (void)snprintf(out, 48, "signal: %s",
                       WTERMSIG(status) == SIGKILL ? "killed" : strsignal(WTERMSIG(status)));
    else
        (void)snprintf(out, 48, "exit status %d", WEXITSTATUS(status));
    return out;
}

/* A SIGKILL that nobody here sent. */
static bool looks_out_of_memory(const struct worker *w, int status)
{
    return w->end == END_BY_ITSELF && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

static void log_end(struct pool *p, const struct worker *w, const char *state, bool memory)
{
    struct elog_field f[] = { ELOG_S("workerId", w->id), ELOG_S("funcArn", w->arn), ELOG_S("state", state),
                              ELOG_S("remedy",
                                     memory ? "the device ran out of memory, or somebody else killed it: "
                                              "see the kernel's log and the function's memory use"
                                            : "see the function's log below var/log/user") };
    bool ours = w->end == END_IDLE || w->end == END_GROUP;

    if (ours)
        pool_log(p, ELOG_INFO, "Worker is stopped.", f, 3);
    else
        pool_log(p, ELOG_ERROR, "Worker is ungracefully killed.", f, w->end == END_BY_ITSELF ? 4 : 3);
}

static void end_item_of(struct pool *p, struct worker *w, const char *state, bool memory, int64_t now_ms)
{
    struct item *it = steal(&w->item);
    autofree char *text = NULL;

    if (!it)
        return;
    if (w->tell_work) { /* it was still here */
        if (!item_lost_worker(p, it, now_ms))
            item_requeue(p, it);
        return;
    }
    p->stats.crashed++;
    text = mem_printf(
        memory ? "the function's process was killed (%s): the device is out of memory, or somebody "
                 "else killed it"
               : "the function's process ended (%s) before it answered",
        state);
    item_end_unhandled(p, it, memory ? "Runtime.OutOfMemory" : "Runtime.ExitError", text ? text : state,
                       now_ms);
}

/* What its function learns from the end of a worker of the group. */
static void after_end(struct pool *p, struct pool_fn *fn, const struct worker *w, const char *state,
                      int64_t now_ms)
{
    static const char *const why[] = {
        [END_SILENT] = "it did not ask for work in time, and was killed",
        [END_TIMEOUT] = "its invocation timed out",
    };

    if (w->end == END_IDLE)
        return;
    if (w->end == END_REFUSED) {
        fn->start_fails = p->limits.max_starts;
        set_back(p, fn, now_ms);
        declare_failed(p, fn, now_ms);
        return;
    }
    if (!w->ready) {
        fn_start_failed(p, fn, w->id, w->end < ARRAY_LEN(why) && why[w->end] ? why[w->end] : state, now_ms);
        return;
    }
    if (w->answered || now_ms - w->started_ms >= POOL_LIVED_MS)
        backoff_reset(&fn->backoff);
    if (fn->pinned)
        set_back(p, fn, now_ms);
}

void pool_worker_ended(struct pool *p, uint64_t worker, int wait_status, int64_t now_ms)
{
    struct worker *w = worker_by_no(p, worker);
    char text[48];
    const char *state = describe_status(text, wait_status);
    bool memory;

    if (!w)
        return;
    memory = looks_out_of_memory(w, wait_status);
    log_end(p, w, state, memory);
    end_item_of(p, w, state, memory, now_ms);
    drop_poll(p, w);
    if (w->fn)
        after_end(p, w->fn, w, state, now_ms);
    bury(p, w);
}

void pool_worker_not_started(struct pool *p, uint64_t worker, const char *why, int64_t now_ms)
{
    struct worker *w = worker_by_no(p, worker);

    char text[POOL_WHY_MAX];

    if (!w)
        return;
    (void)snprintf(text, sizeof(text), "unable to create worker process for %s. %s", w->arn, why);
    POOL_LOG(p, ELOG_ERROR, "Failed to start worker.", ELOG_S("workerId", w->id), ELOG_S("funcArn", w->arn),
             ELOG_S("errorString", text));
    end_item_of(p, w, text, false, now_ms); /* whoever took it */
    drop_poll(p, w);
    if (w->fn && w->end != END_IDLE)
        fn_start_failed(p, w->fn, w->id, text, now_ms);
    bury(p, w);
}

void pool_worker_started(struct pool *p, uint64_t worker, pid_t pid)
{
    struct worker *w = worker_by_no(p, worker);

    if (!w)
        return;
    w->pid = pid;
    POOL_LOG(p, ELOG_INFO, "Created worker.", ELOG_S("functionArn", w->arn), ELOG_S("workerId", w->id),
             ELOG_N("pid", pid));
}

/* ---- time ---- */

static void time_out(struct pool *p, struct worker *w, int64_t now_ms)
{
    struct item *it = steal(&w->item);
    int64_t ms = w->fn->timeout_ms;
    autofree char *text = mem_printf("Task timed out after %lld.%02lld seconds", (long long)(ms / 1000),
                                     (long long)(ms % 1000 / 10));

    p->stats.timed_out++;
    POOL_LOG(
        p, ELOG_ERROR, "Timing out work item.", ELOG_S("invoker", it->invoker), ELOG_S("funcArn", w->arn),
        ELOG_S("invocationId", it->id), ELOG_S("workerId", w->id), ELOG_N("timeoutMs", ms),
        ELOG_S("remedy", "the handler must answer sooner, or the function's Timeout in the group be longer"));
    worker_stop(p, w, END_TIMEOUT, 0);
    item_end_unhandled(p, it, "Sandbox.Timedout", text ? text : "Task timed out", now_ms);
}

/* A pinned worker may live without ever asking (its code loops in the module's body): reported once, not
 * killed. */
static void report_silence(struct pool *p, struct worker *w)
{
    struct pool_fn *fn = w->fn;

    w->deadline_ms = POOL_NEVER;
    if (fn->said_ready)
        return;
    (void)snprintf(fn->why, sizeof(fn->why),
                   "worker with %s failed to initialize with reason it has not asked for work within "
                   "%lld ms; its handler is loaded only when the code outside of it has run to its end",
                   w->id, (long long)p->limits.start_ms);
    fn->tell_failed = true;
    POOL_LOG(p, ELOG_WARN, "A pinned function has not asked for work yet.", ELOG_S("workerId", w->id),
             ELOG_S("funcArn", w->arn), ELOG_N("afterMs", p->limits.start_ms));
}

static void miss_start(struct pool *p, struct worker *w, int64_t now_ms)
{
    if (w->pinned && !w->ready)
        report_silence(p, w);
    else if (w->pinned && !w->fn->queued)
        w->deadline_ms = now_ms + p->limits.start_ms; /* nobody misses it */
    else
        worker_stop(p, w, END_SILENT, 0);
}

static void miss_deadline(struct pool *p, struct worker *w, int64_t now_ms)
{
    if (w->state == WORKER_WORKING)
        time_out(p, w, now_ms);
    else if (w->state == WORKER_WAITING) {
        p->stats.reaped++;
        worker_stop(p, w, END_IDLE, p->limits.grace_ms);
    } else
        miss_start(p, w, now_ms);
}

void workers_check_deadlines(struct pool *p, int64_t now_ms)
{
    struct worker *w;

    for (w = TAILQ_FIRST(&p->workers); w; w = TAILQ_NEXT(w, link))
        if (w->deadline_ms != POOL_NEVER && w->deadline_ms <= now_ms)
            miss_deadline(p, w, now_ms);
}

/* ---- telling ---- */

static bool is_due(const struct worker *w)
{
    return w->tell_start || w->tell_stop || w->tell_work;
}

static void tell_driver(struct pool *p, struct worker *w)
{
    struct pool_start s = { w->no, w->id, w->arn, secret_expose_bytes(w->token) };

    if (w->tell_start && w->tell_stop) {
        bury(p, w); /* never started */
        return;
    }
    if (w->tell_start) {
        w->tell_start = false;
        p->driver->start(p->ctx, &s);
    } else {
        w->tell_stop = false;
        p->driver->stop(p->ctx, w->no, w->grace_ms);
    }
}

static void tell_work(struct pool *p, struct worker *w)
{
    struct pool_work work = item_work(w->item);

    w->tell_work = false;
    if (p->waiter_events)
        p->waiter_events->on_work(p->waiter_ctx, w->handed, &work);
}

/* A callback may change the list: from the front again after each. */
void workers_tell(struct pool *p)
{
    struct worker *w;

    for (;;) {
        for (w = TAILQ_FIRST(&p->workers); w; w = TAILQ_NEXT(w, link))
            if (is_due(w))
                break;
        if (!w)
            return;
        if (w->tell_start || w->tell_stop)
            tell_driver(p, w);
        else
            tell_work(p, w);
    }
}
