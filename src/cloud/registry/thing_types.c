/* Thing types (iot-core reference 4.3): made, deprecated, and deleted when they have been so for a while. */
#include "base/mem.h"
#include "cloud/api/page.h"
#include "cloud/registry/handlers.h"
#include "cloud/registry/names.h"
#include "cloud/registry/notify.h"
#include "cloud/registry/tags.h"
#include "cloud/registry/typerow.h"
#include "crypto/random.h"

#include <stdio.h>

#define SEARCHABLE_MAX 3u
#define DESCRIPTION_MAX 2028u
#define DELETE_AFTER_MS 300000 /* after deprecation */

struct type {
    char uuid[CRYPTO_UUID_MAX];
    json_t *description, *searchable;  /* a string or null; an array */
    int64_t created_ms, deprecated_ms; /* 0: not deprecated */
};

static void type_done(struct type *t)
{
    json_decref_ptr(&t->description);
    json_decref_ptr(&t->searchable);
}
#define auto_type __attribute__((cleanup(type_done))) struct type

#define COLUMNS "uuid, description, searchable, created_ms, deprecated_ms"

/* Columns from `at` on. */
static err_t take_columns(struct type *t, const struct db_rows *row, int at)
{
    (void)snprintf(t->uuid, sizeof(t->uuid), "%s", db_str(row, at));
    type_done(t);
    t->searchable = NULL;
    t->description = db_is_null(row, at + 1) ? json_null() : json_string(db_str(row, at + 1));
    t->created_ms = db_int(row, at + 3);
    t->deprecated_ms = db_int(row, at + 4);
    return t->description ? json_parse(db_text(row, at + 2), 2, &t->searchable, NULL) : ERR_NOMEM;
}

static err_t load_row(void *ctx, const struct db_rows *row)
{
    return take_columns(ctx, row, 0);
}

static err_t load(struct api_call *c, const char *name, struct type *t)
{
    return db_one(c->db, "SELECT " COLUMNS " FROM thing_types WHERE name = $1", DB_ARGS(DB_TEXT(name)),
                  load_row, t);
}

static err_t load_known(struct api_call *c, const char *name, struct type *t)
{
    err_t e = load(c, name, t);

    return e == ERR_NOT_FOUND ? api_fail(c, API_NOT_FOUND, "Thing type %.128s not found", name) : e;
}

err_t type_require_usable(struct api_call *c, const char *name)
{
    auto_type t = { 0 };
    err_t e = load_known(c, name, &t);

    if (!e && t.deprecated_ms)
        return api_fail(c, API_INVALID_REQUEST, "Thing type %s is deprecated: no thing can get it", name);
    return e;
}

/* ---- properties ---- */

static bool attribute_name_ok(const char *s)
{
    size_t n = s ? strlen(s) : 0;

    return n > 0 && n <= 128 &&
           strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.,@/:#-") == n;
}

/* thingTypeProperties of the body; absent members are null and []. New references. */
static err_t read_properties(struct api_call *c, struct type *ret)
{
    const json_t *p = json_get_obj(c->body, "thingTypeProperties");
    json_t *description = json_object_get(p, "thingTypeDescription"),
           *names = json_object_get(p, "searchableAttributes"), *name;
    size_t i;

    if (description && (!json_is_string(description) || json_string_length(description) > DESCRIPTION_MAX))
        return api_fail(c, API_INVALID_REQUEST,
                        "thingTypeDescription must be a text of at most %u characters", DESCRIPTION_MAX);
    if (names && (!json_is_array(names) || json_array_size(names) > SEARCHABLE_MAX))
        return api_fail(c, API_INVALID_REQUEST, "searchableAttributes must be a list of at most %u names",
                        SEARCHABLE_MAX);
    json_array_foreach(names, i, name)
    {
        if (!attribute_name_ok(json_string_value(name)))
            return api_fail(c, API_INVALID_REQUEST, "searchableAttributes must be attribute names");
    }
    ret->description = description ? json_incref(description) : json_null();
    ret->searchable = names ? json_incref(names) : json_array();
    return ret->description && ret->searchable ? ERR_OK : ERR_NOMEM;
}

static json_t *properties(const struct type *t)
{
    auto_json *p = json_pack("{s:O}", "searchableAttributes", t->searchable);

    if (!p ||
        (json_is_string(t->description) && json_object_set(p, "thingTypeDescription", t->description) != 0))
        return NULL;
    return steal(&p);
}

static json_t *metadata(const struct type *t)
{
    auto_json *m = json_pack("{s:b,s:o}", "deprecated", t->deprecated_ms != 0, "creationDate",
                             api_seconds(t->created_ms));

    if (!m ||
        (t->deprecated_ms && json_object_set_new(m, "deprecationDate", api_seconds(t->deprecated_ms)) != 0))
        return NULL;
    return steal(&m);
}

/* ---- operations ---- */

static err_t reply_created(struct api_call *c, const char *name, const char *uuid)
{
    char arn[ARN_MAX];

    return api_reply(c, json_pack("{s:s,s:s,s:s}", "thingTypeName", name, "thingTypeArn",
                                  arn_iot(c, "thingtype", name, arn), "thingTypeId", uuid));
}

static err_t insert(struct api_call *c, const char *name, const struct type *t)
{
    char uuid[CRYPTO_UUID_MAX];
    autobuf searchable = BUF_INIT(4096);
    err_t e;

    if ((e = json_write(&searchable, t->searchable, 0)) || (e = crypto_random_uuid(c->env->crypto, uuid)) ||
        (e = db_run(c->db,
                    "INSERT INTO thing_types (name, uuid, description, searchable, created_ms)"
                    " VALUES ($1, $2, $3, $4, $5)",
                    DB_ARGS(DB_TEXT(name), DB_TEXT(uuid), DB_TEXT(json_string_value(t->description)),
                            DB_SLICE(buf_slice(&searchable)), DB_INT(c->now_ms)),
                    NULL)) ||
        (e = tags_of_creation(c, "thingtype", name)) || (e = notify_thing_type(c, name, NOTIFY_CREATED)))
        return e;
    return reply_created(c, name, uuid);
}

err_t thing_type_create(struct api_call *c)
{
    const char *name;
    auto_type t = { 0 }, have = { 0 };
    char arn[ARN_MAX];
    err_t e;

    if ((e = name_thing(c, "thingTypeName", &name)) || (e = read_properties(c, &t)))
        return e;
    if ((e = load(c, name, &have)) == ERR_NOT_FOUND)
        return insert(c, name, &t);
    if (e)
        return e;
    if (json_equal(have.description, t.description) && json_equal(have.searchable, t.searchable))
        return reply_created(c, name, have.uuid);
    return api_fail_exists(c, arn_iot(c, "thingtype", name, arn), have.uuid,
                           "Thing type %s already exists in account with different properties", name);
}

err_t thing_type_describe(struct api_call *c)
{
    const char *name;
    auto_type t = { 0 };
    char arn[ARN_MAX];
    err_t e;

    if ((e = name_thing(c, "thingTypeName", &name)) || (e = load_known(c, name, &t)))
        return e;
    return api_reply(c, json_pack("{s:s,s:s,s:s,s:o,s:o}", "thingTypeName", name, "thingTypeArn",
                                  arn_iot(c, "thingtype", name, arn), "thingTypeId", t.uuid,
                                  "thingTypeProperties", properties(&t), "thingTypeMetadata", metadata(&t)));
}

err_t thing_type_update(struct api_call *c)
{
    const char *name;
    auto_type t = { 0 }, to = { 0 };
    autobuf searchable = BUF_INIT(4096);
    err_t e;

    if ((e = name_thing(c, "thingTypeName", &name)) || (e = read_properties(c, &to)) ||
        (e = load_known(c, name, &t)) || (e = json_write(&searchable, to.searchable, 0)) ||
        (e = db_run(c->db, "UPDATE thing_types SET description = $1, searchable = $2 WHERE name = $3",
                    DB_ARGS(DB_TEXT(json_string_value(to.description)), DB_SLICE(buf_slice(&searchable)),
                            DB_TEXT(name)),
                    NULL)))
        return e;
    return notify_thing_type(c, name, NOTIFY_UPDATED);
}

err_t thing_type_deprecate(struct api_call *c)
{
    bool undo = json_get_bool(c->body, "undoDeprecate", false);
    const char *name;
    auto_type t = { 0 };
    err_t e;

    if ((e = name_thing(c, "thingTypeName", &name)) || (e = load_known(c, name, &t)))
        return e;
    if (!undo && t.deprecated_ms) /* its date stays */
        return ERR_OK;
    e = db_run(c->db, "UPDATE thing_types SET deprecated_ms = $1 WHERE name = $2",
               DB_ARGS(undo ? DB_NULL : DB_INT(c->now_ms), DB_TEXT(name)), NULL);
    return e ? e : notify_thing_type(c, name, NOTIFY_UPDATED);
}

err_t thing_type_delete(struct api_call *c)
{
    const char *name;
    auto_type t = { 0 };
    int64_t things;
    err_t e;

    if ((e = name_thing(c, "thingTypeName", &name)) || (e = load_known(c, name, &t)) ||
        (e = db_one_int(c->db, "SELECT count(*) FROM things WHERE thing_type = $1", DB_ARGS(DB_TEXT(name)),
                        &things)))
        return e;
    if (!t.deprecated_ms || c->now_ms - t.deprecated_ms < DELETE_AFTER_MS)
        return api_fail(c, API_INVALID_REQUEST,
                        "Thing type %s must be deprecated for at least %d seconds before it can be deleted",
                        name, DELETE_AFTER_MS / 1000);
    if (things)
        return api_fail(c, API_INVALID_REQUEST, "Thing type %s is still associated with one or more things",
                        name);
    if ((e = notify_thing_type(c, name, NOTIFY_DELETED)) || (e = tags_drop(c, "thingtype", name)))
        return e;
    return db_run(c->db, "DELETE FROM thing_types WHERE name = $1", DB_ARGS(DB_TEXT(name)), NULL);
}

static err_t list_row(void *ctx, const struct db_rows *row)
{
    struct api_page *page = ctx;
    const char *name = db_str(row, 0);
    auto_type t = { 0 };
    char arn[ARN_MAX];
    err_t e;

    if (!api_page_room(page))
        return ERR_OK;
    if ((e = take_columns(&t, row, 1)))
        return e;
    return api_page_add(page,
                        json_pack("{s:s,s:s,s:o,s:o}", "thingTypeName", name, "thingTypeArn",
                                  arn_iot(page->c, "thingtype", name, arn), "thingTypeProperties",
                                  properties(&t), "thingTypeMetadata", metadata(&t)),
                        "%s", name);
}

err_t thing_type_list(struct api_call *c)
{
    auto_page page = API_PAGE_INIT(c);
    const char *after, *only;
    err_t e;

    if ((e = name_thing_optional(c, "thingTypeName", &only)) ||
        (e = api_name_marker(c, "nextToken", name_thing_ok, &after)) ||
        (e = api_param_size(c, "maxResults", 25, 250, &page.size)) ||
        (e = db_each(c->db,
                     only ? "SELECT name, " COLUMNS
                            " FROM thing_types WHERE name > $1 AND name = $3 ORDER BY name LIMIT $2"
                          : "SELECT name, " COLUMNS
                            " FROM thing_types WHERE name > $1 ORDER BY name LIMIT $2",
                     (const struct db_value[]){ DB_TEXT(after), DB_INT(page.size + 1), DB_TEXT(only) },
                     only ? 3 : 2, list_row, &page)))
        return e;
    return api_page_reply(&page, "thingTypes", "nextToken");
}
