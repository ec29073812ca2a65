/* src/edge/function/environment.h - what a worker's process begins with: program, arguments, variables.
 *
 * Pure; any thread. Spec: docs/spec/functions.md FN-100 to FN-104; greengrass-v1 reference 4.2, 4.3.
 */
#pragma once
#include "edge/config.h"
#include "edge/deploy/group.h"
#include "edge/runner/wire.h"

/* What the worker is told of the core. Borrowed. */
struct environment_of {
    const struct config *config;
    const struct group *group;
    const struct group_function *function;
    const char *package_dir; /* ROOT/ggc/packages/VERSION */
    const char *code_dir;    /* the function's own folder */
    const char *path;        /* the daemon's PATH; NULL or empty: the system's default */
    struct slice token;      /* AWS_CONTAINER_AUTHORIZATION_TOKEN */
};

struct environment;

/* A function's own variables come first and the core's overwrite them; http_proxy and its kin are the
 * function's where it sets them. ERR_TOO_BIG: over the runner's caps; ERR_UNSUPPORTED: no such runtime
 * (deploy/check.c has refused it before); ERR_NOMEM. */
err_t environment_new(const struct environment_of *of, struct environment **ret);
void environment_free(struct environment *e); /* wipes; NULL is fine */

/* program, argv, envp, cwd and path are filled in; uid, gid and fds are the caller's. Lives as long as e. */
struct runner_command environment_command(const struct environment *e);
