#include "base/mem.h"
#include "shadow/document.h"

/* The tail that all payloads share: "version" (not negative), "timestamp" (not 0), "clientToken" (not NULL).
 */
static err_t add_tail(json_t *j, int64_t version, int64_t now_s, const char *token)
{
    err_t e = ERR_OK;

    if (version >= 0)
        e = shadow_put(j, "version", json_integer(version));
    if (!e && now_s)
        e = shadow_put(j, "timestamp", json_integer(now_s));
    if (!e && token)
        e = shadow_put(j, "clientToken", json_string(token));
    return e;
}

static err_t finish(struct buf *out, json_t *j, err_t e)
{
    size_t before = out->n;

    if (!e)
        e = json_write(out, j, 0);
    if (e)
        buf_cut(out, before);
    return e;
}

/* {"state":...,"metadata":...}, both taken. */
static err_t with_state(json_t *state, json_t *meta, json_t **ret)
{
    auto_json *s = state;
    auto_json *m = meta;
    auto_json *j = json_object();

    if (!j || !s || !m || shadow_put(j, "state", steal(&s)) || shadow_put(j, "metadata", steal(&m)))
        return ERR_NOMEM;
    *ret = steal(&j);
    return ERR_OK;
}

static err_t delta_of(const struct shadow_doc *d, json_t **ret_delta, json_t **ret_meta)
{
    return shadow_delta(json_object_get(d->state, "desired"), json_object_get(d->state, "reported"),
                        json_object_get(d->meta, "desired"), ret_delta, ret_meta);
}

err_t shadow_payload_get(struct buf *out, const struct shadow_doc *d, const char *token, int64_t now_s)
{
    auto_json *j = NULL;
    auto_json *delta = NULL;
    auto_json *meta = NULL;
    err_t e = with_state(json_deep_copy(d->state), json_deep_copy(d->meta), &j);

    if (!e)
        e = delta_of(d, &delta, &meta);
    if (!e && json_object_size(delta)) {
        e = shadow_put(json_object_get(j, "state"), "delta", steal(&delta));
        if (!e)
            e = shadow_put(json_object_get(j, "metadata"), "delta", steal(&meta));
    }
    if (!e)
        e = add_tail(j, d->version, now_s, token);
    return finish(out, j, e);
}

err_t shadow_payload_updated(struct buf *out, json_t *request_state, int64_t version, const char *token,
                             int64_t now_s)
{
    auto_json *j = NULL;
    err_t e = with_state(json_deep_copy(request_state), shadow_stamp(request_state, now_s), &j);

    if (!e)
        e = add_tail(j, version, now_s, token);
    return finish(out, j, e);
}

err_t shadow_payload_deleted(struct buf *out, int64_t version, const char *token, int64_t now_s)
{
    auto_json *j = json_object();

    return finish(out, j, j ? add_tail(j, version, now_s, token) : ERR_NOMEM);
}

err_t shadow_payload_delta(struct buf *out, const struct shadow_doc *d, const char *token, int64_t now_s)
{
    auto_json *j = json_object();
    auto_json *delta = NULL;
    auto_json *meta = NULL;
    err_t e = j ? delta_of(d, &delta, &meta) : ERR_NOMEM;

    if (!e && !json_object_size(delta))
        return ERR_NOT_FOUND;
    if (!e)
        e = add_tail(j, d->version, now_s, NULL);
    if (!e)
        e = shadow_put(j, "state", steal(&delta));
    if (!e)
        e = shadow_put(j, "metadata", steal(&meta));
    if (!e)
        e = add_tail(j, -1, 0, token);
    return finish(out, j, e);
}

static json_t *snapshot(const struct shadow_doc *d)
{
    auto_json *j = NULL;

    if (with_state(json_deep_copy(d->state), json_deep_copy(d->meta), &j) || add_tail(j, d->version, 0, NULL))
        return NULL;
    return steal(&j);
}

err_t shadow_payload_documents(struct buf *out, const struct shadow_doc *before,
                               const struct shadow_doc *after, const char *token, int64_t now_s)
{
    auto_json *j = json_object();
    err_t e = j ? shadow_put(j, "previous", snapshot(before)) : ERR_NOMEM;

    if (!e)
        e = shadow_put(j, "current", snapshot(after));
    if (!e)
        e = add_tail(j, -1, now_s, token);
    return finish(out, j, e);
}

err_t shadow_payload_rejected(struct buf *out, int code, const char *message, const char *token,
                              int64_t now_s)
{
    auto_json *j = json_object();
    err_t e = j ? shadow_put(j, "code", json_integer(code)) : ERR_NOMEM;

    if (!e)
        e = shadow_put(j, "message", json_string(message));
    if (!e)
        e = add_tail(j, -1, now_s, token);
    return finish(out, j, e);
}
