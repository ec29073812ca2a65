/* src/cloud/greengrass/document.h - group.json and the deployment document, put together from a group
 * version.
 *
 * On the database thread (it reads definitions). Spec: docs/spec/edge-cloud.md EC-8, EC-11.
 */
#pragma once
#include "cloud/api/call.h"

#define GG_GROUP_MAX (8u << 20)    /* bytes of group.json */
#define GG_ENVELOPE_MAX (1u << 20) /* EC-5 */

/* EC-11: the group document of a group version as JSON text. *ret_core_arn: the core's thing ARN, a heap
 * string, NULL when the group has no core. ERR_NOT_FOUND: no such version of that group. */
err_t gg_group_document(struct api_call *c, const char *group, const char *version, struct buf *out,
                        char **ret_core_arn);

struct gg_deployment_text {
    const char *id, *kind, *group, *version, *core_arn;
    struct slice group_json;
    int64_t created_ms;
};

/* EC-5..8: the signed envelope. */
err_t gg_envelope(struct api_call *c, const struct gg_deployment_text *d, struct buf *out);
