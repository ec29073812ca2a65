#include "base/mem.h"
#include "cloud/greengrass/handlers.h"
#include "cloud/greengrass/ids.h"
#include "cloud/greengrass/kinds.h"
#include "crypto/random.h"

#define CONTENT_MAX (4u << 20)
#define CONTENT_DEPTH 24u

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

struct definition {
    const char *id, *name, *latest, *tags;
    int64_t created_ms, updated_ms;
};

/* A new object, or NULL. */
static json_t *describe(struct api_call *c, const struct gg_kind *k, const struct definition *d)
{
    char arn[ARN_MAX];
    json_t *j =
        json_pack("{s:s,s:s}", "Arn", gg_arn(c, arn, "definition/%s/%s", k->name, d->id), "Id", d->id);

    if (!j)
        return NULL;
    gg_set_time(j, "CreationTimestamp", d->created_ms);
    gg_set_time(j, "LastUpdatedTimestamp", d->updated_ms);
    gg_set_text(j, "Name", d->name);
    if (d->latest) {
        gg_set_text(j, "LatestVersion", d->latest);
        gg_set_text(j, "LatestVersionArn",
                    gg_arn(c, arn, "definition/%s/%s/versions/%s", k->name, d->id, d->latest));
    }
    auto_json *tags = NULL;
    if (d->tags && json_parse(slice_str(d->tags), 2, &tags, NULL) == ERR_OK)
        (void)json_object_set(j, "tags", tags);
    return j;
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
    struct definition d = {
        id, json_get_str(c->body, "Name"), content ? version : NULL, NULL, c->now_ms, c->now_ms
    };
    return api_reply(c, describe(c, k, &d));
}

struct view {
    struct api_call *c;
    const struct gg_kind *k;
    json_t *list;
    const char *id;
    struct gg_page page;
    char next[64];
};

static err_t get_row(void *ctx, const struct db_rows *row)
{
    struct view *v = ctx;
    struct definition d = { v->id,          db_str(row, 0), db_str(row, 1),
                            db_str(row, 2), db_int(row, 3), db_int(row, 4) };

    return api_reply(v->c, describe(v->c, v->k, &d));
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
                            "SELECT name, latest, tags, created_ms, updated_ms FROM gg_definitions"
                            " WHERE uuid = $1 AND kind = $2",
                            DB_ARGS(DB_TEXT(v.id), DB_TEXT(v.k->name)), get_row, &v));
}

static err_t list_row(void *ctx, const struct db_rows *row)
{
    struct view *v = ctx;
    struct definition d = { db_str(row, 5), db_str(row, 0), db_str(row, 1),
                            db_str(row, 2), db_int(row, 3), db_int(row, 4) };

    if ((int64_t)json_array_size(v->list) == v->page.size) {
        v->page.size = -1; /* there is more */
        return ERR_OK;
    }
    (void)snprintf(v->next, sizeof(v->next), "%lld.%s", (long long)d.created_ms, d.id);
    json_t *item = describe(v->c, v->k, &d);
    return item && json_array_append_new(v->list, item) == 0 ? ERR_OK : ERR_NOMEM;
}

err_t definition_list(struct api_call *c)
{
    auto_json *list = json_array(), *answer = NULL;
    struct view v = { .c = c, .list = list };
    err_t e;

    if ((e = read_kind(c, &v.k)) || (e = gg_page_read(c, &v.page)) ||
        (e = db_each(c->db,
                     "SELECT name, latest, tags, created_ms, updated_ms, uuid FROM gg_definitions"
                     " WHERE kind = $1 AND (created_ms, uuid) < ($2, $3) ORDER BY created_ms DESC, uuid DESC "
                     "LIMIT $4",
                     DB_ARGS(DB_TEXT(v.k->name), DB_INT(v.page.after), DB_TEXT(v.page.after_id),
                             DB_INT(v.page.size + 1)),
                     list_row, &v)))
        return e;
    if (!(answer = json_pack("{s:O}", "Definitions", list)))
        return ERR_NOMEM;
    gg_set_text(answer, "NextToken", v.page.size < 0 ? v.next : NULL);
    return api_reply(c, steal(&answer));
}

/* The four members that both version answers share. */
static json_t *describe_version(struct api_call *c, const struct gg_kind *k, const char *id,
                                const char *version, int64_t created_ms)
{
    char arn[ARN_MAX];
    json_t *j = json_pack("{s:s,s:s,s:s}", "Arn",
                          gg_arn(c, arn, "definition/%s/%s/versions/%s", k->name, id, version), "Id", id,
                          "Version", version);

    if (j)
        gg_set_time(j, "CreationTimestamp", created_ms);
    return j;
}

err_t definition_version_create(struct api_call *c)
{
    const struct gg_kind *k;
    const char *id = api_param(c, "id");
    char version[CRYPTO_UUID_MAX];
    auto_json *content = NULL;
    int64_t known;
    err_t e;

    if ((e = read_kind(c, &k)) ||
        (e = db_one_int(c->db, "SELECT count(*) FROM gg_definitions WHERE uuid = $1 AND kind = $2",
                        DB_ARGS(DB_TEXT(id), DB_TEXT(k->name)), &known)))
        return e;
    if (!known)
        return api_fail(c, API_GG_ID_NOT_FOUND, "That %s definition does not exist.", k->name);
    if ((e = gg_kind_read(c, k, c->body, &content)) || (e = insert_version(c, k, id, content, version)))
        return e;
    return api_reply(c, describe_version(c, k, id, version, c->now_ms));
}

static err_t version_row(void *ctx, const struct db_rows *row)
{
    struct view *v = ctx;
    auto_json *content = NULL,
              *j = describe_version(v->c, v->k, v->id, api_param(v->c, "version"), db_int(row, 1));
    err_t e = json_parse(db_text(row, 0), CONTENT_DEPTH, &content, NULL);

    if (e)
        return e;
    if (!j || json_object_set(j, "Definition", content) != 0)
        return ERR_NOMEM;
    return api_reply(v->c, steal(&j));
}

err_t definition_version_get(struct api_call *c)
{
    struct view v = { .c = c, .id = api_param(c, "id") };
    const char *version = api_param(c, "version");
    int64_t known;
    err_t e;

    if ((e = read_kind(c, &v.k)) ||
        (e = db_one_int(c->db, "SELECT count(*) FROM gg_definitions WHERE uuid = $1 AND kind = $2",
                        DB_ARGS(DB_TEXT(v.id), DB_TEXT(v.k->name)), &known)))
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
