/* src/edge/function/command.h - the command line of one function's worker.
 *
 * Pure; any thread. Spec: docs/spec/functions.md FN-15; greengrass-v1 reference 4.1, 4.2.
 */
#pragma once
#include "edge/deploy/group.h"

#define COMMAND_MAX_ARGS 32

struct command {
    char *program;                    /* a name for PATH, or an absolute path */
    char *argv[COMMAND_MAX_ARGS + 1]; /* NULL-terminated */
};

/* `package_dir` has the shims below runtime/, `code_dir` is the function's own folder; both absolute.
 * ERR_INVALID      a handler or executable that leaves the package, or too many arguments
 * ERR_UNSUPPORTED  no shim for this runtime in this release
 * ERR_NOMEM */
err_t command_make(const struct group_function *f, const char *package_dir, const char *code_dir,
                   struct command *ret, struct problem *why);
void command_done(struct command *c);
#define auto_command __attribute__((cleanup(command_done))) struct command
