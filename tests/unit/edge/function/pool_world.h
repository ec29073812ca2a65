/* tests/unit/edge/function/pool_world.h - a world around a pool: its time, its processes, and what it was
 * told.
 *
 * Shared by the scenarios, the property test and the fuzz target. A broken rule ends the program by abort().
 */
#pragma once
#include "edge/function/pool.h"

#define WORLD_PROCS 4096
#define WORLD_EVENTS 4096
#define WORLD_FUNCTIONS 8

struct world_proc {
    uint64_t no;
    char arn[64], id[POOL_ID_MAX], token[80];
    bool alive, stop_asked;
    int64_t grace_ms;
    char hand[POOL_ID_MAX]; /* the item it took and did not answer */
};

enum world_kind { SAW_WORK, SAW_RESULT, SAW_DROP, SAW_READY, SAW_FAILED, SAW_DRAINED };

struct world_event {
    enum world_kind kind;
    uint64_t waiter;
    err_t why;
    char id[POOL_ID_MAX]; /* of work */
    char text[400];       /* payload, result, ARN and reason */
    char error[POOL_ERROR_MAX];
};

struct world {
    struct pool *pool;
    struct pool_limits limits;
    int64_t now;
    bool awake;
    unsigned ids;
    struct world_proc procs[WORLD_PROCS];
    size_t proc_count;
    struct world_event events[WORLD_EVENTS];
    size_t event_count, seen; /* told; looked at by world_next */
    char log[65536];          /* lines, the newest at the end; cut when full */
    size_t log_n;
    bool fail_ids; /* the next random text fails */
};

/* Small limits of the tests' own unless given. */
struct pool_limits world_limits(void);
struct world *world_new(const struct pool_limits *limits);
void world_free(struct world *w);
/* Let all callbacks come, until the pool is at rest. */
void world_settle(struct world *w);
/* Later, and settled; deadlines on the way come at their time. */
void world_pass(struct world *w, int64_t ms);
/* "name pinned|demand timeout-ms", NULL-terminated list; settled. */
err_t world_group(struct world *w, const char *const *functions);
/* The youngest living process of a function; NULL: none. */
struct world_proc *world_proc(struct world *w, const char *arn);
struct world_proc *world_proc_by_no(struct world *w, uint64_t no);
size_t world_alive(const struct world *w, const char *arn); /* NULL: of all */
/* The process is gone; settled. */
void world_end(struct world *w, struct world_proc *p, int wait_status);
/* The next event not looked at; NULL: none. */
const struct world_event *world_next(struct world *w);
bool world_logged(const struct world *w, const char *text);
