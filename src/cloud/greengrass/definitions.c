#include "base/mem.h"
#include "cloud/greengrass/handlers.h"
#include "cloud/greengrass/ids.h"
#include "cloud/greengrass/kinds.h"
#include "cloud/greengrass/versioned.h"
#include "crypto/random.h"

#define CONTENT_MAX (4u << 20)

static err_t read_kind(struct api_call *c, const struct gg_kind **ret)
{
    *ret = gg_kind_find(api_param(c, "kind"));
    return *ret ? ERR_OK
                : api_fail(c, API_UNKNOWN_OPERATION, "there is no kind of definition '%.60s'",
                           api_param(c, "kind"));
}

static err_t insert_version(struct api_call *c, const struct gg_kind *k, const char *definition,
                            const json_t *content, char version[CRYPTO_UUID_MAX])
{
    autobuf text = BUF_INIT(CONTENT_MAX);
    err_t e;

    if ((e = json_write(&text, content, 0)) || (e = crypto_random_uuid(c->env->crypto, version)) ||
        (e = db_run(c->db,
                    "INSERT INTO gg_definition_versions (uuid, definition, kind, content, created_ms)"
                    " VALUES ($1, $2, $3, $4, $5)",
                    DB_ARGS(DB_TEXT(version), DB_TEXT(definition), DB_TEXT(k->name),
                            DB_SLICE(buf_slice(&text)), DB_INT(c->now_ms)),
                    NULL)))
        return e;
    return db_run(c->db, "UPDATE gg_definitions SET latest = $1, updated_ms = $2 WHERE uuid = $3",
                  DB_ARGS(DB_TEXT(version), DB_INT(c->now_ms), DB_TEXT(definition)), NULL);
}

static err_t insert_definition(struct api_call *c, const struct gg_kind *k, const char *id, const char *name)
{
    autobuf tags = BUF_INIT(65536);
    const json_t *in = json_get_obj(c->body, "tags");
    err_t e = in ? json_write(&tags, in, 0) : ERR_OK;

    if (e)
        return e;
    return db_run(c->db,
                  "INSERT INTO gg_definitions (uuid, kind, name, tags, created_ms, updated_ms)"
                  " VALUES ($1, $2, $3, $4, $5, $6)",
                  DB_ARGS(DB_TEXT(id), DB_TEXT(k->name), DB_TEXT(name), DB_TEXT(in ? buf_str(&tags) : NULL),
                          DB_INT(c->now_ms), DB_INT(c->now_ms)),
                  NULL);
}

err_t definition_create(struct api_call *c)
{
    const struct gg_kind *k;
    json_t *initial = json_get_obj(c->body, "InitialVersion");
    auto_json *content = NULL;
    char id[CRYPTO_UUID_MAX], version[CRYPTO_UUID_MAX];
    err_t e;

    if ((e = read_kind(c, &k)) || (initial && (e = gg_kind_read(c, k, initial, &content))) ||
        (e = crypto_random_uuid(c->env->crypto, id)) ||
        (e = insert_definition(c, k, id, json_get_str(c->body, "Name"))) ||
        (content && (e = insert_version(c, k, id, content, version))))
        return e;
    struct gg_versioned d = { .kind = k,
                              .id = id,
                              .name = json_get_str(c->body, "Name"),
                              .latest = content ? version : NULL,
                              .created_ms = c->now_ms,
                              .updated_ms = c->now_ms };
    return api_reply(c, gg_versioned_describe(c, &d));
}

struct view {
    struct api_call *c;
    const struct gg_kind *k;
    const char *id;
    struct api_page *page; /* of a list */
};

static err_t get_row(void *ctx, const struct db_rows *row)
{
    struct view *v = ctx;
    struct gg_versioned d = gg_versioned_row(v->k, v->id, row);

    return api_reply(v->c, gg_versioned_describe(v->c, &d));
}

static err_t not_found(struct api_call *c, const struct gg_kind *k, err_t e)
{
    return e == ERR_NOT_FOUND ? api_fail(c, API_GG_ID_NOT_FOUND, "That %s Definition does not exist", k->noun)
                              : e;
}

err_t definition_get(struct api_call *c)
{
    struct view v = { .c = c, .id = api_param(c, "id") };
    err_t e;

    if ((e = read_kind(c, &v.k)))
        return e;
    return not_found(c, v.k,
                     db_one(c->db,
                            "SELECT " GG_VERSIONED_COLUMNS " FROM gg_definitions"
                            " WHERE uuid = $1 AND kind = $2",
                            DB_ARGS(DB_TEXT(v.id), DB_TEXT(v.k->name)), get_row, &v));
}

static err_t list_row(void *ctx, const struct db_rows *row)
{
    struct view *v = ctx;
    struct gg_versioned d = gg_versioned_row(v->k, db_str(row, 5), row);

    if (!api_page_room(v->page))
        return ERR_OK;
    return api_page_add(v->page, gg_versioned_describe(v->c, &d), "%lld.%s", (long long)d.created_ms, d.id);
}

err_t definition_list(struct api_call *c)
{
    auto_page page = API_PAGE_INIT(c);
    struct view v = { .c = c, .page = &page };
    struct gg_before before;
    err_t e;

    if ((e = read_kind(c, &v.k)) || (e = gg_page_read(&page, &before)) ||
        (e = db_each(
             c->db,
             "SELECT " GG_VERSIONED_COLUMNS ", uuid FROM gg_definitions"
             " WHERE kind = $1 AND (created_ms, uuid) < ($2, $3)"
             " ORDER BY created_ms DESC, uuid DESC LIMIT $4",
             DB_ARGS(DB_TEXT(v.k->name), DB_INT(before.key), DB_TEXT(before.id), DB_INT(page.size + 1)),
             list_row, &v)))
        return e;
    return api_page_reply(&page, "Definitions", "NextToken");
}

static err_t is_known(struct api_call *c, const struct gg_kind *k, const char *id, bool *ret)
{
    int64_t n = 0;
    err_t e = db_one_int(c->db, "SELECT count(*) FROM gg_definitions WHERE uuid = $1 AND kind = $2",
                         DB_ARGS(DB_TEXT(id), DB_TEXT(k->name)), &n);

    *ret = n > 0;
    return e;
}

err_t definition_version_create(struct api_call *c)
{
    const struct gg_kind *k;
    const char *id = api_param(c, "id");
    char version[CRYPTO_UUID_MAX];
    auto_json *content = NULL;
    bool known;
    err_t e;

    if ((e = read_kind(c, &k)) || (e = is_known(c, k, id, &known)))
        return e;
    if (!known)
        return api_fail(c, API_GG_ID_NOT_FOUND, "That %s definition does not exist.", k->name);
    if ((e = gg_kind_read(c, k, c->body, &content)) || (e = insert_version(c, k, id, content, version)))
        return e;
    return api_reply(c, gg_version_describe(c, k, id, version, c->now_ms));
}

static err_t version_row(void *ctx, const struct db_rows *row)
{
    struct view *v = ctx;

    return gg_version_reply(v->c, v->k, v->id, api_param(v->c, "version"), row);
}

err_t definition_version_get(struct api_call *c)
{
    struct view v = { .c = c, .id = api_param(c, "id") };
    const char *version = api_param(c, "version");
    bool known;
    err_t e;

    if ((e = read_kind(c, &v.k)) || (e = is_known(c, v.k, v.id, &known)))
        return e;
    if (!known)
        return not_found(c, v.k, ERR_NOT_FOUND);
    e = db_one(c->db,
               "SELECT content, created_ms FROM gg_definition_versions WHERE uuid = $1 AND definition = $2",
               DB_ARGS(DB_TEXT(version), DB_TEXT(v.id)), version_row, &v);
    return e == ERR_NOT_FOUND
               ? api_fail(c, API_GG_VERSION_NOT_FOUND, "Version %s of %s Definition %s does not exist.",
                          version, v.k->noun, v.id)
               : e;
}
