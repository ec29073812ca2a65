/* src/cloud/greengrass/document.h - group.json and the deployment document, put together from a group
 * version.
 *
 * On the database thread (it reads definitions). Spec: docs/spec/edge-cloud.md EC-8, EC-11, EC-18..20.
 */
#pragma once
#include "cloud/greengrass/resolve.h"

#define GG_GROUP_MAX (4u << 20)    /* EC-11 */
#define GG_ENVELOPE_MAX (1u << 20) /* EC-5 */

/* What a deployment consists of. */
struct gg_parts {
    struct buf group_json;
    char *core_arn; /* the core's thing ARN; NULL: the group has none */
    struct gg_artifacts artifacts;
};
#define GG_PARTS_INIT ((struct gg_parts){ .group_json = BUF_INIT(GG_GROUP_MAX) })
void gg_parts_done(struct gg_parts *p);
#define auto_parts __attribute__((cleanup(gg_parts_done))) struct gg_parts

/* The parts of a group version as it is now: EC-11, EC-18. `ret` is one of GG_PARTS_INIT. ERR_NOT_FOUND: no
 * such version of that group; ERR_INVALID: it cannot be deployed, `why` says why and what to do; ERR_TOO_BIG.
 */
err_t gg_parts_build(struct api_call *c, const char *group, const char *version, struct gg_parts *ret,
                     char why[GG_WHY_MAX]);
/* The parts of an earlier deployment as they were: EC-20. ERR_NOT_FOUND: it was never built. */
err_t gg_parts_load(struct api_call *c, const char *deployment, struct gg_parts *ret);
/* Keep them as a deployment's. */
err_t gg_parts_store(struct api_call *c, const char *deployment, const struct gg_parts *p);

/* *ret: does the group version have a core? ERR_NOT_FOUND: no such version of that group. */
err_t gg_has_core(struct api_call *c, const char *group, const char *version, bool *ret);

struct gg_deployment_text {
    const char *id, *kind, *group, *version;
    const struct gg_parts *parts;
    int64_t created_ms;
};

/* EC-5..8: the signed envelope. */
err_t gg_envelope(struct api_call *c, const struct gg_deployment_text *d, struct buf *out);
