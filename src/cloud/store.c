#include "cloud/store.h"

#include "base/mem.h"
#include "cloud/metrics.h"
#include "cloud/schema.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

struct queue {
    struct store_job *first, **last;
    size_t waiting;
    pthread_cond_t wake;
};

/* A thread with a database handle of its own. */
struct worker {
    struct store *store;
    struct db *db;
    pthread_t thread;
    bool started;
};

struct store {
    struct worker writer, readers[STORE_READERS];
    pthread_mutex_t lock;
    pthread_cond_t finished; /* a job of store_wait */
    struct queue writes, reads;
    atomic_size_t out; /* taken, and not back on its loop yet */
    bool stop;
};

struct batch {
    struct store_job *jobs[STORE_BATCH_MAX];
    size_t n;
};

static void finish(struct store_job *job, err_t result)
{
    struct store *s = job->store;

    job->result = result;
    if (job->loop) {
        net_loop_post_task(job->loop, &job->task);
        return;
    }
    (void)pthread_mutex_lock(&s->lock);
    job->finished = true;
    (void)pthread_cond_broadcast(&s->finished);
    (void)pthread_mutex_unlock(&s->lock);
}

static err_t run_job(struct db *db, void *ctx)
{
    struct store_job *job = ctx;

    return job->run(job, db);
}

static err_t run_parts(struct db *db, void *ctx)
{
    struct batch *b = ctx;
    err_t e = ERR_OK;

    for (size_t i = 0; i < b->n && !e; i++)
        e = db_tx_part(db, run_job, b->jobs[i], &b->jobs[i]->result);
    return e;
}

static void run_one(struct worker *w, struct store_job *job)
{
    err_t e = db_tx(w->db, run_job, job);

    if (job->reads) {
        metric_add(METRIC_DB_READS, 1);
    } else {
        metric_add(METRIC_DB_BATCHES, 1);
        metric_add(METRIC_DB_WRITES, 1);
        metric_add(METRIC_DB_SYNCS, e ? 0 : 1);
    }
    finish(job, e);
}

/* When the transaction is lost (a full disk), each job learns for itself whether it can be done. */
static void run_together(struct worker *w, struct batch *b)
{
    if (b->n > 1 && db_tx(w->db, run_parts, b) == ERR_OK) {
        metric_add(METRIC_DB_BATCHES, 1);
        metric_add(METRIC_DB_WRITES, b->n);
        metric_add(METRIC_DB_SYNCS, 1);
        for (size_t i = 0; i < b->n; i++)
            finish(b->jobs[i], b->jobs[i]->result);
        return;
    }
    for (size_t i = 0; i < b->n; i++)
        run_one(w, b->jobs[i]);
}

/* Waits for work, takes up to `most` jobs. False when there are none left and the store stops. */
static bool take(struct store *s, struct queue *q, size_t most, struct batch *b)
{
    b->n = 0;
    (void)pthread_mutex_lock(&s->lock);
    while (!q->first && !s->stop)
        (void)pthread_cond_wait(&q->wake, &s->lock);
    while (q->first && b->n < most) {
        b->jobs[b->n++] = q->first;
        q->first = q->first->next;
        q->waiting--;
    }
    if (!q->first)
        q->last = &q->first;
    (void)pthread_mutex_unlock(&s->lock);
    return b->n > 0;
}

static void *write_jobs(void *arg)
{
    struct worker *w = arg;
    struct batch b;

    while (take(w->store, &w->store->writes, STORE_BATCH_MAX, &b))
        run_together(w, &b);
    return NULL;
}

static void *read_jobs(void *arg)
{
    struct worker *w = arg;
    struct batch b;

    while (take(w->store, &w->store->reads, 1, &b))
        run_one(w, b.jobs[0]);
    return NULL;
}

static void on_loop(void *ctx)
{
    struct store_job *job = ctx;

    atomic_fetch_sub(&job->store->out, 1);
    job->done(job, job->result);
}

static void enqueue(struct queue *q, struct store_job *job)
{
    struct store_job **at = q->last;

    if (job->first)
        for (at = &q->first; *at && (*at)->first;)
            at = &(*at)->next;
    job->next = *at;
    *at = job;
    if (!job->next)
        q->last = &job->next;
    q->waiting++;
}

err_t store_submit(struct store *s, struct net_loop *loop, struct store_job *job)
{
    struct queue *q = job->reads ? &s->reads : &s->writes;
    err_t e = ERR_BUSY;

    job->store = s;
    job->loop = loop;
    job->finished = false;
    job->task = (struct net_task){ .fn = on_loop, .ctx = job };
    (void)pthread_mutex_lock(&s->lock);
    if ((q->waiting < STORE_QUEUE_MAX || job->first) && !s->stop) {
        enqueue(q, job);
        atomic_fetch_add(&s->out, 1);
        (void)pthread_cond_signal(&q->wake);
        e = ERR_OK;
    }
    (void)pthread_mutex_unlock(&s->lock);
    return e;
}

err_t store_wait(struct store *s, struct store_job *job)
{
    err_t e = store_submit(s, NULL, job);

    if (e)
        return e;
    (void)pthread_mutex_lock(&s->lock);
    while (!job->finished)
        (void)pthread_cond_wait(&s->finished, &s->lock);
    (void)pthread_mutex_unlock(&s->lock);
    atomic_fetch_sub(&s->out, 1);
    return job->result;
}

static void queue_init(struct queue *q)
{
    q->last = &q->first;
    (void)pthread_cond_init(&q->wake, NULL);
}

static err_t open_writer(struct store *s, const char *url, char why[DB_WHY_MAX])
{
    err_t e = db_open(url, &s->writer.db, why);

    if (!e && (e = schema_apply(s->writer.db)))
        (void)snprintf(why, DB_WHY_MAX, "the database's schema: %s", db_error(s->writer.db));
    return e;
}

static err_t open_reader(struct worker *w, const char *url, char why[DB_WHY_MAX])
{
    err_t e = db_open(url, &w->db, why);

    if (!e && (e = db_read_only(w->db)))
        (void)snprintf(why, DB_WHY_MAX, "a connection that only reads: %s", db_error(w->db));
    return e;
}

static err_t start_worker(struct store *s, struct worker *w, void *(*fn)(void *))
{
    w->store = s;
    w->started = pthread_create(&w->thread, NULL, fn, w) == 0;
    return w->started ? ERR_OK : ERR_NOMEM;
}

static err_t start(struct store *s, const char *url, char why[DB_WHY_MAX])
{
    err_t e = open_writer(s, url, why);

    for (size_t i = 0; i < STORE_READERS && !e; i++)
        e = open_reader(&s->readers[i], url, why);
    for (size_t i = 0; i < STORE_READERS && !e; i++)
        e = start_worker(s, &s->readers[i], read_jobs);
    return e ? e : start_worker(s, &s->writer, write_jobs);
}

err_t store_new(const char *url, struct store **ret, char why[DB_WHY_MAX])
{
    struct store *s = mem_calloc(1, sizeof(*s));
    err_t e;

    if (!s)
        return ERR_NOMEM;
    (void)pthread_mutex_init(&s->lock, NULL);
    (void)pthread_cond_init(&s->finished, NULL);
    queue_init(&s->writes);
    queue_init(&s->reads);
    if ((e = start(s, url, why))) {
        store_free(s);
        return e;
    }
    *ret = s;
    return ERR_OK;
}

static void join(struct worker *w)
{
    if (w->started)
        (void)pthread_join(w->thread, NULL);
}

void store_stop(struct store *s)
{
    if (!s || s->stop)
        return;
    (void)pthread_mutex_lock(&s->lock);
    s->stop = true;
    (void)pthread_cond_broadcast(&s->writes.wake);
    (void)pthread_cond_broadcast(&s->reads.wake);
    (void)pthread_mutex_unlock(&s->lock);
    join(&s->writer);
    for (size_t i = 0; i < STORE_READERS; i++)
        join(&s->readers[i]);
}

bool store_is_idle(const struct store *s)
{
    return !s || atomic_load(&s->out) == 0;
}

void store_waiting(struct store *s, size_t *ret_writes, size_t *ret_reads)
{
    (void)pthread_mutex_lock(&s->lock);
    *ret_writes = s->writes.waiting;
    *ret_reads = s->reads.waiting;
    (void)pthread_mutex_unlock(&s->lock);
}

void store_free(struct store *s)
{
    if (!s)
        return;
    store_stop(s);
    db_close(s->writer.db);
    for (size_t i = 0; i < STORE_READERS; i++)
        db_close(s->readers[i].db);
    (void)pthread_cond_destroy(&s->finished);
    (void)pthread_cond_destroy(&s->writes.wake);
    (void)pthread_cond_destroy(&s->reads.wake);
    (void)pthread_mutex_destroy(&s->lock);
    free(s);
}
