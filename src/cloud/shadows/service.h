/* src/cloud/shadows/service.h - shadow documents in the database: one request, one transaction. On the
 * database thread.
 *
 * Spec: iot-core reference 5; src/shadow does the work on the documents.
 */
#pragma once
#include "db/db.h"
#include "shadow/shadow.h"

/* Load, handle, store. *ret is what shadow_handle says, also for refusals (ERR_OK with ret->code); the caller
 * frees it with shadow_result_done, and publishes ret->messages only after the commit. `name` "" is the
 * classic shadow. */
err_t shadows_apply(struct db *db, const char *thing, const char *name, enum shadow_op op, struct slice body,
                    int64_t now_ms, struct shadow_result *ret);
