/* src/edge/deploy/group.h - read group.json, the definition of what a core runs.
 *
 * Pure; one thread at a time per object. Spec: docs/spec/edge-cloud.md EC-11; greengrass-v1
 * reference 2.3, 3.3, 4.6.
 *
 * This release applies loggers and checks subscriptions. A group that needs anything else of the core is
 * refused with the list of what it needs: a deployment must not report Success for functions that do not run.
 */
#pragma once
#include "base/slice.h"
#include "edge/elog.h"
#include "edge/problem.h"

#define GROUP_MAX_BYTES (4 * 1024 * 1024)
#define GROUP_MAX_SUBSCRIPTIONS 10000 /* AWS's quota for one subscription definition version */

struct group_subscription {
    char *id, *source, *subject, *target;
};

struct group {
    char *group_id, *version_id; /* NULL in a group that was never deployed: {} */
    enum elog_level level;       /* FileSystem logger of GreengrassSystem; INFO without one */
    int64_t space_kb;            /* 128 without one */
    struct group_subscription *subscriptions;
    size_t subscription_count;
};

void group_free(struct group *g);
void group_free_ptr(struct group **g);
#define auto_group __attribute__((cleanup(group_free_ptr))) struct group

/* ERR_INVALID       not JSON, wrong types, a logger or subscription that breaks its rules; *why begins with
 * V1's "group config is invalid" ERR_UNSUPPORTED   it holds what this core cannot run; *why lists it
 * ERR_NOMEM */
err_t group_parse(struct slice text, struct group **ret, struct problem *why);
