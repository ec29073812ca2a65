#include "db/backend.h"
#include "db/db.h"

#define TX_TRIES 5

static void roll_back(struct db *db)
{
    /* SQLite ends the transaction by itself on a full disk or an I/O error. */
    if (db->ops->tx_open(db))
        (void)db->ops->exec(db, "ROLLBACK"); /* the error that led here is the one to report */
}

/* A server that was restarted since shows here first; beginning twice harms nothing. */
static err_t begin(struct db *db)
{
    const char *sql = db->read_only ? db->ops->begin_read : db->ops->begin;
    err_t e = db->ops->exec(db, sql);

    return e == ERR_UNAVAILABLE ? db->ops->exec(db, sql) : e;
}

static err_t attempt(struct db *db, db_tx_fn fn, void *ctx)
{
    err_t e = begin(db);

    if (e)
        return e;
    db->in_tx = true;
    db->tx_failed = ERR_OK;
    e = fn(db, ctx);
    if (!e)
        e = db->tx_failed; /* fn went on after a failed statement: its result cannot be trusted */
    db->in_tx = false;
    if (!e)
        e = db->ops->exec(db, "COMMIT");
    if (e)
        roll_back(db);
    return e;
}

err_t db_tx(struct db *db, db_tx_fn fn, void *ctx)
{
    err_t e = ERR_OK;

    if (db->in_tx)
        return ERR_WRONG_STATE;
    for (int i = 0; i < TX_TRIES; i++) {
        e = attempt(db, fn, ctx);
        if (e != ERR_BUSY)
            break;
    }
    return e;
}

err_t db_tx_part(struct db *db, db_tx_fn fn, void *ctx, err_t *ret_part)
{
    err_t e;

    if (!db->in_tx || db->tx_failed)
        return ERR_WRONG_STATE;
    if ((e = db->ops->exec(db, "SAVEPOINT part")))
        return e;
    e = fn(db, ctx);
    if (!e)
        e = db->tx_failed; /* as in attempt() */
    if (e == ERR_BUSY || !db->ops->tx_open(db))
        return db->tx_failed = e ? e : ERR_IO;
    db->tx_failed = ERR_OK;
    err_t end = db->ops->exec(db, e ? "ROLLBACK TO part; RELEASE part" : "RELEASE part");
    if (!end)
        *ret_part = e;
    return end;
}

err_t db_read_only(struct db *db)
{
    err_t e = db->in_tx ? ERR_WRONG_STATE : db->ops->exec(db, db->ops->read_only);

    db->read_only = db->read_only || !e;
    return e;
}
