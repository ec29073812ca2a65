#include "cloud/provisioning/jitp.h"

#include "base/mem.h"
#include "cloud/provisioning/provision.h"
#include "cloud/provisioning/templaterow.h"
#include "cloud/registry/certrow.h"

#include <openssl/objects.h>
#include <openssl/x509.h>
#include <stdio.h>

#define PREFIX "AWS::IoT::Certificate::"

/* ---- parameters ---- */

static const struct {
    int nid;
    const char *name;
} subject[] = {
    { NID_countryName, PREFIX "Country" },
    { NID_organizationName, PREFIX "Organization" },
    { NID_organizationalUnitName, PREFIX "OrganizationalUnit" },
    { NID_dnQualifier, PREFIX "DistinguishedNameQualifier" },
    { NID_stateOrProvinceName, PREFIX "StateName" },
    { NID_commonName, PREFIX "CommonName" },
    { NID_serialNumber, PREFIX "SerialNumber" },
};

/* Of several entries of a kind the last, the most specific one. What is no text (a NUL in it) is not there.
 */
static err_t add_entry(const X509_NAME *name, int nid, const char *parameter, json_t *out)
{
    int at = -1, n;
    unsigned char *utf8 = NULL;
    json_t *text = NULL;

    for (int next; (next = X509_NAME_get_index_by_NID(name, nid, at)) >= 0;)
        at = next;
    if (at < 0)
        return ERR_OK;
    n = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
    if (n >= 0 && !memchr(utf8, 0, (size_t)n))
        text = json_stringn((const char *)utf8, (size_t)n);
    OPENSSL_free(utf8);
    return !text || json_object_set_new(out, parameter, text) == 0 ? ERR_OK : ERR_NOMEM;
}

err_t jitp_parameters(const X509 *cert, json_t **ret)
{
    auto_json *out = json_object();
    err_t e = out ? ERR_OK : ERR_NOMEM;

    for (size_t i = 0; !e && i < ARRAY_LEN(subject); i++)
        e = add_entry(X509_get_subject_name(cert), subject[i].nid, subject[i].name, out);
    if (!e)
        *ret = steal(&out);
    return e;
}

/* ---- registration ---- */

static err_t register_pending(struct api_call *c, X509 *cert, const struct issuer *ca)
{
    auto_cert_row r = { 0 };
    err_t e = cert_row_from(c, cert, &r);

    if (e)
        return e;
    (void)snprintf(r.status, sizeof(r.status), "PENDING_ACTIVATION");
    (void)snprintf(r.ca_id, sizeof(r.ca_id), "%s", ca->ca_id);
    (void)snprintf(r.mode, sizeof(r.mode), "%s", ca->mode);
    return cert_row_store(c, &r);
}

/* 2.4: timestamp is a number, certificateRegistrationTimestamp a text. */
static err_t announce(struct api_call *c, const char *id, const struct admissible *a)
{
    autofree char *topic = mem_printf("$aws/events/certificates/registered/%s", a->issuer.ca_id);
    autofree char *event =
        mem_printf("{\"certificateId\":\"%s\",\"caCertificateId\":\"%s\",\"timestamp\":%lld,"
                   "\"certificateStatus\":\"PENDING_ACTIVATION\",\"awsAccountId\":\"%s\","
                   "\"certificateRegistrationTimestamp\":\"%lld\"}",
                   id, a->issuer.ca_id, (long long)c->now_ms, c->env->account, (long long)a->registered_ms);

    return topic && event ? effects_add_event(&c->effects, topic, event) : ERR_NOMEM;
}

/* ---- the template ---- */

static err_t load_stored(struct api_call *c, const char *name, char **ret_body)
{
    auto_template_row r = { 0 };
    err_t e = template_row_load(c->db, name, &r);

    if (e)
        return e == ERR_NOT_FOUND ? api_fail(c, API_NOT_FOUND, "Provisioning template %s not found", name)
                                  : e;
    if (!json_get_bool(r.settings, "enabled", false))
        return api_fail(c, API_INVALID_REQUEST,
                        "Provisioning template %s is not enabled (UpdateProvisioningTemplate enabled=true)",
                        name);
    *ret_body = steal(&r.body);
    return ERR_OK;
}

static err_t load_template(struct api_call *c, const json_t *config, struct template **ret)
{
    const char *name = json_get_str(config, "templateName"), *given = json_get_str(config, "templateBody");
    autofree char *body = NULL;
    err_t e = name ? load_stored(c, name, &body) : ERR_OK;

    return e ? e : template_of_body(c, name ? body : given, true, ret);
}

static err_t provision(struct api_call *c, const X509 *cert, const char *id, const json_t *config,
                       char thing[129])
{
    auto_provision_result result = { 0 };
    auto_template *t = NULL;
    auto_json *params = NULL;
    err_t e;

    if ((e = load_template(c, config, &t)) || (e = jitp_parameters(cert, &params)))
        return e;
    const struct provision_request rq = { .template = t, .params = params, .certificate_id = id };
    if ((e = provision_run(c, &rq, &result)))
        return e;
    (void)snprintf(thing, 129, "%s", result.thing);
    return ERR_OK;
}

err_t jitp_run(struct api_call *c, X509 *cert, const char *id, const struct admissible *a, char thing[129])
{
    err_t e = a->registered ? ERR_OK : register_pending(c, cert, &a->issuer);

    thing[0] = 0;
    if (e)
        return e;
    return a->config ? provision(c, cert, id, a->config, thing) : announce(c, id, a);
}
