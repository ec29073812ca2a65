#include "base/mem.h"
#include "cloud/api/page.h"
#include "cloud/registry/handlers.h"
#include "cloud/registry/names.h"
#include "crypto/random.h"

#include <ctype.h>

#define ATTRIBUTES_MAX 3u /* without a thing type */
#define ATTRIBUTE_DEPTH 2u

struct thing {
    char uuid[CRYPTO_UUID_MAX];
    json_t *attributes;
    int64_t version;
};

static err_t load_row(void *ctx, const struct db_rows *row)
{
    struct thing *t = ctx;

    (void)snprintf(t->uuid, sizeof(t->uuid), "%s", db_str(row, 0));
    t->version = db_int(row, 2);
    json_decref(t->attributes);
    t->attributes = NULL;
    return json_parse(db_text(row, 1), ATTRIBUTE_DEPTH, &t->attributes, NULL);
}

static err_t load(struct api_call *c, const char *name, struct thing *t)
{
    return db_one(c->db, "SELECT uuid, attributes, version FROM things WHERE name = $1",
                  DB_ARGS(DB_TEXT(name)), load_row, t);
}

static bool attribute_ok(const char *key, const char *value)
{
    size_t kn = strlen(key), vn = value ? strlen(value) : 0;

    if (!value || kn == 0 || kn > 128 || vn > 800)
        return false;
    for (size_t i = 0; i < kn; i++) {
        if (!isalnum((unsigned char)key[i]) && !strchr("_.,@/:#-", key[i]))
            return false;
    }
    for (size_t i = 0; i < vn; i++) {
        if (!isalnum((unsigned char)value[i]) && !strchr("_.,@/:#=[]-", value[i]))
            return false;
    }
    return true;
}

/* attributePayload.attributes, checked; {} when absent. Empty values are not kept. Returns a new reference in
 * *ret. */
static err_t read_attributes(struct api_call *c, json_t **ret)
{
    json_t *payload = json_get_obj(c->body, "attributePayload"), *in = json_get_obj(payload, "attributes"),
           *value;
    auto_json *out = json_object();
    const char *key;

    if (!out)
        return ERR_NOMEM;
    json_object_foreach(in, key, value)
    {
        if (!attribute_ok(key, json_string_value(value)))
            return api_fail(c, API_INVALID_REQUEST,
                            "attribute '%.128s' has a name or value that is not allowed", key);
        if (json_string_length(value) && json_object_set(out, key, value) != 0)
            return ERR_NOMEM;
    }
    if (json_object_size(out) > ATTRIBUTES_MAX)
        return api_fail(c, API_INVALID_REQUEST, "a thing without a thing type can have at most %u attributes",
                        ATTRIBUTES_MAX);
    *ret = steal(&out);
    return ERR_OK;
}

static err_t reply_created(struct api_call *c, const char *name, const char *uuid)
{
    char arn[ARN_MAX];

    return api_reply(c, json_pack("{s:s,s:s,s:s}", "thingName", name, "thingArn",
                                  arn_iot(c, "thing", name, arn), "thingId", uuid));
}

static err_t insert(struct api_call *c, const char *name, const json_t *attributes)
{
    char uuid[CRYPTO_UUID_MAX];
    autobuf text = BUF_INIT(65536);
    err_t e;

    if ((e = json_write(&text, attributes, 0)) || (e = crypto_random_uuid(c->env->crypto, uuid)) ||
        (e = db_run(c->db, "INSERT INTO things (name, uuid, attributes, version) VALUES ($1, $2, $3, 1)",
                    DB_ARGS(DB_TEXT(name), DB_TEXT(uuid), DB_SLICE(buf_slice(&text))), NULL)))
        return e;
    return reply_created(c, name, uuid);
}

/* Repeating a CreateThing with the same configuration gives the thing that is there (iot-core 4.3, trap 4).
 */
err_t thing_create(struct api_call *c)
{
    const char *name, *type = json_get_str(c->body, "thingTypeName");
    auto_json *attributes = NULL;
    struct thing have = { 0 };
    char arn[ARN_MAX];
    err_t e;

    if ((e = name_thing(c, "thingName", &name)) || (e = read_attributes(c, &attributes)))
        return e;
    if (type)
        return api_fail(c, API_NOT_FOUND, "Thing type %.128s not found", type);
    if ((e = load(c, name, &have)) == ERR_NOT_FOUND)
        return insert(c, name, attributes);
    if (!e && json_equal(have.attributes, attributes))
        e = reply_created(c, name, have.uuid);
    else if (!e)
        e = api_fail_exists(c, arn_iot(c, "thing", name, arn), have.uuid,
                            "Thing %s already exists in account with different attributes", name);
    json_decref(have.attributes);
    return e;
}

err_t thing_describe(struct api_call *c)
{
    const char *name;
    struct thing t = { 0 };
    char arn[ARN_MAX];
    err_t e;

    if ((e = name_thing(c, "thingName", &name)))
        return e;
    if ((e = load(c, name, &t)) == ERR_NOT_FOUND)
        return api_fail(c, API_NOT_FOUND, "Thing %s not found", name);
    if (!e)
        e = api_reply(c, json_pack("{s:s,s:s,s:s,s:s,s:O,s:I}", "defaultClientId", name, "thingName", name,
                                   "thingId", t.uuid, "thingArn", arn_iot(c, "thing", name, arn),
                                   "attributes", t.attributes, "version", (json_int_t)t.version));
    json_decref(t.attributes);
    return e;
}

err_t thing_delete(struct api_call *c)
{
    const char *name;
    int64_t attached;
    err_t e;

    if ((e = name_thing(c, "thingName", &name)) ||
        (e = db_one_int(c->db, "SELECT count(*) FROM thing_principals WHERE thing = $1",
                        DB_ARGS(DB_TEXT(name)), &attached)))
        return e;
    if (attached)
        return api_fail(c, API_INVALID_REQUEST,
                        "Cannot delete. Thing %s is still attached to one or more principals", name);
    return db_run(c->db, "DELETE FROM things WHERE name = $1", DB_ARGS(DB_TEXT(name)), NULL);
}

static err_t list_row(void *ctx, const struct db_rows *row)
{
    struct api_page *page = ctx;
    const char *name = db_str(row, 0);
    auto_json *attributes = NULL;
    char arn[ARN_MAX];
    err_t e;

    if (!api_page_room(page))
        return ERR_OK;
    if ((e = json_parse(db_text(row, 1), ATTRIBUTE_DEPTH, &attributes, NULL)))
        return e;
    return api_page_add(page,
                        json_pack("{s:s,s:s,s:O,s:I}", "thingName", name, "thingArn",
                                  arn_iot(page->c, "thing", name, arn), "attributes", attributes, "version",
                                  (json_int_t)db_int(row, 2)),
                        "%s", name);
}

/* nextToken is the last name seen: pages stay right while things come and go. */
err_t thing_list(struct api_call *c)
{
    auto_page page = API_PAGE_INIT(c);
    const char *after = api_param(c, "nextToken");
    err_t e;

    if (after && !name_thing_ok(after))
        return api_fail(c, API_INVALID_REQUEST, "invalid nextToken");
    if ((e = api_param_size(c, "maxResults", 25, 250, &page.size)) ||
        (e = db_each(c->db,
                     "SELECT name, attributes, version FROM things WHERE name > $1 ORDER BY name LIMIT $2",
                     DB_ARGS(DB_TEXT(after ? after : ""), DB_INT(page.size + 1)), list_row, &page)))
        return e;
    return api_page_reply(&page, "things", "nextToken");
}
