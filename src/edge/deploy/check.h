/* src/edge/deploy/check.h - can this core run the functions of a group? Asked before anything of them is
 * downloaded, so that a refusal costs nothing.
 *
 * Looks at accounts and at the folders of PATH; any thread. Spec: docs/spec/edge-cloud.md EC-28;
 * greengrass-v1 reference 1.1, 2.2, 4.1.
 */
#pragma once
#include "edge/config.h"
#include "edge/deploy/deploydoc.h"
#include "edge/deploy/group.h"

struct check_env {
    const struct config *config;
    const struct deploydoc *doc; /* whose artifacts the functions name */
    const char *path;            /* PATH for interpreters; NULL: the system's default */
};

/* ERR_UNSUPPORTED   a runtime this release does not have
 * ERR_NOT_FOUND     no such interpreter on PATH, no such account
 * ERR_DENIED        a function as root, and the configuration does not allow it
 * ERR_INVALID       an artifact that the deployment does not have
 * *why names function and remedy, in V1's words where it has some. */
err_t check_group(const struct check_env *env, const struct group *g, struct problem *why);

/* The function is a program of its own, not a handler for an interpreter. */
bool check_is_executable(const struct group_function *f);
