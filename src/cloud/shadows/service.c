#include "cloud/shadows/service.h"

#define DOCUMENT_MAX (1u << 20) /* state, metadata and our own members */

static err_t take_document(void *ctx, const struct db_rows *row)
{
    struct buf *out = ctx;

    buf_clear(out);
    return buf_add(out, db_text(row, 0));
}

static err_t store(struct db *db, const char *thing, const char *name, struct slice document)
{
    return db_run(db,
                  "INSERT INTO shadows (thing, name, document) VALUES ($1, $2, $3)"
                  " ON CONFLICT (thing, name) DO UPDATE SET document = excluded.document",
                  DB_ARGS(DB_TEXT(thing), DB_TEXT(name), DB_SLICE(document)), NULL);
}

err_t shadows_apply(struct db *db, const char *thing, const char *name, enum shadow_op op, struct slice body,
                    int64_t now_ms, struct shadow_result *ret)
{
    struct shadow_request rq = { op, slice_str(thing), slice_str(name), body, now_ms / 1000 };
    struct shadow_result result = { 0 };
    autobuf stored = BUF_INIT(DOCUMENT_MAX);
    err_t e = db_one(db, "SELECT document FROM shadows WHERE thing = $1 AND name = $2",
                     DB_ARGS(DB_TEXT(thing), DB_TEXT(name)), take_document, &stored);

    if (e && e != ERR_NOT_FOUND)
        return e;
    if ((e = shadow_handle(&SHADOW_LIMITS_DEFAULT, buf_slice(&stored), &rq, &result)))
        return e;
    if (result.changed && (e = store(db, thing, name, buf_slice(&result.stored)))) {
        shadow_result_done(&result);
        return e;
    }
    *ret = result;
    return ERR_OK;
}
