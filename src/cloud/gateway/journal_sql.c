#include "cloud/gateway/journal_sql.h"

#include "base/mem.h"

/* ---- sessions, subscriptions, Wills, retained messages ---- */

static err_t put_session(struct db *db, const struct broker_record *r)
{
    return db_run(
        db,
        "INSERT INTO mqtt_sessions (client_id, version, expiry_s, ends_ms) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (client_id) DO UPDATE SET version = excluded.version,"
        " expiry_s = excluded.expiry_s, ends_ms = excluded.ends_ms",
        DB_ARGS(DB_SLICE(r->client_id), DB_INT(r->version), DB_INT(r->expiry_s), DB_INT(r->ends_ms)), NULL);
}

/* The messages that only this session still waits for go with it. */
static err_t end_session(struct db *db, const struct broker_record *r)
{
    static const char messages[] =
        "DELETE FROM mqtt_messages WHERE id IN (SELECT message FROM mqtt_queue WHERE client_id = $1 AND"
        " message IS NOT NULL) AND NOT EXISTS (SELECT 1 FROM mqtt_queue WHERE message = mqtt_messages.id AND"
        " client_id <> $1)";
    const char *const steps[] = {
        messages,
        "DELETE FROM mqtt_queue WHERE client_id = $1",
        "DELETE FROM mqtt_subscriptions WHERE client_id = $1",
        "DELETE FROM mqtt_received WHERE client_id = $1",
        "DELETE FROM mqtt_wills WHERE client_id = $1",
        "DELETE FROM mqtt_sessions WHERE client_id = $1",
    };
    err_t e = ERR_OK;

    for (size_t i = 0; i < ARRAY_LEN(steps) && !e; i++)
        e = db_run(db, steps[i], DB_ARGS(DB_SLICE(r->client_id)), NULL);
    return e;
}

static err_t put_subscription(struct db *db, const struct broker_record *r)
{
    return db_run(db,
                  "INSERT INTO mqtt_subscriptions (client_id, filter, qos, options, sub_id)"
                  " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (client_id, filter) DO UPDATE SET"
                  " qos = excluded.qos, options = excluded.options, sub_id = excluded.sub_id",
                  DB_ARGS(DB_SLICE(r->client_id), DB_SLICE(r->topic), DB_INT(r->qos), DB_INT(r->options),
                          DB_INT(r->sub_id)),
                  NULL);
}

static err_t end_subscription(struct db *db, const struct broker_record *r)
{
    return db_run(db, "DELETE FROM mqtt_subscriptions WHERE client_id = $1 AND filter = $2",
                  DB_ARGS(DB_SLICE(r->client_id), DB_SLICE(r->topic)), NULL);
}

static err_t put_will(struct db *db, const struct broker_record *r)
{
    return db_run(db,
                  "INSERT INTO mqtt_wills (client_id, topic, payload, props, qos, retain, ends_ms, due_ms)"
                  " VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (client_id) DO UPDATE SET"
                  " topic = excluded.topic, payload = excluded.payload, props = excluded.props,"
                  " qos = excluded.qos, retain = excluded.retain, ends_ms = excluded.ends_ms,"
                  " due_ms = excluded.due_ms",
                  DB_ARGS(DB_SLICE(r->client_id), DB_SLICE(r->topic), DB_BLOB(r->payload), DB_BLOB(r->props),
                          DB_INT(r->qos), DB_INT(r->retain), DB_INT(r->ends_ms), DB_INT(r->due_ms)),
                  NULL);
}

static err_t end_will(struct db *db, const struct broker_record *r)
{
    return db_run(db, "DELETE FROM mqtt_wills WHERE client_id = $1", DB_ARGS(DB_SLICE(r->client_id)), NULL);
}

static err_t put_retained(struct db *db, const struct broker_record *r)
{
    return db_run(db,
                  "INSERT INTO mqtt_retained (topic, payload, props, qos, ends_ms, stored_ms)"
                  " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (topic) DO UPDATE SET"
                  " payload = excluded.payload, props = excluded.props, qos = excluded.qos,"
                  " ends_ms = excluded.ends_ms, stored_ms = excluded.stored_ms",
                  DB_ARGS(DB_SLICE(r->topic), DB_BLOB(r->payload), DB_BLOB(r->props), DB_INT(r->qos),
                          DB_INT(r->ends_ms), DB_INT(r->stored_ms)),
                  NULL);
}

static err_t end_retained(struct db *db, const struct broker_record *r)
{
    return db_run(db, "DELETE FROM mqtt_retained WHERE topic = $1", DB_ARGS(DB_SLICE(r->topic)), NULL);
}

/* ---- messages on their way ---- */

static err_t release(struct db *db, const struct broker_record *r)
{
    /* only its identifier is of interest from here on */
    return db_run(db, "UPDATE mqtt_queue SET released = 1 WHERE client_id = $1 AND seq = $2",
                  DB_ARGS(DB_SLICE(r->client_id), DB_INT((int64_t)r->seq)), NULL);
}

static err_t take_id(void *ctx, const struct db_rows *row)
{
    int64_t *id = ctx;

    *id = db_is_null(row, 0) ? 0 : db_int(row, 0);
    return ERR_OK;
}

static err_t end_queued(struct db *db, const struct broker_record *r)
{
    int64_t shared = 0;
    err_t e = db_each(db, "DELETE FROM mqtt_queue WHERE client_id = $1 AND seq = $2 RETURNING message",
                      DB_ARGS(DB_SLICE(r->client_id), DB_INT((int64_t)r->seq)), take_id, &shared);

    if (e || !shared)
        return e;
    return db_run(db,
                  "DELETE FROM mqtt_messages WHERE id = $1"
                  " AND NOT EXISTS (SELECT 1 FROM mqtt_queue WHERE message = $1)",
                  DB_ARGS(DB_INT(shared)), NULL);
}

static err_t put_received(struct db *db, const struct broker_record *r)
{
    return db_run(db,
                  "INSERT INTO mqtt_received (client_id, packet_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                  DB_ARGS(DB_SLICE(r->client_id), DB_INT(r->packet_id)), NULL);
}

static err_t end_received(struct db *db, const struct broker_record *r)
{
    return db_run(db, "DELETE FROM mqtt_received WHERE client_id = $1 AND packet_id = $2",
                  DB_ARGS(DB_SLICE(r->client_id), DB_INT(r->packet_id)), NULL);
}

static err_t (*const appliers[])(struct db *db, const struct broker_record *r) = {
    [BROKER_REC_SESSION] = put_session,
    [BROKER_REC_SESSION_END] = end_session,
    [BROKER_REC_SUBSCRIPTION] = put_subscription,
    [BROKER_REC_SUBSCRIPTION_END] = end_subscription,
    [BROKER_REC_RELEASED] = release,
    [BROKER_REC_QUEUED_END] = end_queued,
    [BROKER_REC_RECEIVED] = put_received,
    [BROKER_REC_RECEIVED_END] = end_received,
    [BROKER_REC_RETAINED] = put_retained,
    [BROKER_REC_RETAINED_END] = end_retained,
    [BROKER_REC_WILL] = put_will,
    [BROKER_REC_WILL_END] = end_will,
};

static err_t put_message(struct db *db, const struct broker_record *r, uint64_t id)
{
    return db_run(
        db, "INSERT INTO mqtt_messages (id, topic, payload, props, ends_ms) VALUES ($1, $2, $3, $4, $5)",
        DB_ARGS(DB_INT((int64_t)id), DB_SLICE(r->topic), DB_BLOB(r->payload), DB_BLOB(r->props),
                DB_INT(r->ends_ms)),
        NULL);
}

/* There is none with this number, unless the end of an earlier session was lost with the changes that did not
 * fit into memory while nothing could be written. */
#define REPLACE_QUEUED                                                                                 \
    " ON CONFLICT (client_id, seq) DO UPDATE SET n = excluded.n, qos = excluded.qos,"                  \
    " retain = excluded.retain, released = 0, sub_ids = excluded.sub_ids, message = excluded.message," \
    " topic = excluded.topic, payload = excluded.payload, props = excluded.props, ends_ms = "          \
    "excluded.ends_ms"

static err_t put_reference(struct db *db, const struct broker_record *r, uint64_t n, uint64_t id)
{
    return db_run(db,
                  "INSERT INTO mqtt_queue (n, client_id, seq, qos, retain, released, sub_ids, message)"
                  " VALUES ($1, $2, $3, $4, $5, 0, $6, $7)" REPLACE_QUEUED,
                  DB_ARGS(DB_INT((int64_t)n), DB_SLICE(r->client_id), DB_INT((int64_t)r->seq), DB_INT(r->qos),
                          DB_INT(r->retain), DB_BLOB(r->sub_ids), DB_INT((int64_t)id)),
                  NULL);
}

static err_t put_alone(struct db *db, const struct broker_record *r, uint64_t n)
{
    return db_run(db,
                  "INSERT INTO mqtt_queue (n, client_id, seq, qos, retain, released, sub_ids, topic, payload,"
                  " props, ends_ms) VALUES ($1, $2, $3, $4, $5, 0, $6, $7, $8, $9, $10)" REPLACE_QUEUED,
                  DB_ARGS(DB_INT((int64_t)n), DB_SLICE(r->client_id), DB_INT((int64_t)r->seq), DB_INT(r->qos),
                          DB_INT(r->retain), DB_BLOB(r->sub_ids), DB_SLICE(r->topic), DB_BLOB(r->payload),
                          DB_BLOB(r->props), DB_INT(r->ends_ms)),
                  NULL);
}

/* How many records from `i` on are one message. */
static size_t run_length(const struct journal_entry *en, size_t i)
{
    const struct broker_record *r = &en->recs[i];
    size_t n = 1;

    while (r->message && i + n < en->n && r[n].kind == r->kind && r[n].message == r->message)
        n++;
    return n;
}

/* A message for several sessions is written once. */
static err_t put_queued(struct db *db, const struct journal_entry *en, size_t at, size_t n)
{
    uint64_t id = en->first_n + at;
    err_t e;

    if (n == 1)
        return put_alone(db, &en->recs[at], id);
    e = put_message(db, &en->recs[at], id);
    for (size_t i = 0; i < n && !e; i++)
        e = put_reference(db, &en->recs[at + i], id + i, id);
    return e;
}

err_t journal_apply(struct db *db, const struct journal_entry *en)
{
    err_t e = ERR_OK;

    for (size_t i = 0, n; i < en->n && !e; i += n) {
        const struct broker_record *r = &en->recs[i];

        n = r->kind == BROKER_REC_QUEUED ? run_length(en, i) : 1;
        e = r->kind == BROKER_REC_QUEUED ? put_queued(db, en, i, n) : appliers[r->kind](db, r);
    }
    return e;
}

err_t journal_sweep(struct db *db)
{
    static const char messages[] = "DELETE FROM mqtt_messages WHERE id NOT IN (SELECT message FROM mqtt_queue"
                                   " WHERE message IS NOT NULL)";
    const char *const steps[] = {
        "DELETE FROM mqtt_queue WHERE client_id NOT IN (SELECT client_id FROM mqtt_sessions)",
        "DELETE FROM mqtt_subscriptions WHERE client_id NOT IN (SELECT client_id FROM mqtt_sessions)",
        "DELETE FROM mqtt_received WHERE client_id NOT IN (SELECT client_id FROM mqtt_sessions)",
        "DELETE FROM mqtt_wills WHERE client_id NOT IN (SELECT client_id FROM mqtt_sessions)",
        messages,
    };
    err_t e = ERR_OK;

    for (size_t i = 0; i < ARRAY_LEN(steps) && !e; i++)
        e = db_run(db, steps[i], DB_NO_ARGS, NULL);
    return e;
}
