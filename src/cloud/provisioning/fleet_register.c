/* Fleet provisioning's second step: the template is executed for the certificate that the token is for. */
#include "base/mem.h"
#include "cloud/provisioning/fleet_handlers.h"
#include "cloud/provisioning/ownership.h"
#include "cloud/provisioning/provision.h"
#include "cloud/provisioning/templaterow.h"
#include "cloud/registry/certrow.h"
#include "cloud/registry/names.h"

#define PAYLOAD_VERSION "2020-04-01"

struct registration {
    const char *name; /* of the template */
    struct template_row row;
    struct template *template;
    const char *token;
    json_t *parameters; /* borrowed; an object of texts */
    char certificate[CRYPTO_SHA256_HEX];
    struct cert_row cert;
};

static void registration_done(struct registration *r)
{
    template_row_done(&r->row);
    template_free(r->template);
    cert_row_done(&r->cert);
}
#define auto_registration __attribute__((cleanup(registration_done))) struct registration

static err_t check_texts(struct api_call *c, json_t *values, const char *what)
{
    const char *name;
    json_t *v;

    if (values && !json_is_object(values))
        return api_fail(c, API_INVALID_REQUEST, "%s must be a map", what);
    json_object_foreach(values, name, v)
    {
        if (!json_is_string(v))
            return api_fail(c, API_INVALID_REQUEST, "the value of '%.128s' in %s must be a text", name, what);
    }
    return ERR_OK;
}

static err_t load_template(struct api_call *c, struct registration *r)
{
    err_t e = template_row_of_label(c, &r->name, &r->row);

    if (e)
        return e;
    if (!template_row_is(&r->row, "FLEET_PROVISIONING"))
        return api_fail(c, API_FORBIDDEN, "provisioning template %s is not of type FLEET_PROVISIONING",
                        r->name);
    if (!json_get_bool(r->row.settings, "enabled", false))
        return api_fail(c, API_FORBIDDEN,
                        "provisioning template %s is not enabled (UpdateProvisioningTemplate enabled)",
                        r->name);
    return template_of_body(c, r->row.body, true, &r->template);
}

static err_t load_certificate(struct api_call *c, struct registration *r)
{
    err_t e = ownership_check(c, r->token, r->certificate);

    if (e)
        return e;
    e = cert_row_load(c->db, r->certificate, &r->cert);
    if (e == ERR_NOT_FOUND)
        return api_fail(c, API_UNAUTHORIZED, "the certificate of this token is not there any more");
    if (e)
        return e;
    if (strcmp(r->cert.status, "PENDING_ACTIVATION") != 0 && strcmp(r->cert.status, "ACTIVE") != 0)
        return api_fail(c, API_FORBIDDEN, "certificate %s is %s", r->certificate, r->cert.status);
    return ERR_OK;
}

static err_t read_request(struct api_call *c, struct registration *r)
{
    err_t e;

    r->token = json_get_str(c->body, "certificateOwnershipToken");
    r->parameters = json_object_get(c->body, "parameters");
    if (!r->token)
        return api_fail(c, API_INVALID_REQUEST, "certificateOwnershipToken is required, a text");
    if ((e = check_texts(c, r->parameters, "parameters")) || (e = load_template(c, r)))
        return e;
    return load_certificate(c, r);
}

/* Does the template want somebody asked that was not asked yet? */
static const char *hook_to_ask(const struct api_call *c, const struct registration *r)
{
    const char *target = json_get_str(json_get_obj(r->row.settings, "preProvisioningHook"), "targetArn");
    const char *asked = api_param(c, FLEET_HOOK_DONE);

    return target && !(asked && strcmp(asked, target) == 0) ? target : NULL;
}

static err_t reply_hook(struct api_call *c, const struct registration *r, const char *target)
{
    const char *client = api_param(c, "clientId");
    auto_json *none = json_object();
    char arn[ARN_MAX];

    return api_reply(c, json_pack("{s:s,s:{s:s,s:s,s:s,s:s,s:s,s:O}}", "hookTarget", target, "hookEvent",
                                  "claimCertificateId", c->cert_id, "certificateId", r->certificate,
                                  "certificatePem", r->cert.pem, "templateArn",
                                  arn_iot(c, TEMPLATE_KIND, r->name, arn), "clientId", client ? client : "",
                                  "parameters", r->parameters ? r->parameters : none));
}

/* The device's parameters under those of the hook. */
static err_t merge(struct api_call *c, const struct registration *r, json_t **ret)
{
    json_t *overrides = json_object_get(c->body, FLEET_OVERRIDES);
    auto_json *all = r->parameters ? json_copy(r->parameters) : json_object();
    err_t e = check_texts(c, overrides, "the hook's parameterOverrides");

    if (e)
        return e;
    if (!all || (overrides && json_object_update(all, overrides) != 0))
        return ERR_NOMEM;
    *ret = steal(&all);
    return ERR_OK;
}

static err_t reply_done(struct api_call *c, const struct provision_result *result)
{
    auto_json *j = json_pack("{s:O}", "deviceConfiguration", result->device_configuration);

    if (!j || (result->thing[0] && json_object_set_new(j, "thingName", json_string(result->thing)) != 0))
        return ERR_NOMEM;
    return api_reply(c, steal(&j));
}

err_t fleet_register(struct api_call *c)
{
    auto_registration r = { 0 };
    auto_provision_result result = { 0 };
    auto_json *parameters = NULL;
    const char *hook;
    err_t e;

    if ((e = read_request(c, &r)))
        return e;
    if ((hook = hook_to_ask(c, &r)))
        return reply_hook(c, &r, hook);
    if ((e = ownership_use(c, r.token, r.name, r.parameters ? r.parameters : json_null())) ||
        (e = merge(c, &r, &parameters)))
        return e;
    const struct provision_request rq = { .template = r.template,
                                          .params = parameters,
                                          .certificate_id = r.certificate };
    if ((e = provision_run(c, &rq, &result)))
        return e;
    return reply_done(c, &result);
}
