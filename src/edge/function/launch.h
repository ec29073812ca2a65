/* src/edge/function/launch.h - everything one worker needs, handed to the runner.
 *
 * I/O on the core's loop. Spec: docs/spec/functions.md FN-11, FN-15; greengrass-v1 reference 4.3.
 */
#pragma once
#include "edge/config.h"
#include "edge/deploy/group.h"
#include "edge/function/pool.h"
#include "edge/function/userlog.h"
#include "edge/problem.h"
#include "edge/runner/client.h"

/* As whom and where. Borrowed. */
struct launch {
    const struct config *config;
    const char *package_dir;
    const struct group *group;
    const char *code_dir; /* of all functions: each has a folder named by its ARN */
    struct userlogs *logs;
    struct runner *runner;
};

/* Environment, account and log pipes for `s`, then runner_start. Errors of those, with *why: the runner was
 * not asked. */
err_t launch_worker(const struct launch *l, const struct pool_start *s, struct problem *why);
