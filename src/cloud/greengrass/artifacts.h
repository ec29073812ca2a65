/* src/cloud/greengrass/artifacts.h - the files of a deployment besides group.json: its functions' packages.
 *
 * A package is kept once, by the Lambda room (lambda_code); a deployment refers to it, and as long as one
 * does it stays, whatever becomes of the function. On the database thread. Spec: docs/spec/edge-cloud.md
 * EC-19.
 */
#pragma once
#include "cloud/lambda/versionrow.h"

#define GG_GROUP_ARTIFACT "group.json"
#define GG_ARTIFACT_NAME_MAX 80u /* lambda-, 64 hex digits, .zip */

struct gg_artifact {
    char name[GG_ARTIFACT_NAME_MAX];
    char sha256[CRYPTO_SHA256_HEX];
    char code_sha[FUNCTION_CODE_SHA_MAX]; /* what lambda_code calls it */
    int64_t size;
};

struct gg_artifacts {
    struct gg_artifact *items;
    size_t n, cap;
};
void gg_artifacts_done(struct gg_artifacts *a);
#define auto_artifacts __attribute__((cleanup(gg_artifacts_done))) struct gg_artifacts

/* The artifact with the package of a function's version; one that is in the list already is found.
 * Borrowed until the next call. ERR_NOMEM, ERR_TOO_BIG. */
err_t gg_artifacts_add(struct gg_artifacts *a, const struct function_row *r, const struct gg_artifact **ret);

err_t gg_artifacts_store(struct api_call *c, const char *deployment, const struct gg_artifacts *a);
/* Add those of an earlier deployment. */
err_t gg_artifacts_load(struct api_call *c, const char *deployment, struct gg_artifacts *a);

/* The bytes of group.json or of a package, appended. ERR_NOT_FOUND: the deployment has no such artifact. */
err_t gg_artifact_read(struct api_call *c, const char *deployment, const char *name, struct buf *out);
