#include "cloud/store.h"

#include "base/log.h"
#include "base/mem.h"
#include "cloud/schema.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

struct store {
    struct db *db;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct store_job *first, **last; /* waiting */
    size_t waiting;
    atomic_size_t out; /* taken, and not back on its loop yet */
    bool stop;
};

struct batch {
    struct store_job *jobs[STORE_BATCH_MAX];
    size_t n;
};

static err_t run_batch(struct db *db, void *ctx)
{
    struct batch *b = ctx;
    err_t e = ERR_OK;

    for (size_t i = 0; i < b->n && !e; i++)
        e = b->jobs[i]->run(b->jobs[i], db);
    return e;
}

static void finish(struct store_job *job, err_t result)
{
    job->result = result;
    net_loop_post_task(job->loop, &job->task);
}

static void run_one(struct store *s, struct store_job *job)
{
    struct batch single = { { job }, 1 };

    finish(job, db_tx(s->db, run_batch, &single));
}

static void run_together(struct store *s, struct batch *b)
{
    if (b->n > 1 && db_tx(s->db, run_batch, b) == ERR_OK) {
        for (size_t i = 0; i < b->n; i++)
            finish(b->jobs[i], ERR_OK);
        return;
    }
    for (size_t i = 0; i < b->n; i++)
        run_one(s, b->jobs[i]);
}

/* Waits for work. False when there is none left and the store stops. */
static bool take(struct store *s, struct batch *b)
{
    b->n = 0;
    (void)pthread_mutex_lock(&s->lock);
    while (!s->first && !s->stop)
        (void)pthread_cond_wait(&s->wake, &s->lock);
    while (s->first && b->n < STORE_BATCH_MAX) {
        b->jobs[b->n++] = s->first;
        s->first = s->first->next;
        s->waiting--;
    }
    if (!s->first)
        s->last = &s->first;
    (void)pthread_mutex_unlock(&s->lock);
    return b->n > 0;
}

static void *worker(void *arg)
{
    struct store *s = arg;
    struct batch b;

    while (take(s, &b))
        run_together(s, &b);
    return NULL;
}

static void on_loop(void *ctx)
{
    struct store_job *job = ctx;

    atomic_fetch_sub(&job->store->out, 1);
    job->done(job, job->result);
}

err_t store_submit(struct store *s, struct net_loop *loop, struct store_job *job)
{
    err_t e = ERR_BUSY;

    job->store = s;
    job->loop = loop;
    job->next = NULL;
    job->task = (struct net_task){ .fn = on_loop, .ctx = job };
    (void)pthread_mutex_lock(&s->lock);
    if (s->waiting < STORE_QUEUE_MAX && !s->stop) {
        *s->last = job;
        s->last = &job->next;
        s->waiting++;
        atomic_fetch_add(&s->out, 1);
        (void)pthread_cond_signal(&s->wake);
        e = ERR_OK;
    }
    (void)pthread_mutex_unlock(&s->lock);
    return e;
}

err_t store_new(const char *path, struct store **ret, char why[DB_WHY_MAX])
{
    auto_db struct db *db = NULL;
    autofree struct store *s = mem_calloc(1, sizeof(*s));
    err_t e;

    if (!s)
        return ERR_NOMEM;
    if ((e = db_open(path, &db, why)))
        return e;
    if ((e = schema_apply(db))) {
        (void)snprintf(why, DB_WHY_MAX, "%s: %s", path, db_error(db));
        return e;
    }
    s->db = db;
    s->last = &s->first;
    (void)pthread_mutex_init(&s->lock, NULL);
    (void)pthread_cond_init(&s->wake, NULL);
    if (pthread_create(&s->thread, NULL, worker, s) != 0)
        return ERR_NOMEM;
    (void)steal(&db);
    *ret = steal(&s);
    return ERR_OK;
}

void store_stop(struct store *s)
{
    if (!s || s->stop)
        return;
    (void)pthread_mutex_lock(&s->lock);
    s->stop = true;
    (void)pthread_cond_signal(&s->wake);
    (void)pthread_mutex_unlock(&s->lock);
    (void)pthread_join(s->thread, NULL);
}

bool store_is_idle(const struct store *s)
{
    return !s || atomic_load(&s->out) == 0;
}

void store_free(struct store *s)
{
    if (!s)
        return;
    store_stop(s);
    db_close(s->db);
    (void)pthread_mutex_destroy(&s->lock);
    (void)pthread_cond_destroy(&s->wake);
    free(s);
}
