/* src/cloud/gateway/journal.h - the broker's journal in the cloud's database (broker/journal.h).
 *
 * Changes are collected while a transaction runs and make the next one: a burst of publishes pays for one
 * fsync. A transaction of the journal goes before what else waits for the store's writer
 * (docs/decisions/mqtt-journal.md). One loop's thread.
 *
 * What cannot be kept (no space, no database) is refused to whoever waits for it: no acknowledgement. What
 * nobody waits for is kept in memory and tried again, up to JOURNAL_WAITING_MAX bytes.
 */
#pragma once
#include "broker/broker.h"
#include "cloud/store.h"

struct journal;

#define JOURNAL_WAITING_MAX                                                        \
    ((size_t)64 << 20) /* of changes that wait; half of it for those with a ticket \
                        */

struct journal_stats {
    uint64_t commits;      /* transactions that were made durable */
    uint64_t acknowledged; /* writes with a ticket in them */
    uint64_t records;
    size_t waiting; /* bytes */
};

/* ERR_NOMEM. */
err_t journal_new(struct net_loop *loop, struct store *store, struct journal **ret);
/* After the store is idle. NULL is fine. */
void journal_free(struct journal *j);
/* For broker_options. */
struct broker_journal journal_interface(struct journal *j);
/* Whom to tell; before the loop turns. */
void journal_set_broker(struct journal *j, struct broker *b);
/* Hand over all that waits: before store_stop. */
void journal_flush(struct journal *j);
void journal_stats(const struct journal *j, struct journal_stats *ret);
