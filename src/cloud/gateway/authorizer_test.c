/* TestInvokeAuthorizer: what would an authorizer say? */
#include "base/mem.h"
#include "cloud/api/field.h"
#include "cloud/gateway/authorizer.h"
#include "cloud/gateway/mqtt.h"
#include "cloud/registry/names.h"

struct test {
    struct api_call *c;
    api_late_fn late;
    void *ctx;
};

static json_t *documents(const struct authorizer_answer *a)
{
    json_t *list = json_array();

    for (size_t i = 0; list && i < a->n; i++) {
        if (json_array_append_new(list, json_string(a->documents[i]))) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static err_t write_answer(struct api_call *c, const struct authorizer_answer *a)
{
    auto_json *j =
        json_pack("{s:b,s:s,s:o,s:I,s:I}", "isAuthenticated", a->authenticated, "principalId", a->principal,
                  "policyDocuments", documents(a), "refreshAfterInSeconds", (json_int_t)a->refresh_s,
                  "disconnectAfterInSeconds", (json_int_t)a->disconnect_s);

    buf_clear(&c->text);
    return j ? json_write(&c->text, j, 0) : ERR_NOMEM;
}

static void on_answer(void *ctx, enum authorizer_outcome outcome, const struct authorizer_answer *a,
                      const char *why)
{
    struct test *t = ctx;
    err_t e = ERR_OK;

    if (outcome == AUTHORIZER_ANSWERED)
        e = write_answer(t->c, a);
    else if (outcome == AUTHORIZER_UNKNOWN)
        api_note(t->c, API_NOT_FOUND, "%s", why);
    else if (outcome == AUTHORIZER_REFUSED)
        api_note(t->c, API_INVALID_REQUEST, "%s", why);
    else
        api_note(t->c, API_INVALID_RESPONSE, "%s", why);
    t->late(t->ctx, outcome == AUTHORIZER_CANCELLED ? ERR_CANCELLED : e);
    free(t);
}

static bool base64_ok(const char *s)
{
    size_t n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");

    return n > 0 && strlen(s + n) <= 2 && strspn(s + n, "=") == strlen(s + n);
}

err_t authorizer_test_check(struct api_call *c)
{
    static const struct api_field fields[] = {
        { "token", API_TEXT, 1, 6144 }, { "tokenSignature", API_TEXT, 1, 2560, .ok = base64_ok },
        { "httpContext", API_OBJECT },  { "mqttContext", API_OBJECT },
        { "tlsContext", API_OBJECT },
    };
    auto_json *checked = json_object();
    const char *name;
    err_t e = checked ? name_alias(c, "authorizerName", &name) : ERR_NOMEM;

    return e ? e : api_fields_take(c, c->body, fields, ARRAY_LEN(fields), false, checked);
}

/* The body's contexts in the form in which an event has them. */
static json_t *shown(const json_t *body)
{
    static const char *const names[][2] = { { "tlsContext", "tls" },
                                            { "httpContext", "http" },
                                            { "mqttContext", "mqtt" } };
    json_t *j = json_object();

    for (size_t i = 0; j && i < ARRAY_LEN(names); i++) {
        json_t *part = json_get_obj(body, names[i][0]);
        if (part && json_object_set(j, names[i][1], part)) {
            json_decref(j);
            return NULL;
        }
    }
    return j;
}

err_t authorizer_test(struct api_call *c, struct gateway *gw, api_late_fn late, void *ctx)
{
    auto_json *parts = shown(c->body);
    struct authorizer_show show = { .name = api_param(c, "authorizerName"),
                                    .shown = parts,
                                    .token = json_get_str(c->body, "token"),
                                    .signature = json_get_str(c->body, "tokenSignature"),
                                    .test = true };
    struct test *t = mem_calloc(1, sizeof(*t));
    err_t e = t && parts ? ERR_OK : ERR_NOMEM;

    if (!e) {
        *t = (struct test){ c, late, ctx };
        e = authorizer_ask(gateway_authorizers(gw), &show, on_answer, t);
    }
    if (!e)
        return ERR_MORE;
    free(t);
    return e == ERR_BUSY ? api_fail(c, API_THROTTLING, "too many authorizers are being asked") : e;
}
