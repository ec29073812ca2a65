/* src/edge/function/pool_impl.h - what the pool's files share: pool.c (group, turn), pool_items.c,
 * pool_invoke.c, pool_results.c (items), pool_workers.c, pool_poll.c (workers), pool_demand.c (who starts,
 * who gets what), pool_view.c (looking in).
 */
#pragma once
#include "edge/backoff.h"
#include "edge/function/pool.h"

#include <sys/queue.h>

#define POOL_WHY_MAX 768
#define POOL_LIVED_MS 10000 /* a worker that lived this long, or answered once, starts the back-off anew */
#define POOL_DROPS_MAX 65536
#define POOL_NEVER (-1) /* no deadline */

enum item_state {
    ITEM_QUEUED,
    ITEM_TAKEN, /* in a worker's hand */
    ITEM_DONE,  /* kept for its invoker */
};

struct item {
    TAILQ_ENTRY(item) in_queue; /* of its function, or of the results */
    TAILQ_ENTRY(item) in_asked; /* of items somebody will fetch */
    char id[POOL_ID_MAX];
    uint64_t seq; /* order of arrival */
    struct pool_fn *fn;
    char *invoker;
    struct buf data; /* context, then payload */
    size_t context_n;
    enum item_state state;
    int tries;      /* workers lost before they took it */
    uint64_t owner; /* the worker that will fetch the result; 0: nobody */
    /* when done */
    char function_error[POOL_ERROR_MAX];
    struct buf result;
    int64_t expires_ms;
    uint64_t waiter; /* of pool_get_result */
};
TAILQ_HEAD(item_list, item);

struct pool_fn {
    char *arn;
    bool pinned;
    int64_t timeout_ms;
    struct item_list queue;
    size_t queued;
    struct backoff backoff;
    int64_t not_before_ms; /* no start earlier */
    int start_fails;       /* in a row */
    bool failed;           /* FailedInitialization, until a worker asks for work */
    size_t living;         /* workers, until they are gone */
    uint64_t starts;
    char last_id[POOL_ID_MAX];
    char why[POOL_WHY_MAX]; /* of the last failure to start */
    bool said_ready, tell_ready, tell_failed;
};

enum worker_state {
    WORKER_STARTING, /* has not asked for work yet */
    WORKER_BETWEEN,  /* has, and is about to ask again */
    WORKER_WAITING,  /* hangs in a poll */
    WORKER_WORKING,
    WORKER_STOPPING,
};

enum worker_end {
    END_BY_ITSELF,
    END_IDLE,
    END_GROUP,   /* its group is no more */
    END_TIMEOUT, /* of its item */
    END_SILENT,  /* did not ask for work in time */
    END_REFUSED, /* said Success: false */
};

struct worker {
    TAILQ_ENTRY(worker) link;
    uint64_t no;
    char id[POOL_ID_MAX];
    char *arn;
    struct secret *token;
    struct pool_fn *fn; /* NULL: of an earlier group */
    bool pinned;
    pid_t pid;
    enum worker_state state;
    enum worker_end end;
    bool ready; /* asked for work or said Success */
    bool said;  /* said Success */
    bool polled, answered;
    bool tell_start, tell_stop, tell_work; /* callbacks that are due */
    int64_t grace_ms;
    int64_t started_ms, since_ms, deadline_ms; /* since: in its state; deadline: or POOL_NEVER */
    struct item *item;
    uint64_t waiter; /* hangs in a poll */
    uint64_t handed; /* the waiter its item went to */
};
TAILQ_HEAD(worker_list, worker);

struct builtin {
    char *arn;
    pool_builtin_fn fn;
    void *ctx;
};

struct drop {
    uint64_t waiter;
    err_t why;
};

/* A line that could come a thousand times a second comes once, with its count. */
struct refusals {
    int64_t next_ms;
    int64_t count; /* since the last line */
};

struct pool {
    struct pool_limits limits;
    const struct pool_driver *driver;
    void *ctx;
    const struct pool_group_events *group_events;
    void *group_ctx;
    const struct pool_waiter_events *waiter_events;
    void *waiter_ctx;
    struct pool_fn *fns;
    size_t fn_count;
    struct builtin *builtins;
    size_t builtin_count, builtin_room;
    struct worker_list workers;
    size_t old_workers; /* of an earlier group */
    size_t on_demand;   /* of functions on demand, of any group, until they are gone */
    uint64_t last_worker, last_seq;
    struct item_list asked;   /* queued or taken, and somebody will fetch the result */
    struct item_list results; /* done, oldest first */
    struct item_list told;    /* done, and on_result is due */
    struct item *given;       /* the answer of the last pool_get_result */
    size_t live;              /* items queued and taken */
    size_t kept;              /* in results and told */
    size_t bytes;
    struct drop *drops;
    size_t drop_count, drop_room;
    struct refusals refusals[2];
    int64_t next_wait_line_ms;
    bool woken, tell_drained;
    struct pool_stats stats;
};

/* pool.c */
void pool_wake(struct pool *p);
void pool_log(const struct pool *p, enum elog_level level, const char *message,
              const struct elog_field *fields, size_t n);
/* With one field or more. */
#define POOL_LOG(p, level, message, ...)                                          \
    pool_log((p), (level), (message), (const struct elog_field[]){ __VA_ARGS__ }, \
             sizeof((const struct elog_field[]){ __VA_ARGS__ }) / sizeof(struct elog_field))
struct pool_fn *pool_find_fn(const struct pool *p, const char *arn);
void pool_drop_waiter(struct pool *p, uint64_t waiter, err_t why); /* POOL_NOBODY: nothing */

/* pool_items.c */
/* A copy, in no queue yet. */
err_t item_new(struct pool *p, const struct pool_item *from, const char *invoker, struct item **ret);
void item_enqueue(struct pool *p, struct item *it);
struct item *item_take_next(struct pool *p, struct pool_fn *fn); /* NULL: none waits */
void item_requeue(struct pool *p, struct item *it);              /* to the front */
/* Ends, frees or keeps the item; it is in no queue and in nobody's hand. */
void item_end(struct pool *p, struct item *it, const char *function_error, struct slice body, int64_t now_ms);
void item_end_unhandled(struct pool *p, struct item *it, const char *type, const char *message,
                        int64_t now_ms);
/* Everything that waits for this function ends Unhandled. */
void items_end_queued(struct pool *p, struct pool_fn *fn, const char *type, const char *message,
                      int64_t now_ms);
/* One more worker was lost before it took the item; true: that was the last try, and it ended. */
bool item_lost_worker(struct pool *p, struct item *it, int64_t now_ms);
/* It is done: kept until it is fetched, or told to who waits. */
void item_keep(struct pool *p, struct item *it, int64_t now_ms);
void item_free(struct pool *p, struct item *it);
struct slice item_context(const struct item *it);
struct slice item_payload(const struct item *it);
struct pool_work item_work(const struct item *it);

/* pool_results.c */
void item_free_given(struct pool *p);
/* Results nobody fetched yet make room for `need` bytes, oldest first. */
void items_push_out(struct pool *p, size_t need);
void items_forget_owner(struct pool *p, uint64_t owner);
void items_forget_waiter(struct pool *p, uint64_t waiter);
void items_expire(struct pool *p, int64_t now_ms);
void items_tell(struct pool *p);

/* pool_workers.c */
struct worker *worker_by_token(const struct pool *p, const char *token);
err_t worker_start(struct pool *p, struct pool_fn *fn, int64_t now_ms);
void worker_stop(struct pool *p, struct worker *w, enum worker_end why, int64_t grace_ms);
void worker_free(struct worker *w);
void worker_set(struct worker *w, enum worker_state state, int64_t deadline_ms, int64_t now_ms);
void workers_check_deadlines(struct pool *p, int64_t now_ms);
void workers_tell(struct pool *p);
/* A worker of fn ended, or could not be made, before it asked for work. */
void fn_start_failed(struct pool *p, struct pool_fn *fn, const char *worker_id, const char *why,
                     int64_t now_ms);

/* pool_poll.c */
void worker_give(struct pool *p, struct worker *w, struct item *it, int64_t now_ms);
/* Its item was answered: out of its hand, and back. */
struct item *worker_answered(struct pool *p, struct worker *w, int64_t now_ms);
void worker_forget_waiter(struct pool *p, struct worker *w, uint64_t waiter, int64_t now_ms);

/* pool_demand.c */
/* Work for those who wait, workers for what waits, an end for those who are idle too long. */
void pool_balance(struct pool *p, int64_t now_ms);
/* This function's workers make room: another one has waited longer and has none. */
bool pool_must_yield(const struct pool *p, const struct pool_fn *fn, int64_t now_ms);
