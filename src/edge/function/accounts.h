/* src/edge/function/accounts.h - as whom a function runs.
 *
 * Asks the system's account database, so it may block for a moment; any thread. Spec: greengrass-v1
 * reference 1.1, 4.1, 5.1.
 */
#pragma once
#include "edge/config.h"
#include "edge/deploy/group.h"
#include "edge/problem.h"

struct account {
    int64_t uid, gid; /* -1: those of the daemon */
};

/* A daemon that is not root runs functions as itself. A root one as RunAs says, and where that is silent as
 * ggc_user:ggc_group.
 * ERR_NOT_FOUND  V1's `could not find UID based on user name, userName: ggc_user: user: unknown user
 * ggc_user` ERR_DENIED     uid or gid 0 without runtime.allowFunctionsToRunAsRoot, in V1's words */
err_t account_of(const struct config *config, const struct group_function *f, struct account *ret,
                 struct problem *why);
