/* src/keyd/peer.h - who is at the other end of a Unix socket. Asks the kernel; any thread.
 */
#pragma once
#include "keyd/rules.h"

/* User, groups and process as they were when the peer connected (SO_PEERCRED, SO_PEERGROUPS), and the systemd
 * unit the process is in now, if that can be told for certain (docs/spec/keyd.md section 2). ERR_IO nothing
 * is known, ERR_TOO_BIG more than KEYD_GROUPS_MAX groups: drop the connection. */
err_t keyd_peer_of(int fd, struct keyd_peer *ret);

/* The unit in the text of /proc/PID/cgroup: the first component of the path that is not a slice, so that what
 * a user's own manager calls a unit (below user@1000.service) has no say. Pure. ERR_NOT_FOUND. */
err_t keyd_unit_of_cgroup(struct slice text, char ret_unit[KEYD_UNIT_MAX]);
