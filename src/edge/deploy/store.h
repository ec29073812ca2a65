/* src/edge/deploy/store.h - the deployment on disk: staged beside the running one, switched by one rename,
 * brought back on failure.
 *
 * Blocking I/O on small files; one thread at a time. Spec: docs/spec/edge-cloud.md EC-12, EC-13, EC-15.
 *
 *     WD/deployment/current/     the running deployment: group/ (group.json, deployment.json, code.json;
 * 0700) and lambda/ARN/ (the functions' code, readable for their users) WD/deployment/group        link to
 * current/group, lambda to current/lambda: V1's places WD/deployment/staging/     the next one while it is
 * written; the previous one while the next is on trial WD/deployment/switching    names the deployment on
 * trial: there from before the switch until commit or rollback WD/var/state/deployment-status.json   a status
 * the cloud has not taken yet
 *
 * The switch is renameat2(RENAME_EXCHANGE) of current and staging: at every moment `current` is one whole
 * deployment, group and code together. A release before this one had `group` as a folder itself and exchanged
 * that; such a folder, also one that an operator has put there, becomes current/group at the next start.
 */
#pragma once
#include "base/buf.h"
#include "edge/deploy/gda.h"
#include "edge/problem.h"

struct store;

/* Makes or adopts the folders, and `{}` as the group of a core that was never deployed. */
err_t store_open(const char *write_dir, struct store **ret, struct problem *why);
void store_close(struct store *s); /* NULL is fine */

/* After a crash: leftovers are removed; a deployment that was on trial is rolled back, and *ret_failed
 * (status GDA_FAILURE) says so, otherwise its status is GDA_NONE. */
err_t store_recover(struct store *s, struct gda_report *ret_failed, struct problem *why);

/* An empty staging folder. */
err_t store_begin(struct store *s, struct problem *why);
/* Write and sync one file of its group folder. ERR_NO_SPACE and others with *why. */
err_t store_put(struct store *s, const char *name, struct slice bytes, struct problem *why);
/* A nameless file on that disk, for a download. ERR_NO_SPACE, ERR_IO ... with *why. */
err_t store_temp(struct store *s, int *ret_fd, struct problem *why);
/* ERR_NO_SPACE with *why unless the disk has so many bytes free, and a little more for logs and state. */
err_t store_check_room(const struct store *s, uint64_t bytes, struct problem *why);
/* Where a function's code is; NULL: no memory. The caller's. */
char *store_staged_code(const struct store *s, const char *arn);
char *store_running_code(const struct store *s, const char *arn);
/* WD/deployment/lambda, the store's. */
const char *store_code_dir(const struct store *s);

/* deployment.json, sync of all that was staged, then switch. From here on store_commit or store_rollback must
 * follow. On failure nothing was switched. ERR_UNSUPPORTED: the file system cannot exchange two folders. */
err_t store_switch(struct store *s, const struct gda_ref *ref, struct problem *why);
err_t store_commit(struct store *s, struct problem *why);
err_t store_rollback(struct store *s, struct problem *why);
/* Give up a deployment that was not switched. */
void store_abandon(struct store *s);

/* Append WD/deployment/group/group.json (out's cap is the limit). An absent file reads as {}. */
err_t store_read_group(struct store *s, struct buf *out, struct problem *why);
/* Append a file of the running group's folder. ERR_NOT_FOUND, ERR_IO ... */
err_t store_read_file(const struct store *s, const char *name, struct buf *out);
/* Which deployment runs; an empty deployment_id when none was ever deployed. */
void store_read_running(struct store *s, struct gda_ref *ret);

/* EC-15. Reading gives GDA_NONE when there is none. */
err_t store_save_report(struct store *s, const struct gda_report *r, struct problem *why);
void store_read_report(struct store *s, struct gda_report *ret);
void store_forget_report(struct store *s);
