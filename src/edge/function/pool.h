/* src/edge/function/pool.h - work items and the workers that do them: who gets what, when, and for how long.
 *
 * Pure: no I/O, no clock, no random numbers of its own; `now_ms` (clock_mono_ms) comes in with every event,
 * what must happen leaves through callbacks. One thread at a time per pool. Spec: docs/spec/functions.md
 * FN-1..; greengrass-v1 reference 1.3 (runtime), 2.2, 4.1, 4.4, 8.2.
 *
 * Callbacks are made by pool_settle alone (but `wake`, `log` and the makers of random text), so they may call
 * any function of the pool but pool_free and pool_settle. A driver calls pool_settle soon after each wake.
 *
 * A work item ends exactly once: with its worker's answer, or "Unhandled" with a JSON body
 * {"errorMessage": "...", "errorType": "..."} by the pool: timeout, crash, a worker that cannot start, the
 * end of its group.
 */
#pragma once
#include "base/buf.h"
#include "base/secret.h"
#include "edge/elog.h"

#include <sys/types.h>

#define POOL_ID_MAX 37          /* a UUID in text with its NUL */
#define POOL_ERROR_MAX 16       /* "", "Handled", "Unhandled" */
#define POOL_ARN_MAX 256        /* longest function ARN */
#define POOL_CONTEXT_MAX 8192   /* longest X-Amz-Client-Context, in base64 */
#define POOL_MAX_FUNCTIONS 1000 /* in one group, and as many names inside the core */
#define POOL_NOBODY 0           /* never a waiter */

struct pool;

struct pool_limits {
    int64_t max_items;      /* runtime.maxWorkItemCount: queued and under way, of all functions */
    int64_t max_concurrent; /* runtime.maxConcurrentLimit: workers of functions on demand */
    int64_t lru;            /* runtime.lruSize: idle ones among them */
    size_t payload_max;     /* one payload, one result */
    size_t bytes_max;       /* payloads, contexts and results of all items */
    int64_t start_ms;       /* from start to first poll, and from a result to the next poll */
    int64_t idle_ms;        /* a worker on demand without work is stopped after this */
    int64_t grace_ms;       /* between SIGTERM and SIGKILL */
    int64_t result_ms;      /* a result nobody fetches is kept this long */
    int64_t max_results;    /* results kept */
    int max_tries;          /* workers that may die before they take an item, for one item */
    int max_starts;         /* workers of a function in a row that end before they ask for work */
    int64_t backoff_ms, backoff_max_ms;
};
/* What docs/spec/functions.md says; the first three are V1's defaults. */
struct pool_limits pool_limits_default(void);

/* One function of the group. */
struct pool_function {
    const char *arn; /* with its version */
    bool pinned;
    int64_t timeout_ms; /* of one invocation, from the moment a worker takes it */
};

/* A worker to be started. Borrowed: dies with the callback. */
struct pool_start {
    uint64_t worker;       /* never used twice */
    const char *worker_id; /* a UUID, for people */
    const char *arn;
    struct slice token; /* AWS_CONTAINER_AUTHORIZATION_TOKEN; a secret */
};

/* Whoever turns the pool's wishes into processes (function/workers.c). */
struct pool_driver {
    void (*wake)(void *ctx); /* pool_settle has something to do */
    void (*start)(void *ctx, const struct pool_start *s);
    void (*stop)(void *ctx, uint64_t worker, int64_t grace_ms); /* 0: SIGKILL at once */
    err_t (*new_uuid)(void *ctx, char ret[POOL_ID_MAX]);
    err_t (*new_token)(void *ctx, struct secret **ret);
    uint32_t (*jitter)(void *ctx);
    void (*log)(void *ctx, enum elog_level level, const char *message, const struct elog_field *fields,
                size_t n);
};

/* ERR_NOMEM. `driver` must outlive the pool. */
err_t pool_new(const struct pool_limits *limits, const struct pool_driver *driver, void *ctx,
               struct pool **ret);
/* Without callbacks. NULL is fine. */
void pool_free(struct pool *p);

/* ---- the group ---- */

struct pool_group_events {
    void (*on_ready)(void *ctx, const char *arn); /* a pinned worker asked for work or said Success */
    /* A pinned worker said it cannot, a function's workers end before they ask for work, or a pinned one has
     * not asked within start_ms (then it keeps running, and on_ready may still come). */
    void (*on_failed)(void *ctx, const char *arn, const char *why);
    void (*on_drained)(void *ctx); /* no worker of an earlier group is left */
};
void pool_on_group(struct pool *p, const struct pool_group_events *events, void *ctx);

/* From now on these functions; n 0 stops all. Every worker of before is stopped (SIGTERM, grace_ms), its
 * items and those that wait end Unhandled; workers of the new group start when the last of the old is gone.
 * ERR_NOMEM, ERR_INVALID (an ARN twice), ERR_TOO_BIG: nothing changed. */
err_t pool_set_functions(struct pool *p, const struct pool_function *functions, size_t n, int64_t now_ms);
/* No worker of an earlier group is left. */
bool pool_is_drained(const struct pool *p);
bool pool_has_function(const struct pool *p, const char *arn);

/* Targets inside the core. The answer is appended to `result` (cap: payload_max), *function_error is ""
 * before. Any err_t but ERR_OK is returned by pool_invoke as it is: ERR_BUSY -> 503. It may call the pool. */
typedef err_t (*pool_builtin_fn)(void *ctx, const char *invoker_arn, struct slice context,
                                 struct slice payload, struct buf *result,
                                 char function_error[POOL_ERROR_MAX]);
/* Invocations of `arn`, and of arn:1, go to fn. ERR_EXISTS, ERR_TOO_BIG, ERR_NOMEM. */
err_t pool_add_builtin(struct pool *p, const char *arn, pool_builtin_fn fn, void *ctx);

/* ---- invoking ---- */

struct pool_item {
    const char *target;   /* full ARN */
    const char *token;    /* of the worker that asks; NULL: the core itself */
    const char *invoker;  /* an ARN or "cloud", for the log; NULL: the token's function */
    struct slice context; /* X-Amz-Client-Context as sent: base64 or empty */
    struct slice payload;
    bool wants_result; /* RequestResponse, by a token: fetched with pool_get_result */
};

/* Everything is copied.
 * ERR_NOT_FOUND  no such function in the group (404)
 * ERR_AUTH       the token is nobody's (403)
 * ERR_BUSY       maxWorkItemCount or bytes_max reached (503); counted and logged with the reason
 * ERR_TOO_BIG    the payload or context is over its cap (413)
 * ERR_NOMEM, ERR_CRYPTO; of a builtin also its own errors */
err_t pool_invoke(struct pool *p, const struct pool_item *item, int64_t now_ms, char ret_id[POOL_ID_MAX]);
/* Would one more item of `bytes` (context and payload) find room? For those who must know for many first. */
bool pool_has_room(const struct pool *p, size_t items, size_t bytes);

/* ---- workers and invokers on the wire ---- */

/* Views into the pool. */
struct pool_work {
    const char *id;
    struct slice context, payload;
};
struct pool_answer {
    const char *function_error; /* "" (success), "Handled", "Unhandled" */
    struct slice body;
};

/* `waiter` is the caller's name for a request that hangs: not POOL_NOBODY, not used again while it hangs.
 * Each hears exactly one of these, unless it was forgotten. The views die when the callback returns. */
struct pool_waiter_events {
    void (*on_work)(void *ctx, uint64_t waiter, const struct pool_work *work);
    void (*on_result)(void *ctx, uint64_t waiter, const struct pool_answer *answer);
    /* ERR_CONFLICT: a newer request of the same worker took its place. ERR_CANCELLED: the worker is being
     * stopped. ERR_NOT_FOUND: there will be no result. */
    void (*on_dropped)(void *ctx, uint64_t waiter, err_t why);
};
void pool_on_waiters(struct pool *p, const struct pool_waiter_events *events, void *ctx);

/* The worker named by `token` asks for work. ERR_OK: *ret lives until the next call of the pool. ERR_MORE: it
 * waits, an older poll of the same worker is dropped. A worker that still owes an answer waits too, and gets
 * nothing before that is settled. ERR_AUTH: the token is nobody's, or not of function `arn`.
 * ERR_CANCELLED: the worker is being stopped. */
err_t pool_poll(struct pool *p, const char *token, const char *arn, uint64_t waiter, int64_t now_ms,
                struct pool_work *ret);
/* The answer to the item the worker has in hand. function_error "" or "Handled" (anything else but "" counts
 * as that). ERR_AUTH as above; ERR_NOT_FOUND: not the item in its hand (unknown, timed out, answered before);
 * ERR_TOO_BIG: over payload_max or bytes_max, the item ended Unhandled. */
err_t pool_result(struct pool *p, const char *token, const char *arn, const char *id,
                  const char *function_error, struct slice body, int64_t now_ms);
/* The answer to an item this token invoked with wants_result. ERR_OK: *ret lives until the next call of the
 * pool and the item is gone. ERR_MORE: on_result comes; an older request for the same id is dropped.
 * ERR_AUTH: the token is nobody's. ERR_NOT_FOUND: not its item, or taken, or kept too long. */
err_t pool_get_result(struct pool *p, const char *token, const char *id, uint64_t waiter, int64_t now_ms,
                      struct pool_answer *ret);
/* The waiter's connection died, or its answer could not be sent: it will not be told anything, and work
 * handed to it that was not answered yet goes back to the front of the queue. Not for requests that were
 * answered. */
void pool_forget_waiter(struct pool *p, uint64_t waiter, int64_t now_ms);
/* PUT .../initialized. !ok: `text` (may be NULL) says why; the worker is stopped. ERR_AUTH as above. */
err_t pool_initialized(struct pool *p, const char *token, const char *arn, bool ok, const char *text,
                       int64_t now_ms);
/* ARN of the worker's function, NULL: the token is nobody's. Looks at every worker in constant time.
 * Borrowed: until the worker ends. */
const char *pool_function_of(const struct pool *p, const char *token);

/* ---- from the processes ---- */

void pool_worker_started(struct pool *p, uint64_t worker, pid_t pid);
void pool_worker_not_started(struct pool *p, uint64_t worker, const char *why, int64_t now_ms);
/* The worker's process group is gone. wait_status as from waitpid. Unknown workers are ignored. */
void pool_worker_ended(struct pool *p, uint64_t worker, int wait_status, int64_t now_ms);

/* ---- time ---- */

/* Deadlines, starts, stops and answers: makes all callbacks that are due. */
void pool_settle(struct pool *p, int64_t now_ms);
/* When to call pool_settle at the latest: milliseconds from now (0: at once), -1: not before the next event.
 */
int64_t pool_next_ms(const struct pool *p, int64_t now_ms);

/* ---- looking in ---- */

struct pool_worker_view {
    const char *arn, *worker_id; /* worker_id "" when there never was one */
    pid_t pid;                   /* 0: none */
    const char *state;           /* reference 8.2: "Working", "Waiting", ... */
};
/* Every worker, and every function of the group that should have one and has none. Borrowed. */
void pool_each_worker(const struct pool *p, void (*fn)(void *ctx, const struct pool_worker_view *w),
                      void *ctx);

struct pool_stats {
    uint64_t invoked, succeeded, handled, unhandled;  /* items: taken in, and how they ended */
    uint64_t refused_items, refused_bytes;            /* ERR_BUSY, by reason */
    uint64_t timed_out, crashed, retried, gave_up;    /* among them */
    uint64_t results_dropped;                         /* never fetched, or pushed out */
    uint64_t started, restarted, reaped;              /* workers; restarted: pinned ones again */
    size_t items, results, workers, on_demand, bytes; /* now */
};
void pool_stats(const struct pool *p, struct pool_stats *ret);
