/* src/cloud/gateway/journal_sql.h - records of the broker as rows. On a database thread. Inside
 * gateway/journal*.c only. */
#pragma once
#include "broker/journal.h"
#include "db/db.h"

/* One write() of the broker, copied. */
struct journal_entry {
    struct journal_entry *next;
    uint64_t ticket;
    uint64_t first_n; /* the number of its first record, as mqtt_queue.n has it */
    size_t size;      /* of this allocation */
    size_t n;
    bool lazy;                   /* no reason for a transaction of its own */
    struct broker_record recs[]; /* their bytes follow */
};

/* In a transaction: all of the entry. */
err_t journal_apply(struct db *db, const struct journal_entry *en);
/* In a transaction: forget what belongs to no session. */
err_t journal_sweep(struct db *db);
/* Tell everything to fn, as struct broker_journal's load. *ret_last_n: the highest mqtt_queue.n. */
err_t journal_tell(struct db *db, err_t (*fn)(void *arg, const struct broker_record *rec), void *arg,
                   uint64_t *ret_last_n);
