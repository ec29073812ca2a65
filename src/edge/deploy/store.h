/* src/edge/deploy/store.h - the deployment on disk: staged beside the running one, switched by one rename,
 * brought back on failure.
 *
 * Blocking I/O on small files; one thread at a time. Spec: docs/spec/edge-cloud.md EC-12, EC-13, EC-15.
 *
 *     WD/deployment/group/       the running group: group.json, deployment.json, other artifacts
 *     WD/deployment/staging/     the next one while it is written; the previous one while the next is on
 * trial WD/deployment/switching    names the deployment on trial: there from before the switch until commit
 * or rollback WD/var/state/deployment-status.json   a status the cloud has not taken yet
 *
 * The switch is renameat2(RENAME_EXCHANGE) of group and staging: at every moment `group` is one whole
 * deployment.
 */
#pragma once
#include "base/buf.h"
#include "edge/deploy/gda.h"
#include "edge/problem.h"

struct store;

/* Makes the folders, and `{}` as the group of a core that was never deployed. */
err_t store_open(const char *write_dir, struct store **ret, struct problem *why);
void store_close(struct store *s); /* NULL is fine */

/* After a crash: leftovers are removed; a deployment that was on trial is rolled back, and *ret_failed
 * (status GDA_FAILURE) says so, otherwise its status is GDA_NONE. */
err_t store_recover(struct store *s, struct gda_report *ret_failed, struct problem *why);

/* An empty staging folder. */
err_t store_begin(struct store *s, struct problem *why);
/* Write and sync one file there. ERR_NO_SPACE and others with *why. */
err_t store_put(struct store *s, const char *name, struct slice bytes, struct problem *why);
/* deployment.json, sync, then switch. From here on store_commit or store_rollback must follow.
 * On failure nothing was switched. ERR_UNSUPPORTED: the file system cannot exchange two folders. */
err_t store_switch(struct store *s, const struct gda_ref *ref, struct problem *why);
err_t store_commit(struct store *s, struct problem *why);
err_t store_rollback(struct store *s, struct problem *why);
/* Give up a deployment that was not switched. */
void store_abandon(struct store *s);

/* Append WD/deployment/group/group.json (out's cap is the limit). An absent file reads as {}. */
err_t store_read_group(struct store *s, struct buf *out, struct problem *why);
/* Which deployment runs; an empty deployment_id when none was ever deployed. */
void store_read_running(struct store *s, struct gda_ref *ret);

/* EC-15. Reading gives GDA_NONE when there is none. */
err_t store_save_report(struct store *s, const struct gda_report *r, struct problem *why);
void store_read_report(struct store *s, struct gda_report *ret);
void store_forget_report(struct store *s);
