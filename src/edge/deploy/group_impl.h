/* src/edge/deploy/group_impl.h - what the halves of the group reader share: definitions (group.c), functions
 * (group_lambdas.c). Pure.
 */
#pragma once
#include "base/json.h"
#include "edge/deploy/group.h"

#define GROUP_INVALID "group config is invalid: "

/* GroupDefinitions.Lambdas.Content into g->functions and the spooler's settings. Errors of group_parse. */
err_t group_read_lambdas(struct group *g, const json_t *content, struct problem *why);
void group_functions_free(struct group *g);
