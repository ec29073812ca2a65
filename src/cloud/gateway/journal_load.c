#include "base/buf.h"
#include "base/mem.h"
#include "cloud/gateway/journal_sql.h"

/* Rows back into records, by pages: a database may send a query's whole answer at once. */

#define PAGE "256"
#define PAGE_MESSAGES "32"

struct teller {
    struct db *db;
    err_t (*fn)(void *arg, const struct broker_record *rec);
    void *arg;
    size_t told; /* of this page */
    /* where the next page begins */
    char *first, *second;
    int64_t last_n;
    /* the message that several sessions wait for */
    int64_t message, message_ends_ms;
    struct buf topic, payload, props;
    struct broker_record rec; /* of the queue's row */
    bool released;
};

static err_t tell(struct teller *t, const struct broker_record *rec)
{
    t->told++;
    return t->fn(t->arg, rec);
}

/* Remember where this page ended. */
static err_t mark(char **where, struct slice s)
{
    free(*where);
    *where = mem_str(s);
    return *where ? ERR_OK : ERR_NOMEM;
}

/* ---- each kind of row ---- */

static err_t session_row(void *ctx, const struct db_rows *r)
{
    struct teller *t = ctx;
    const struct broker_record rec = {
        .kind = BROKER_REC_SESSION,
        .client_id = db_text(r, 0),
        .version = (uint8_t)db_int(r, 1),
        .expiry_s = (uint32_t)db_int(r, 2),
        .ends_ms = db_int(r, 3),
    };
    err_t e = mark(&t->first, rec.client_id);

    return e ? e : tell(t, &rec);
}

static err_t subscription_row(void *ctx, const struct db_rows *r)
{
    struct teller *t = ctx;
    const struct broker_record rec = {
        .kind = BROKER_REC_SUBSCRIPTION,
        .client_id = db_text(r, 0),
        .topic = db_text(r, 1),
        .qos = (uint8_t)db_int(r, 2),
        .options = (uint8_t)db_int(r, 3),
        .sub_id = (uint32_t)db_int(r, 4),
    };
    err_t e = mark(&t->first, rec.client_id);

    e = e ? e : mark(&t->second, rec.topic);
    return e ? e : tell(t, &rec);
}

static err_t received_row(void *ctx, const struct db_rows *r)
{
    struct teller *t = ctx;
    const struct broker_record rec = { .kind = BROKER_REC_RECEIVED,
                                       .client_id = db_text(r, 0),
                                       .packet_id = (uint16_t)db_int(r, 1) };
    err_t e = mark(&t->first, rec.client_id);

    t->last_n = rec.packet_id;
    return e ? e : tell(t, &rec);
}

static err_t will_row(void *ctx, const struct db_rows *r)
{
    struct teller *t = ctx;
    const struct broker_record rec = {
        .kind = BROKER_REC_WILL,
        .client_id = db_text(r, 0),
        .topic = db_text(r, 1),
        .payload = db_blob(r, 2),
        .props = db_blob(r, 3),
        .qos = (uint8_t)db_int(r, 4),
        .retain = db_int(r, 5) != 0,
        .ends_ms = db_int(r, 6),
        .due_ms = db_int(r, 7),
    };
    err_t e = mark(&t->first, rec.client_id);

    return e ? e : tell(t, &rec);
}

static err_t retained_row(void *ctx, const struct db_rows *r)
{
    struct teller *t = ctx;
    const struct broker_record rec = {
        .kind = BROKER_REC_RETAINED,
        .topic = db_text(r, 0),
        .payload = db_blob(r, 1),
        .props = db_blob(r, 2),
        .qos = (uint8_t)db_int(r, 3),
        .ends_ms = db_int(r, 4),
        .stored_ms = db_int(r, 5),
        .retain = true,
    };
    err_t e = mark(&t->first, rec.topic);

    return e ? e : tell(t, &rec);
}

/* ---- queued messages ---- */

static err_t message_row(void *ctx, const struct db_rows *r)
{
    struct teller *t = ctx;
    err_t e = buf_add(&t->topic, db_text(r, 0));

    e = e ? e : buf_add(&t->payload, db_blob(r, 1));
    t->message_ends_ms = db_int(r, 3);
    return e ? e : buf_add(&t->props, db_blob(r, 2));
}

/* The rows of one message follow each other: it is fetched once. */
static err_t fetch_message(struct teller *t, int64_t id)
{
    if (t->message == id)
        return ERR_OK;
    t->message = id;
    buf_clear(&t->topic);
    buf_clear(&t->payload);
    buf_clear(&t->props);
    return db_one(t->db, "SELECT topic, payload, props, ends_ms FROM mqtt_messages WHERE id = $1",
                  DB_ARGS(DB_INT(id)), message_row, t);
}

static err_t take_message(struct teller *t, const struct db_rows *r, struct broker_record *rec)
{
    err_t e;

    if (db_is_null(r, 7)) {
        rec->topic = db_text(r, 8);
        rec->payload = db_blob(r, 9);
        rec->props = db_blob(r, 10);
        rec->ends_ms = db_int(r, 11);
        return ERR_OK;
    }
    if ((e = fetch_message(t, db_int(r, 7))))
        return e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
    rec->message = (uint64_t)t->message;
    rec->topic = buf_slice(&t->topic);
    rec->payload = buf_slice(&t->payload);
    rec->props = buf_slice(&t->props);
    rec->ends_ms = t->message_ends_ms;
    return ERR_OK;
}

static err_t queue_row(void *ctx, const struct db_rows *r)
{
    struct teller *t = ctx;
    struct broker_record rec = {
        .kind = BROKER_REC_QUEUED,
        .client_id = db_text(r, 1),
        .seq = (uint64_t)db_int(r, 2),
        .qos = (uint8_t)db_int(r, 3),
        .retain = db_int(r, 4) != 0,
        .sub_ids = db_blob(r, 6),
    };
    const struct broker_record released = { .kind = BROKER_REC_RELEASED,
                                            .client_id = rec.client_id,
                                            .seq = rec.seq };
    err_t e = take_message(t, r, &rec);

    t->last_n = db_int(r, 0);
    if (!e)
        e = tell(t, &rec);
    return e || !db_int(r, 5) ? e : t->fn(t->arg, &released);
}

/* ---- pages ---- */

static err_t by_name(struct teller *t, const char *sql, db_row_fn fn)
{
    err_t e = mark(&t->first, (struct slice){ 0 });

    do {
        autofree char *after = e ? NULL : mem_strdup(t->first);

        t->told = 0;
        if (!e)
            e = after ? db_each(t->db, sql, DB_ARGS(DB_TEXT(after)), fn, t) : ERR_NOMEM;
    } while (!e && t->told);
    return e;
}

static err_t subscriptions(struct teller *t)
{
    err_t e = mark(&t->first, (struct slice){ 0 });

    e = e ? e : mark(&t->second, (struct slice){ 0 });
    do {
        autofree char *id = e ? NULL : mem_strdup(t->first), *filter = e ? NULL : mem_strdup(t->second);

        t->told = 0;
        if (!e)
            e = !id || !filter
                    ? ERR_NOMEM
                    : db_each(
                          t->db,
                          "SELECT b.client_id, b.filter, b.qos, b.options, b.sub_id FROM mqtt_subscriptions b"
                          " JOIN mqtt_sessions s ON s.client_id = b.client_id WHERE (b.client_id, b.filter)"
                          " > ($1, $2) ORDER BY b.client_id, b.filter LIMIT " PAGE,
                          DB_ARGS(DB_TEXT(id), DB_TEXT(filter)), subscription_row, t);
    } while (!e && t->told);
    return e;
}

static err_t received(struct teller *t)
{
    err_t e = mark(&t->first, (struct slice){ 0 });

    t->last_n = 0;
    do {
        autofree char *id = e ? NULL : mem_strdup(t->first);

        t->told = 0;
        if (!e)
            e = !id ? ERR_NOMEM
                    : db_each(t->db,
                              "SELECT r.client_id, r.packet_id FROM mqtt_received r JOIN mqtt_sessions s"
                              " ON s.client_id = r.client_id WHERE (r.client_id, r.packet_id) > ($1, $2)"
                              " ORDER BY r.client_id, r.packet_id LIMIT " PAGE,
                              DB_ARGS(DB_TEXT(id), DB_INT(t->last_n)), received_row, t);
    } while (!e && t->told);
    return e;
}

static err_t queued(struct teller *t)
{
    err_t e;

    t->last_n = 0;
    do {
        t->told = 0;
        e = db_each(
            t->db,
            "SELECT q.n, q.client_id, q.seq, q.qos, q.retain, q.released, q.sub_ids, q.message, q.topic,"
            " q.payload, q.props, q.ends_ms FROM mqtt_queue q JOIN mqtt_sessions s ON"
            " s.client_id = q.client_id WHERE q.n > $1 ORDER BY q.n LIMIT " PAGE_MESSAGES,
            DB_ARGS(DB_INT(t->last_n)), queue_row, t);
    } while (!e && t->told);
    return e;
}

static err_t tell_all(struct teller *t, uint64_t *ret_last_n)
{
    int64_t last = 0;
    err_t e = by_name(t,
                      "SELECT client_id, version, expiry_s, ends_ms FROM mqtt_sessions WHERE client_id > $1"
                      " ORDER BY client_id LIMIT " PAGE,
                      session_row);

    e = e ? e : subscriptions(t);
    e = e ? e : received(t);
    e = e ? e : queued(t);
    e = e ? e
          : by_name(
                t,
                "SELECT w.client_id, w.topic, w.payload, w.props, w.qos, w.retain, w.ends_ms, w.due_ms"
                " FROM mqtt_wills w JOIN mqtt_sessions s ON s.client_id = w.client_id WHERE w.client_id > $1"
                " ORDER BY w.client_id LIMIT " PAGE_MESSAGES,
                will_row);
    e = e ? e
          : by_name(
                t,
                "SELECT topic, payload, props, qos, ends_ms, stored_ms FROM mqtt_retained WHERE topic > $1"
                " ORDER BY topic LIMIT " PAGE_MESSAGES,
                retained_row);
    /* rows without a session, which nobody is told of, have numbers too */
    e = e ? e : db_one_int(t->db, "SELECT coalesce(max(n), 0) FROM mqtt_queue", DB_NO_ARGS, &last);
    if (!e)
        *ret_last_n = (uint64_t)last;
    return e;
}

err_t journal_tell(struct db *db, err_t (*fn)(void *arg, const struct broker_record *rec), void *arg,
                   uint64_t *ret_last_n)
{
    const size_t most = (size_t)256 << 20; /* MQTT's largest packet */
    struct teller t = { .db = db, .fn = fn, .arg = arg };
    err_t e;

    t.topic = t.payload = t.props = BUF_INIT(most);
    e = tell_all(&t, ret_last_n);
    buf_done(&t.topic);
    buf_done(&t.payload);
    buf_done(&t.props);
    free(t.first);
    free(t.second);
    return e;
}
