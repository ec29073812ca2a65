#include "base/mem.h"
#include "cloud/api/nested.h"
#include "cloud/provisioning/provision_impl.h"
#include "cloud/registry/certrow.h"
#include "cloud/registry/handlers.h"
#include "cloud/registry/names.h"

#include <stdio.h>
#include <strings.h>

/* A member of `body` that is a copy of the template's property, if it is there. */
static err_t copy_member(json_t *body, const char *member, const json_t *properties, const char *property)
{
    json_t *v = json_object_get(properties, property);

    return !v || json_object_set(body, member, v) == 0 ? ERR_OK : ERR_NOMEM;
}

/* Registered already: its id is the one to use. */
static err_t adopt(struct api_call *c, char id[65])
{
    const char *known = json_get_str(c->error_members, "resourceId");

    if (!known || !name_cert_ok(known))
        return ERR_INVALID;
    (void)snprintf(id, 65, "%s", known);
    api_nested_forget(c);
    return ERR_OK;
}

static err_t make(struct api_call *c, api_handler_fn run, json_t *body, char id[65], bool *ret_new)
{
    const struct api_nested n = { .run = run, .body = body };
    auto_json *answer = NULL;
    err_t e = api_nested_run(c, &n, &answer);

    if (e)
        return c->error == API_EXISTS ? adopt(c, id) : e;
    (void)snprintf(id, 65, "%s", json_get_str(answer, "certificateId"));
    *ret_new = true;
    return ERR_OK;
}

static err_t of_pem(struct api_call *c, const json_t *properties, char id[65], bool *ret_new)
{
    auto_json *body = json_object();

    if (!body || copy_member(body, "certificatePem", properties, "CertificatePem") ||
        copy_member(body, "caCertificatePem", properties, "CACertificatePem"))
        return ERR_NOMEM;
    return make(c, certificate_register, steal(&body), id, ret_new);
}

static err_t of_csr(struct api_call *c, const json_t *properties, char id[65], bool *ret_new)
{
    auto_json *body = json_object();

    if (!body || copy_member(body, "certificateSigningRequest", properties, "CertificateSigningRequest"))
        return ERR_NOMEM;
    return make(c, certificate_create_csr, steal(&body), id, ret_new);
}

static err_t of_id(struct api_call *c, const struct provision_request *rq, const json_t *properties,
                   char id[65])
{
    const char *wanted = json_get_str(properties, "CertificateId");

    if (!wanted || !name_cert_ok(wanted))
        return api_fail(c, API_INVALID_REQUEST, "the CertificateId '%.80s' is no certificate's id",
                        wanted ? wanted : "(not a text)");
    if (rq->certificate_id && strcmp(wanted, rq->certificate_id) != 0)
        return api_fail(c, API_INVALID_REQUEST,
                        "the template is about another certificate than the device's");
    (void)snprintf(id, 65, "%s", wanted);
    return ERR_OK;
}

err_t provision_certificate(struct api_call *c, const struct provision_request *rq,
                            const struct template_plan *p, struct provision_result *ret, bool *ret_new)
{
    const json_t *properties = p->certificate;
    auto_cert_row row = { 0 };
    char *id = ret->certificate_id;
    err_t e;

    if (rq->certificate_id || json_object_get(properties, "CertificateId"))
        e = of_id(c, rq, properties, id);
    else if (json_object_get(properties, "CertificatePem"))
        e = of_pem(c, properties, id, ret_new);
    else
        e = of_csr(c, properties, id, ret_new);
    if (e)
        return e;
    if ((e = cert_row_load(c->db, id, &row)))
        return e == ERR_NOT_FOUND ? api_fail(c, API_NOT_FOUND, "Certificate %s not found", id) : e;
    ret->certificate_pem = steal(&row.pem);
    *ret_new |= strcmp(row.status, "PENDING_ACTIVATION") == 0;
    return ERR_OK;
}

/* ACTIVE unless the template says otherwise, in any case of letters (2.5). */
static err_t wanted_status(struct api_call *c, const json_t *properties, const char **ret)
{
    const json_t *given = json_object_get(properties, "Status");
    const char *text = given ? json_string_value(given) : "ACTIVE";

    if (text && strcasecmp(text, "ACTIVE") == 0)
        *ret = "ACTIVE";
    else if (text && strcasecmp(text, "INACTIVE") == 0)
        *ret = "INACTIVE";
    else
        return api_fail(c, API_INVALID_REQUEST, "the certificate's Status must be ACTIVE or INACTIVE");
    return ERR_OK;
}

err_t provision_status(struct api_call *c, const struct template_plan *p, const char *id, bool is_new)
{
    auto_cert_row row = { 0 };
    const char *status;
    err_t e;

    if ((e = wanted_status(c, p->certificate, &status)) || (e = cert_row_load(c->db, id, &row)))
        return e;
    if (strcmp(row.status, status) == 0 || (!is_new && p->status == TEMPLATE_DO_NOTHING))
        return ERR_OK;
    if (!is_new && p->status == TEMPLATE_FAIL)
        return api_fail(c, API_CONFLICTING_UPDATE,
                        "Certificate %s is %s, and the template's override is FAIL", id, row.status);
    const struct api_nested n = { .run = certificate_update,
                                  .params = { { "certificateId", id }, { "newStatus", status } } };
    return api_nested_run(c, &n, NULL);
}
