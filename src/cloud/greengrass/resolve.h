/* src/cloud/greengrass/resolve.h - what a deployment's functions are now: aliases become versions, and a
 * function's settings those a core needs.
 *
 * On the database thread. Spec: docs/spec/edge-cloud.md EC-18..22; greengrass-v1 reference 3.2, 4.1.
 */
#pragma once
#include "cloud/greengrass/artifacts.h"

#define GG_WHY_MAX 640u

/* Rewrite the functions and subscriptions of a group document, whose members are as the definitions have
 * them. `defaults` is the function definition's DefaultConfig (NULL: none); packages are added to
 * `artifacts`. ERR_INVALID: the group cannot be deployed; `why` says why and what to do. */
err_t gg_resolve(struct api_call *c, json_t *document, const json_t *defaults, struct gg_artifacts *artifacts,
                 char why[GG_WHY_MAX]);
