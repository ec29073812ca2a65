#include "cloud/provisioning/provision.h"

#include "base/mem.h"
#include "cloud/api/nested.h"
#include "cloud/provisioning/provision_impl.h"
#include "cloud/registry/handlers.h"
#include "cloud/registry/names.h"
#include "crypto/digest.h"

#include <stdio.h>

#define POLICY_TEXT_MAX 65536u

void provision_result_done(struct provision_result *r)
{
    free(r->certificate_pem);
    json_decref(r->arns);
    json_decref(r->device_configuration);
    *r = (struct provision_result){ 0 };
}

/* ---- policies ---- */

/* The document as text: given as one, or as an object. */
static err_t document_text(struct api_call *c, const json_t *document, struct buf *out)
{
    if (json_is_string(document))
        return buf_add_mem(out, json_string_value(document), json_string_length(document));
    if (json_is_object(document))
        return json_write(out, document, 0);
    return api_fail(c, API_INVALID_REQUEST, "a PolicyDocument is a text or an object");
}

/* A policy made from a document is named by its hash, so the same document makes one policy (2.5). */
static err_t create_policy(struct api_call *c, const json_t *document, char name[129])
{
    autobuf text = BUF_INIT(POLICY_TEXT_MAX);
    err_t e;

    if ((e = document_text(c, document, &text)) ||
        (e = crypto_sha256_hex(c->env->crypto, buf_slice(&text), name)))
        return e;
    const struct api_nested n = { .run = policy_create,
                                  .params = { { "policyName", name } },
                                  .body = json_pack("{s:s}", "policyDocument", buf_str(&text)) };
    if (!n.body)
        return ERR_NOMEM;
    e = api_nested_run(c, &n, NULL);
    if (e && c->error == API_EXISTS) {
        api_nested_forget(c);
        e = ERR_OK;
    }
    return e;
}

static err_t policy_name(struct api_call *c, const json_t *properties, char name[129])
{
    const json_t *document = json_object_get(properties, "PolicyDocument");
    const char *wanted = json_get_str(properties, "PolicyName");

    if (document)
        return create_policy(c, document, name);
    if (!wanted || !name_policy_ok(wanted))
        return api_fail(c, API_INVALID_REQUEST, "the PolicyName '%.140s' is no name of a policy",
                        wanted ? wanted : "(not a text)");
    (void)snprintf(name, 129, "%s", wanted);
    return ERR_OK;
}

static err_t add_arn(struct api_call *c, json_t *arns, const char *key, const char *kind, const char *name)
{
    char arn[ARN_MAX];

    return json_object_set_new(arns, key, json_string(arn_iot(c, kind, name, arn))) == 0 ? ERR_OK : ERR_NOMEM;
}

static err_t attach_policy(struct api_call *c, const char *name, const char *certificate)
{
    char arn[ARN_MAX];
    const struct api_nested n = { .run = policy_attach,
                                  .params = { { "policyName", name } },
                                  .body =
                                      json_pack("{s:s}", "target", arn_iot(c, "cert", certificate, arn)) };

    return n.body ? api_nested_run(c, &n, NULL) : ERR_NOMEM;
}

static err_t provision_policies(struct api_call *c, const struct template_plan *p,
                                struct provision_result *ret)
{
    const char *key;
    char name[129];
    json_t *properties;
    err_t e;

    json_object_foreach(p->policies, key, properties)
    {
        if ((e = policy_name(c, properties, name)) || (e = attach_policy(c, name, ret->certificate_id)) ||
            (e = add_arn(c, ret->arns, key, "policy", name)))
            return e;
    }
    return ERR_OK;
}

/* ---- the order of 2.5: certificate, thing, policies, the ties, and the status last ---- */

static err_t attach_thing(struct api_call *c, const struct provision_result *r)
{
    char arn[ARN_MAX];
    const struct api_nested n = { .run = principal_attach,
                                  .params = {
                                      { "thingName", r->thing },
                                      { "x-amzn-principal", arn_iot(c, "cert", r->certificate_id, arn) } } };

    return api_nested_run(c, &n, NULL);
}

static err_t make_all(struct api_call *c, const struct provision_request *rq, const struct template_plan *p,
                      struct provision_result *ret)
{
    bool is_new = false;
    err_t e;

    if (p->certificate && ((e = provision_certificate(c, rq, p, ret, &is_new)) ||
                           (e = add_arn(c, ret->arns, p->certificate_key, "cert", ret->certificate_id))))
        return e;
    if (p->thing && ((e = provision_thing(c, p, ret->thing)) ||
                     (e = add_arn(c, ret->arns, p->thing_key, "thing", ret->thing))))
        return e;
    if (!p->certificate)
        return ERR_OK;
    if ((e = provision_policies(c, p, ret)) || (p->thing && (e = attach_thing(c, ret))))
        return e;
    return provision_status(c, p, ret->certificate_id, is_new);
}

/* What the registry refuses is a failed registration to whoever asked for it. */
static err_t as_failure(struct api_call *c, err_t e)
{
    if (c->error == API_OK || c->error == API_INTERNAL || c->error == API_CONFLICTING_UPDATE)
        return e;
    c->error = API_REGISTRATION_FAILURE;
    json_decref(c->error_members);
    c->error_members = NULL;
    return e;
}

/* The caller's parameters and the certificate's id. */
static err_t with_id(const struct provision_request *rq, json_t **ret)
{
    auto_json *out = rq->params ? json_copy((json_t *)rq->params) : json_object();

    if (!out || (rq->certificate_id &&
                 json_object_set_new(out, TEMPLATE_CERTIFICATE_ID, json_string(rq->certificate_id)) != 0))
        return ERR_NOMEM;
    *ret = steal(&out);
    return ERR_OK;
}

static err_t make_plan(struct api_call *c, const struct provision_request *rq, struct template_plan *ret)
{
    char why[TEMPLATE_WHY_MAX] = "";
    auto_json *params = NULL;
    err_t e = with_id(rq, &params);

    if (e)
        return e;
    e = template_resolve(rq->template, params, ret, why);
    return e && why[0] ? api_fail(c, API_REGISTRATION_FAILURE, "The template cannot be used: %s", why) : e;
}

err_t provision_run(struct api_call *c, const struct provision_request *rq, struct provision_result *ret)
{
    auto_provision_result result = { .arns = json_object() };
    auto_plan plan = { 0 };
    err_t e;

    if (!result.arns)
        return ERR_NOMEM;
    if ((e = make_plan(c, rq, &plan)) || (e = make_all(c, rq, &plan, &result)))
        return as_failure(c, e);
    result.device_configuration = json_incref(plan.device_configuration);
    *ret = result;
    result = (struct provision_result){ 0 };
    return ERR_OK;
}
