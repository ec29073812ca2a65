/* Which things are in which thing groups (iot-core reference 4.2, 4.3). */
#include "base/mem.h"
#include "cloud/api/page.h"
#include "cloud/registry/grouprow.h"
#include "cloud/registry/handlers.h"
#include "cloud/registry/names.h"
#include "cloud/registry/notify.h"

static err_t thing_and_group(struct api_call *c, const char **ret_thing, const char **ret_group)
{
    err_t e;

    if ((e = name_or_arn(c, "thingName", "thingArn", "thing", ret_thing)) ||
        (e = name_or_arn(c, "thingGroupName", "thingGroupArn", "thinggroup", ret_group)) ||
        (e = thing_require(c, *ret_thing)))
        return e;
    return group_require(c, *ret_group);
}

/* Of one tree a thing can be in one group: how many groups of `group`'s tree is it in? */
static err_t in_same_tree(struct api_call *c, const char *thing, const char *group, int64_t *ret)
{
    return db_one_int(
        c->db,
        "WITH RECURSIVE above (name, parent) AS (SELECT name, parent FROM thing_groups WHERE name = $2"
        " UNION SELECT g.name, g.parent FROM thing_groups g JOIN above ON g.name = above.parent),"
        " tree (name) AS (SELECT name FROM above WHERE parent IS NULL"
        " UNION SELECT g.name FROM thing_groups g JOIN tree ON g.parent = tree.name)"
        " SELECT count(*) FROM group_members m JOIN tree ON tree.name = m.grp WHERE m.thing = $1",
        DB_ARGS(DB_TEXT(thing), DB_TEXT(group)), ret);
}

static err_t add(struct api_call *c, const char *thing, const char *group)
{
    int64_t added, groups, relatives;
    err_t e;

    if ((e = db_run(c->db, "INSERT INTO group_members (grp, thing) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                    DB_ARGS(DB_TEXT(group), DB_TEXT(thing)), &added)) ||
        !added ||
        (e = db_one_int(c->db, "SELECT count(*) FROM group_members WHERE thing = $1", DB_ARGS(DB_TEXT(thing)),
                        &groups)) ||
        (e = in_same_tree(c, thing, group, &relatives)))
        return e;
    if (groups > GROUPS_OF_THING_MAX)
        return api_fail(c, API_INVALID_REQUEST, "Thing %s is already in %d thing groups, the maximum", thing,
                        GROUPS_OF_THING_MAX);
    if (relatives > 1)
        return api_fail(c, API_INVALID_REQUEST,
                        "Thing %s is already in a group of the hierarchy that %s belongs to", thing, group);
    e = notify_membership(c, thing, group, NOTIFY_ADDED);
    return e ? e : thing_recheck(c, thing);
}

static err_t take_out(struct api_call *c, const char *thing, const char *group)
{
    int64_t gone;
    err_t e = db_run(c->db, "DELETE FROM group_members WHERE grp = $1 AND thing = $2",
                     DB_ARGS(DB_TEXT(group), DB_TEXT(thing)), &gone);

    if (e || (gone && (e = notify_membership(c, thing, group, NOTIFY_REMOVED))))
        return e;
    return thing_recheck(c, thing);
}

err_t group_member_add(struct api_call *c)
{
    const char *thing, *group;
    err_t e = thing_and_group(c, &thing, &group);

    return e ? e : add(c, thing, group);
}

err_t group_member_remove(struct api_call *c)
{
    const char *thing, *group;
    err_t e = thing_and_group(c, &thing, &group);

    return e ? e : take_out(c, thing, group);
}

static err_t for_each_name(struct api_call *c, const char *member, const char *thing,
                           err_t (*fn)(struct api_call *, const char *, const char *))
{
    json_t *names = json_object_get(c->body, member), *name;
    size_t i;
    err_t e;

    if (names && !json_is_array(names))
        return api_fail(c, API_INVALID_REQUEST, "%s must be a list of names", member);
    json_array_foreach(names, i, name)
    {
        if (!json_is_string(name) || !name_thing_ok(json_string_value(name)))
            return api_fail(c, API_INVALID_REQUEST, "%s must be a list of names", member);
        if ((e = group_require(c, json_string_value(name))) || (e = fn(c, thing, json_string_value(name))))
            return e;
    }
    return ERR_OK;
}

/* First out, then in: a move within one tree is one call. */
err_t group_members_update(struct api_call *c)
{
    const char *thing = json_get_str(c->body, "thingName");
    err_t e;

    if (!thing || !name_thing_ok(thing))
        return api_fail(c, API_INVALID_REQUEST, "thingName is required");
    if ((e = thing_require(c, thing)) || (e = for_each_name(c, "thingGroupsToRemove", thing, take_out)))
        return e;
    return for_each_name(c, "thingGroupsToAdd", thing, add);
}

static err_t name_row(void *ctx, const struct db_rows *row)
{
    struct api_page *page = ctx;
    const char *name = db_str(row, 0);

    return api_page_room(page) ? api_page_add(page, json_string(name), "%s", name) : ERR_OK;
}

err_t group_member_list(struct api_call *c)
{
    auto_page page = API_PAGE_INIT(c);
    const char *group, *after;
    bool recursive = false;
    err_t e;

    if ((e = name_thing(c, "thingGroupName", &group)) || (e = group_require(c, group)) ||
        (e = api_name_marker(c, "nextToken", name_thing_ok, &after)) ||
        (e = api_param_bool(c, "recursive", &recursive)) ||
        (e = api_param_size(c, "maxResults", 25, 250, &page.size)) ||
        (e = db_each(
             c->db,
             recursive
                 ? "WITH RECURSIVE below (name) AS (SELECT name FROM thing_groups WHERE name = $1"
                   " UNION SELECT g.name FROM thing_groups g JOIN below ON g.parent = below.name)"
                   " SELECT DISTINCT m.thing FROM group_members m JOIN below ON below.name = m.grp"
                   " WHERE m.thing > $2 ORDER BY m.thing LIMIT $3"
                 : "SELECT thing FROM group_members WHERE grp = $1 AND thing > $2 ORDER BY thing LIMIT $3",
             DB_ARGS(DB_TEXT(group), DB_TEXT(after), DB_INT(page.size + 1)), name_row, &page)))
        return e;
    return api_page_reply(&page, "things", "nextToken");
}
