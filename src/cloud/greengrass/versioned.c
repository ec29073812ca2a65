#include "cloud/greengrass/versioned.h"

#include "base/mem.h"
#include "cloud/greengrass/ids.h"

#define CONTENT_DEPTH 24u

/* version NULL: of the thing itself. */
static const char *arn_of(const struct api_call *c, char arn[ARN_MAX], const struct gg_kind *kind,
                          const char *id, const char *version)
{
    return gg_arn(c, arn, "%s%s/%s%s%s", kind ? "definition/" : "", kind ? kind->name : "groups", id,
                  version ? "/versions/" : "", version ? version : "");
}

struct gg_versioned gg_versioned_row(const struct gg_kind *kind, const char *id, const struct db_rows *row)
{
    return (struct gg_versioned){ .kind = kind,
                                  .id = id,
                                  .name = db_str(row, 0),
                                  .latest = db_str(row, 1),
                                  .tags = db_str(row, 2),
                                  .created_ms = db_int(row, 3),
                                  .updated_ms = db_int(row, 4) };
}

json_t *gg_versioned_describe(const struct api_call *c, const struct gg_versioned *v)
{
    auto_json *tags = NULL;
    char arn[ARN_MAX];
    json_t *j = json_pack("{s:s,s:s}", "Arn", arn_of(c, arn, v->kind, v->id, NULL), "Id", v->id);

    if (!j)
        return NULL;
    gg_set_time(j, "CreationTimestamp", v->created_ms);
    gg_set_time(j, "LastUpdatedTimestamp", v->updated_ms);
    gg_set_text(j, "Name", v->name);
    if (v->latest) {
        gg_set_text(j, "LatestVersion", v->latest);
        gg_set_text(j, "LatestVersionArn", arn_of(c, arn, v->kind, v->id, v->latest));
    }
    if (v->tags && json_parse(slice_str(v->tags), 2, &tags, NULL) == ERR_OK)
        (void)json_object_set(j, "tags", tags);
    return j;
}

json_t *gg_version_describe(const struct api_call *c, const struct gg_kind *kind, const char *id,
                            const char *version, int64_t created_ms)
{
    char arn[ARN_MAX];
    json_t *j =
        json_pack("{s:s,s:s,s:s}", "Arn", arn_of(c, arn, kind, id, version), "Id", id, "Version", version);

    if (j)
        gg_set_time(j, "CreationTimestamp", created_ms);
    return j;
}

err_t gg_version_reply(struct api_call *c, const struct gg_kind *kind, const char *id, const char *version,
                       const struct db_rows *row)
{
    auto_json *content = NULL, *j = gg_version_describe(c, kind, id, version, db_int(row, 1));
    err_t e = json_parse(db_text(row, 0), CONTENT_DEPTH, &content, NULL);

    if (e)
        return e;
    if (!j || json_object_set(j, "Definition", content) != 0)
        return ERR_NOMEM;
    return api_reply(c, steal(&j));
}
