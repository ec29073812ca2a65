#include "cloud/gateway/journal.h"

#include "base/log.h"
#include "base/mem.h"
#include "cloud/gateway/journal_sql.h"
#include "cloud/metrics.h"

/* One transaction at a time: while it runs, changes collect; they are the next one. */

#define LAZY_MS 100   /* what nobody waits for and what may be done again after a crash */
#define RETRY_MS 1000 /* what nobody waits for, after a failure */
/* of one transaction, which others wait for */
#define COMMIT_ENTRIES 4096
#define COMMIT_BYTES ((size_t)8 << 20)

struct list {
    struct journal_entry *first, **last;
    size_t bytes;
};

struct commit {
    struct store_job job; /* first */
    struct journal *j;
    struct list entries;
    bool busy;
};

enum due { DUE_REST, DUE_LATER, DUE_NOW };

struct journal {
    struct net_loop *loop;
    struct net_timer *timer;
    struct store *store;
    struct broker *broker;
    struct list waiting;
    struct commit commits[2]; /* the second is for the end: journal_flush */
    struct store_job sweep;
    enum due due;
    size_t prompt;     /* of those that wait: not lazy */
    size_t one_by_one; /* so many entries are to be tried alone: one of them is not accepted */
    bool failing;
    bool closing; /* journal_flush was called */
    bool lost;    /* said that the waiting changes are too many */
    uint64_t last_n;
    struct journal_stats stats;
};

/* ---- lists ---- */

static void list_init(struct list *l)
{
    *l = (struct list){ .last = &l->first };
}

static void list_add(struct list *l, struct journal_entry *en)
{
    en->next = NULL;
    *l->last = en;
    l->last = &en->next;
    l->bytes += en->size;
}

static struct journal_entry *list_take(struct list *l)
{
    struct journal_entry *en = l->first;

    if (!en)
        return NULL;
    l->first = en->next;
    if (!l->first)
        l->last = &l->first;
    l->bytes -= en->size;
    return en;
}

/* The other one's entries to the end of l. */
static void list_append(struct list *l, struct list *other)
{
    struct journal_entry *en;

    while ((en = list_take(other)))
        list_add(l, en);
}

static void list_free(struct list *l)
{
    struct journal_entry *en;

    while ((en = list_take(l)))
        free(en);
}

/* ---- copies of what the broker tells ---- */

static bool same_message(const struct broker_record *recs, size_t i)
{
    return i && recs[i].message && recs[i].message == recs[i - 1].message;
}

static size_t bytes_of(const struct broker_record *recs, size_t i)
{
    const struct broker_record *r = &recs[i];
    size_t n = r->client_id.n + r->sub_ids.n;

    return same_message(recs, i) ? n : n + r->topic.n + r->payload.n + r->props.n;
}

static struct slice place(uint8_t **at, struct slice s)
{
    struct slice copy = { *at, s.n };

    if (s.n)
        memcpy(*at, s.p, s.n);
    *at += s.n;
    return copy;
}

static void copy_record(struct broker_record *to, const struct broker_record *recs, size_t i, uint8_t **at)
{
    *to = recs[i];
    to->client_id = place(at, recs[i].client_id);
    to->sub_ids = place(at, recs[i].sub_ids);
    if (same_message(recs, i)) {
        to->topic = to[-1].topic;
        to->payload = to[-1].payload;
        to->props = to[-1].props;
        return;
    }
    to->topic = place(at, recs[i].topic);
    to->payload = place(at, recs[i].payload);
    to->props = place(at, recs[i].props);
}

static struct journal_entry *entry_new(const struct broker_record *recs, size_t n, uint64_t ticket)
{
    size_t size = sizeof(struct journal_entry) + n * sizeof(*recs);
    struct journal_entry *en;
    uint8_t *at;

    for (size_t i = 0; i < n; i++)
        size += bytes_of(recs, i);
    en = mem_calloc(1, size);
    if (!en)
        return NULL;
    en->ticket = ticket;
    en->size = size;
    en->n = n;
    at = (uint8_t *)&en->recs[n];
    for (size_t i = 0; i < n; i++)
        copy_record(&en->recs[i], recs, i, &at);
    return en;
}

/* ---- what to do about a failure ---- */

/* Is it the database's state, not the change? Then the next try may do. */
static bool may_pass(err_t e)
{
    return e == ERR_NO_SPACE || e == ERR_IO || e == ERR_UNAVAILABLE || e == ERR_BUSY || e == ERR_NOMEM ||
           e == ERR_DENIED;
}

static const char *advice(err_t e)
{
    switch (e) {
    case ERR_NO_SPACE:
        return "free space on the volume of the database (--data, --db)";
    case ERR_UNAVAILABLE:
        return "is PostgreSQL running, and reachable as --db says?";
    case ERR_DENIED:
        return "the database must be writable for this program";
    default:
        return "see the messages of the system about the volume of the database (--data, --db)";
    }
}

static void say_state(struct journal *j, err_t e)
{
    if (e && !j->failing && !j->closing)
        log_error("mqtt journal: messages for sessions cannot be kept: %s; their publishers get no "
                  "acknowledgement until they can: %s",
                  err_str(e), advice(e));
    else if (!e && j->failing)
        log_info("mqtt journal: messages for sessions are kept again");
    j->failing = e != ERR_OK;
}

/* ---- transactions ---- */

static void set_due(struct journal *j, enum due due, int64_t after_ms)
{
    if (due <= j->due || j->commits[0].busy)
        return;
    j->due = due;
    net_timer_set(j->timer, after_ms);
}

static err_t run(struct store_job *job, struct db *db)
{
    const struct commit *c = (struct commit *)(void *)job;
    err_t e = ERR_OK;

    for (const struct journal_entry *en = c->entries.first; en && !e; en = en->next)
        e = journal_apply(db, en);
    return e;
}

/* Brings new changes. */
static void answer(struct journal *j, struct list *done, err_t e)
{
    struct journal_entry *en;

    while ((en = list_take(done))) {
        if (en->ticket)
            metric_add(e ? METRIC_JOURNAL_REFUSED : METRIC_JOURNAL_KEPT, 1);
        if (en->ticket && j->broker)
            broker_journal_done(j->broker, en->ticket, e);
        free(en);
    }
}

static void count(struct journal *j, const struct list *done)
{
    j->stats.commits++;
    metric_add(METRIC_JOURNAL_COMMITS, 1);
    for (const struct journal_entry *en = done->first; en; en = en->next) {
        j->stats.acknowledged += en->ticket != 0;
        j->stats.records += en->n;
    }
}

/* Before what has come meanwhile. */
static void put_back(struct journal *j, struct list *kept)
{
    list_append(kept, &j->waiting);
    list_append(&j->waiting, kept);
}

/* Who waits is to be told; the rest is tried again, later. */
static void keep_notes(struct journal *j, struct list *done)
{
    struct list kept, told;
    struct journal_entry *en;

    list_init(&kept);
    list_init(&told);
    while ((en = list_take(done))) {
        en->lazy = true;
        list_add(en->ticket ? &told : &kept, en);
    }
    put_back(j, &kept);
    list_append(done, &told);
}

/* One of them is not accepted: they are tried one by one, and that one is left out. */
static void find_defect(struct journal *j, struct list *done, err_t e)
{
    size_t n = 0, prompt = 0;

    for (const struct journal_entry *en = done->first; en; en = en->next, n++)
        prompt += !en->lazy;
    if (n == 1) {
        log_error("mqtt journal: the database does not take a change (kind %d): %s; it is left out",
                  (int)done->first->recs[0].kind, err_str(e));
        return;
    }
    j->one_by_one = n;
    j->prompt += prompt;
    put_back(j, done);
}

static void submit(struct journal *j, struct commit *c);

/* What waits is due now, or a little later. */
static void schedule(struct journal *j)
{
    if (j->prompt || j->one_by_one)
        submit(j, &j->commits[0]);
    else if (j->waiting.first)
        set_due(j, DUE_LATER, j->failing ? RETRY_MS : LAZY_MS);
}

static void on_done(struct store_job *job, err_t e)
{
    struct commit *c = (struct commit *)(void *)job;
    struct journal *j = c->j;
    struct list done;

    list_init(&done);
    list_append(&done, &c->entries);
    c->busy = false;
    if (!e || may_pass(e))
        say_state(j, e);
    if (!e)
        count(j, &done);
    else if (may_pass(e))
        keep_notes(j, &done);
    else
        find_defect(j, &done, e);
    if (!j->closing)
        schedule(j); /* the database works while the answers go out */
    answer(j, &done, e);
}

static void fill(struct journal *j, struct commit *c)
{
    size_t most = j->one_by_one ? 1 : COMMIT_ENTRIES;

    for (size_t n = 0; n < most && j->waiting.first && (!n || c->entries.bytes < COMMIT_BYTES); n++) {
        struct journal_entry *en = list_take(&j->waiting);

        j->prompt -= !en->lazy;
        list_add(&c->entries, en);
    }
    j->one_by_one -= j->one_by_one > 0;
}

static void submit(struct journal *j, struct commit *c)
{
    err_t e;

    j->due = DUE_REST;
    if (c->busy || !j->waiting.first)
        return;
    fill(j, c);
    c->busy = true;
    c->job = (struct store_job){ .run = run, .done = on_done, .first = true };
    if ((e = store_submit(j->store, j->loop, &c->job)))
        on_done(&c->job, e);
}

static void on_timer(void *ctx)
{
    struct journal *j = ctx;

    submit(j, &j->commits[0]);
}

/* ---- the interface ---- */

/* If the end of a delivery is lost, the message is delivered again, as at-least-once allows and as the
 * exchange of QoS 2 makes up for. */
static bool is_lazy(const struct broker_record *recs, size_t n)
{
    return n == 1 && recs[0].kind == BROKER_REC_QUEUED_END;
}

static void say_lost(struct journal *j)
{
    if (!j->lost)
        log_error("mqtt journal: %zu MiB wait to be written, more is not kept: after a restart sessions may "
                  "be as they were earlier: mend the database",
                  JOURNAL_WAITING_MAX >> 20);
    j->lost = true;
}

static err_t write_entry(void *ctx, const struct broker_record *recs, size_t n, uint64_t ticket)
{
    struct journal *j = ctx;
    struct journal_entry *en = entry_new(recs, n, ticket);

    if (!en)
        return ERR_NOMEM;
    if (j->waiting.bytes + en->size > (ticket ? JOURNAL_WAITING_MAX / 2 : JOURNAL_WAITING_MAX)) {
        free(en);
        if (!ticket)
            say_lost(j);
        return ERR_BUSY;
    }
    j->lost = j->lost && j->waiting.first;
    en->first_n = j->last_n + 1;
    j->last_n += n;
    en->lazy = !ticket && (j->failing || is_lazy(recs, n));
    j->prompt += !en->lazy;
    list_add(&j->waiting, en);
    if (!en->lazy)
        set_due(j, DUE_NOW, 0);
    else
        set_due(j, DUE_LATER, j->failing ? RETRY_MS : LAZY_MS);
    return ERR_MORE;
}

struct load {
    struct store_job job; /* first */
    struct journal *j;
    err_t (*fn)(void *arg, const struct broker_record *rec);
    void *arg;
    size_t told;
};

static err_t tell(void *arg, const struct broker_record *rec)
{
    struct load *l = arg;

    l->told++;
    return l->fn(l->arg, rec);
}

/* A transaction may run twice; a broker takes everything once. */
static err_t run_load(struct store_job *job, struct db *db)
{
    struct load *l = (struct load *)(void *)job;

    return l->told ? ERR_UNAVAILABLE : journal_tell(db, tell, l, &l->j->last_n);
}

static err_t run_sweep(struct store_job *job, struct db *db)
{
    (void)job;
    return journal_sweep(db);
}

static void swept(struct store_job *job, err_t e)
{
    (void)job;
    if (e)
        log_warn("mqtt journal: what belongs to no session could not be removed: %s", err_str(e));
}

static err_t load(void *ctx, err_t (*fn)(void *arg, const struct broker_record *rec), void *arg)
{
    struct journal *j = ctx;
    struct load l = { .job = { .run = run_load, .reads = true }, .j = j, .fn = fn, .arg = arg };
    err_t e = store_wait(j->store, &l.job);

    if (e) {
        log_error("mqtt journal: the sessions that were kept cannot be read: %s", err_str(e));
        return e;
    }
    if (l.told)
        log_info("mqtt journal: %zu records of sessions and retained messages read", l.told);
    j->sweep = (struct store_job){ .run = run_sweep, .done = swept, .first = true };
    return store_submit(j->store, j->loop, &j->sweep);
}

struct broker_journal journal_interface(struct journal *j)
{
    return (struct broker_journal){ .ctx = j, .write = write_entry, .load = load };
}

void journal_set_broker(struct journal *j, struct broker *b)
{
    j->broker = b;
}

void journal_flush(struct journal *j)
{
    j->closing = true;
    submit(j, &j->commits[0]);
    submit(j, &j->commits[1]);
}

void journal_stats(const struct journal *j, struct journal_stats *ret)
{
    *ret = j->stats;
    ret->waiting = j->waiting.bytes + j->commits[0].entries.bytes;
}

/* ---- life ---- */

err_t journal_new(struct net_loop *loop, struct store *store, struct journal **ret)
{
    struct journal *j = mem_calloc(1, sizeof(*j));
    err_t e;

    if (!j)
        return ERR_NOMEM;
    j->loop = loop;
    j->store = store;
    list_init(&j->waiting);
    for (size_t i = 0; i < ARRAY_LEN(j->commits); i++) {
        j->commits[i].j = j;
        list_init(&j->commits[i].entries);
    }
    if ((e = net_timer_new(loop, on_timer, j, &j->timer))) {
        free(j);
        return e;
    }
    *ret = j;
    return ERR_OK;
}

void journal_free(struct journal *j)
{
    if (!j)
        return;
    net_timer_free(j->timer);
    list_free(&j->waiting);
    for (size_t i = 0; i < ARRAY_LEN(j->commits); i++)
        list_free(&j->commits[i].entries);
    free(j);
}
