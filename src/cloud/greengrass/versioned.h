/* src/cloud/greengrass/versioned.h - what groups and the seven kinds of definitions share: a name, tags, and
 * versions that hold the content. As JSON of the API.
 *
 * Pure; any thread. Spec: greengrass-v1 reference 7.
 */
#pragma once
#include "cloud/api/call.h"
#include "cloud/greengrass/kinds.h"
#include "db/db.h"

/* Texts are borrowed. */
struct gg_versioned {
    const struct gg_kind *kind; /* of a definition; NULL: a group */
    const char *id, *name, *latest, *tags;
    int64_t created_ms, updated_ms;
};

/* From a row that begins with GG_VERSIONED_COLUMNS; lives as long as the row. */
#define GG_VERSIONED_COLUMNS "name, latest, tags, created_ms, updated_ms"
struct gg_versioned gg_versioned_row(const struct gg_kind *kind, const char *id, const struct db_rows *row);

/* A new object, or NULL. */
json_t *gg_versioned_describe(const struct api_call *c, const struct gg_versioned *v);
/* What both version answers share, without the content. A new object, or NULL. */
json_t *gg_version_describe(const struct api_call *c, const struct gg_kind *kind, const char *id,
                            const char *version, int64_t created_ms);
/* The answer of Get...Version for a row of content and created_ms. ERR_NOMEM. */
err_t gg_version_reply(struct api_call *c, const struct gg_kind *kind, const char *id, const char *version,
                       const struct db_rows *row);
