/* src/cloud/lambda/versions.h - publishing, for the operations that do it on the way. On the database thread.
 */
#pragma once
#include "cloud/lambda/versionrow.h"

/* Publish what `latest` has as the next version and answer with it; where the last one has the same, answer
 * with that. */
err_t function_version_publish_row(struct api_call *c, const struct function_row *latest);
