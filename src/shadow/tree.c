#include "shadow/tree.h"

#include "base/mem.h"

err_t shadow_put(json_t *obj, const char *key, json_t *value)
{
    return json_object_set_new(obj, key, value) ? ERR_NOMEM : ERR_OK;
}

bool shadow_has_null_in_array(json_t *j)
{
    const char *key;
    json_t *v;
    size_t i;

    json_object_foreach(j, key, v)
    {
        if (shadow_has_null_in_array(v))
            return true;
    }
    json_array_foreach(j, i, v)
    {
        if (json_is_null(v) || shadow_has_null_in_array(v))
            return true;
    }
    return false;
}

static json_t *stamp_leaf(int64_t now_s)
{
    auto_json *leaf = json_object();

    if (!leaf || shadow_put(leaf, "timestamp", json_integer(now_s)))
        return NULL;
    return steal(&leaf);
}

static json_t *stamp_array(json_t *array, int64_t now_s)
{
    auto_json *out = json_array();
    json_t *v;
    size_t i;

    json_array_foreach(array, i, v)
    {
        if (!out || json_array_append_new(out, shadow_stamp(v, now_s)))
            return NULL;
    }
    return steal(&out);
}

json_t *shadow_stamp(json_t *value, int64_t now_s)
{
    auto_json *out = NULL;
    const char *key;
    json_t *v;

    if (json_is_array(value))
        return stamp_array(value, now_s);
    if (!json_is_object(value))
        return stamp_leaf(now_s);
    out = json_object();
    json_object_foreach(value, key, v)
    {
        if (!out || shadow_put(out, key, shadow_stamp(v, now_s)))
            return NULL;
    }
    return steal(&out);
}

/* obj[key] as an object, made so if it is not. NULL when out of memory. */
static json_t *child_object(json_t *obj, const char *key)
{
    json_t *child = json_object_get(obj, key);

    if (json_is_object(child))
        return child;
    if (shadow_put(obj, key, json_object()))
        return NULL;
    return json_object_get(obj, key);
}

static err_t merge_key(json_t *state, json_t *meta, const char *key, json_t *value, int64_t now_s)
{
    if (json_is_null(value)) {
        (void)json_object_del(state, key); /* a key that is not there is removed already */
        (void)json_object_del(meta, key);
        return ERR_OK;
    }
    if (json_is_object(value)) {
        json_t *s = NULL, *m = NULL;

        /* What was no object is replaced, and its old time stamp with it. */
        if (!json_is_object(json_object_get(state, key)))
            (void)json_object_del(meta, key);
        s = child_object(state, key);
        m = child_object(meta, key);
        return s && m ? shadow_merge(s, m, value, now_s) : ERR_NOMEM;
    }
    if (shadow_put(state, key, json_deep_copy(value)))
        return ERR_NOMEM;
    return shadow_put(meta, key, shadow_stamp(value, now_s));
}

err_t shadow_merge(json_t *state, json_t *meta, json_t *patch, int64_t now_s)
{
    const char *key;
    json_t *v;
    err_t e = ERR_OK;

    json_object_foreach(patch, key, v)
    {
        e = merge_key(state, meta, key, v, now_s);
        if (e)
            break;
    }
    return e;
}

static err_t delta_key(json_t *delta, json_t *delta_meta, const char *key, json_t *want, json_t *have,
                       json_t *meta)
{
    auto_json *sub = NULL;
    auto_json *sub_meta = NULL;
    err_t e;

    if (json_is_object(want) && json_is_object(have)) {
        e = shadow_delta(want, have, meta, &sub, &sub_meta);
        if (e || !json_object_size(sub))
            return e;
        e = shadow_put(delta, key, steal(&sub));
        return e ? e : shadow_put(delta_meta, key, steal(&sub_meta));
    }
    if (have && json_equal(want, have))
        return ERR_OK;
    e = shadow_put(delta, key, json_deep_copy(want));
    if (e || !meta)
        return e;
    return shadow_put(delta_meta, key, json_deep_copy(meta));
}

err_t shadow_delta(json_t *desired, json_t *reported, json_t *meta, json_t **ret_delta, json_t **ret_meta)
{
    auto_json *delta = json_object();
    auto_json *delta_meta = json_object();
    const char *key;
    json_t *v;

    if (!delta || !delta_meta)
        return ERR_NOMEM;
    json_object_foreach(desired, key, v)
    {
        if (delta_key(delta, delta_meta, key, v, json_object_get(reported, key), json_object_get(meta, key)))
            return ERR_NOMEM;
    }
    *ret_delta = steal(&delta);
    *ret_meta = steal(&delta_meta);
    return ERR_OK;
}
