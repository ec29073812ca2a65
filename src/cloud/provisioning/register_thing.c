/* RegisterThing of the API (iot-core reference 2.5): a template and its parameters in the request. */
#include "base/mem.h"
#include "cloud/api/field.h"
#include "cloud/provisioning/handlers.h"
#include "cloud/provisioning/provision.h"
#include "cloud/provisioning/templaterow.h"

static const struct api_field fields[] = {
    { "templateBody", API_TEXT, 0, TEMPLATE_BODY_MAX, .required = true },
    { "parameters", API_OBJECT },
};

static err_t check_texts(struct api_call *c, json_t *params)
{
    const char *name;
    json_t *v;

    json_object_foreach(params, name, v)
    {
        if (!json_is_string(v))
            return api_fail(c, API_INVALID_REQUEST, "the parameter '%.128s' must be a text", name);
    }
    return ERR_OK;
}

static err_t reply(struct api_call *c, const struct provision_result *r)
{
    json_t *j = json_pack("{s:O}", "resourceArns", r->arns);

    if (j && r->certificate_pem &&
        json_object_set_new(j, "certificatePem", json_string(r->certificate_pem)) != 0) {
        json_decref(j);
        j = NULL;
    }
    return api_reply(c, j);
}

err_t provisioning_register_thing(struct api_call *c)
{
    auto_json *given = json_object();
    auto_template *t = NULL;
    auto_provision_result result = { 0 };
    err_t e;

    if (!given)
        return ERR_NOMEM;
    if ((e = api_fields_take(c, c->body, fields, ARRAY_LEN(fields), true, given)) ||
        (e = template_of_body(c, json_get_str(given, "templateBody"), false, &t)) ||
        (e = check_texts(c, json_get_obj(given, "parameters"))))
        return e;
    const struct provision_request rq = { .template = t, .params = json_get_obj(given, "parameters") };
    if ((e = provision_run(c, &rq, &result)))
        return e;
    return reply(c, &result);
}
