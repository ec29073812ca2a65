#include "cloud/registry/tags.h"

#include "base/mem.h"
#include "cloud/api/field.h"
#include "cloud/registry/handlers.h"
#include "cloud/registry/names.h"

#include <ctype.h>

#define TAGS_MAX 50
#define KEY_MAX 128

/* What can have tags, and how it is found. Records have the kind of their ARN. */
static const struct kind {
    const char *name, *count;
} kinds[] = {
    { "thingtype", "SELECT count(*) FROM thing_types WHERE name = $1" },
    { "thinggroup", "SELECT count(*) FROM thing_groups WHERE name = $1" },
    { "billinggroup", "SELECT count(*) FROM billing_groups WHERE name = $1" },
    { "policy", "SELECT count(*) FROM policies WHERE name = $1" },
    { "cert", "SELECT count(*) FROM certificates WHERE cert_id = $1" },
    { "cacert", "SELECT count(*) FROM cas WHERE cert_id = $1" },
    { "provisioningtemplate", "SELECT count(*) FROM provisioning_templates WHERE name = $1" },
    { "authorizer", "SELECT count(*) FROM records WHERE kind = 'authorizer' AND name = $1" },
    { "domainconfiguration", /* by NAME/SUFFIX */
      "SELECT count(*) FROM records WHERE kind = 'domainconfiguration' AND"
      " substr(CAST($1 AS TEXT), 1, length(name) + 1) = name || '/'" },
    { "rolealias", "SELECT count(*) FROM records WHERE kind = 'rolealias' AND name = $1" },
};

/* Letters and digits of any script: what is not ASCII is taken for one. */
static bool key_ok(const char *s)
{
    const char *start = s;

    for (; *s; s++) {
        if ((unsigned char)*s < 0x80 && !isalnum((unsigned char)*s) && !strchr(" _.:/=+-@", *s))
            return false;
    }
    return strncmp(start, "aws:", 4) != 0;
}

static const struct api_field fields[] = {
    { "Key", API_TEXT, 1, KEY_MAX, .ok = key_ok, .required = true },
    { "Value", API_TEXT, 0, 256 },
};

static err_t insert(struct api_call *c, const char *kind, const char *name, const json_t *tag)
{
    return db_run(c->db,
                  "INSERT INTO tags (kind, name, tag, content) VALUES ($1, $2, $3, $4)"
                  " ON CONFLICT (kind, name, tag) DO UPDATE SET content = $4",
                  DB_ARGS(DB_TEXT(kind), DB_TEXT(name), DB_TEXT(json_get_str(tag, "Key")),
                          DB_TEXT(json_get_str(tag, "Value"))),
                  NULL);
}

static err_t check_count(struct api_call *c, const char *kind, const char *name)
{
    int64_t n;
    err_t e = db_one_int(c->db, "SELECT count(*) FROM tags WHERE kind = $1 AND name = $2",
                         DB_ARGS(DB_TEXT(kind), DB_TEXT(name)), &n);

    return e || n <= TAGS_MAX ? e
                              : api_fail(c, API_LIMIT, "a resource can have at most %d tags, not %lld",
                                         TAGS_MAX, (long long)n);
}

static err_t add_one(struct api_call *c, const char *kind, const char *name, const json_t *in, json_t *seen)
{
    auto_json *tag = json_object();
    err_t e;

    if (!tag)
        return ERR_NOMEM;
    if (!json_is_object(in))
        return api_fail(c, API_INVALID_REQUEST, "tags must be a list of {Key, Value}");
    if ((e = api_fields_take(c, in, fields, ARRAY_LEN(fields), true, tag)))
        return e;
    if (json_object_get(seen, json_get_str(tag, "Key")))
        return api_fail(c, API_INVALID_REQUEST, "tags has the key '%.128s' twice", json_get_str(tag, "Key"));
    if (json_object_set(seen, json_get_str(tag, "Key"), json_true()) != 0)
        return ERR_NOMEM;
    return insert(c, kind, name, tag);
}

/* A LIST that must be there, or may be absent. */
static err_t read_list(struct api_call *c, const char *member, bool required, json_t **ret)
{
    json_t *list = json_object_get(c->body, member);

    if (json_is_null(list))
        list = NULL;
    if (list ? !json_is_array(list) : required)
        return api_fail(c, API_INVALID_REQUEST, "%s must be a list", member);
    *ret = list;
    return ERR_OK;
}

static err_t add_all(struct api_call *c, const char *kind, const char *name, json_t *list)
{
    auto_json *seen = json_object();
    json_t *tag;
    size_t i;
    err_t e;

    if (!seen)
        return ERR_NOMEM;
    json_array_foreach(list, i, tag)
    {
        if ((e = add_one(c, kind, name, tag, seen)))
            return e;
    }
    return check_count(c, kind, name);
}

err_t tags_of_creation(struct api_call *c, const char *kind, const char *name)
{
    json_t *list;
    err_t e = read_list(c, "tags", false, &list);

    return e ? e : add_all(c, kind, name, list);
}

err_t tags_drop(struct api_call *c, const char *kind, const char *name)
{
    return db_run(c->db, "DELETE FROM tags WHERE kind = $1 AND name = $2",
                  DB_ARGS(DB_TEXT(kind), DB_TEXT(name)), NULL);
}

/* ---- operations ---- */

/* Which resource has this ARN? It must exist. */
static err_t find(struct api_call *c, const char *arn, const struct kind **ret, const char **ret_name)
{
    int64_t n = 0;
    err_t e;

    if (!arn)
        return api_fail(c, API_INVALID_REQUEST, "resourceArn is required");
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        const char *name = arn_name(c->env, arn, kinds[i].name);
        if (!name)
            continue;
        if ((e = db_one_int(c->db, kinds[i].count, DB_ARGS(DB_TEXT(name)), &n)))
            return e;
        *ret = &kinds[i];
        *ret_name = name;
        return n ? ERR_OK : api_fail(c, API_NOT_FOUND, "resource %.200s not found", arn);
    }
    return api_fail(c, API_INVALID_REQUEST, "resourceArn '%.200s' is not the ARN of something that has tags",
                    arn);
}

err_t tag_add(struct api_call *c)
{
    const struct kind *kind;
    const char *name;
    json_t *list;
    err_t e;

    if ((e = read_list(c, "tags", true, &list)) ||
        (e = find(c, json_get_str(c->body, "resourceArn"), &kind, &name)))
        return e;
    return add_all(c, kind->name, name, list);
}

static err_t remove_one(struct api_call *c, const char *kind, const char *name, const char *tag)
{
    if (!tag || !*tag || api_characters(tag) > KEY_MAX || !key_ok(tag))
        return api_fail(c, API_INVALID_REQUEST, "tagKeys must be a list of keys of tags");
    return db_run(c->db, "DELETE FROM tags WHERE kind = $1 AND name = $2 AND tag = $3",
                  DB_ARGS(DB_TEXT(kind), DB_TEXT(name), DB_TEXT(tag)), NULL);
}

err_t tag_remove(struct api_call *c)
{
    const struct kind *kind;
    const char *name;
    json_t *list, *tag;
    size_t i;
    err_t e;

    if ((e = read_list(c, "tagKeys", true, &list)) ||
        (e = find(c, json_get_str(c->body, "resourceArn"), &kind, &name)))
        return e;
    json_array_foreach(list, i, tag)
    {
        if ((e = remove_one(c, kind->name, name, json_string_value(tag))))
            return e;
    }
    return ERR_OK;
}

static err_t list_row(void *ctx, const struct db_rows *row)
{
    const char *value = db_str(row, 1);
    auto_json *tag = json_pack("{s:s}", "Key", db_str(row, 0));

    if (!tag || (value && json_object_set_new(tag, "Value", json_string(value)) != 0))
        return ERR_NOMEM;
    return json_array_append(ctx, tag) == 0 ? ERR_OK : ERR_NOMEM;
}

/* At most TAGS_MAX: one page, so no nextToken was ever given. */
err_t tag_list(struct api_call *c)
{
    const struct kind *kind;
    const char *name;
    auto_json *list = json_array();
    err_t e;

    if (!list)
        return ERR_NOMEM;
    if (api_param(c, "nextToken"))
        return api_fail(c, API_INVALID_REQUEST, "invalid nextToken");
    if ((e = find(c, api_param(c, "resourceArn"), &kind, &name)) ||
        (e = db_each(c->db, "SELECT tag, content FROM tags WHERE kind = $1 AND name = $2 ORDER BY tag",
                     DB_ARGS(DB_TEXT(kind->name), DB_TEXT(name)), list_row, list)))
        return e;
    return api_reply(c, json_pack("{s:O}", "tags", list));
}
