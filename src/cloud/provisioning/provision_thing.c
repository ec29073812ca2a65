#include "base/mem.h"
#include "cloud/api/nested.h"
#include "cloud/provisioning/provision_impl.h"
#include "cloud/registry/handlers.h"
#include "cloud/registry/names.h"

#include <stdio.h>

/* An override is FAIL and what is there differs (2.5). */
static err_t conflict(struct api_call *c, const char *thing, const char *what)
{
    return api_fail(c, API_CONFLICTING_UPDATE,
                    "Thing %s exists with another %s, and the template's override is FAIL", thing, what);
}

/* ---- groups ---- */

static err_t groups_now(struct api_call *c, const char *thing, json_t *names)
{
    const struct api_nested n = { .run = thing_group_list_for_thing,
                                  .params = { { "thingName", thing }, { "maxResults", "250" } } };
    auto_json *answer = NULL;
    json_t *group;
    size_t i;
    err_t e = api_nested_run(c, &n, &answer);

    if (e)
        return e;
    json_array_foreach(json_object_get(answer, "thingGroups"), i, group)
    {
        if (json_array_append(names, json_object_get(group, "groupName")) != 0)
            return ERR_NOMEM;
    }
    return ERR_OK;
}

static bool has(const json_t *names, const json_t *name)
{
    const json_t *have;
    size_t i;

    json_array_foreach(names, i, have)
    {
        if (json_equal(have, name))
            return true;
    }
    return false;
}

/* The names of `of` that are not in `in`: a new list, NULL when out of memory. */
static json_t *missing(const json_t *of, const json_t *in)
{
    auto_json *out = json_array();
    json_t *name;
    size_t i;

    json_array_foreach(of, i, name)
    {
        if (!has(in, name) && json_array_append(out, name) != 0)
            return NULL;
    }
    return steal(&out);
}

static err_t change_groups(struct api_call *c, const char *thing, json_t *add, json_t *take_out)
{
    const struct api_nested n = { .run = group_members_update,
                                  .body = json_pack("{s:s,s:O,s:O}", "thingName", thing, "thingGroupsToAdd",
                                                    add, "thingGroupsToRemove", take_out) };

    return n.body ? api_nested_run(c, &n, NULL) : ERR_NOMEM;
}

/* `wanted` NULL: the template says nothing about groups. */
static err_t set_groups(struct api_call *c, const char *thing, json_t *wanted, enum template_override how)
{
    auto_json *have = json_array(), *add = NULL, *surplus = NULL, *none = json_array();
    err_t e;

    if (!wanted || how == TEMPLATE_DO_NOTHING)
        return ERR_OK;
    if (!json_is_array(wanted))
        return api_fail(c, API_INVALID_REQUEST, "ThingGroups must be a list of names");
    if (!have || !none)
        return ERR_NOMEM;
    if ((e = groups_now(c, thing, have)))
        return e;
    add = missing(wanted, have);
    surplus = missing(have, wanted);
    if (!add || !surplus)
        return ERR_NOMEM;
    if (how == TEMPLATE_FAIL && (json_array_size(add) || json_array_size(surplus)))
        return conflict(c, thing, "set of groups");
    return change_groups(c, thing, add, how == TEMPLATE_REPLACE ? surplus : none);
}

/* ---- a thing that is new ---- */

static err_t create(struct api_call *c, const char *name, const json_t *properties)
{
    struct api_nested n = { .run = thing_create, .params = { { "thingName", name } } };
    json_t *attributes = json_object_get(properties, "AttributePayload");
    json_t *type = json_object_get(properties, "ThingTypeName"),
           *billing = json_object_get(properties, "BillingGroup");
    auto_json *body = json_object();

    if (!body ||
        (attributes &&
         json_object_set_new(body, "attributePayload", json_pack("{s:O}", "attributes", attributes)) != 0) ||
        (type && json_object_set(body, "thingTypeName", type) != 0) ||
        (billing && json_object_set(body, "billingGroupName", billing) != 0))
        return ERR_NOMEM;
    n.body = steal(&body);
    return api_nested_run(c, &n, NULL);
}

/* ---- a thing that is there ---- */

struct update {
    struct api_call *c;
    const char *name;
    const json_t *thing; /* what DescribeThing says */
    json_t *body;        /* of the UpdateThing to come */
};

static err_t want_attributes(struct update *u, json_t *wanted, enum template_override how)
{
    if (!wanted || how == TEMPLATE_DO_NOTHING || json_equal(wanted, json_object_get(u->thing, "attributes")))
        return ERR_OK;
    if (how == TEMPLATE_FAIL)
        return conflict(u->c, u->name, "set of attributes");
    return json_object_set_new(
               u->body, "attributePayload",
               json_pack("{s:O,s:b}", "attributes", wanted, "merge", how == TEMPLATE_MERGE)) == 0
               ? ERR_OK
               : ERR_NOMEM;
}

static err_t want_type(struct update *u, json_t *wanted, enum template_override how)
{
    if (!wanted || how == TEMPLATE_DO_NOTHING ||
        json_equal(wanted, json_object_get(u->thing, "thingTypeName")))
        return ERR_OK;
    if (how == TEMPLATE_FAIL)
        return conflict(u->c, u->name, "thing type");
    return json_object_set(u->body, "thingTypeName", wanted) == 0 ? ERR_OK : ERR_NOMEM;
}

static err_t update(struct api_call *c, const struct template_plan *p, const char *name, const json_t *thing)
{
    auto_json *body = json_object();
    struct update u = { .c = c, .name = name, .thing = thing, .body = body };
    err_t e;

    if (!body)
        return ERR_NOMEM;
    if ((e = want_attributes(&u, json_object_get(p->thing, "AttributePayload"), p->attributes)) ||
        (e = want_type(&u, json_object_get(p->thing, "ThingTypeName"), p->type)))
        return e;
    if (json_object_size(body) == 0)
        return ERR_OK;
    struct api_nested n = { .run = thing_update, .params = { { "thingName", name } }, .body = steal(&body) };
    return api_nested_run(c, &n, NULL);
}

static err_t find(struct api_call *c, const char *name, json_t **ret)
{
    const struct api_nested n = { .run = thing_describe, .params = { { "thingName", name } } };
    err_t e = api_nested_run(c, &n, ret);

    if (!e || c->error != API_NOT_FOUND)
        return e;
    api_nested_forget(c);
    return ERR_NOT_FOUND;
}

err_t provision_thing(struct api_call *c, const struct template_plan *p, char name[129])
{
    const char *wanted = json_get_str(p->thing, "ThingName");
    json_t *groups = json_object_get(p->thing, "ThingGroups");
    auto_json *thing = NULL;
    err_t e;

    if (!wanted || !name_thing_ok(wanted))
        return api_fail(c, API_INVALID_REQUEST, "the ThingName '%.140s' is no name for a thing",
                        wanted ? wanted : "(not a text)");
    (void)snprintf(name, 129, "%s", wanted);
    e = find(c, name, &thing);
    if (e == ERR_NOT_FOUND) {
        e = create(c, name, p->thing);
        return e ? e : set_groups(c, name, groups, TEMPLATE_MERGE);
    }
    if (e || (e = update(c, p, name, thing)))
        return e;
    return set_groups(c, name, groups, p->groups);
}
