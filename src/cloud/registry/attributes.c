#include "cloud/registry/attributes.h"

#include <ctype.h>

#define NAME_MAX_LEN 128u
#define VALUE_MAX_LEN 800u

void attribute_change_done(struct attribute_change *a)
{
    json_decref_ptr(&a->set);
}

static bool all_of(const char *s, size_t n, const char *more)
{
    for (size_t i = 0; i < n; i++) {
        if (!isalnum((unsigned char)s[i]) && !strchr(more, s[i]))
            return false;
    }
    return true;
}

static bool attribute_ok(const char *key, const char *value)
{
    size_t kn = strlen(key), vn = value ? strlen(value) : 0;

    return value && kn > 0 && kn <= NAME_MAX_LEN && vn <= VALUE_MAX_LEN && all_of(key, kn, "_.,@/:#-") &&
           all_of(value, vn, "_.,@/:#=[]-");
}

err_t attribute_change_read(struct api_call *c, const json_t *payload, struct attribute_change *ret)
{
    json_t *in = json_get_obj(payload, "attributes"), *value;
    auto_json *set = json_object();
    const char *key;

    if (!set)
        return ERR_NOMEM;
    json_object_foreach(in, key, value)
    {
        if (!attribute_ok(key, json_string_value(value)))
            return api_fail(c, API_INVALID_REQUEST,
                            "attribute '%.128s' has a name or value that is not allowed", key);
        if (json_object_set(set, key, value) != 0)
            return ERR_NOMEM;
    }
    ret->set = steal(&set);
    ret->merge = json_get_bool(payload, "merge", false);
    return ERR_OK;
}

err_t attribute_change_apply(const struct attribute_change *a, const json_t *have, json_t **ret)
{
    auto_json *out = a->merge && have ? json_copy((json_t *)have) : json_object();
    const char *key;
    json_t *value;

    if (!out)
        return ERR_NOMEM;
    json_object_foreach(a->set, key, value)
    {
        if (json_string_length(value) == 0)
            (void)json_object_del(out, key); /* not there: fine */
        else if (json_object_set(out, key, value) != 0)
            return ERR_NOMEM;
    }
    *ret = steal(&out);
    return ERR_OK;
}
