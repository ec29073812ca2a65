/* src/edge/function/userlog.h - what functions print: WD/var/log/user/REGION/ACCOUNT/NAME.log, in V1's lines.
 *
 * I/O on one loop; everything here belongs to its thread. A function has a pipe for each level; all versions
 * and workers of a function share a file. Spec: greengrass-v1 reference 2.1 to 2.3, 4.3;
 * docs/spec/functions.md FN-90 to FN-93
 */
#pragma once
#include "edge/elog.h"
#include "net/loop.h"

#define USERLOG_FDS 6 /* INFO 1, ERROR 2, DEBUG 3, WARN 4, FATAL 5, TRACE 6 */

struct userlogs;

/* ERR_NOMEM. Folders and files are made when something is written. */
err_t userlogs_new(struct net_loop *loop, const char *write_dir, struct userlogs **ret);
void userlogs_free(struct userlogs *u); /* what is still in the pipes is read first; NULL is fine */

/* The group's FileSystem logger for Lambda; TRACE counts as DEBUG. Space is each function's. */
void userlogs_configure(struct userlogs *u, enum elog_level min, int64_t space_kb);

/* Pipes for one worker of the function `arn`; ret_fds are the ends to write to, the caller's to close. The
 * reading ends close themselves when the last writer is gone. ERR_INVALID: not a function's ARN; ERR_NOMEM,
 * ERR_IO (no descriptors). */
err_t userlogs_pipes(struct userlogs *u, const char *arn, int ret_fds[USERLOG_FDS]);
/* A line of the core's in that function's log. */
void userlogs_write(struct userlogs *u, const char *arn, enum elog_level level, const char *text);
