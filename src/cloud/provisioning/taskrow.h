/* src/cloud/provisioning/taskrow.h - bulk registration tasks as the database keeps them. On the database
 * thread.
 *
 * A task's progress (position, line, counts) changes in the same transaction as what a line made, so a line
 * is done once, whatever happens to the process. Spec: iot-core reference 2.5, docs/spec/provisioning.md
 * PV-40..49.
 */
#pragma once
#include "cloud/api/call.h"

#define TASK_ID_MAX 40u
#define TASK_TOKEN_LEN 32u /* characters of the secret in the links of its reports */

struct task_row {
    char id[TASK_ID_MAX + 1];
    char status[16]; /* InProgress, Completed, Failed, Cancelled, Cancelling */
    char token[TASK_TOKEN_LEN + 1];
    char *template, *bucket, *key, *role, *message; /* owned; message may be "" */
    int64_t position, size; /* bytes of the input that are done, and all of them (0: not known yet) */
    int64_t line;           /* lines that are done */
    int64_t succeeded, failed, created_ms, modified_ms;
};
void task_row_done(struct task_row *t);
#define auto_task_row __attribute__((cleanup(task_row_done))) struct task_row

/* ERR_NOT_FOUND. *ret is to be freed in every case. */
err_t task_row_load(struct db *db, const char *id, struct task_row *ret);
/* The one that the label taskId names: InvalidRequestException, ResourceNotFoundException. */
err_t task_row_of_label(struct api_call *c, struct task_row *ret);
/* The one that is to be worked on. ERR_NOT_FOUND: none. */
err_t task_row_current(struct db *db, struct task_row *ret);
/* Store status, message and progress. */
err_t task_row_store(struct api_call *c, const struct task_row *t);
/* One line's result ("RESULTS") or error ("ERRORS"): JSON text. */
err_t task_row_report(struct api_call *c, const struct task_row *t, const char *kind, const char *content);
