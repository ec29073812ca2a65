/* src/cloud/status.h - `sedge-cloud status`: how a running server is, asked through a socket in its data
 * folder.
 *
 * DIR/status.sock, mode 0600: whoever may connect is the server's own user. A connection is answered with one
 * JSON object (report.h) and closed; nothing is read from it.
 */
#pragma once
#include "cloud/report.h"

struct status;

/* The server's side, on its loop. ERR_INVALID: the path is too long for a socket; errors of net_listen_unix.
 * `src` is borrowed. */
err_t status_new(struct net_loop *loop, const char *dir, const struct report_source *src,
                 struct status **ret);
void status_free(struct status *s); /* NULL is fine */

/* The command's side: `sedge-cloud status --data DIR [--json]`. Returns the exit status: 0 it runs and its
 * database answers, 1 it runs and its database does not, 2 a wrong command line, 3 no server runs there, 4 it
 * cannot be asked. */
int status_command(int argc, char **argv);
