#include "keyd/users.h"

#include "base/mem.h"

static const int64_t budget_max = (int64_t)KEYD_AUDIT_BURST * 1000; /* thousandths of a line */

/* ---- counting ---- */

static struct keyd_user *find(struct keyd_users *u, uid_t uid)
{
    for (struct keyd_user *user = u->head; user; user = user->next) {
        if (user->uid == uid)
            return user;
    }
    return NULL;
}

static struct keyd_user *add(struct keyd_users *u, uid_t uid, int64_t now_ms)
{
    struct keyd_user *user = mem_calloc(1, sizeof(*user));

    if (!user)
        return NULL;
    user->uid = uid;
    user->last = &user->first;
    user->budget = budget_max;
    user->budget_ms = now_ms;
    user->next = u->head;
    u->head = user;
    return user;
}

err_t keyd_users_enter(struct keyd_users *u, uid_t uid, unsigned total, unsigned each, int64_t now_ms,
                       struct keyd_user **ret)
{
    struct keyd_user *user = find(u, uid);

    if (u->connections >= total || (user && user->connections >= each))
        return ERR_BUSY;
    if (!user)
        user = add(u, uid, now_ms);
    if (!user)
        return ERR_NOMEM;
    user->connections++;
    u->connections++;
    *ret = user;
    return ERR_OK;
}

static void drop(struct keyd_users *u, struct keyd_user *user)
{
    struct keyd_user **at = &u->head;

    while (*at != user)
        at = &(*at)->next;
    *at = user->next;
    if (u->turn == user)
        u->turn = NULL;
    free(user);
}

void keyd_users_leave(struct keyd_users *u, struct keyd_user *user)
{
    user->connections--;
    u->connections--;
}

void keyd_users_done(struct keyd_users *u)
{
    while (u->head)
        drop(u, u->head);
}

/* ---- the queue ---- */

void keyd_users_wait(struct keyd_users *u, struct keyd_user *user, struct keyd_waiting *w)
{
    if (w->queued)
        return;
    w->queued = true;
    w->next = NULL;
    *user->last = w;
    user->last = &w->next;
    u->waiting++;
}

static void unlink_at(struct keyd_users *u, struct keyd_user *user, struct keyd_waiting **at)
{
    struct keyd_waiting *w = *at;

    *at = w->next;
    if (!*at)
        user->last = at;
    w->queued = false;
    w->next = NULL;
    u->waiting--;
}

void keyd_users_forget(struct keyd_users *u, struct keyd_user *user, struct keyd_waiting *w)
{
    for (struct keyd_waiting **at = &user->first; w->queued && *at; at = &(*at)->next) {
        if (*at == w) {
            unlink_at(u, user, at);
            return;
        }
    }
}

struct keyd_waiting *keyd_users_next(struct keyd_users *u)
{
    struct keyd_user *user = u->turn;
    struct keyd_waiting *w;

    if (!u->waiting)
        return NULL;
    do {
        user = user && user->next ? user->next : u->head;
    } while (!user->first);
    u->turn = user;
    w = user->first;
    unlink_at(u, user, &user->first);
    return w;
}

/* ---- audit lines ---- */

static void refill(struct keyd_user *user, int64_t now_ms)
{
    user->budget += (now_ms - user->budget_ms) * KEYD_AUDIT_PER_S;
    user->budget_ms = now_ms;
    if (user->budget > budget_max)
        user->budget = budget_max;
}

bool keyd_user_may_say(struct keyd_user *user, bool allowed, int64_t now_ms)
{
    refill(user, now_ms);
    if (user->budget >= 1000) {
        user->budget -= 1000;
        return true;
    }
    if (allowed)
        user->unsaid_allowed++;
    else
        user->unsaid_denied++;
    return false;
}

bool keyd_users_unsaid(struct keyd_users *u, uid_t *ret_uid, unsigned long *ret_allowed,
                       unsigned long *ret_denied)
{
    for (struct keyd_user *user = u->head; user; user = user->next) {
        if (!user->unsaid_allowed && !user->unsaid_denied)
            continue;
        *ret_uid = user->uid;
        *ret_allowed = user->unsaid_allowed;
        *ret_denied = user->unsaid_denied;
        user->unsaid_allowed = user->unsaid_denied = 0;
        return true;
    }
    return false;
}

void keyd_users_sweep(struct keyd_users *u, int64_t now_ms)
{
    for (struct keyd_user *user = u->head, *next; user; user = next) {
        next = user->next;
        refill(user, now_ms);
        if (!user->connections && !user->unsaid_allowed && !user->unsaid_denied && user->budget == budget_max)
            drop(u, user);
    }
}
