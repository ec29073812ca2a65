/* function-sdk/c/calls.c - invoke, publish, shadows, secrets: what each is on the wire. Spec:
 * greengrass-v1 4.4. */
#include "arn.h"
#include "base/hex.h"
#include "request.h"
#include "settings.h"
#include "text.h"

#define CONTEXT_MAX (64 * 1024)
#define THING_NAME_MAX 128

struct _gg_publish_options {
    const char *policy; /* its word on the wire */
};

static gg_error no_such_service(const char *what)
{
    (void)gg_log(GG_LOG_ERROR, "%s: the core did not name that service in the function's environment", what);
    return GGE_INVALID_STATE;
}

/* ---- invoke ---- */

static bool invoke_valid(const gg_invoke_options *o)
{
    if (!o->function_arn || !arn_valid(o->function_arn) || (!o->payload && o->payload_size))
        return false;
    if (o->type != GG_INVOKE_EVENT && o->type != GG_INVOKE_REQUEST_RESPONSE)
        return false;
    return (!o->customer_context || text_is_base64(o->customer_context)) &&
           (!o->qualifier || !*o->qualifier || arn_qualifier_valid(o->qualifier));
}

/* The ARN with its qualifier, which may stand in either place but not be two. ERR_INVALID. */
static err_t qualified(const gg_invoke_options *o, struct buf *arn)
{
    const char *in_arn = arn_qualifier(o->function_arn);
    const char *given = o->qualifier && *o->qualifier ? o->qualifier : NULL;
    if (in_arn ? given && strcmp(in_arn, given) != 0 : !given)
        return ERR_INVALID;
    return in_arn ? buf_add_str(arn, o->function_arn) : buf_printf(arn, "%s:%s", o->function_arn, given);
}

gg_error gg_invoke(gg_request ggreq, const gg_invoke_options *opts, gg_request_result *result)
{
    autobuf arn = BUF_INIT(1024);
    if (!ggreq || !opts || !result || !invoke_valid(opts))
        return GGE_INVALID_PARAMETER;
    err_t e = qualified(opts, &arn);
    if (e)
        return request_error(e);
    struct request_call call = { .function_arn = buf_str(&arn),
                                 .context = opts->customer_context ? opts->customer_context : "",
                                 .type = opts->type,
                                 .payload = slice_of(opts->payload, opts->payload_size) };
    return request_make(ggreq, &call, result);
}

/* ---- publish ---- */

static const char *const policies[GG_QUEUE_FULL_POLICY_RESERVED_MAX] = {
    [GG_QUEUE_FULL_POLICY_BEST_EFFORT] = "BestEffort",
    [GG_QUEUE_FULL_POLICY_ALL_OR_ERROR] = "AllOrError",
};

gg_error gg_publish_options_init(gg_publish_options *opts)
{
    if (!opts)
        return GGE_INVALID_PARAMETER;
    gg_publish_options made = mem_calloc(1, sizeof(*made));
    if (!made)
        return GGE_OUT_OF_MEMORY;
    made->policy = ""; /* the core's own default */
    *opts = made;
    return GGE_SUCCESS;
}

gg_error gg_publish_options_free(gg_publish_options opts)
{
    if (!opts)
        return GGE_INVALID_PARAMETER;
    free(opts);
    return GGE_SUCCESS;
}

gg_error gg_publish_options_set_queue_full_policy(gg_publish_options opts,
                                                  gg_queue_full_policy_options policy)
{
    if (!opts || (unsigned)policy >= GG_QUEUE_FULL_POLICY_RESERVED_MAX)
        return GGE_INVALID_PARAMETER;
    opts->policy = policies[policy];
    return GGE_SUCCESS;
}

/* {"custom":{...}} in base64; members that are NULL are left out. */
static err_t build_context(const char *source, const char *subject, const char *policy, struct buf *out)
{
    autobuf text = BUF_INIT(CONTEXT_MAX);
    err_t e = buf_add_str(&text, "{\"custom\":{");
    if (!e)
        e = text_add_member(&text, "source", source);
    if (!e)
        e = text_add_member(&text, "subject", subject);
    if (!e)
        e = text_add_member(&text, "queueFullPolicy", policy);
    if (!e)
        e = buf_add_str(&text, "}}");
    return e ? e : base64_encode(out, buf_slice(&text));
}

gg_error gg_publish_with_options(gg_request ggreq, const char *topic, const void *payload,
                                 size_t payload_size, const gg_publish_options opts,
                                 gg_request_result *result)
{
    autobuf context = BUF_INIT(2 * CONTEXT_MAX);
    if (!ggreq || !topic || !*topic || (!payload && payload_size) || !result)
        return GGE_INVALID_PARAMETER;
    if (!settings_get()->router_arn)
        return no_such_service("gg_publish");
    err_t e = build_context(settings_get()->function_arn, topic, opts ? opts->policy : "", &context);
    if (e)
        return request_error(e);
    struct request_call call = { .function_arn = settings_get()->router_arn,
                                 .context = buf_str(&context),
                                 .type = GG_INVOKE_EVENT,
                                 .payload = slice_of(payload, payload_size) };
    return request_make(ggreq, &call, result);
}

gg_error gg_publish(gg_request ggreq, const char *topic, const void *payload, size_t payload_size,
                    gg_request_result *result)
{
    return gg_publish_with_options(ggreq, topic, payload, payload_size, NULL, result);
}

/* ---- shadows ---- */

static bool thing_name_valid(const char *name)
{
    static const char chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_:-";
    return name && *name && !name[strspn(name, chars)] && strlen(name) <= THING_NAME_MAX;
}

static gg_error shadow(gg_request ggreq, const char *operation, const char *thing_name, const char *payload,
                       gg_request_result *result)
{
    autobuf context = BUF_INIT(CONTEXT_MAX), subject = BUF_INIT(512);
    if (!ggreq || !thing_name_valid(thing_name) || !payload || !result)
        return GGE_INVALID_PARAMETER;
    if (!settings_get()->shadow_arn)
        return no_such_service("gg_*_thing_shadow");
    err_t e = buf_printf(&subject, "$aws/things/%s/shadow/%s", thing_name, operation);
    if (!e)
        e = build_context(NULL, buf_str(&subject), NULL, &context);
    if (e)
        return request_error(e);
    struct request_call call = { .function_arn = settings_get()->shadow_arn,
                                 .context = buf_str(&context),
                                 .type = GG_INVOKE_REQUEST_RESPONSE,
                                 .payload = slice_str(payload) };
    return request_make(ggreq, &call, result);
}

gg_error gg_get_thing_shadow(gg_request ggreq, const char *thing_name, gg_request_result *result)
{
    return shadow(ggreq, "get", thing_name, "", result);
}

gg_error gg_update_thing_shadow(gg_request ggreq, const char *thing_name, const char *update_payload,
                                gg_request_result *result)
{
    return shadow(ggreq, "update", thing_name, update_payload, result);
}

gg_error gg_delete_thing_shadow(gg_request ggreq, const char *thing_name, gg_request_result *result)
{
    return shadow(ggreq, "delete", thing_name, "", result);
}

/* ---- secrets ---- */

/* A secret has all of these; a refusal is {"Status":...,"Message":...}. The published SDKs tell them apart in
 * this way. */
static bool is_secret(const struct buf *body)
{
    static const char *const members[] = { "ARN", "Name", "VersionId", "CreatedDate" };
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        if (!body->n || !memmem(body->p, body->n, members[i], strlen(members[i])))
            return false;
    return true;
}

gg_error gg_get_secret_value(gg_request ggreq, const char *secret_id, const char *version_id,
                             const char *version_stage, gg_request_result *result)
{
    autobuf payload = BUF_INIT(CONTEXT_MAX);
    if (!ggreq || !secret_id || !*secret_id || version_id || !result)
        return GGE_INVALID_PARAMETER;
    if (!settings_get()->secrets_arn)
        return no_such_service("gg_get_secret_value");
    err_t e = buf_add_str(&payload, "{");
    if (!e)
        e = text_add_member(&payload, "SecretId", secret_id);
    if (!e)
        e = text_add_member(&payload, "VersionStage", version_stage);
    if (!e)
        e = buf_add_str(&payload, "}");
    if (e)
        return request_error(e);
    struct request_call call = { .function_arn = settings_get()->secrets_arn,
                                 .context = "",
                                 .type = GG_INVOKE_REQUEST_RESPONSE,
                                 .payload = buf_slice(&payload) };
    gg_error failed = request_make(ggreq, &call, result);
    if (!failed && result->request_status == GG_REQUEST_SUCCESS && !is_secret(&ggreq->body))
        result->request_status = GG_REQUEST_HANDLED;
    return failed;
}
