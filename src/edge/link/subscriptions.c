/* src/edge/link/subscriptions.c */
#include "edge/link/subscriptions.h"

#include "base/mem.h"

enum grant { GRANT_OPEN, GRANT_GIVEN, GRANT_REFUSED };

struct subscription {
    char *filter;
    enum grant grant;
    unsigned closed; /* connections that ended when it was asked for */
};

err_t subscriptions_init(struct subscriptions *s, const char *const *filters, size_t n)
{
    *s = (struct subscriptions){ .all = mem_calloc(n + 1, sizeof(struct subscription)) };
    if (!s->all)
        return ERR_NOMEM;
    for (; s->count < n; s->count++) {
        s->all[s->count].filter = mem_strdup(filters[s->count]);
        if (!s->all[s->count].filter)
            return ERR_NOMEM;
    }
    s->asked = n;
    return ERR_OK;
}

void subscriptions_done(struct subscriptions *s)
{
    for (size_t i = 0; i < s->count; i++)
        free(s->all[i].filter);
    free(s->all);
    *s = (struct subscriptions){ 0 };
}

void subscriptions_reset(struct subscriptions *s)
{
    for (size_t i = 0; i < s->count; i++)
        s->all[i].grant = s->all[i].closed >= SUBSCRIPTIONS_CLOSES_MAX ? GRANT_REFUSED : GRANT_OPEN;
    s->asked = s->count;
}

void subscriptions_retry(struct subscriptions *s)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->all[i].grant == GRANT_REFUSED)
            s->all[i].grant = GRANT_OPEN;
}

const char *subscriptions_next(struct subscriptions *s)
{
    for (s->asked = 0; s->asked < s->count; s->asked++)
        if (s->all[s->asked].grant == GRANT_OPEN)
            return s->all[s->asked].filter;
    return NULL;
}

bool subscriptions_any_refused(const struct subscriptions *s)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->all[i].grant == GRANT_REFUSED)
            return true;
    return false;
}

const char *subscriptions_granted(struct subscriptions *s)
{
    struct subscription *asked = &s->all[s->asked];

    asked->grant = GRANT_GIVEN;
    asked->closed = 0;
    return asked->filter;
}

const char *subscriptions_refused(struct subscriptions *s)
{
    struct subscription *asked = &s->all[s->asked];

    asked->grant = GRANT_REFUSED;
    return asked->filter;
}

const char *subscriptions_ended(struct subscriptions *s)
{
    struct subscription *asked = &s->all[s->asked];

    if (s->asked >= s->count || asked->grant != GRANT_OPEN)
        return NULL;
    asked->closed++;
    return asked->filter;
}
