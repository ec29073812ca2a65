#include "base/mem.h"
#include "cloud/greengrass/handlers.h"
#include "cloud/greengrass/ids.h"
#include "cloud/greengrass/kinds.h"
#include "cloud/greengrass/versioned.h"
#include "crypto/random.h"

#define CONTENT_MAX 65536u

/* Does the ARN name a definition version we have? */
static err_t version_exists(struct api_call *c, const struct gg_kind *k, const char *arn, bool *ret)
{
    const char *version = gg_version_of_arn(arn, k->name);
    int64_t n = 0;
    err_t e =
        version
            ? db_one_int(c->db, "SELECT count(*) FROM gg_definition_versions WHERE uuid = $1 AND kind = $2",
                         DB_ARGS(DB_TEXT(version), DB_TEXT(k->name)), &n)
            : ERR_OK;

    *ret = n > 0;
    return e;
}

/* The seven references of a group version, each to something that exists. */
static err_t read_version(struct api_call *c, json_t *in, json_t **ret)
{
    auto_json *out = json_object();
    autobuf missing = BUF_INIT(512);
    err_t e = out ? ERR_OK : ERR_NOMEM;

    for (size_t i = 0; i < GG_KINDS && !e; i++) {
        const char *arn = json_get_str(in, gg_kinds[i].version_member);
        bool known = true;
        if (arn && (e = version_exists(c, &gg_kinds[i], arn, &known)))
            break;
        if (!known)
            e = buf_printf(&missing, "%s%s definition reference does not exist", missing.n ? ", " : "",
                           gg_kinds[i].reference);
        else if (arn)
            e = json_object_set_new(out, gg_kinds[i].version_member, json_string(arn)) == 0 ? ERR_OK
                                                                                            : ERR_NOMEM;
    }
    if (e)
        return e;
    if (missing.n)
        return api_fail(c, API_GG_400, "The group is invalid or corrupted. (ErrorDetails: [%s])",
                        buf_str(&missing));
    *ret = steal(&out);
    return ERR_OK;
}

static err_t insert_version(struct api_call *c, const char *group, const json_t *content,
                            char version[CRYPTO_UUID_MAX])
{
    autobuf text = BUF_INIT(CONTENT_MAX);
    err_t e;

    if ((e = json_write(&text, content, 0)) || (e = crypto_random_uuid(c->env->crypto, version)) ||
        (e = db_run(
             c->db,
             "INSERT INTO gg_group_versions (uuid, owner, content, created_ms) VALUES ($1, $2, $3, $4)",
             DB_ARGS(DB_TEXT(version), DB_TEXT(group), DB_SLICE(buf_slice(&text)), DB_INT(c->now_ms)), NULL)))
        return e;
    return db_run(c->db, "UPDATE gg_groups SET latest = $1, updated_ms = $2 WHERE uuid = $3",
                  DB_ARGS(DB_TEXT(version), DB_INT(c->now_ms), DB_TEXT(group)), NULL);
}

static err_t insert_group(struct api_call *c, const char *id, const char *name)
{
    autobuf tags = BUF_INIT(CONTENT_MAX);
    const json_t *in = json_get_obj(c->body, "tags");
    err_t e = in ? json_write(&tags, in, 0) : ERR_OK;

    return e ? e
             : db_run(c->db,
                      "INSERT INTO gg_groups (uuid, name, tags, created_ms, updated_ms) VALUES ($1, $2, $3, "
                      "$4, $5)",
                      DB_ARGS(DB_TEXT(id), DB_TEXT(name), DB_TEXT(in ? buf_str(&tags) : NULL),
                              DB_INT(c->now_ms), DB_INT(c->now_ms)),
                      NULL);
}

err_t group_create(struct api_call *c)
{
    const char *name = json_get_str(c->body, "Name");
    json_t *initial = json_get_obj(c->body, "InitialVersion");
    char id[CRYPTO_UUID_MAX], version[CRYPTO_UUID_MAX];
    auto_json *content = NULL;
    err_t e;

    if (!name || !*name)
        return api_fail(c, API_GG_INVALID_CONTAINER, "Group name is missing in the input");
    if ((initial && (e = read_version(c, initial, &content))) ||
        (e = crypto_random_uuid(c->env->crypto, id)) || (e = insert_group(c, id, name)) ||
        (content && (e = insert_version(c, id, content, version))))
        return e;
    struct gg_versioned g = { .id = id,
                              .name = name,
                              .latest = content ? version : NULL,
                              .created_ms = c->now_ms,
                              .updated_ms = c->now_ms };
    return api_reply(c, gg_versioned_describe(c, &g));
}

struct view {
    struct api_call *c;
    const char *id;
    struct api_page *page; /* of a list */
};

static err_t get_row(void *ctx, const struct db_rows *row)
{
    struct view *v = ctx;
    struct gg_versioned g = gg_versioned_row(NULL, v->id, row);

    return api_reply(v->c, gg_versioned_describe(v->c, &g));
}

err_t group_get(struct api_call *c)
{
    struct view v = { .c = c, .id = api_param(c, "groupId") };
    err_t e = db_one(c->db, "SELECT " GG_VERSIONED_COLUMNS " FROM gg_groups WHERE uuid = $1",
                     DB_ARGS(DB_TEXT(v.id)), get_row, &v);

    return e == ERR_NOT_FOUND ? api_fail(c, API_GG_ID_NOT_FOUND, "That Group Definition does not exist.") : e;
}

/* Lists leave the tags out. */
static err_t list_row(void *ctx, const struct db_rows *row)
{
    struct view *v = ctx;
    struct gg_versioned g = gg_versioned_row(NULL, db_str(row, 5), row);

    if (!api_page_room(v->page))
        return ERR_OK;
    g.tags = NULL;
    return api_page_add(v->page, gg_versioned_describe(v->c, &g), "%lld.%s", (long long)g.created_ms, g.id);
}

err_t group_list(struct api_call *c)
{
    auto_page page = API_PAGE_INIT(c);
    struct view v = { .c = c, .page = &page };
    struct gg_before before;
    err_t e;

    if ((e = gg_page_read(&page, &before)) ||
        (e = db_each(c->db,
                     "SELECT " GG_VERSIONED_COLUMNS ", uuid FROM gg_groups"
                     " WHERE (created_ms, uuid) < ($1, $2) ORDER BY created_ms DESC, uuid DESC LIMIT $3",
                     DB_ARGS(DB_INT(before.key), DB_TEXT(before.id), DB_INT(page.size + 1)), list_row, &v)))
        return e;
    return api_page_reply(&page, "Groups", "NextToken");
}

static err_t is_known(struct api_call *c, const char *id, bool *ret)
{
    int64_t n = 0;
    err_t e = db_one_int(c->db, "SELECT count(*) FROM gg_groups WHERE uuid = $1", DB_ARGS(DB_TEXT(id)), &n);

    *ret = n > 0;
    return e;
}

err_t group_version_create(struct api_call *c)
{
    const char *id = api_param(c, "groupId");
    char version[CRYPTO_UUID_MAX];
    auto_json *content = NULL;
    bool known;
    err_t e;

    if ((e = is_known(c, id, &known)))
        return e;
    if (!known)
        return api_fail(c, API_GG_ID_NOT_FOUND, "That group does not exist.");
    if ((e = read_version(c, c->body, &content)) || (e = insert_version(c, id, content, version)))
        return e;
    return api_reply(c, gg_version_describe(c, NULL, id, version, c->now_ms));
}

static err_t version_row(void *ctx, const struct db_rows *row)
{
    struct view *v = ctx;

    return gg_version_reply(v->c, NULL, v->id, api_param(v->c, "version"), row);
}

err_t group_version_get(struct api_call *c)
{
    struct view v = { .c = c, .id = api_param(c, "groupId") };
    const char *version = api_param(c, "version");
    bool known;
    err_t e;

    if ((e = is_known(c, v.id, &known)))
        return e;
    if (!known)
        return api_fail(c, API_GG_ID_NOT_FOUND, "That Group Definition does not exist.");
    e = db_one(c->db, "SELECT content, created_ms FROM gg_group_versions WHERE uuid = $1 AND owner = $2",
               DB_ARGS(DB_TEXT(version), DB_TEXT(v.id)), version_row, &v);
    return e == ERR_NOT_FOUND ? api_fail(c, API_GG_VERSION_NOT_FOUND,
                                         "Version %s of Group Definition %s does not exist.", version, v.id)
                              : e;
}
