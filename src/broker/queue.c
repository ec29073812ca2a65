#include "broker/queue.h"

#include "broker/internal.h"

#define ROOM_FIRST 4
#define ROOM_KEPT 8 /* an empty ring up to this size is kept */

static struct queued *at(const struct queue *q, uint32_t i)
{
    return &q->ring[(q->head + i) & (q->room - 1)];
}

static void release(struct queue *q, struct queued *e)
{
    q->bytes -= broker_msg_size(e->msg);
    broker_msg_unref(e->msg);
    free(e->ids);
    e->msg = NULL;
    e->ids = NULL;
}

/* Close the gaps: afterwards `sent` is `inflight`. */
static void squeeze(struct queue *q)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < q->n; i++)
        if (at(q, i)->msg)
            *at(q, kept++) = *at(q, i);
    q->n = kept;
    q->sent = q->inflight;
}

static err_t grow(struct queue *q)
{
    uint32_t room = q->room ? q->room * 2 : ROOM_FIRST;
    struct queued *ring = room > q->room ? mem_calloc(room, sizeof(*ring)) : NULL;

    if (!ring)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < q->n; i++)
        ring[i] = *at(q, i);
    free(q->ring);
    q->ring = ring;
    q->room = room;
    q->head = 0;
    return ERR_OK;
}

err_t queue_push(struct queue *q, const struct queued *e)
{
    if (q->n == q->room && q->sent - q->inflight > q->n / 2)
        squeeze(q);
    if (q->n == q->room && grow(q))
        return ERR_NOMEM;
    *at(q, q->n++) = *e;
    q->bytes += broker_msg_size(e->msg);
    return ERR_OK;
}

struct queued *queue_waiting(const struct queue *q)
{
    return q->sent < q->n ? at(q, q->sent) : NULL;
}

struct queued *queue_at(const struct queue *q, uint32_t i)
{
    return i < q->n ? at(q, i) : NULL;
}

void queue_pass(struct queue *q)
{
    q->sent++;
    q->inflight++;
}

struct queued *queue_find(const struct queue *q, uint16_t packet_id)
{
    for (uint32_t i = 0; q->inflight && i < q->sent; i++)
        if (at(q, i)->msg && at(q, i)->packet_id == packet_id)
            return at(q, i);
    return NULL;
}

struct queued *queue_oldest(const struct queue *q)
{
    return q->inflight ? at(q, 0) : NULL; /* gaps at the front are not kept */
}

static void drop_gaps(struct queue *q)
{
    while (q->n && !at(q, 0)->msg) {
        q->head = (q->head + 1) & (q->room - 1);
        q->n--;
        q->sent--;
    }
    if (!q->n && q->room > ROOM_KEPT) {
        free(q->ring);
        q->ring = NULL;
        q->room = q->head = 0;
    }
}

void queue_settle(struct queue *q, struct queued *e)
{
    bool waits = q->sent < q->n && e == at(q, q->sent);

    release(q, e);
    if (waits)
        q->sent++; /* a gap like those before it */
    else
        q->inflight--;
    drop_gaps(q);
}

void queue_remove(struct queue *q, struct queued *e)
{
    release(q, e);
    squeeze(q);
    drop_gaps(q);
}

void queue_rewind(struct queue *q)
{
    squeeze(q);
    q->sent = q->inflight = 0;
}

void queue_clear(struct queue *q)
{
    for (uint32_t i = 0; i < q->n; i++)
        if (at(q, i)->msg)
            release(q, at(q, i));
    free(q->ring);
    *q = (struct queue){ 0 };
}
