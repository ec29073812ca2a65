#include "db/backend.h"

#include "base/mem.h"

#include <assert.h>
#include <string.h>

/* Move entry i to the front. */
static void touch(struct db *db, size_t i)
{
    struct db_stmt *st = db->cache[i];

    for (; i > 0; i--)
        db->cache[i] = db->cache[i - 1];
    db->cache[0] = st;
}

static struct db_stmt *find_idle(struct db *db, const char *sql)
{
    for (size_t i = 0; i < db->cached; i++) {
        if (db->cache[i]->busy || strcmp(db->cache[i]->sql, sql) != 0)
            continue;
        touch(db, i);
        return db->cache[0];
    }
    return NULL;
}

/* Make room by dropping the statement unused for longest; false when all are busy. */
static bool make_room(struct db *db)
{
    size_t i = db->cached;

    if (db->cached < DB_CACHE_MAX)
        return true;
    while (i > 0 && db->cache[i - 1]->busy)
        i--;
    if (i == 0)
        return false;
    db->ops->finalize(db->cache[i - 1]);
    for (; i < db->cached; i++)
        db->cache[i - 1] = db->cache[i];
    db->cached--;
    return true;
}

static err_t prepare(struct db *db, const char *sql, struct db_stmt **ret)
{
    err_t e = db->ops->prepare(db, sql, ret);

    if (e)
        return e;
    (*ret)->cached = make_room(db);
    if ((*ret)->cached) {
        db->cache[db->cached] = *ret;
        touch(db, db->cached++);
    }
    return ERR_OK;
}

err_t db_stmt_acquire(struct db *db, const char *sql, struct db_stmt **ret)
{
    struct db_stmt *st = find_idle(db, sql);
    err_t e = st ? ERR_OK : prepare(db, sql, &st);

    if (e)
        return e;
    st->busy = true;
    *ret = st;
    return ERR_OK;
}

void db_stmt_release(struct db_stmt *st)
{
    assert(st->busy);
    st->db->ops->reset(st);
    st->busy = false;
    if (!st->cached)
        st->db->ops->finalize(st);
}

void db_cache_clear(struct db *db)
{
    for (size_t i = 0; i < db->cached; i++)
        db->ops->finalize(db->cache[i]);
    db->cached = 0;
}
