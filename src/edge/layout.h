/* src/edge/layout.h - where things are below the Greengrass root and the write directory.
 *
 * layout_find_root and layout_program read links (I/O); the rest is pure. Any thread. Every string returned
 * belongs to the caller. Spec: greengrass-v1 reference 1.1, 1.2.
 */
#pragma once
#include "edge/config.h"

/* The root: `option` (from --root) made absolute, otherwise derived from the place of the running program,
 * which is ROOT/ggc/core/greengrassd, ROOT/ggc/packages/VERSION/greengrassd or .../bin/NAME. ERR_NOT_FOUND
 * with *why: the program is somewhere else and no --root was given. */
err_t layout_find_root(const char *option, char **ret_root, struct problem *why);
/* The same for a given program path: pure. NULL when it is not in a release's layout. */
char *layout_root_of(const char *program);

/* Absolute path of the release's program `name` (daemon, core), seen from greengrassd:
 * packages/VERSION/bin/NAME, or greengrass-NAME beside it (build tree) or in ../libexec/sedge (installed);
 * or seen from another program of the release.
 * ERR_NOT_FOUND, ERR_NOMEM. */
err_t layout_program(const char *name, char **ret);

/* Folder of the PID file: pidFileDirectory; without it /var/run for the root /greengrass, else WD/var/run.
 * NULL: no memory. */
char *layout_pid_dir(const struct config *c, const char *root);

/* The IPC socket WD/socket/greengrass_ipc.sock must fit a socket address. ERR_INVALID with V1's message. */
err_t layout_check_socket(const struct config *c, struct problem *why);
