#include "base/mem.h"
#include "cloud/api/page.h"
#include "cloud/registry/attributes.h"
#include "cloud/registry/expected.h"
#include "cloud/registry/grouprow.h"
#include "cloud/registry/handlers.h"
#include "cloud/registry/names.h"
#include "cloud/registry/notify.h"
#include "cloud/registry/typerow.h"
#include "crypto/random.h"

#include <stdio.h>

#define ATTRIBUTES_UNTYPED 3u /* without a thing type */
#define ATTRIBUTES_MAX 50u
#define ATTRIBUTE_DEPTH 2u

struct thing {
    char uuid[CRYPTO_UUID_MAX];
    char type[TYPE_NAME_MAX + 1]; /* "" for none */
    char billing[129];            /* "" for none */
    json_t *attributes;
    int64_t version;
};

static void thing_done(struct thing *t)
{
    json_decref_ptr(&t->attributes);
}
#define auto_thing __attribute__((cleanup(thing_done))) struct thing

static err_t load_row(void *ctx, const struct db_rows *row)
{
    struct thing *t = ctx;
    const char *type = db_str(row, 3);

    (void)snprintf(t->uuid, sizeof(t->uuid), "%s", db_str(row, 0));
    (void)snprintf(t->type, sizeof(t->type), "%s", type ? type : "");
    (void)snprintf(t->billing, sizeof(t->billing), "%s", db_is_null(row, 4) ? "" : db_str(row, 4));
    t->version = db_int(row, 2);
    json_decref_ptr(&t->attributes);
    t->attributes = NULL;
    return json_parse(db_text(row, 1), ATTRIBUTE_DEPTH, &t->attributes, NULL);
}

static err_t load(struct api_call *c, const char *name, struct thing *t)
{
    return db_one(c->db,
                  "SELECT uuid, attributes, version, thing_type, billing_group FROM things WHERE name = $1",
                  DB_ARGS(DB_TEXT(name)), load_row, t);
}

static err_t load_known(struct api_call *c, const char *name, struct thing *t)
{
    err_t e = load(c, name, t);

    return e == ERR_NOT_FOUND ? api_fail(c, API_NOT_FOUND, "Thing %s not found", name) : e;
}

err_t thing_require(struct api_call *c, const char *name)
{
    int64_t n;
    err_t e = db_one_int(c->db, "SELECT count(*) FROM things WHERE name = $1", DB_ARGS(DB_TEXT(name)), &n);

    return e || n ? e : api_fail(c, API_NOT_FOUND, "Thing %s not found", name);
}

static err_t check_count(struct api_call *c, const json_t *attributes, const char *type)
{
    size_t n = json_object_size(attributes), max = type && *type ? ATTRIBUTES_MAX : ATTRIBUTES_UNTYPED;

    return n <= max ? ERR_OK
                    : api_fail(c, API_INVALID_REQUEST, "a thing %s can have at most %zu attributes, not %zu",
                               max == ATTRIBUTES_MAX ? "with a thing type" : "without a thing type", max, n);
}

/* ---- writing ---- */

/* The copy that ListThings searches. */
static err_t index_attributes(struct api_call *c, const char *name, json_t *attributes)
{
    const char *key;
    json_t *value;
    err_t e = db_run(c->db, "DELETE FROM thing_attributes WHERE thing = $1", DB_ARGS(DB_TEXT(name)), NULL);

    json_object_foreach(attributes, key, value)
    {
        if (!e)
            e = db_run(c->db, "INSERT INTO thing_attributes (thing, name, content) VALUES ($1, $2, $3)",
                       DB_ARGS(DB_TEXT(name), DB_TEXT(key), DB_TEXT(json_string_value(value))), NULL);
    }
    return e;
}

static err_t reply_created(struct api_call *c, const char *name, const char *uuid)
{
    char arn[ARN_MAX];

    return api_reply(c, json_pack("{s:s,s:s,s:s}", "thingName", name, "thingArn",
                                  arn_iot(c, "thing", name, arn), "thingId", uuid));
}

static err_t insert(struct api_call *c, const char *name, const char *type, const char *billing,
                    json_t *attributes)
{
    char uuid[CRYPTO_UUID_MAX];
    autobuf text = BUF_INIT(65536);
    err_t e;

    if ((e = json_write(&text, attributes, 0)) || (e = crypto_random_uuid(c->env->crypto, uuid)) ||
        (e = db_run(c->db,
                    "INSERT INTO things (name, uuid, attributes, version, thing_type, billing_group)"
                    " VALUES ($1, $2, $3, 1, $4, $5)",
                    DB_ARGS(DB_TEXT(name), DB_TEXT(uuid), DB_SLICE(buf_slice(&text)), DB_TEXT(type),
                            DB_TEXT(billing)),
                    NULL)) ||
        (e = index_attributes(c, name, attributes)) || (e = notify_thing(c, name, NOTIFY_CREATED)) ||
        (type && (e = notify_type_association(c, name, type, NOTIFY_ADDED))))
        return e;
    return reply_created(c, name, uuid);
}

/* attributePayload as a whole map. */
static err_t read_attributes(struct api_call *c, const json_t *have, json_t **ret)
{
    auto_attribute_change change = { 0 };
    err_t e = attribute_change_read(c, json_get_obj(c->body, "attributePayload"), &change);

    return e ? e : attribute_change_apply(&change, have, ret);
}

/* Repeating a CreateThing with the same configuration gives the thing that is there (iot-core 4.3, trap 4).
 */
err_t thing_create(struct api_call *c)
{
    const char *name, *type = json_get_str(c->body, "thingTypeName"),
                      *billing = json_get_str(c->body, "billingGroupName");
    auto_json *attributes = NULL;
    auto_thing have = { 0 };
    char arn[ARN_MAX];
    err_t e;

    if ((e = name_thing(c, "thingName", &name)) || (e = read_attributes(c, NULL, &attributes)) ||
        (e = check_count(c, attributes, type)) || (type && (e = type_require_usable(c, type))) ||
        (billing && (e = billing_group_require(c, billing))))
        return e;
    if ((e = load(c, name, &have)) == ERR_NOT_FOUND)
        return insert(c, name, type, billing, attributes);
    if (e)
        return e;
    if (json_equal(have.attributes, attributes) && strcmp(have.type, type ? type : "") == 0 &&
        strcmp(have.billing, billing ? billing : "") == 0)
        return reply_created(c, name, have.uuid);
    return api_fail_exists(
        c, arn_iot(c, "thing", name, arn), have.uuid,
        "Thing %s already exists in account with different attributes, thing type or billing group", name);
}

static err_t recheck_row(void *ctx, const struct db_rows *row)
{
    struct api_call *c = ctx;

    return effects_add(&c->effects, EFFECT_PRINCIPAL, db_str(row, 0));
}

/* Policies name the thing's type and attributes: its certificates' connections are judged again. */
err_t thing_recheck(struct api_call *c, const char *name)
{
    return db_each(c->db, "SELECT cert_id FROM thing_principals WHERE thing = $1", DB_ARGS(DB_TEXT(name)),
                   recheck_row, c);
}

/* The type after the update: removeThingType, a new one, or what it was ("" for none). */
static err_t new_type(struct api_call *c, const struct thing *t, const char **ret)
{
    const char *type = json_get_str(c->body, "thingTypeName");
    bool remove = json_get_bool(c->body, "removeThingType", false);

    if (type && remove)
        return api_fail(c, API_INVALID_REQUEST, "removeThingType cannot be used together with thingTypeName");
    *ret = remove ? "" : type ? type : t->type;
    return type && strcmp(type, t->type) != 0 ? type_require_usable(c, type) : ERR_OK;
}

static err_t store(struct api_call *c, const char *name, const char *type, json_t *attributes,
                   int64_t version)
{
    autobuf text = BUF_INIT(65536);
    int64_t changed;
    err_t e;

    if ((e = json_write(&text, attributes, 0)) ||
        (e = db_run(c->db, "UPDATE things SET attributes = $1, thing_type = $2, version = $3 WHERE name = $4",
                    DB_ARGS(DB_SLICE(buf_slice(&text)), DB_TEXT(*type ? type : NULL), DB_INT(version + 1),
                            DB_TEXT(name)),
                    &changed)) ||
        (e = index_attributes(c, name, attributes)) || (e = notify_thing(c, name, NOTIFY_UPDATED)))
        return e;
    return thing_recheck(c, name);
}

static err_t notify_new_type(struct api_call *c, const char *name, const char *from, const char *to)
{
    err_t e = ERR_OK;

    if (strcmp(from, to) == 0)
        return ERR_OK;
    if (*from)
        e = notify_type_association(c, name, from, NOTIFY_REMOVED);
    return e || !*to ? e : notify_type_association(c, name, to, NOTIFY_ADDED);
}

err_t thing_update(struct api_call *c)
{
    const char *name, *type;
    auto_thing t = { 0 };
    auto_json *attributes = NULL;
    bool given = json_get_obj(c->body, "attributePayload") != NULL;
    err_t e;

    if ((e = name_thing(c, "thingName", &name)) || (e = load_known(c, name, &t)) ||
        (e = expected_version(c, "thing", name, t.version)) || (e = new_type(c, &t, &type)))
        return e;
    if (given)
        e = read_attributes(c, t.attributes, &attributes);
    else
        attributes = json_incref(t.attributes);
    if (e || (e = check_count(c, attributes, type)) || (e = store(c, name, type, attributes, t.version)))
        return e;
    return notify_new_type(c, name, t.type, type);
}

err_t thing_delete(struct api_call *c)
{
    const char *name;
    auto_thing t = { 0 };
    int64_t attached;
    err_t e;

    if ((e = name_thing(c, "thingName", &name)))
        return e;
    if ((e = load(c, name, &t)))
        return e == ERR_NOT_FOUND ? ERR_OK : e; /* deleting what is not there succeeds (iot-core 4.3) */
    if ((e = expected_version(c, "thing", name, t.version)) ||
        (e = db_one_int(c->db, "SELECT count(*) FROM thing_principals WHERE thing = $1",
                        DB_ARGS(DB_TEXT(name)), &attached)))
        return e;
    if (attached)
        return api_fail(c, API_INVALID_REQUEST,
                        "Cannot delete. Thing %s is still attached to one or more principals", name);
    if ((e = notify_leaves_groups(c, name)) || (e = notify_new_type(c, name, t.type, "")) ||
        (e = notify_thing(c, name, NOTIFY_DELETED)) ||
        (e = db_run(c->db, "DELETE FROM thing_attributes WHERE thing = $1", DB_ARGS(DB_TEXT(name)), NULL)) ||
        (e = db_run(c->db, "DELETE FROM group_members WHERE thing = $1", DB_ARGS(DB_TEXT(name)), NULL)))
        return e;
    return db_run(c->db, "DELETE FROM things WHERE name = $1", DB_ARGS(DB_TEXT(name)), NULL);
}

/* ---- reading ---- */

/* "thingTypeName" is there only when the thing has one. */
static err_t add_type(json_t *item, const char *type)
{
    return !type || !*type || json_object_set_new(item, "thingTypeName", json_string(type)) == 0 ? ERR_OK
                                                                                                 : ERR_NOMEM;
}

err_t thing_describe(struct api_call *c)
{
    const char *name;
    auto_thing t = { 0 };
    auto_json *answer = NULL;
    char arn[ARN_MAX];
    err_t e;

    if ((e = name_thing(c, "thingName", &name)) || (e = load_known(c, name, &t)))
        return e;
    answer = json_pack("{s:s,s:s,s:s,s:s,s:O,s:I}", "defaultClientId", name, "thingName", name, "thingId",
                       t.uuid, "thingArn", arn_iot(c, "thing", name, arn), "attributes", t.attributes,
                       "version", (json_int_t)t.version);
    if (!answer || add_type(answer, t.type) ||
        (t.billing[0] && json_object_set_new(answer, "billingGroupName", json_string(t.billing)) != 0))
        return ERR_NOMEM;
    return api_reply(c, steal(&answer));
}

static err_t list_row(void *ctx, const struct db_rows *row)
{
    struct api_page *page = ctx;
    const char *name = db_str(row, 0);
    auto_json *attributes = NULL, *item = NULL;
    char arn[ARN_MAX];
    err_t e;

    if (!api_page_room(page))
        return ERR_OK;
    if ((e = json_parse(db_text(row, 1), ATTRIBUTE_DEPTH, &attributes, NULL)))
        return e;
    item = json_pack("{s:s,s:s,s:O,s:I}", "thingName", name, "thingArn", arn_iot(page->c, "thing", name, arn),
                     "attributes", attributes, "version", (json_int_t)db_int(row, 2));
    if (!item || add_type(item, db_str(row, 3)))
        return ERR_NOMEM;
    return api_page_add(page, steal(&item), "%s", name);
}

#define COLUMNS "SELECT t.name, t.attributes, t.version, t.thing_type FROM things t"
#define AND_TYPE " AND ($3 = '' OR t.thing_type = $3)"
#define PAGE " ORDER BY t.name LIMIT $2"

struct filter {
    const char *after, *type, *attribute, *value;
    char below[ATTRIBUTE_VALUE_ROOM]; /* the first text that does not begin with `value` any more */
    bool prefix;
};

static err_t read_filter(struct api_call *c, struct filter *f)
{
    err_t e;

    if ((e = name_thing_optional(c, "thingTypeName", &f->type)) ||
        (e = api_name_marker(c, "nextToken", name_thing_ok, &f->after)) ||
        (e = api_param_bool(c, "usePrefixAttributeValue", &f->prefix)))
        return e;
    f->attribute = api_param(c, "attributeName");
    f->value = api_param(c, "attributeValue");
    if (!f->attribute != !f->value)
        return api_fail(c, API_INVALID_REQUEST, "attributeName and attributeValue go together");
    if (f->prefix && (!f->value || strlen(f->value) >= sizeof(f->below) - 1))
        return api_fail(c, API_INVALID_REQUEST,
                        "usePrefixAttributeValue needs an attributeValue of at most 800 characters");
    if (f->prefix)
        (void)snprintf(f->below, sizeof(f->below), "%s\x7f",
                       f->value); /* above every character a value may have */
    f->type = f->type ? f->type : "";
    return ERR_OK;
}

static err_t run_filter(struct api_call *c, const struct filter *f, struct api_page *page)
{
    const struct db_value after = DB_TEXT(f->after), rows = DB_INT(page->size + 1), type = DB_TEXT(f->type);

    if (!f->attribute)
        return db_each(c->db,
                       *f->type ? COLUMNS " WHERE t.thing_type = $3 AND t.name > $1" PAGE
                                : COLUMNS " WHERE t.name > $1" PAGE,
                       (const struct db_value[]){ after, rows, type }, *f->type ? 3 : 2, list_row, page);
    return db_each(c->db,
                   f->prefix ? COLUMNS " JOIN thing_attributes a ON a.thing = t.name WHERE a.name = $4 AND"
                                       " a.content >= $5 AND a.content < $6 AND t.name > $1" AND_TYPE PAGE
                             : COLUMNS " JOIN thing_attributes a ON a.thing = t.name WHERE a.name = $4 AND"
                                       " a.content = $5 AND a.thing > $1" AND_TYPE PAGE,
                   (const struct db_value[]){ after, rows, type, DB_TEXT(f->attribute), DB_TEXT(f->value),
                                              DB_TEXT(f->below) },
                   f->prefix ? 6 : 5, list_row, page);
}

/* nextToken is the last name seen: pages stay right while things come and go. */
err_t thing_list(struct api_call *c)
{
    auto_page page = API_PAGE_INIT(c);
    struct filter f = { 0 };
    err_t e;

    if ((e = read_filter(c, &f)) || (e = api_param_size(c, "maxResults", 25, 250, &page.size)) ||
        (e = run_filter(c, &f, &page)))
        return e;
    return api_page_reply(&page, "things", "nextToken");
}
