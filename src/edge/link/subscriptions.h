/* src/edge/link/subscriptions.h - the topics of one connection: which is asked for next, what became of each.
 *
 * Pure; one thread. A topic is asked for once on each connection; one that was refused is asked for again
 * when the owner says so.
 */
#pragma once
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

#define SUBSCRIPTIONS_CLOSES_MAX 3 /* connections that end over a topic, then it counts as refused */

struct subscription;

struct subscriptions {
    struct subscription *all;
    size_t count;
    size_t asked; /* the one that is being asked for; count: none */
};

/* Texts are copied. ERR_NOMEM; subscriptions_done is safe then. */
err_t subscriptions_init(struct subscriptions *s, const char *const *filters, size_t n);
void subscriptions_done(struct subscriptions *s);

/* A new connection: all are to be asked for, but those that ended several before. */
void subscriptions_reset(struct subscriptions *s);
/* Ask for those again that were refused. */
void subscriptions_retry(struct subscriptions *s);
/* The next one to ask for; NULL: all were answered. */
const char *subscriptions_next(struct subscriptions *s);
bool subscriptions_any_refused(const struct subscriptions *s);

/* The answer for the one that was asked for; its filter. */
const char *subscriptions_granted(struct subscriptions *s);
const char *subscriptions_refused(struct subscriptions *s);
/* The connection ended: the one it may have ended over, which is counted, or NULL. */
const char *subscriptions_ended(struct subscriptions *s);
