/* Certificates made elsewhere: RegisterCertificate (by a CA that is registered) and
 * RegisterCertificateWithoutCA. */
#include "cloud/registry/certrow.h"
#include "cloud/registry/handlers.h"
#include "cloud/registry/issuer.h"
#include "cloud/registry/names.h"

#include <stdio.h>

/* The registered CA that signed `cert`, which must be one to register with. */
static err_t find_issuer(struct api_call *c, const X509 *cert, struct issuer *ret)
{
    err_t e = issuer_find(c->env, c->db, cert, ret);

    if (e)
        return e != ERR_NOT_FOUND ? e
                                  : api_fail(c, API_CERTIFICATE_VALIDATION,
                                             "CA certificate is not registered. Register the CA that signed "
                                             "this certificate first (RegisterCACertificate)");
    if (strcmp(ret->status, "ACTIVE") != 0)
        return api_fail(c, API_CERTIFICATE_VALIDATION, "CA certificate %s is %s: activate it first",
                        ret->ca_id, ret->status);
    if (c->now_ms < ret->not_before_ms || c->now_ms > ret->not_after_ms)
        return api_fail(c, API_CERTIFICATE_VALIDATION,
                        "CA certificate %s is not within its dates: register its successor", ret->ca_id);
    return ERR_OK;
}

/* If the caller names the CA, it must be the one we found. */
static err_t check_named_ca(struct api_call *c, const char *ca_id)
{
    auto_x509 X509 *ca = NULL;
    char id[CRYPTO_SHA256_HEX];
    err_t e;

    if (!json_get_str(c->body, "caCertificatePem"))
        return ERR_OK;
    if ((e = cert_from_body(c, "caCertificatePem", &ca)) || (e = crypto_cert_id(c->env->crypto, ca, id)))
        return e;
    if (strcmp(id, ca_id) != 0)
        return api_fail(c, API_CERTIFICATE_VALIDATION,
                        "caCertificatePem is not the registered CA that signed the certificate");
    return ERR_OK;
}

static err_t register_status(struct api_call *c, struct cert_row *r)
{
    const char *status = json_get_str(c->body, "status");
    err_t e = cert_row_set_status(c, r);

    if (e || !status)
        return e;
    if (strcmp(status, "ACTIVE") != 0 && strcmp(status, "INACTIVE") != 0)
        return api_fail(c, API_INVALID_REQUEST, "status must be ACTIVE or INACTIVE");
    (void)snprintf(r->status, sizeof(r->status), "%s", status);
    return ERR_OK;
}

static err_t refuse_known(struct api_call *c, const char *id)
{
    auto_cert_row have = { 0 };
    char arn[ARN_MAX];
    err_t e = cert_row_load(c->db, id, &have);

    if (e == ERR_NOT_FOUND)
        return ERR_OK;
    return e ? e
             : api_fail_exists(c, arn_iot(c, "cert", id, arn), id,
                               "The certificate is already provisioned or registered");
}

static err_t register_cert(struct api_call *c, bool with_ca)
{
    auto_x509 X509 *cert = NULL;
    auto_cert_row r = { 0 };
    struct issuer issuer = { 0 };
    err_t e;

    if ((e = cert_from_body(c, "certificatePem", &cert)) || (e = cert_check_usable(c, cert)) ||
        (e = cert_row_from(c, cert, &r)) || (e = refuse_known(c, r.id)))
        return e;
    if (with_ca && ((e = find_issuer(c, cert, &issuer)) || (e = check_named_ca(c, issuer.ca_id))))
        return e;
    (void)snprintf(r.ca_id, sizeof(r.ca_id), "%s", issuer.ca_id);
    (void)snprintf(r.mode, sizeof(r.mode), "%s", with_ca ? "DEFAULT" : "SNI_ONLY");
    if ((e = register_status(c, &r)) || (e = cert_row_store(c, &r)))
        return e;
    return cert_row_reply(c, &r, false);
}

err_t certificate_register(struct api_call *c)
{
    return register_cert(c, true);
}

err_t certificate_register_no_ca(struct api_call *c)
{
    return register_cert(c, false);
}
