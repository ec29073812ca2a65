/* src/edge/route/spooler.c */
#include "edge/route/spooler.h"

#include "base/mem.h"

struct message {
    struct message *next;
    unsigned tries; /* connections that the cloud closed over it */
    size_t topic_n, payload_n;
    char bytes[]; /* topic, NUL, payload */
};

struct spooler {
    const struct spooler_port *port;
    void *ctx;
    size_t max, bytes;
    struct message *first, **end; /* those that wait */
    struct message *flying;       /* was sent, or is the next to be */
    uint16_t id;                  /* of `flying` on this connection; 0: not sent on it */
    bool up;
    char *refused; /* the topic that was refused last */
    struct spooler_stats stats;
};

static size_t cost(size_t topic_n, size_t payload_n)
{
    return SPOOLER_OVERHEAD + topic_n + payload_n;
}

static size_t cost_of(const struct message *m)
{
    return cost(m->topic_n, m->payload_n);
}

/* ---- the queue ---- */

static struct message *take_first(struct spooler *s)
{
    struct message *m = s->first;

    s->first = m->next;
    if (!s->first)
        s->end = &s->first;
    s->bytes -= cost_of(m);
    return m;
}

static void append(struct spooler *s, struct message *m)
{
    *s->end = m;
    s->end = &m->next;
    s->bytes += cost_of(m);
}

static void make_room(struct spooler *s, size_t more)
{
    while (s->first && s->bytes + more > s->max) {
        struct message *m = take_first(s);
        s->stats.dropped_full++;
        s->port->dropped(s->ctx, DROP_SPOOL_FULL, m->bytes);
        free(m);
    }
}

static struct message *message_new(const char *topic, struct slice payload)
{
    size_t topic_n = strlen(topic);
    struct message *m = mem_calloc(1, sizeof(*m) + topic_n + 1 + payload.n);

    if (!m)
        return NULL;
    m->topic_n = topic_n;
    m->payload_n = payload.n;
    memcpy(m->bytes, topic, topic_n);
    if (payload.n)
        memcpy(m->bytes + topic_n + 1, payload.p, payload.n);
    return m;
}

/* ---- sending ---- */

static void send_next(struct spooler *s)
{
    struct message *m;
    uint16_t id = 0;

    if (!s->up || s->id)
        return;
    if (!s->flying && s->first)
        s->flying = take_first(s);
    m = s->flying;
    if (!m || s->port->send(s->ctx, m->bytes, slice_of(m->bytes + m->topic_n + 1, m->payload_n), &id))
        return;
    s->id = id;
}

static void forget_flying(struct spooler *s)
{
    free(s->flying);
    s->flying = NULL;
    s->id = 0;
}

void spooler_up(struct spooler *s)
{
    s->up = true;
    send_next(s);
}

void spooler_acked(struct spooler *s, uint16_t id)
{
    if (!s->flying || !s->id || id != s->id)
        return;
    if (s->refused && strcmp(s->refused, s->flying->bytes) == 0) {
        free(s->refused);
        s->refused = NULL;
    }
    s->stats.delivered++;
    forget_flying(s);
    send_next(s);
}

static unsigned tries_of(const struct spooler *s, const struct message *m)
{
    return s->refused && strcmp(s->refused, m->bytes) == 0 ? 1 : SPOOLER_TRIES;
}

static void refuse_flying(struct spooler *s)
{
    s->stats.dropped_refused++;
    s->port->dropped(s->ctx, DROP_CLOUD_REFUSED, s->flying->bytes);
    free(s->refused);
    s->refused = mem_strdup(s->flying->bytes); /* without memory: the next one has all its tries */
    forget_flying(s);
}

void spooler_lost(struct spooler *s, bool by_peer)
{
    const bool sent = s->flying && s->id;

    s->up = false;
    s->id = 0;
    if (sent && by_peer && ++s->flying->tries >= tries_of(s, s->flying))
        refuse_flying(s);
}

/* ---- the owner's side ---- */

err_t spooler_new(int64_t max_bytes, const struct spooler_port *port, void *ctx, struct spooler **ret)
{
    struct spooler *s = mem_calloc(1, sizeof(*s));

    if (!s)
        return ERR_NOMEM;
    s->max = (size_t)max_bytes;
    s->port = port;
    s->ctx = ctx;
    s->end = &s->first;
    *ret = s;
    return ERR_OK;
}

void spooler_free(struct spooler *s)
{
    if (!s)
        return;
    while (s->first)
        free(take_first(s));
    free(s->flying);
    free(s->refused);
    free(s);
}

void spooler_set_max(struct spooler *s, int64_t max_bytes)
{
    s->max = (size_t)max_bytes;
    make_room(s, 0);
}

err_t spooler_put(struct spooler *s, const char *topic, struct slice payload)
{
    struct message *m;
    size_t size = cost(strlen(topic), payload.n);

    if (size > s->max)
        return ERR_TOO_BIG;
    m = message_new(topic, payload);
    if (!m)
        return ERR_NOMEM;
    make_room(s, size);
    append(s, m);
    s->stats.taken++;
    send_next(s);
    return ERR_OK;
}

bool spooler_has_room(const struct spooler *s, size_t copies, const char *topic, struct slice payload)
{
    const size_t each = cost(strlen(topic), payload.n);

    return s->bytes <= s->max && copies <= (s->max - s->bytes) / each;
}

void spooler_stats(const struct spooler *s, struct spooler_stats *ret)
{
    *ret = s->stats;
    ret->bytes = s->bytes;
    ret->waiting = s->flying ? 1 : 0;
    for (const struct message *m = s->first; m; m = m->next)
        ret->waiting++;
}

const char *spooler_in_flight(const struct spooler *s)
{
    return s->flying && s->id ? s->flying->bytes : NULL;
}
