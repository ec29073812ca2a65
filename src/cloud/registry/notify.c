#include "cloud/registry/notify.h"

#include "base/mem.h"
#include "cloud/registry/handlers.h"
#include "cloud/registry/names.h"
#include "crypto/digest.h"
#include "crypto/random.h"

#include <stdio.h>

#define TOPIC_MAX 512u
#define MESSAGE_MAX 65536u /* fifty attributes of 800 characters */
#define ATTRIBUTE_DEPTH 2u

static const struct {
    const char *name, *level;
} operations[] = {
    [NOTIFY_CREATED] = { "CREATED", "created" }, [NOTIFY_UPDATED] = { "UPDATED", "updated" },
    [NOTIFY_DELETED] = { "DELETED", "deleted" }, [NOTIFY_ADDED] = { "ADDED", "added" },
    [NOTIFY_REMOVED] = { "REMOVED", "removed" },
};

/* What is told: which switch it belongs to, the rows it is made of, and how a row becomes members. */
struct notice {
    const char *type; /* of UpdateEventConfigurations; the message's eventType is this and _EVENT */
    const char *sql;  /* $1 and, where there are two names, $2 */
    json_t *(*members)(const struct api_call *c, const struct db_rows *row);
};

struct reading {
    struct api_call *c;
    const struct notice *notice;
    json_t *members;
};

static err_t read_row(void *ctx, const struct db_rows *row)
{
    struct reading *r = ctx;

    json_decref(r->members);
    r->members = r->notice->members(r->c, row);
    return r->members ? ERR_OK : ERR_NOMEM;
}

/* A JSON document of ours in a column. */
static json_t *document(const struct db_rows *row, int col)
{
    json_t *j = NULL;

    return json_parse(db_text(row, col), ATTRIBUTE_DEPTH, &j, NULL) ? NULL : j;
}

static const char *text_or_null(const struct db_rows *row, int col)
{
    return db_is_null(row, col) ? NULL : db_str(row, col);
}

/* What all messages begin with, then the members. Takes `members`. */
static err_t publish(struct api_call *c, const struct notice *n, enum notify_operation what, json_t *members,
                     const char *topic)
{
    autobuf text = BUF_INIT(MESSAGE_MAX);
    auto_json *own = members, *message = NULL;
    char id[CRYPTO_UUID_MAX], event[64], whole[TOPIC_MAX];
    err_t e = crypto_random_uuid(c->env->crypto, id);

    if (e)
        return e;
    (void)snprintf(event, sizeof(event), "%s_EVENT", n->type);
    (void)snprintf(whole, sizeof(whole), "$aws/events/%s/%s", topic, operations[what].level);
    message =
        json_pack("{s:s,s:s,s:I,s:s,s:s}", "eventType", event, "eventId", id, "timestamp",
                  (json_int_t)c->now_ms, "operation", operations[what].name, "accountId", c->env->account);
    if (!message || json_object_update(message, own) != 0)
        return ERR_NOMEM;
    e = json_write(&text, message, 0);
    return e ? e : effects_add_event(&c->effects, whole, buf_str(&text));
}

/* Nothing there to be told about: nothing is. `b` NULL: one name. */
static err_t notify(struct api_call *c, const struct notice *n, enum notify_operation what, const char *a,
                    const char *b, const char *topic_format)
{
    struct reading r = { .c = c, .notice = n };
    autobuf topic = BUF_INIT(TOPIC_MAX);
    bool on;
    err_t e = event_is_on(c, n->type, &on);

    if (e || !on)
        return e;
    if ((e = db_one(c->db, n->sql, (const struct db_value[]){ DB_TEXT(a), DB_TEXT(b) }, b ? 2 : 1, read_row,
                    &r)))
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    for (const char *p = topic_format; *p && !e; p++)
        e = *p == '1' ? buf_add_str(&topic, a) : *p == '2' ? buf_add_str(&topic, b) : buf_add_u8(&topic, *p);
    if (e) {
        json_decref(r.members);
        return e;
    }
    return publish(c, n, what, r.members, buf_str(&topic));
}

/* ---- things and types ---- */

static json_t *thing_members(const struct api_call *c, const struct db_rows *row)
{
    (void)c;
    return json_pack("{s:s,s:s,s:I,s:s?,s:o}", "thingId", db_str(row, 0), "thingName", db_str(row, 1),
                     "versionNumber", (json_int_t)db_int(row, 2), "thingTypeName", text_or_null(row, 3),
                     "attributes", document(row, 4));
}

err_t notify_thing(struct api_call *c, const char *thing, enum notify_operation what)
{
    static const struct notice n = {
        "THING", "SELECT uuid, name, version, thing_type, attributes FROM things WHERE name = $1",
        thing_members
    };

    return notify(c, &n, what, thing, NULL, "thing/1");
}

static json_t *type_members(const struct api_call *c, const struct db_rows *row)
{
    bool deprecated = !db_is_null(row, 2);

    (void)c;
    return json_pack("{s:s,s:s,s:b,s:o,s:o,s:s?}", "thingTypeId", db_str(row, 0), "thingTypeName",
                     db_str(row, 1), "isDeprecated", deprecated, "deprecationDate",
                     deprecated ? json_integer(db_int(row, 2)) : json_null(), "searchableAttributes",
                     document(row, 3), "description", text_or_null(row, 4));
}

err_t notify_thing_type(struct api_call *c, const char *type, enum notify_operation what)
{
    static const struct notice n = {
        "THING_TYPE",
        "SELECT uuid, name, deprecated_ms, searchable, description FROM thing_types WHERE name = $1",
        type_members
    };

    return notify(c, &n, what, type, NULL, "thingType/1");
}

static json_t *association_members(const struct api_call *c, const struct db_rows *row)
{
    (void)c;
    return json_pack("{s:s,s:s,s:s}", "thingId", db_str(row, 0), "thingName", db_str(row, 1), "thingTypeName",
                     db_str(row, 2));
}

err_t notify_type_association(struct api_call *c, const char *thing, const char *type,
                              enum notify_operation what)
{
    static const struct notice n = {
        "THING_TYPE_ASSOCIATION",
        "SELECT t.uuid, t.name, y.name FROM things t, thing_types y WHERE t.name = $1 AND y.name = $2",
        association_members
    };

    return notify(c, &n, what, thing, type, "thingTypeAssociation/thing/1/thingType/2");
}

/* ---- groups ---- */

struct above {
    const struct api_call *c;
    json_t *list; /* root first: each row is put in front */
};

static err_t above_row(void *ctx, const struct db_rows *row)
{
    struct above *a = ctx;
    char arn[ARN_MAX];

    return json_array_insert_new(a->list, 0,
                                 json_pack("{s:s,s:s}", "groupArn",
                                           arn_iot(a->c, "thinggroup", db_str(row, 0), arn), "groupId",
                                           db_str(row, 1))) == 0
               ? ERR_OK
               : ERR_NOMEM;
}

/* From the root down to `parent`; JSON's null when it has none. NULL: the database or memory failed. */
static json_t *root_to_parent(const struct api_call *c, const char *parent)
{
    auto_json *list = json_array();
    struct above a = { c, list };

    if (!parent)
        return json_null();
    if (!list || db_each(c->db,
                         "WITH RECURSIVE above (name, uuid, parent, depth) AS ("
                         "SELECT name, uuid, parent, 0 FROM thing_groups WHERE name = $1"
                         " UNION ALL SELECT g.name, g.uuid, g.parent, above.depth + 1 FROM thing_groups g"
                         " JOIN above ON g.name = above.parent)"
                         " SELECT name, uuid FROM above ORDER BY depth",
                         DB_ARGS(DB_TEXT(parent)), above_row, &a))
        return NULL;
    return steal(&list);
}

static json_t *group_members(const struct api_call *c, const struct db_rows *row)
{
    autofree char *parent = db_is_null(row, 3) ? NULL : mem_strdup(db_str(row, 3));
    auto_json *j = json_pack("{s:s,s:s,s:I,s:s?,s:s?,s:s?,s:o,s:n}", "thingGroupId", db_str(row, 0),
                             "thingGroupName", db_str(row, 1), "versionNumber", (json_int_t)db_int(row, 2),
                             "parentGroupName", parent, "parentGroupId", text_or_null(row, 4), "description",
                             text_or_null(row, 5), "attributes", document(row, 6), "dynamicGroupMappingId");

    if (!j || json_object_set_new(j, "rootToParentThingGroups", root_to_parent(c, parent)) != 0)
        return NULL;
    return steal(&j);
}

err_t notify_thing_group(struct api_call *c, const char *group, enum notify_operation what)
{
    static const struct notice n = {
        "THING_GROUP",
        "SELECT g.uuid, g.name, g.version, g.parent, p.uuid, g.description, g.attributes"
        " FROM thing_groups g LEFT JOIN thing_groups p ON p.name = g.parent WHERE g.name = $1",
        group_members
    };

    return notify(c, &n, what, group, NULL, "thingGroup/1");
}

/* One id for one membership, the same when it ends: it has none of its own in the database. */
static err_t membership_id(const struct api_call *c, const char *group, const char *thing,
                           char ret[CRYPTO_UUID_MAX])
{
    char text[2 * CRYPTO_UUID_MAX + 1], hex[CRYPTO_SHA256_HEX];
    err_t e;

    (void)snprintf(text, sizeof(text), "%s/%s", group, thing);
    if ((e = crypto_sha256_hex(c->env->crypto, slice_str(text), hex)))
        return e;
    (void)snprintf(ret, CRYPTO_UUID_MAX, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
                   hex + 20);
    return ERR_OK;
}

static json_t *membership_members(const struct api_call *c, const struct db_rows *row)
{
    char group[ARN_MAX], thing[ARN_MAX], id[CRYPTO_UUID_MAX];

    if (membership_id(c, db_str(row, 0), db_str(row, 1), id))
        return NULL;
    return json_pack("{s:s,s:s,s:s,s:s,s:s}", "groupArn", arn_iot(c, "thinggroup", db_str(row, 2), group),
                     "groupId", db_str(row, 0), "thingArn", arn_iot(c, "thing", db_str(row, 3), thing),
                     "thingId", db_str(row, 1), "membershipId", id);
}

err_t notify_membership(struct api_call *c, const char *thing, const char *group, enum notify_operation what)
{
    static const struct notice n = { "THING_GROUP_MEMBERSHIP",
                                     "SELECT g.uuid, t.uuid, g.name, t.name FROM thing_groups g, things t "
                                     "WHERE g.name = $1 AND t.name = $2",
                                     membership_members };

    return notify(c, &n, what, group, thing, "thingGroupMembership/thingGroup/1/thing/2");
}

struct leaving {
    struct api_call *c;
    const char *thing;
};

static err_t leaving_row(void *ctx, const struct db_rows *row)
{
    const struct leaving *l = ctx;
    autofree char *group = mem_strdup(db_str(row, 0));

    return group ? notify_membership(l->c, l->thing, group, NOTIFY_REMOVED) : ERR_NOMEM;
}

err_t notify_leaves_groups(struct api_call *c, const char *thing)
{
    struct leaving l = { c, thing };

    return db_each(c->db, "SELECT grp FROM group_members WHERE thing = $1 ORDER BY grp",
                   DB_ARGS(DB_TEXT(thing)), leaving_row, &l);
}

static json_t *hierarchy_members(const struct api_call *c, const struct db_rows *row)
{
    (void)c;
    return json_pack("{s:s,s:s,s:s,s:s}", "thingGroupId", db_str(row, 0), "thingGroupName", db_str(row, 1),
                     "childGroupId", db_str(row, 2), "childGroupName", db_str(row, 3));
}

err_t notify_hierarchy(struct api_call *c, const char *parent, const char *child, enum notify_operation what)
{
    static const struct notice n = {
        "THING_GROUP_HIERARCHY",
        "SELECT p.uuid, p.name, g.uuid, g.name FROM thing_groups p, thing_groups g"
        " WHERE p.name = $1 AND g.name = $2",
        hierarchy_members
    };

    return notify(c, &n, what, parent, child, "thingGroupHierarchy/thingGroup/1/childThingGroup/2");
}

/* ---- policies and certificates: the reference names the switches, not the messages (CL-84) ---- */

static json_t *policy_members(const struct api_call *c, const struct db_rows *row)
{
    char arn[ARN_MAX], version[24];

    (void)snprintf(version, sizeof(version), "%lld", (long long)db_int(row, 1));
    return json_pack("{s:s,s:s,s:s}", "policyName", db_str(row, 0), "policyArn",
                     arn_iot(c, "policy", db_str(row, 0), arn), "defaultVersionId", version);
}

err_t notify_policy(struct api_call *c, const char *policy, enum notify_operation what)
{
    static const struct notice n = { "POLICY", "SELECT name, version FROM policies WHERE name = $1",
                                     policy_members };

    return notify(c, &n, what, policy, NULL, "policy/1");
}

static json_t *certificate_members(const struct api_call *c, const struct db_rows *row)
{
    char arn[ARN_MAX];

    return json_pack("{s:s,s:s,s:s,s:s?}", "certificateId", db_str(row, 0), "certificateArn",
                     arn_iot(c, "cert", db_str(row, 0), arn), "status", db_str(row, 1), "caCertificateId",
                     text_or_null(row, 2));
}

err_t notify_certificate(struct api_call *c, const char *id, enum notify_operation what)
{
    static const struct notice n = { "CERTIFICATE",
                                     "SELECT cert_id, status, ca_id FROM certificates WHERE cert_id = $1",
                                     certificate_members };

    return notify(c, &n, what, id, NULL, "certificate/1");
}

static json_t *ca_members(const struct api_call *c, const struct db_rows *row)
{
    char arn[ARN_MAX];

    return json_pack("{s:s,s:s,s:s,s:s}", "caCertificateId", db_str(row, 0), "caCertificateArn",
                     arn_iot(c, "cacert", db_str(row, 0), arn), "status", db_str(row, 1),
                     "autoRegistrationStatus", db_str(row, 2));
}

err_t notify_ca(struct api_call *c, const char *id, enum notify_operation what)
{
    static const struct notice n = { "CA_CERTIFICATE",
                                     "SELECT cert_id, status, auto_registration FROM cas WHERE cert_id = $1",
                                     ca_members };

    return notify(c, &n, what, id, NULL, "caCertificate/1");
}
