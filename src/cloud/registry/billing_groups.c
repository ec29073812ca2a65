/* Billing groups (iot-core reference 4.3): a thing is in at most one. */
#include "base/mem.h"
#include "cloud/api/field.h"
#include "cloud/api/page.h"
#include "cloud/registry/expected.h"
#include "cloud/registry/grouprow.h"
#include "cloud/registry/handlers.h"
#include "cloud/registry/names.h"
#include "cloud/registry/tags.h"
#include "crypto/random.h"

#include <stdio.h>

#define KIND "billinggroup"

struct group {
    char uuid[CRYPTO_UUID_MAX];
    json_t *properties; /* {}, or with billingGroupDescription */
    int64_t version, created_ms;
};

static void group_done(struct group *g)
{
    json_decref_ptr(&g->properties);
}
#define auto_group __attribute__((cleanup(group_done))) struct group

static const struct api_field fields[] = { { "billingGroupDescription", API_TEXT, 0, 2028 } };

static const char *description_of(const struct group *g)
{
    return json_get_str(g->properties, "billingGroupDescription");
}

static err_t load_row(void *ctx, const struct db_rows *row)
{
    struct group *g = ctx;

    (void)snprintf(g->uuid, sizeof(g->uuid), "%s", db_str(row, 0));
    g->properties =
        db_is_null(row, 1) ? json_object() : json_pack("{s:s}", "billingGroupDescription", db_str(row, 1));
    g->version = db_int(row, 2);
    g->created_ms = db_int(row, 3);
    return g->properties ? ERR_OK : ERR_NOMEM;
}

static err_t load(struct api_call *c, const char *name, struct group *g)
{
    return db_one(c->db, "SELECT uuid, description, version, created_ms FROM billing_groups WHERE name = $1",
                  DB_ARGS(DB_TEXT(name)), load_row, g);
}

static err_t load_known(struct api_call *c, const char *name, struct group *g)
{
    err_t e = load(c, name, g);

    return e == ERR_NOT_FOUND ? api_fail(c, API_NOT_FOUND, "Billing group %.128s not found", name) : e;
}

err_t billing_group_require(struct api_call *c, const char *name)
{
    auto_group g = { 0 };

    return load_known(c, name, &g);
}

/* billingGroupProperties of the body. */
static err_t read_properties(struct api_call *c, bool required, struct group *g)
{
    const json_t *p = json_object_get(c->body, "billingGroupProperties");

    if (p ? !json_is_object(p) : required)
        return api_fail(c, API_INVALID_REQUEST, "billingGroupProperties must be an object");
    if (!(g->properties = json_object()))
        return ERR_NOMEM;
    return api_fields_take(c, p, fields, ARRAY_LEN(fields), true, g->properties);
}

static err_t reply_created(struct api_call *c, const char *name, const char *uuid)
{
    char arn[ARN_MAX];

    return api_reply(c, json_pack("{s:s,s:s,s:s}", "billingGroupName", name, "billingGroupArn",
                                  arn_iot(c, KIND, name, arn), "billingGroupId", uuid));
}

static err_t insert(struct api_call *c, const char *name, struct group *g)
{
    err_t e;

    if ((e = crypto_random_uuid(c->env->crypto, g->uuid)) ||
        (e = db_run(c->db,
                    "INSERT INTO billing_groups (name, uuid, description, version, created_ms)"
                    " VALUES ($1, $2, $3, 1, $4)",
                    DB_ARGS(DB_TEXT(name), DB_TEXT(g->uuid), DB_TEXT(description_of(g)), DB_INT(c->now_ms)),
                    NULL)) ||
        (e = tags_of_creation(c, KIND, name)))
        return e;
    return reply_created(c, name, g->uuid);
}

err_t billing_group_create(struct api_call *c)
{
    const char *name;
    auto_group g = { 0 }, have = { 0 };
    char arn[ARN_MAX];
    err_t e;

    if ((e = name_thing(c, "billingGroupName", &name)) || (e = read_properties(c, false, &g)))
        return e;
    if ((e = load(c, name, &have)) == ERR_NOT_FOUND)
        return insert(c, name, &g);
    if (e)
        return e;
    if (json_equal(have.properties, g.properties))
        return reply_created(c, name, have.uuid);
    return api_fail_exists(c, arn_iot(c, KIND, name, arn), have.uuid,
                           "Billing group %s already exists with different properties", name);
}

err_t billing_group_describe(struct api_call *c)
{
    const char *name;
    auto_group g = { 0 };
    char arn[ARN_MAX];
    err_t e;

    if ((e = name_thing(c, "billingGroupName", &name)) || (e = load_known(c, name, &g)))
        return e;
    return api_reply(c, json_pack("{s:s,s:s,s:s,s:I,s:O,s:{s:o}}", "billingGroupName", name,
                                  "billingGroupArn", arn_iot(c, KIND, name, arn), "billingGroupId", g.uuid,
                                  "version", (json_int_t)g.version, "billingGroupProperties", g.properties,
                                  "billingGroupMetadata", "creationDate", api_seconds(g.created_ms)));
}

err_t billing_group_update(struct api_call *c)
{
    const char *name;
    auto_group g = { 0 }, to = { 0 };
    err_t e;

    if ((e = name_thing(c, "billingGroupName", &name)) || (e = read_properties(c, true, &to)) ||
        (e = load_known(c, name, &g)) || (e = expected_version(c, "billing group", name, g.version)) ||
        (e = db_run(c->db, "UPDATE billing_groups SET description = $1, version = $2 WHERE name = $3",
                    DB_ARGS(DB_TEXT(description_of(&to)), DB_INT(g.version + 1), DB_TEXT(name)), NULL)))
        return e;
    return api_reply(c, json_pack("{s:I}", "version", (json_int_t)g.version + 1));
}

/* Its things stay, in no billing group. */
err_t billing_group_delete(struct api_call *c)
{
    const char *name;
    auto_group g = { 0 };
    err_t e;

    if ((e = name_thing(c, "billingGroupName", &name)))
        return e;
    if ((e = load(c, name, &g)))
        return e == ERR_NOT_FOUND ? ERR_OK : e; /* deleting what is not there succeeds */
    if ((e = expected_version(c, "billing group", name, g.version)) ||
        (e = db_run(c->db, "UPDATE things SET billing_group = NULL WHERE billing_group = $1",
                    DB_ARGS(DB_TEXT(name)), NULL)) ||
        (e = tags_drop(c, KIND, name)))
        return e;
    return db_run(c->db, "DELETE FROM billing_groups WHERE name = $1", DB_ARGS(DB_TEXT(name)), NULL);
}

static err_t list_row(void *ctx, const struct db_rows *row)
{
    struct api_page *page = ctx;
    const char *name = db_str(row, 0);
    char arn[ARN_MAX];

    if (!api_page_room(page))
        return ERR_OK;
    return api_page_add(
        page, json_pack("{s:s,s:s}", "groupName", name, "groupArn", arn_iot(page->c, KIND, name, arn)), "%s",
        name);
}

err_t billing_group_list(struct api_call *c)
{
    auto_page page = API_PAGE_INIT(c);
    const char *after, *prefix = api_param(c, "namePrefixFilter");
    char below[132];
    err_t e;

    if (prefix && !name_thing_ok(prefix))
        return api_fail(c, API_INVALID_REQUEST, "namePrefixFilter is not the beginning of a name");
    prefix = prefix ? prefix : "";
    (void)snprintf(below, sizeof(below), "%s\x7f", prefix); /* above every character of a name */
    if ((e = api_name_marker(c, "nextToken", name_thing_ok, &after)) ||
        (e = api_param_size(c, "maxResults", 25, 250, &page.size)) ||
        (e = db_each(c->db,
                     "SELECT name FROM billing_groups WHERE name > $1 AND name >= $3 AND name < $4"
                     " ORDER BY name LIMIT $2",
                     DB_ARGS(DB_TEXT(after), DB_INT(page.size + 1), DB_TEXT(prefix), DB_TEXT(below)),
                     list_row, &page)))
        return e;
    return api_page_reply(&page, "billingGroups", "nextToken");
}

/* ---- members ---- */

static err_t thing_and_group(struct api_call *c, const char **ret_thing, const char **ret_group)
{
    err_t e;

    if ((e = name_or_arn(c, "thingName", "thingArn", "thing", ret_thing)) ||
        (e = name_or_arn(c, "billingGroupName", "billingGroupArn", KIND, ret_group)) ||
        (e = thing_require(c, *ret_thing)))
        return e;
    return billing_group_require(c, *ret_group);
}

/* It leaves the one it was in. */
err_t billing_group_add_thing(struct api_call *c)
{
    const char *thing, *group;
    err_t e = thing_and_group(c, &thing, &group);

    return e ? e
             : db_run(c->db, "UPDATE things SET billing_group = $1 WHERE name = $2",
                      DB_ARGS(DB_TEXT(group), DB_TEXT(thing)), NULL);
}

err_t billing_group_remove_thing(struct api_call *c)
{
    const char *thing, *group;
    err_t e = thing_and_group(c, &thing, &group);

    return e ? e
             : db_run(c->db, "UPDATE things SET billing_group = NULL WHERE billing_group = $1 AND name = $2",
                      DB_ARGS(DB_TEXT(group), DB_TEXT(thing)), NULL);
}

static err_t name_row(void *ctx, const struct db_rows *row)
{
    struct api_page *page = ctx;
    const char *name = db_str(row, 0);

    return api_page_room(page) ? api_page_add(page, json_string(name), "%s", name) : ERR_OK;
}

err_t billing_group_list_things(struct api_call *c)
{
    auto_page page = API_PAGE_INIT(c);
    const char *group, *after;
    err_t e;

    if ((e = name_thing(c, "billingGroupName", &group)) || (e = billing_group_require(c, group)) ||
        (e = api_name_marker(c, "nextToken", name_thing_ok, &after)) ||
        (e = api_param_size(c, "maxResults", 25, 250, &page.size)) ||
        (e = db_each(c->db,
                     "SELECT name FROM things WHERE billing_group = $1 AND name > $2 ORDER BY name LIMIT $3",
                     DB_ARGS(DB_TEXT(group), DB_TEXT(after), DB_INT(page.size + 1)), name_row, &page)))
        return e;
    return api_page_reply(&page, "things", "nextToken");
}
