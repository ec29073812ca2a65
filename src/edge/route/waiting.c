/* src/edge/route/waiting.c */
#include "edge/route/waiting.h"

#include "base/mem.h"

static size_t size_of(const struct route_message *m)
{
    return sizeof(struct waiting_message) + strlen(m->source) + strlen(m->topic) + 2 + m->payload.n;
}

static struct waiting_message *copy_of(const struct route_message *m)
{
    const size_t source_n = strlen(m->source) + 1, topic_n = strlen(m->topic) + 1;
    struct waiting_message *w = mem_calloc(1, size_of(m));

    if (!w)
        return NULL;
    w->message.source = memcpy(w->bytes, m->source, source_n);
    w->message.topic = memcpy(w->bytes + source_n, m->topic, topic_n);
    if (m->payload.n)
        memcpy(w->bytes + source_n + topic_n, m->payload.p, m->payload.n);
    w->message.payload = slice_of(w->bytes + source_n + topic_n, m->payload.n);
    return w;
}

err_t waiting_put(struct waiting *w, const struct route_message *m)
{
    const size_t size = size_of(m);
    struct waiting_message *copy;

    if (w->n >= WAITING_MAX || w->bytes + size > WAITING_MAX_BYTES)
        return ERR_BUSY;
    copy = copy_of(m);
    if (!copy)
        return ERR_NOMEM;
    if (w->last)
        w->last->next = copy;
    else
        w->first = copy;
    w->last = copy;
    w->n++;
    w->bytes += size;
    return ERR_OK;
}

struct waiting_message *waiting_take(struct waiting *w)
{
    struct waiting_message *m = w->first;

    if (!m)
        return NULL;
    w->first = m->next;
    if (!w->first)
        w->last = NULL;
    w->n--;
    w->bytes -= size_of(&m->message);
    return m;
}

void waiting_done(struct waiting *w)
{
    while (w->first)
        free(waiting_take(w));
}
