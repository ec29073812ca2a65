/* src/cloud/provisioning/taskinput.h - the input of a bulk registration: a file in a bucket, which is a
 * folder below the account's data, read line by line. Blocking file I/O in small pieces; one thread at a
 * time.
 *
 * Names come from the API: nothing outside the bucket's folder can be reached, neither by ".." nor by a link.
 */
#pragma once
#include "base/buf.h"

#define TASK_LINE_MAX 131072u     /* bytes of one line */
#define TASK_SIZE_MAX (1ll << 30) /* bytes of a file */

struct task_input;

/* BUCKETS/BUCKET/KEY from byte `position` on. ERR_NOT_FOUND, ERR_DENIED (a link, or no regular file),
 * ERR_INVALID (a name that is no name), ERR_TOO_BIG, ERR_IO; `why` (TASK_INPUT_WHY_MAX bytes) says what to
 * do. */
#define TASK_INPUT_WHY_MAX 512u
err_t task_input_open(const char *buckets, const char *bucket, const char *key, int64_t position,
                      struct task_input **ret, char why[TASK_INPUT_WHY_MAX]);
void task_input_free(struct task_input *in); /* NULL is fine */

int64_t task_input_size(const struct task_input *in);
/* The next line without its end, in `out` (cleared first, cap TASK_LINE_MAX), and where the one after it
 * begins. ERR_EOF: no more; ERR_TOO_BIG: it is longer than that; ERR_IO. Nothing can be read after a failure.
 */
err_t task_input_line(struct task_input *in, struct buf *out, int64_t *ret_next);
