/* src/cloud/background.h - work the cloud gives itself: building deployments. The loop's thread. */
#pragma once
#include "cloud/api/request.h"

struct background;

err_t background_new(const struct api_parts *parts, struct background **ret);
/* Stops trying again; what the database thread still holds comes back and is dropped. NULL is fine. */
void background_free(struct background *b);

/* Build this deployment. When the database cannot be written (a full disk), it is tried again every few
 * seconds, and after a restart in any case. */
void background_build(struct background *b, const char *deployment);
/* Build all that were left half way. */
void background_resume(struct background *b);
