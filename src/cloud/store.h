/* src/cloud/store.h - the threads that own the database. Jobs go in from loops and come back to them.
 *
 * One thread writes. Jobs that wait together share one transaction, so a burst pays for one fsync; a job that
 * fails undoes its own part of it. A job's `done` runs on its loop after the commit: what it tells the world
 * is durable (promise 1). `run` must reset its results and may run several times (db_tx).
 *
 * Jobs that only read have threads of their own, each with a snapshot: they wait for no writer and fail for
 * themselves. They see everything whose `done` ran before they were handed over; what is handed over at the
 * same time may or may not be seen. Where the order against writes matters, leave `reads` off.
 */
#pragma once
#include "db/db.h"
#include "net/loop.h"

struct store;

#define STORE_QUEUE_MAX 4096u /* jobs waiting */
#define STORE_BATCH_MAX 64u   /* jobs of one transaction */
#define STORE_READERS 2u

struct store_job {
    err_t (*run)(struct store_job *job, struct db *db); /* on the database thread, in a transaction */
    void (*done)(struct store_job *job, err_t result);  /* on the loop's thread; owns the job from here */
    bool reads; /* it writes nothing: a write would fail with ERR_DENIED */
    bool first; /* before all that wait and are not `first` themselves, and never too many: a broker's
                 * journal, which has one or two at a time */
    /* the store's: */
    err_t result;
    struct store *store;
    struct net_loop *loop;
    struct net_task task;
    struct store_job *next;
    bool finished; /* of store_wait */
};

/* Open the database (a url as db_open), bring its schema up to date and start the threads. `why` as db_open.
 */
err_t store_new(const char *url, struct store **ret, char why[DB_WHY_MAX]);
/* Finish the jobs queued, then take no more: store_submit says ERR_BUSY. Their `done` is posted to their
 * loops: turn these until store_is_idle, and only then free the store. NULL is fine. */
void store_stop(struct store *s);
/* Has every job taken so far come back to its loop? Any thread. NULL: true. */
bool store_is_idle(const struct store *s);
/* Stops it first, if that was not done. NULL is fine. */
void store_free(struct store *s);

/* Hand a job over; `loop` is the caller's. ERR_BUSY: the queue is full or the store
 * stops, the job is still the caller's. */
err_t store_submit(struct store *s, struct net_loop *loop, struct store_job *job);

/* Jobs that wait now. Any thread. */
void store_waiting(struct store *s, size_t *ret_writes, size_t *ret_reads);

/* Run a job and wait for it, on a thread that has nothing else to do: before its loop turns. `done` is not
 * called. ERR_BUSY as store_submit; what `run` came to. */
err_t store_wait(struct store *s, struct store_job *job);
