/* src/cloud/greengrass/kinds.h - what differs between the seven kinds of group members. Pure; any thread. */
#pragma once
#include "cloud/api/call.h"

struct gg_kind {
    const char *name;           /* in paths and ARNs: "cores" */
    const char *list;           /* member with the entities: "Cores" */
    const char *version_member; /* in a group version: "CoreDefinitionVersionArn" */
    const char *noun;           /* in messages: "Core List" */
    const char *reference;      /* in messages about groups: "Cores" */
    const char *document; /* below GroupDefinitions of group.json; NULL: a list of its own (Cores, Devices) */
    size_t max;           /* entities of a version: the service's quota (7.4) */
    /* One entity of the version; NULL: any object will do. */
    err_t (*check)(struct api_call *c, const struct gg_kind *k, const json_t *version, const json_t *entity);
};

#define GG_KINDS 7
extern const struct gg_kind gg_kinds[GG_KINDS];

const struct gg_kind *gg_kind_find(const char *name); /* NULL: no such kind */

/* Check the entity list of a definition version. On success *ret is a new reference to {LIST: [...]} with the
 * members we know. Fails as the service does (greengrass-v1 7.5). */
err_t gg_kind_read(struct api_call *c, const struct gg_kind *k, json_t *version, json_t **ret);
