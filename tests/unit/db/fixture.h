/* An empty database for each test: SQLite in memory, or a schema of its own in the PostgreSQL that
 * SEDGE_TEST_DB names (tests/integration/test_db_postgres.py runs these tests again with it). */
#pragma once
#include "base/mem.h"
#include "db/db.h"

#include <stdlib.h>
#include <unistd.h>

static inline bool on_postgres(void)
{
    return getenv("SEDGE_TEST_DB") != NULL;
}

static inline err_t own_schema(struct db *db)
{
    autofree char *drop = mem_printf("DROP SCHEMA IF EXISTS t%d CASCADE", (int)getpid());
    autofree char *create = mem_printf("CREATE SCHEMA t%d", (int)getpid());
    autofree char *set = mem_printf("SET search_path = t%d", (int)getpid());
    err_t e = db_run(db, drop, DB_NO_ARGS, NULL);

    if (!e)
        e = db_run(db, create, DB_NO_ARGS, NULL);
    return e ? e : db_run(db, set, DB_NO_ARGS, NULL);
}

static inline err_t empty_database(struct db **ret)
{
    err_t e = db_open(on_postgres() ? getenv("SEDGE_TEST_DB") : "sqlite::memory:", ret, NULL);

    return !e && on_postgres() ? own_schema(*ret) : e;
}

static inline int fixture_open(void **state)
{
    struct db *db = NULL;
    const struct db_migration steps[] = {
        { "one",
          "CREATE TABLE things (id {id}, name {text} NOT NULL UNIQUE, weight {int} CHECK (weight >= 0),"
          " data {blob}) {strict};"
          "CREATE TABLE parts (thing {int} NOT NULL REFERENCES things (id), n {int} NOT NULL) {strict}" },
    };

    if (empty_database(&db) || db_migrate(db, steps, ARRAY_LEN(steps)))
        return -1;
    *state = db;
    return 0;
}

static inline int fixture_close(void **state)
{
    db_close(*state);
    return 0;
}

static inline int64_t count_things(struct db *db)
{
    int64_t n = -1;
    err_t e = db_one_int(db, "SELECT count(*) FROM things", DB_NO_ARGS, &n);
    return e ? -1 : n;
}

static inline err_t add_thing(struct db *db, const char *name)
{
    return db_run(db, "INSERT INTO things (name) VALUES ($1)", DB_ARGS(DB_TEXT(name)), NULL);
}
