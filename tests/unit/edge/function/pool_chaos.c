#include "pool_chaos.h"
#include "base/mem.h"
#include "pool_world.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXIT(code) ((code) << 8)
#define MAX_STEPS 4000
#define MAX_ITEMS (MAX_STEPS + 1)
#define MAX_WAITERS (MAX_STEPS + 1)

#define MUST(c) ((c) ? (void)0 : broken(#c, __LINE__))

static void broken(const char *rule, int line)
{
    (void)fprintf(stderr, "pool_chaos.c:%d: broken: %s\n", line, rule);
    abort();
}

enum waiter_state { UNUSED, HANGS, SERVED, FORGOTTEN };

struct known_item {
    char id[POOL_ID_MAX];
    uint64_t hand;   /* the process that has it */
    uint64_t waiter; /* through which it came */
    bool answered;
};

struct chaos {
    struct world *w;
    struct known_item items[MAX_ITEMS];
    size_t item_count;
    enum waiter_state waiters[MAX_WAITERS];
    uint64_t waiter_owner[MAX_WAITERS]; /* the process that polls; 0: it waits for a result */
    uint64_t waiter_count;
};

static struct known_item *item_by_id(struct chaos *c, const char *id)
{
    for (size_t i = c->item_count; i-- > 0;)
        if (strcmp(c->items[i].id, id) == 0)
            return &c->items[i];
    return NULL;
}

/* ---- what the pool does ---- */

static void delivered(struct chaos *c, const char *id, uint64_t proc, uint64_t waiter)
{
    struct known_item *it = item_by_id(c, id);
    struct world_proc *p = world_proc_by_no(c->w, proc);

    MUST(it && p);
    MUST(!it->answered);
    MUST(it->hand == 0); /* in one hand at most */
    MUST(!p->hand[0]);   /* and one item in a hand */
    it->hand = proc;
    it->waiter = waiter;
    (void)snprintf(p->hand, sizeof(p->hand), "%s", id);
}

static void let_go(struct chaos *c, struct world_proc *p)
{
    struct known_item *it = item_by_id(c, p->hand);

    if (it)
        it->hand = it->waiter = 0;
    p->hand[0] = 0;
}

static void look(struct chaos *c)
{
    const struct world_event *e;

    while ((e = world_next(c->w))) {
        if (e->kind != SAW_WORK && e->kind != SAW_RESULT && e->kind != SAW_DROP)
            continue;
        MUST(e->waiter > 0 && e->waiter <= c->waiter_count);
        MUST(c->waiters[e->waiter] == HANGS);
        c->waiters[e->waiter] = SERVED;
        MUST((e->kind == SAW_WORK) <= (c->waiter_owner[e->waiter] != 0));
        if (e->kind == SAW_WORK)
            delivered(c, e->id, c->waiter_owner[e->waiter], e->waiter);
    }
}

static void check(struct chaos *c)
{
    struct pool_stats s;
    size_t on_demand = 0;

    look(c);
    pool_stats(c->w->pool, &s);
    MUST(s.invoked == s.succeeded + s.handled + s.unhandled + s.items);
    MUST(s.items <= (size_t)c->w->limits.max_items);
    MUST(s.bytes <= c->w->limits.bytes_max + c->w->limits.payload_max);
    MUST(s.on_demand <= (size_t)c->w->limits.max_concurrent);
    for (size_t i = 0; i < c->w->proc_count; i++)
        on_demand += c->w->procs[i].alive && c->w->procs[i].arn[0] == 'd';
    MUST(on_demand <= (size_t)c->w->limits.max_concurrent);
    MUST(world_alive(c->w, "p1") <= 1 && world_alive(c->w, "p2") <= 1);
}

/* ---- what happens to it ---- */

static struct world_proc *pick(struct chaos *c, uint8_t arg)
{
    size_t from = c->w->proc_count > 12 ? c->w->proc_count - 12 : 0;

    return c->w->proc_count ? &c->w->procs[from + arg % (c->w->proc_count - from)] : NULL;
}

static const char *const names[] = { "d1", "d2", "p1", "p2" };

static void invoke(struct chaos *c, uint8_t arg)
{
    static const char text[300] = { 0 };
    struct world_proc *p = arg & 4 ? pick(c, arg >> 3) : NULL;
    struct known_item *it = &c->items[c->item_count];
    struct pool_item item = { .target = names[arg % 4],
                              .token = p ? p->token : NULL,
                              .payload = slice_of(text, arg),
                              .context = slice_of("e30=", arg & 8 ? 4 : 0),
                              .wants_result = arg & 16 };

    if (pool_invoke(c->w->pool, &item, c->w->now, it->id) == ERR_OK) {
        MUST(item_by_id(c, it->id) == NULL);
        c->item_count++;
    }
}

static uint64_t new_waiter(struct chaos *c, uint64_t owner)
{
    uint64_t n = ++c->waiter_count;

    c->waiters[n] = HANGS;
    c->waiter_owner[n] = owner;
    return n;
}

static void poll(struct chaos *c, uint8_t arg)
{
    struct world_proc *p = pick(c, arg);
    struct pool_work work;
    uint64_t waiter;
    err_t e;

    if (!p)
        return;
    waiter = new_waiter(c, p->no);
    e = pool_poll(c->w->pool, p->token, p->arn, waiter, c->w->now, &work);
    if (e != ERR_MORE)
        c->waiters[waiter] = SERVED;
    MUST(p->alive || e == ERR_AUTH);
    if (!e)
        delivered(c, work.id, p->no, waiter);
}

static void answer(struct chaos *c, uint8_t arg)
{
    static const char *const errors[] = { "", "Handled", "Unhandled", "nonsense" };
    static const char body[1100] = { 0 };
    struct world_proc *p = pick(c, arg);
    struct known_item *any = c->item_count ? &c->items[(size_t)arg * 7 % c->item_count] : NULL;
    const char *id = !p ? "" : arg & 64 && any ? any->id : p->hand;
    bool own = p && p->hand[0] && strcmp(id, p->hand) == 0;
    err_t e;

    if (!p)
        return;
    e = pool_result(c->w->pool, p->token, p->arn, id, errors[arg % 4],
                    slice_of(body, arg == 255 ? 1100 : arg), c->w->now);
    if (e == ERR_OK || e == ERR_TOO_BIG) {
        MUST(own);
        item_by_id(c, id)->answered = true;
        let_go(c, p);
    } else
        MUST(e == ERR_NOT_FOUND || e == ERR_AUTH);
}

static void end(struct chaos *c, uint8_t arg)
{
    static const int how[] = { EXIT(0), EXIT(1), SIGKILL, SIGSEGV };
    struct world_proc *p = pick(c, arg >> 2);

    if (!p || !p->alive)
        return;
    p->alive = false;
    let_go(c, p);
    if (arg & 128 && !p->stop_asked)
        pool_worker_not_started(c->w->pool, p->no, "no such \"program\"", c->w->now);
    else
        pool_worker_ended(c->w->pool, p->no, how[arg % 4], c->w->now);
}

static void obey(struct chaos *c)
{
    for (size_t i = 0; i < c->w->proc_count; i++) {
        struct world_proc *p = &c->w->procs[i];
        if (!p->alive || !p->stop_asked)
            continue;
        p->alive = false;
        let_go(c, p);
        pool_worker_ended(c->w->pool, p->no, SIGTERM, c->w->now);
    }
}

static void forget(struct chaos *c, uint8_t arg)
{
    uint64_t n = c->waiter_count > arg % 16 ? c->waiter_count - arg % 16 : 0;
    struct world_proc *p = n ? world_proc_by_no(c->w, c->waiter_owner[n]) : NULL;
    struct known_item *it = p && p->hand[0] ? item_by_id(c, p->hand) : NULL;

    pool_forget_waiter(c->w->pool, n, c->w->now);
    if (c->waiters[n] == HANGS)
        c->waiters[n] = FORGOTTEN;
    if (it && it->waiter == n)
        let_go(c, p);
}

static void fetch(struct chaos *c, uint8_t arg)
{
    struct world_proc *p = pick(c, arg);
    struct known_item *it = c->item_count ? &c->items[c->item_count - 1 - (size_t)arg % c->item_count] : NULL;
    struct pool_answer a;
    uint64_t waiter;

    if (!p || !it)
        return;
    waiter = new_waiter(c, 0);
    if (pool_get_result(c->w->pool, p->token, it->id, waiter, c->w->now, &a) != ERR_MORE)
        c->waiters[waiter] = SERVED;
}

static void initialized(struct chaos *c, uint8_t arg)
{
    struct world_proc *p = pick(c, arg >> 1);

    if (p)
        (void)pool_initialized(c->w->pool, p->token, p->arn, arg & 1, "why not", c->w->now);
}

static void group(struct chaos *c, uint8_t arg)
{
    static const struct pool_function all[] = {
        { "d1", false, 500 }, { "d2", false, 3000 }, { "p1", true, 500 }, { "p2", true, 3000 }
    };
    size_t from = arg % 3, n = arg % 16 ? 4 - from : 0;

    (void)pool_set_functions(c->w->pool, all + from, n, c->w->now);
}

static void pass(struct chaos *c, uint8_t arg)
{
    static const int64_t ms[] = { 1, 50, 600, 5000, 31000, 400000 };

    world_pass(c->w, ms[arg % 6]);
}

static void settle(struct chaos *c, uint8_t arg)
{
    (void)arg;
    world_settle(c->w);
}

static void obey_now(struct chaos *c, uint8_t arg)
{
    (void)arg;
    obey(c);
}

static void fail_ids(struct chaos *c, uint8_t arg)
{
    c->w->fail_ids = arg & 1;
}

typedef void (*step_fn)(struct chaos *c, uint8_t arg);
static const step_fn steps[] = {
    invoke, invoke, invoke, poll,  poll,        poll,  poll, answer,   answer,   answer, answer,
    settle, settle, end,    fetch, initialized, group, pass, obey_now, fail_ids, forget, fetch,
};

/* ---- the end ---- */

static void stop_all(struct chaos *c)
{
    struct pool_stats s;

    MUST(pool_set_functions(c->w->pool, NULL, 0, c->w->now) == ERR_OK);
    for (int i = 0; i < 3; i++) {
        world_settle(c->w);
        obey(c);
    }
    world_pass(c->w, 100000);
    check(c);
    MUST(pool_is_drained(c->w->pool));
    MUST(world_alive(c->w, NULL) == 0);
    MUST(pool_next_ms(c->w->pool, c->w->now) == -1);
    pool_stats(c->w->pool, &s);
    MUST(s.items == 0 && s.results == 0 && s.workers == 0 && s.on_demand == 0 && s.bytes == 0);
    for (uint64_t i = 1; i <= c->waiter_count; i++)
        MUST(c->waiters[i] != HANGS); /* each heard something */
}

void chaos_run(struct slice script)
{
    struct chaos *c = mem_calloc(1, sizeof(*c));
    size_t n = script.n / 2 < MAX_STEPS ? script.n / 2 : MAX_STEPS;

    if (!c)
        abort();
    c->w = world_new(NULL);
    group(c, 3);
    for (size_t i = 0; i < n && c->w->proc_count < WORLD_PROCS - 64; i++) {
        steps[script.p[2 * i] % ARRAY_LEN(steps)](c, script.p[2 * i + 1]);
        check(c);
    }
    stop_all(c);
    world_free(c->w);
    free(c);
}
