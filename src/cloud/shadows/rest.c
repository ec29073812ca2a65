#include "cloud/registry/names.h"
#include "cloud/shadows/handlers.h"
#include "cloud/shadows/service.h"

static enum api_error error_of(int code)
{
    switch (code) {
    case SHADOW_NOT_FOUND:
        return API_NOT_FOUND;
    case SHADOW_CONFLICT:
        return API_CONFLICT;
    case SHADOW_TOO_LARGE:
        return API_TOO_LARGE;
    case SHADOW_UNSUPPORTED_ENCODING:
        return API_ENCODING;
    case SHADOW_TOO_MANY_REQUESTS:
        return API_THROTTLING;
    case SHADOW_INTERNAL:
        return API_INTERNAL;
    default:
        return API_INVALID_REQUEST;
    }
}

static err_t answer(struct api_call *c, const char *thing, const char *name, enum shadow_op op,
                    struct shadow_result *result)
{
    err_t e;

    if (result->code != SHADOW_OK)
        return api_fail(c, error_of(result->code), "%s", result->message);
    if ((e = buf_add(&c->text, buf_slice(&result->messages[0].payload))))
        return e;
    /* Updates and deletions are told over MQTT too (5.5); a REST get is nobody else's business. */
    return op == SHADOW_GET ? ERR_OK : effects_add_shadow(&c->effects, thing, name, op, result);
}

static err_t handle(struct api_call *c, enum shadow_op op)
{
    const char *thing, *name = api_param(c, "name");
    struct shadow_result result = { 0 };
    err_t e;

    if ((e = name_thing(c, "thingName", &thing)))
        return e;
    if (name && !shadow_name_valid(slice_str(name)))
        return api_fail(c, API_INVALID_REQUEST, "Invalid shadow name");
    name = name ? name : "";
    if ((e = shadows_apply(c->db, thing, name, op, buf_slice(&c->raw), c->now_ms, &result)))
        return e;
    e = answer(c, thing, name, op, &result);
    shadow_result_done(&result);
    return e;
}

err_t shadow_get(struct api_call *c)
{
    return handle(c, SHADOW_GET);
}

err_t shadow_update(struct api_call *c)
{
    return handle(c, SHADOW_UPDATE);
}

err_t shadow_delete(struct api_call *c)
{
    return handle(c, SHADOW_DELETE);
}
