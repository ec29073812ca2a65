/* src/cloud/registry/grouprow.h - what the operations on thing groups share. On the database thread.
 *
 * Spec: iot-core reference 4.2 (limits), 4.3.
 */
#pragma once
#include "cloud/api/call.h"

#define GROUP_DEPTH_MAX 7
#define GROUP_CHILDREN_MAX 100
#define GROUPS_OF_THING_MAX 10

/* ResourceNotFoundException when there is no such group. */
err_t group_require(struct api_call *c, const char *name);
/* The same for a billing group. */
err_t billing_group_require(struct api_call *c, const char *name);
/* The same for a thing. */
err_t thing_require(struct api_call *c, const char *name);
/* The certificates of a thing: their connections are to be judged again after the commit. */
err_t thing_recheck(struct api_call *c, const char *thing);
