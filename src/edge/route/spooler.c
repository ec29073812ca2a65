/* src/edge/route/spooler.c */
#include "edge/route/spooler.h"

#include "base/mem.h"

struct message {
    struct message *next;
    unsigned tries; /* connections that the cloud closed over it */
    size_t topic_n, payload_n;
    char bytes[]; /* topic, NUL, payload */
};

/* A topic that the cloud does not take. */
struct refused {
    char *topic; /* NULL: free */
    int64_t until_ms;
};

struct spooler {
    const struct spooler_port *port;
    void *ctx;
    size_t max, bytes;
    struct message *first, **end; /* those that wait */
    struct message *flying;       /* was sent, or is the next to be */
    uint16_t id;                  /* of `flying` on this connection; 0: not sent on it */
    bool up;
    struct refused refused[SPOOLER_REFUSED_TOPICS];
    size_t next_refused; /* the place that is taken next */
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

/* ---- topics that the cloud refuses ---- */

static struct refused *find_refused(struct spooler *s, const char *topic)
{
    for (size_t i = 0; i < SPOOLER_REFUSED_TOPICS; i++)
        if (s->refused[i].topic && strcmp(s->refused[i].topic, topic) == 0)
            return &s->refused[i];
    return NULL;
}

static void remember_refused(struct spooler *s, const char *topic)
{
    struct refused *r = find_refused(s, topic);

    if (!r) {
        r = &s->refused[s->next_refused++ % SPOOLER_REFUSED_TOPICS];
        free(r->topic);
        r->topic = mem_strdup(topic); /* without memory: the next one has all its tries */
    }
    r->until_ms = s->port->now_ms(s->ctx) + SPOOLER_REFUSED_MS;
}

static void forget_refused(struct spooler *s, const char *topic)
{
    struct refused *r = find_refused(s, topic);

    if (!r)
        return;
    free(r->topic);
    r->topic = NULL;
}

static bool is_held_back(struct spooler *s, const char *topic)
{
    const struct refused *r = find_refused(s, topic);

    return r && s->port->now_ms(s->ctx) < r->until_ms;
}

static void drop_refused(struct spooler *s, struct message *m)
{
    s->stats.dropped_refused++;
    s->port->dropped(s->ctx, DROP_CLOUD_REFUSED, m->bytes);
    free(m);
}

/* ---- sending ---- */

/* The next one that the cloud may take. */
static struct message *take_next(struct spooler *s)
{
    while (s->first) {
        struct message *m = take_first(s);
        if (!is_held_back(s, m->bytes))
            return m;
        drop_refused(s, m);
    }
    return NULL;
}

static void send_next(struct spooler *s)
{
    struct message *m;
    uint16_t id = 0;

    if (!s->up || s->id)
        return;
    if (!s->flying)
        s->flying = take_next(s);
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
    forget_refused(s, s->flying->bytes);
    s->stats.delivered++;
    forget_flying(s);
    send_next(s);
}

static void refuse_flying(struct spooler *s)
{
    remember_refused(s, s->flying->bytes);
    drop_refused(s, steal(&s->flying));
}

void spooler_lost(struct spooler *s, bool by_peer)
{
    const bool sent = s->flying && s->id;

    s->up = false;
    s->id = 0;
    if (sent && by_peer && (++s->flying->tries >= SPOOLER_TRIES || find_refused(s, s->flying->bytes)))
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
    for (size_t i = 0; i < SPOOLER_REFUSED_TOPICS; i++)
        free(s->refused[i].topic);
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
