/* A database in memory with one table, for each test. */
#pragma once
#include "base/mem.h"
#include "db/db.h"

static inline int fixture_open(void **state)
{
    struct db *db = NULL;
    const struct db_migration steps[] = {
        { "one",
          "CREATE TABLE things (id {id}, name {text} NOT NULL UNIQUE, weight {int} CHECK (weight >= 0),"
          " data {blob}) {strict};"
          "CREATE TABLE parts (thing {int} NOT NULL REFERENCES things (id), n {int} NOT NULL) {strict}" },
    };

    if (db_open("sqlite::memory:", &db, NULL) || db_migrate(db, steps, ARRAY_LEN(steps)))
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
