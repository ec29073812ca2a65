/* src/cloud/schema.h - the cloud's tables, as migrations. On the database thread. */
#pragma once
#include "db/db.h"

/* Bring `db` up to date. Errors of db_migrate. */
err_t schema_apply(struct db *db);
