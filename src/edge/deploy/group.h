/* src/edge/deploy/group.h - read group.json, the definition of what a core runs.
 *
 * Pure; one thread at a time per object. Spec: docs/spec/edge-cloud.md EC-11; greengrass-v1
 * reference 2.3, 3.3, 4.1, 4.6.
 *
 * This release runs functions without containers, routes their messages and applies loggers. A group that
 * needs anything else of the core is refused with what it needs: a deployment must not report Success for
 * what does not run.
 */
#pragma once
#include "base/slice.h"
#include "edge/elog.h"
#include "edge/problem.h"

#define GROUP_MAX_BYTES (4 * 1024 * 1024)
#define GROUP_MAX_SUBSCRIPTIONS 10000 /* AWS's quota for one subscription definition version */

#define GROUP_MAX_FUNCTIONS 200 /* AWS's quota for one group */
#define GROUP_MAX_VARIABLES 256
#define GROUP_MAX_ENVIRONMENT (64 * 1024) /* bytes of one function's names and values */
#define GROUP_SPOOL_BYTES 2621440         /* without GG_CONFIG_MAX_SIZE_BYTES */
#define GROUP_SPOOL_MIN_BYTES 262144
#define GROUP_EXECUTABLE "arn:aws:greengrass:::runtime/function/executable"

struct group_subscription {
    char *id, *source, *subject, *target;
};

enum group_encoding { GROUP_JSON, GROUP_BINARY };

struct group_variable {
    char *name, *value;
};

/* A function with code, as a plain process: EC-18. */
struct group_function {
    char *arn; /* with its version: letters, digits, ':', '_', '-' only, so it can name a folder */
    char *id;
    char *artifact; /* the deployment's artifact with its zip */
    char *handler, *runtime;
    char *executable, *exec_args; /* NULL when absent */
    bool pinned;
    int64_t timeout_ms;
    int64_t memory_kb; /* -1: not given; a process without a container has no limit */
    enum group_encoding encoding;
    int64_t uid, gid; /* -1: not given */
    struct group_variable *variables;
    size_t variable_count;
};

struct group {
    char *group_id, *version_id;  /* NULL in a group that was never deployed: {} */
    enum elog_level level;        /* FileSystem logger of GreengrassSystem; INFO without one */
    int64_t space_kb;             /* 128 without one */
    enum elog_level lambda_level; /* FileSystem logger of Lambda; INFO without one */
    int64_t lambda_space_kb;      /* for each function's log; 128 without one */
    int64_t spool_bytes;          /* messages kept for the cloud, GGCloudSpooler's setting */
    struct group_function *functions;
    size_t function_count;
    struct group_subscription *subscriptions;
    size_t subscription_count;
};

void group_free(struct group *g);
void group_free_ptr(struct group **g);
#define auto_group __attribute__((cleanup(group_free_ptr))) struct group

/* The function with this ARN, version included; NULL: none. */
const struct group_function *group_find_function(const struct group *g, const char *arn);

/* ERR_INVALID      not JSON, wrong types, a definition that breaks its rules; *why begins with V1's "group
 *                  config is invalid"
 * ERR_UNSUPPORTED  it holds what this core cannot run; *why names it and what to do
 * ERR_NOMEM */
err_t group_parse(struct slice text, struct group **ret, struct problem *why);
