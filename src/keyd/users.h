/* src/keyd/users.h - the users with connections: counts, the fair queue, the budget of audit lines.
 *
 * Pure: the caller brings the time. One thread at a time. Turns go round the users, and within a user round
 * the connections that wait: a user with a hundred connections gets no more than one with a single one.
 */
#pragma once
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Embedded in what waits for a turn. */
struct keyd_waiting {
    struct keyd_waiting *next;
    bool queued;
};

struct keyd_user {
    struct keyd_user *next;
    uid_t uid;
    unsigned connections;
    struct keyd_waiting *first, **last; /* those who wait, in order */
    /* audit lines that may be written now, in thousandths; lines that were not */
    int64_t budget, budget_ms;
    unsigned long unsaid_allowed, unsaid_denied;
};

struct keyd_users {
    struct keyd_user *head;
    struct keyd_user *turn; /* who had the last one */
    unsigned connections;
    size_t waiting;
};

/* Count a connection in. ERR_BUSY: `total` or `each` connections are there already. ERR_NOMEM. */
err_t keyd_users_enter(struct keyd_users *u, uid_t uid, unsigned total, unsigned each, int64_t now_ms,
                       struct keyd_user **ret);
/* Count it out. The user stays, so that connecting anew brings no new budget, until keyd_users_sweep. */
void keyd_users_leave(struct keyd_users *u, struct keyd_user *user);
void keyd_users_done(struct keyd_users *u);

void keyd_users_wait(struct keyd_users *u, struct keyd_user *user, struct keyd_waiting *w);
/* Take it out of the queue; nothing when it is not in it. */
void keyd_users_forget(struct keyd_users *u, struct keyd_user *user, struct keyd_waiting *w);
/* Whose turn is it? NULL: nobody waits. It is no longer queued then. */
struct keyd_waiting *keyd_users_next(struct keyd_users *u);

enum { KEYD_AUDIT_BURST = 200, KEYD_AUDIT_PER_S = 50 };
/* May one more audit line be written for this user? Otherwise it is counted. */
bool keyd_user_may_say(struct keyd_user *user, bool allowed, int64_t now_ms);
/* A user whose count of unsaid lines is due to be told; the counts are zeroed. false: none. */
bool keyd_users_unsaid(struct keyd_users *u, uid_t *ret_uid, unsigned long *ret_allowed,
                       unsigned long *ret_denied);
/* Forget users without connections whose budget is whole again. */
void keyd_users_sweep(struct keyd_users *u, int64_t now_ms);
