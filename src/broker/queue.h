/* src/broker/queue.h - the QoS 1 and 2 messages of one session, from the oldest not acknowledged to the
 * newest waiting. Inside src/broker only.
 *
 * Pure but for memory; one thread. A ring that grows: no allocation a message. Its first part was sent on the
 * connection there is; acknowledged out of order, an entry there leaves a gap, and gaps are squeezed out
 * before the ring grows. An empty queue of a quiet session holds little or nothing.
 */
#pragma once
#include "base/err.h"
#include "base/slice.h"
#include "mqtt/qos.h"

struct broker_msg;

/* Subscription identifiers that go with a message, encoded. */
struct broker_ids {
    size_t n;
    uint8_t bytes[];
};

struct queued {
    struct broker_msg *msg; /* NULL: a gap */
    struct broker_ids *ids; /* NULL: none */
    uint64_t seq;
    uint32_t sent_s;    /* monotonic, of its sending */
    uint16_t packet_id; /* 0: never sent */
    uint8_t qos;
    uint8_t state; /* enum mqtt_qos_state: IDLE never sent, else what is waited for (now or before) */
    bool retain;
    bool held; /* not to be sent yet: hold.c */
};

struct queue {
    struct queued *ring;
    uint32_t room, head; /* room: 0 or a power of two */
    uint32_t n, sent;    /* entries; of these, at the front, sent or gaps */
    uint32_t inflight;   /* sent and not acknowledged */
    size_t bytes;        /* topics, payloads and properties of all */
};

/* Append; the queue owns e->msg's reference and e->ids then. ERR_NOMEM: not. */
err_t queue_push(struct queue *q, const struct queued *e);
/* The next to be sent; NULL: none. Pointers are good until the next push, settle or rewind. */
struct queued *queue_waiting(const struct queue *q);
static inline uint32_t queue_waiting_n(const struct queue *q)
{
    return q->n - q->sent;
}
/* The next to be sent has been. */
void queue_pass(struct queue *q);
/* Sent and not acknowledged under this identifier; NULL: none. */
struct queued *queue_find(const struct queue *q, uint16_t packet_id);
/* The oldest of these; NULL: none. */
struct queued *queue_oldest(const struct queue *q);
/* The i-th of all, gaps included (msg NULL); NULL behind the last. */
struct queued *queue_at(const struct queue *q, uint32_t i);
/* Done with e: acknowledged, or the next to be sent and given up. */
void queue_settle(struct queue *q, struct queued *e);
/* Take out an entry that was not sent. */
void queue_remove(struct queue *q, struct queued *e);
/* The connection has gone: everything is to be sent (again), in order. */
void queue_rewind(struct queue *q);
void queue_clear(struct queue *q);
