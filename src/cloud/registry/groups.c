/* Static thing groups: a forest, the parent fixed at creation (iot-core reference 4.3). */
#include "base/mem.h"
#include "cloud/api/page.h"
#include "cloud/registry/attributes.h"
#include "cloud/registry/expected.h"
#include "cloud/registry/grouprow.h"
#include "cloud/registry/handlers.h"
#include "cloud/registry/names.h"
#include "cloud/registry/notify.h"
#include "cloud/registry/tags.h"
#include "crypto/random.h"

#include <stdio.h>

#define ATTRIBUTES_MAX 50u
#define DESCRIPTION_MAX 2028u

struct group {
    char uuid[CRYPTO_UUID_MAX];
    char parent[129];                 /* "" for a root */
    json_t *description, *attributes; /* a string or null; an object */
    int64_t version, created_ms;
};

static void group_done(struct group *g)
{
    json_decref_ptr(&g->description);
    json_decref_ptr(&g->attributes);
}
#define auto_group __attribute__((cleanup(group_done))) struct group

static err_t load_row(void *ctx, const struct db_rows *row)
{
    struct group *g = ctx;
    const char *parent = db_str(row, 1);

    (void)snprintf(g->uuid, sizeof(g->uuid), "%s", db_str(row, 0));
    (void)snprintf(g->parent, sizeof(g->parent), "%s", parent ? parent : "");
    g->description = db_is_null(row, 2) ? json_null() : json_string(db_str(row, 2));
    g->version = db_int(row, 4);
    g->created_ms = db_int(row, 5);
    return g->description ? json_parse(db_text(row, 3), 2, &g->attributes, NULL) : ERR_NOMEM;
}

static err_t load(struct api_call *c, const char *name, struct group *g)
{
    return db_one(
        c->db,
        "SELECT uuid, parent, description, attributes, version, created_ms FROM thing_groups WHERE name = $1",
        DB_ARGS(DB_TEXT(name)), load_row, g);
}

static err_t not_found(struct api_call *c, const char *name)
{
    return api_fail(c, API_NOT_FOUND, "Thing group %.128s not found", name);
}

static err_t load_known(struct api_call *c, const char *name, struct group *g)
{
    err_t e = load(c, name, g);

    return e == ERR_NOT_FOUND ? not_found(c, name) : e;
}

err_t group_require(struct api_call *c, const char *name)
{
    int64_t n;
    err_t e =
        db_one_int(c->db, "SELECT count(*) FROM thing_groups WHERE name = $1", DB_ARGS(DB_TEXT(name)), &n);

    return e || n ? e : not_found(c, name);
}

/* ---- properties ---- */

static err_t read_description(struct api_call *c, const json_t *properties, json_t **ret)
{
    json_t *d = json_object_get(properties, "thingGroupDescription");

    if (d && (!json_is_string(d) || json_string_length(d) > DESCRIPTION_MAX))
        return api_fail(c, API_INVALID_REQUEST,
                        "thingGroupDescription must be a text of at most %u characters", DESCRIPTION_MAX);
    *ret = d ? json_incref(d) : json_null();
    return ERR_OK;
}

static err_t read_attributes(struct api_call *c, const json_t *properties, const json_t *have, json_t **ret)
{
    auto_attribute_change change = { 0 };
    err_t e = attribute_change_read(c, json_get_obj(properties, "attributePayload"), &change);

    if (e || (e = attribute_change_apply(&change, have, ret)))
        return e;
    return json_object_size(*ret) <= ATTRIBUTES_MAX
               ? ERR_OK
               : api_fail(c, API_INVALID_REQUEST, "a thing group can have at most %u attributes",
                          ATTRIBUTES_MAX);
}

/* ---- the tree ---- */

struct ancestors {
    const struct api_call *c;
    json_t *list; /* root first: each row is put in front */
};

static err_t ancestor_row(void *ctx, const struct db_rows *row)
{
    struct ancestors *a = ctx;
    const char *name = db_str(row, 0);
    char arn[ARN_MAX];

    return json_array_insert_new(a->list, 0,
                                 json_pack("{s:s,s:s}", "groupName", name, "groupArn",
                                           arn_iot(a->c, "thinggroup", name, arn))) == 0
               ? ERR_OK
               : ERR_NOMEM;
}

/* The groups above `name` (and `name` itself), root first, as {groupName, groupArn}. */
static err_t ancestors_of(struct api_call *c, const char *name, json_t *list)
{
    struct ancestors a = { c, list };

    return db_each(c->db,
                   "WITH RECURSIVE above (name, parent, depth) AS ("
                   "SELECT name, parent, 0 FROM thing_groups WHERE name = $1"
                   " UNION ALL SELECT g.name, g.parent, above.depth + 1 FROM thing_groups g"
                   " JOIN above ON g.name = above.parent)"
                   " SELECT name FROM above ORDER BY depth",
                   DB_ARGS(DB_TEXT(name)), ancestor_row, &a);
}

static err_t check_parent(struct api_call *c, const char *parent)
{
    auto_json *above = json_array();
    int64_t children;
    err_t e;

    if (!above)
        return ERR_NOMEM;
    if ((e = group_require(c, parent)) || (e = ancestors_of(c, parent, above)) ||
        (e = db_one_int(c->db, "SELECT count(*) FROM thing_groups WHERE parent = $1",
                        DB_ARGS(DB_TEXT(parent)), &children)))
        return e;
    if (json_array_size(above) >= GROUP_DEPTH_MAX)
        return api_fail(c, API_INVALID_REQUEST, "a hierarchy of thing groups can be at most %d deep",
                        GROUP_DEPTH_MAX);
    if (children >= GROUP_CHILDREN_MAX)
        return api_fail(c, API_INVALID_REQUEST, "a thing group can have at most %d direct children",
                        GROUP_CHILDREN_MAX);
    return ERR_OK;
}

/* ---- operations ---- */

static err_t reply_created(struct api_call *c, const char *name, const char *uuid)
{
    char arn[ARN_MAX];

    return api_reply(c, json_pack("{s:s,s:s,s:s}", "thingGroupName", name, "thingGroupArn",
                                  arn_iot(c, "thinggroup", name, arn), "thingGroupId", uuid));
}

static err_t insert(struct api_call *c, const char *name, const char *parent, const struct group *g)
{
    char uuid[CRYPTO_UUID_MAX];
    autobuf text = BUF_INIT(65536);
    err_t e;

    if ((parent && (e = check_parent(c, parent))) || (e = json_write(&text, g->attributes, 0)) ||
        (e = crypto_random_uuid(c->env->crypto, uuid)) ||
        (e = db_run(
             c->db,
             "INSERT INTO thing_groups (name, uuid, parent, description, attributes, version, created_ms)"
             " VALUES ($1, $2, $3, $4, $5, 1, $6)",
             DB_ARGS(DB_TEXT(name), DB_TEXT(uuid), DB_TEXT(parent),
                     DB_TEXT(json_string_value(g->description)), DB_SLICE(buf_slice(&text)),
                     DB_INT(c->now_ms)),
             NULL)) ||
        (e = tags_of_creation(c, "thinggroup", name)) || (e = notify_thing_group(c, name, NOTIFY_CREATED)) ||
        (parent && (e = notify_hierarchy(c, parent, name, NOTIFY_ADDED))))
        return e;
    return reply_created(c, name, uuid);
}

static bool same(const struct group *a, const struct group *b, const char *parent)
{
    return json_equal(a->description, b->description) && json_equal(a->attributes, b->attributes) &&
           strcmp(a->parent, parent ? parent : "") == 0;
}

err_t thing_group_create(struct api_call *c)
{
    const json_t *properties = json_get_obj(c->body, "thingGroupProperties");
    const char *name, *parent = json_get_str(c->body, "parentGroupName");
    auto_group g = { 0 }, have = { 0 };
    char arn[ARN_MAX];
    err_t e;

    if ((e = name_thing(c, "thingGroupName", &name)) ||
        (e = read_description(c, properties, &g.description)) ||
        (e = read_attributes(c, properties, NULL, &g.attributes)))
        return e;
    if (parent && !name_thing_ok(parent))
        return api_fail(c, API_INVALID_REQUEST, "parentGroupName is not a name of a thing group");
    if ((e = load(c, name, &have)) == ERR_NOT_FOUND)
        return insert(c, name, parent, &g);
    if (e)
        return e;
    if (same(&have, &g, parent))
        return reply_created(c, name, have.uuid);
    return api_fail_exists(c, arn_iot(c, "thinggroup", name, arn), have.uuid,
                           "Thing Group %s already exists in current account with different properties",
                           name);
}

static json_t *properties_of(const struct group *g)
{
    auto_json *p = json_pack("{s:{s:O}}", "attributePayload", "attributes", g->attributes);

    if (!p ||
        (json_is_string(g->description) && json_object_set(p, "thingGroupDescription", g->description) != 0))
        return NULL;
    return steal(&p);
}

static json_t *metadata_of(const struct group *g, json_t *above)
{
    auto_json *m = json_pack("{s:o}", "creationDate", api_seconds(g->created_ms));

    if (!m)
        return NULL;
    if (g->parent[0] && (json_object_set_new(m, "parentGroupName", json_string(g->parent)) != 0 ||
                         json_object_set(m, "rootToParentThingGroups", above) != 0))
        return NULL;
    return steal(&m);
}

err_t thing_group_describe(struct api_call *c)
{
    const char *name;
    auto_group g = { 0 };
    auto_json *above = json_array();
    char arn[ARN_MAX];
    err_t e;

    if (!above)
        return ERR_NOMEM;
    if ((e = name_thing(c, "thingGroupName", &name)) || (e = load_known(c, name, &g)) ||
        (g.parent[0] && (e = ancestors_of(c, g.parent, above))))
        return e;
    return api_reply(c, json_pack("{s:s,s:s,s:s,s:I,s:o,s:o}", "thingGroupName", name, "thingGroupArn",
                                  arn_iot(c, "thinggroup", name, arn), "thingGroupId", g.uuid, "version",
                                  (json_int_t)g.version, "thingGroupProperties", properties_of(&g),
                                  "thingGroupMetadata", metadata_of(&g, above)));
}

err_t thing_group_update(struct api_call *c)
{
    const json_t *properties = json_get_obj(c->body, "thingGroupProperties");
    const char *name;
    auto_group g = { 0 };
    auto_json *description = NULL, *attributes = NULL;
    autobuf text = BUF_INIT(65536);
    err_t e;

    if (!properties)
        return api_fail(c, API_INVALID_REQUEST, "thingGroupProperties is required");
    if ((e = name_thing(c, "thingGroupName", &name)) || (e = load_known(c, name, &g)) ||
        (e = expected_version(c, "thing group", name, g.version)) ||
        (e = read_description(c, properties, &description)) ||
        (e = read_attributes(c, properties, g.attributes, &attributes)) ||
        (e = json_write(&text, attributes, 0)) ||
        (e = db_run(c->db,
                    "UPDATE thing_groups SET description = $1, attributes = $2, version = $3 WHERE name = $4",
                    DB_ARGS(DB_TEXT(json_string_value(description)), DB_SLICE(buf_slice(&text)),
                            DB_INT(g.version + 1), DB_TEXT(name)),
                    NULL)) ||
        (e = notify_thing_group(c, name, NOTIFY_UPDATED)))
        return e;
    return api_reply(c, json_pack("{s:I}", "version", (json_int_t)g.version + 1));
}

/* Its members and its policies leave with it: whoever was judged by them is judged again. */
static err_t delete_known(struct api_call *c, const char *name)
{
    err_t e;

    if ((e = tags_drop(c, "thinggroup", name)) ||
        (e = db_run(c->db, "DELETE FROM group_members WHERE grp = $1", DB_ARGS(DB_TEXT(name)), NULL)) ||
        (e = db_run(c->db, "DELETE FROM policy_groups WHERE grp = $1", DB_ARGS(DB_TEXT(name)), NULL)) ||
        (e = db_run(c->db, "DELETE FROM thing_groups WHERE name = $1", DB_ARGS(DB_TEXT(name)), NULL)))
        return e;
    return effects_add(&c->effects, EFFECT_GROUPS, "");
}

err_t thing_group_delete(struct api_call *c)
{
    const char *name;
    auto_group g = { 0 };
    int64_t children;
    err_t e;

    if ((e = name_thing(c, "thingGroupName", &name)))
        return e;
    if ((e = load(c, name, &g)))
        return e == ERR_NOT_FOUND ? ERR_OK : e; /* deleting what is not there succeeds */
    if ((e = expected_version(c, "thing group", name, g.version)) ||
        (e = db_one_int(c->db, "SELECT count(*) FROM thing_groups WHERE parent = $1", DB_ARGS(DB_TEXT(name)),
                        &children)))
        return e;
    if (children)
        return api_fail(c, API_INVALID_REQUEST,
                        "Cannot delete thing group : %s when there are still child groups attached to it",
                        name);
    if ((g.parent[0] && (e = notify_hierarchy(c, g.parent, name, NOTIFY_REMOVED))) ||
        (e = notify_thing_group(c, name, NOTIFY_DELETED)))
        return e;
    return delete_known(c, name);
}

/* ---- lists ---- */

static err_t list_row(void *ctx, const struct db_rows *row)
{
    struct api_page *page = ctx;
    const char *name = db_str(row, 0);
    char arn[ARN_MAX];

    if (!api_page_room(page))
        return ERR_OK;
    return api_page_add(
        page,
        json_pack("{s:s,s:s}", "groupName", name, "groupArn", arn_iot(page->c, "thinggroup", name, arn)),
        "%s", name);
}

#define BELOW                                                                         \
    "WITH RECURSIVE below (name) AS (SELECT name FROM thing_groups WHERE parent = $4" \
    " UNION SELECT g.name FROM thing_groups g JOIN below ON g.parent = below.name) "
#define RANGE " WHERE name > $1 AND name >= $3 AND name < $5 ORDER BY name LIMIT $2"

/* All groups; the children of one; or everything below it. */
static const char *list_sql(const char *parent, bool recursive)
{
    if (!parent)
        return "SELECT name FROM thing_groups WHERE name > $1 AND name >= $3 AND name < $4 ORDER BY name "
               "LIMIT $2";
    return recursive
               ? BELOW "SELECT name FROM below" RANGE
               : "SELECT name FROM thing_groups WHERE parent = $4 AND name > $1 AND name >= $3 AND name < $5"
                 " ORDER BY name LIMIT $2";
}

err_t thing_group_list(struct api_call *c)
{
    auto_page page = API_PAGE_INIT(c);
    const char *after, *parent = api_param(c, "parentGroup"), *prefix = api_param(c, "namePrefixFilter");
    bool recursive = false;
    char below[132];
    err_t e;

    if (prefix && !name_thing_ok(prefix))
        return api_fail(c, API_INVALID_REQUEST, "namePrefixFilter is not the beginning of a name");
    if (parent && !name_thing_ok(parent))
        return api_fail(c, API_INVALID_REQUEST, "parentGroup is not a name of a thing group");
    (void)snprintf(below, sizeof(below), "%s\x7f",
                   prefix ? prefix : ""); /* above every character of a name */
    if ((e = api_name_marker(c, "nextToken", name_thing_ok, &after)) ||
        (e = api_param_bool(c, "recursive", &recursive)) ||
        (e = api_param_size(c, "maxResults", 25, 250, &page.size)) ||
        (parent && (e = group_require(c, parent))))
        return e;
    const struct db_value start[] = { DB_TEXT(after), DB_INT(page.size + 1), DB_TEXT(prefix ? prefix : "") };
    const struct db_value all[] = { start[0], start[1], start[2], DB_TEXT(below) };
    const struct db_value one[] = { start[0], start[1], start[2], DB_TEXT(parent), DB_TEXT(below) };
    if ((e = db_each(c->db, list_sql(parent, recursive), parent ? one : all, parent ? 5 : 4, list_row,
                     &page)))
        return e;
    return api_page_reply(&page, "thingGroups", "nextToken");
}

err_t thing_group_list_for_thing(struct api_call *c)
{
    auto_page page = API_PAGE_INIT(c);
    const char *thing, *after;
    err_t e;

    if ((e = name_thing(c, "thingName", &thing)) || (e = thing_require(c, thing)) ||
        (e = api_name_marker(c, "nextToken", name_thing_ok, &after)) ||
        (e = api_param_size(c, "maxResults", 25, 250, &page.size)) ||
        (e = db_each(c->db,
                     "SELECT grp FROM group_members WHERE thing = $1 AND grp > $2 ORDER BY grp LIMIT $3",
                     DB_ARGS(DB_TEXT(thing), DB_TEXT(after), DB_INT(page.size + 1)), list_row, &page)))
        return e;
    return api_page_reply(&page, "thingGroups", "nextToken");
}
