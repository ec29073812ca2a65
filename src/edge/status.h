/* src/edge/status.h - what the daemon tells the greengrassd that started it, line by line over a pipe.
 *
 * I/O; one thread. Lines: "note TEXT", "partial TEXT", "ready", "fatal TEXT"; the last three end the
 * conversation.
 */
#pragma once
#include "base/err.h"

#include <stdbool.h>

enum status_kind { STATUS_NOTE, STATUS_READY, STATUS_PARTIAL, STATUS_FATAL };

/* Write one line to fd (-1: nobody listens). Failures are ignored: greengrassd may have been killed. */
void status_tell(int fd, enum status_kind kind, const char *text);

/* Does somebody still listen at the other end of fd? */
bool status_listened(int fd);

/* Read lines until one ends the conversation, calling note(text) for notes. The text of the last goes to
 * `text`. ERR_EOF: the daemon ended without a word; ERR_TIMEOUT. */
err_t status_listen(int fd, int timeout_ms, void (*note)(const char *text), enum status_kind *ret, char *text,
                    unsigned max);
