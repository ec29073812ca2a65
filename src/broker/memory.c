#include "broker/journal.h"

#include "base/mem.h"

#include <search.h>

/* Records are kept by key; an END removes. The list keeps the order in which keys came, which is the order
 * load() promises: a session before what belongs to it, its messages by seq. */

struct kept {
    struct broker_record rec; /* slices point into bytes */
    struct kept *next, *prev;
    size_t size;
    uint8_t bytes[];
};

struct broker_memory {
    void *tree; /* tsearch(3) */
    struct kept *head, *tail;
    size_t n, bytes, max_bytes;
};

static int slice_cmp(struct slice a, struct slice b)
{
    if (a.n != b.n)
        return a.n < b.n ? -1 : 1;
    return a.n ? memcmp(a.p, b.p, a.n) : 0;
}

/* Messages in a queue differ by seq, all else by topic. */
static int kept_cmp(const void *x, const void *y)
{
    const struct broker_record *a = x, *b = y;
    int d = (int)a->kind - (int)b->kind;

    if (!d)
        d = slice_cmp(a->client_id, b->client_id);
    if (!d && (a->kind == BROKER_REC_QUEUED || a->kind == BROKER_REC_RELEASED))
        return a->seq < b->seq ? -1 : a->seq > b->seq;
    if (!d && a->kind == BROKER_REC_RECEIVED)
        return (int)a->packet_id - (int)b->packet_id;
    return d || a->kind == BROKER_REC_SESSION || a->kind == BROKER_REC_WILL ? d
                                                                            : slice_cmp(a->topic, b->topic);
}

err_t broker_memory_new(size_t max_bytes, struct broker_memory **ret)
{
    struct broker_memory *m = mem_calloc(1, sizeof(*m));

    if (!m)
        return ERR_NOMEM;
    m->max_bytes = max_bytes;
    *ret = m;
    return ERR_OK;
}

static void drop(struct broker_memory *m, struct kept *k)
{
    (void)tdelete(k, &m->tree, kept_cmp);
    if (k->prev)
        k->prev->next = k->next;
    else
        m->head = k->next;
    if (k->next)
        k->next->prev = k->prev;
    else
        m->tail = k->prev;
    m->n--;
    m->bytes -= k->size;
    free(k);
}

void broker_memory_free(struct broker_memory *m)
{
    while (m && m->head)
        drop(m, m->head);
    free(m);
}

static struct slice place(uint8_t **at, struct slice s)
{
    struct slice copy = { *at, s.n };

    if (s.n)
        memcpy(*at, s.p, s.n);
    *at += s.n;
    return copy;
}

static size_t kept_size(const struct broker_record *rec)
{
    return sizeof(struct kept) + rec->client_id.n + rec->topic.n + rec->payload.n + rec->props.n +
           rec->sub_ids.n;
}

static struct kept *kept_new(const struct broker_record *rec)
{
    size_t size = kept_size(rec);
    struct kept *k = mem_calloc(1, size);
    uint8_t *at;

    if (!k)
        return NULL;
    at = k->bytes;
    k->rec = *rec;
    k->rec.message = 0; /* the number counts within one write only */
    k->size = size;
    k->rec.client_id = place(&at, rec->client_id);
    k->rec.topic = place(&at, rec->topic);
    k->rec.payload = place(&at, rec->payload);
    k->rec.props = place(&at, rec->props);
    k->rec.sub_ids = place(&at, rec->sub_ids);
    return k;
}

static struct kept *find(struct broker_memory *m, const struct broker_record *rec,
                         enum broker_record_kind kind)
{
    struct broker_record key = *rec;
    void *hit;

    key.kind = kind;
    hit = tfind(&key, &m->tree, kept_cmp);
    return hit ? *(struct kept **)hit : NULL;
}

/* An upsert keeps its place: a session that is written again must stay before its subscriptions. */
static err_t put(struct broker_memory *m, const struct broker_record *rec)
{
    struct kept *old = find(m, rec, rec->kind), *k = kept_new(rec);
    struct kept *after = old ? old->prev : m->tail;

    if (!k)
        return ERR_NOMEM;
    if (old)
        drop(m, old);
    if (!tsearch(k, &m->tree, kept_cmp)) {
        free(k);
        return ERR_NOMEM;
    }
    k->prev = after;
    k->next = after ? after->next : m->head;
    if (k->next)
        k->next->prev = k;
    else
        m->tail = k;
    if (after)
        after->next = k;
    else
        m->head = k;
    m->n++;
    m->bytes += k->size;
    return ERR_OK;
}

static void end_one(struct broker_memory *m, const struct broker_record *rec, enum broker_record_kind kind)
{
    struct kept *k = find(m, rec, kind);

    if (k)
        drop(m, k);
}

static void end_session(struct broker_memory *m, struct slice client_id)
{
    for (struct kept *k = m->head, *next; k; k = next) {
        next = k->next;
        if (k->rec.kind != BROKER_REC_RETAINED && slice_eq(k->rec.client_id, client_id))
            drop(m, k);
    }
}

static err_t apply(struct broker_memory *m, const struct broker_record *rec)
{
    switch (rec->kind) {
    case BROKER_REC_SESSION_END:
        end_session(m, rec->client_id);
        return ERR_OK;
    case BROKER_REC_SUBSCRIPTION_END:
        end_one(m, rec, BROKER_REC_SUBSCRIPTION);
        return ERR_OK;
    case BROKER_REC_QUEUED_END:
        end_one(m, rec, BROKER_REC_QUEUED);
        end_one(m, rec, BROKER_REC_RELEASED);
        return ERR_OK;
    case BROKER_REC_RECEIVED_END:
        end_one(m, rec, BROKER_REC_RECEIVED);
        return ERR_OK;
    case BROKER_REC_RETAINED_END:
        end_one(m, rec, BROKER_REC_RETAINED);
        return ERR_OK;
    case BROKER_REC_WILL_END:
        end_one(m, rec, BROKER_REC_WILL);
        return ERR_OK;
    default:
        return put(m, rec);
    }
}

static bool adds(enum broker_record_kind k)
{
    return k == BROKER_REC_SESSION || k == BROKER_REC_SUBSCRIPTION || k == BROKER_REC_QUEUED ||
           k == BROKER_REC_RETAINED || k == BROKER_REC_RELEASED || k == BROKER_REC_RECEIVED ||
           k == BROKER_REC_WILL;
}

/* Room is checked for all before any is applied; only running out of memory in the middle can leave a part,
 * which a process that has no memory left will not notice. */
static err_t memory_write(void *ctx, const struct broker_record *recs, size_t n, uint64_t ticket)
{
    struct broker_memory *m = ctx;
    size_t more = 0;
    err_t e = ERR_OK;

    (void)ticket;
    for (size_t i = 0; i < n; i++)
        more += adds(recs[i].kind) ? kept_size(&recs[i]) : 0;
    if (more && (m->bytes > m->max_bytes || more > m->max_bytes - m->bytes))
        return ERR_NO_SPACE;
    for (size_t i = 0; !e && i < n; i++)
        e = apply(m, &recs[i]);
    return e;
}

static err_t memory_load(void *ctx, err_t (*fn)(void *arg, const struct broker_record *rec), void *arg)
{
    const struct broker_memory *m = ctx;
    err_t e = ERR_OK;

    for (const struct kept *k = m->head; !e && k; k = k->next)
        e = fn(arg, &k->rec);
    return e;
}

struct broker_journal broker_memory_journal(struct broker_memory *m)
{
    return (struct broker_journal){ .ctx = m, .write = memory_write, .load = memory_load };
}

size_t broker_memory_count(const struct broker_memory *m)
{
    return m->n;
}
