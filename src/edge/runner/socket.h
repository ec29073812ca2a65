/* src/edge/runner/socket.h - packets with descriptors beside them. Thin over sendmsg and recvmsg; any thread.
 */
#pragma once
#include "edge/runner/wire.h"

/* ERR_MORE: no room now (a socket that does not block); ERR_EOF: nobody reads any more; ERR_IO. */
err_t runner_send(int fd, struct slice packet, const int *fds, size_t fd_count);
/* One packet, appended to an empty `out`. The descriptors are the caller's to close, close-on-exec; more than
 * RUNNER_FDS_MAX are closed here. ERR_MORE: none now; ERR_EOF: the other end is gone; ERR_PROTO: longer than
 * RUNNER_PACKET_MAX; ERR_NOMEM, ERR_IO. */
err_t runner_receive(int fd, struct buf *out, int ret_fds[RUNNER_FDS_MAX], size_t *ret_count);
void runner_close_fds(int *fds, size_t n);
