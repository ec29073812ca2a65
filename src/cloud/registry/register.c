/* Certificates made elsewhere: RegisterCertificate (by a CA that is registered) and
 * RegisterCertificateWithoutCA. */
#include "cloud/registry/certrow.h"
#include "cloud/registry/handlers.h"
#include "cloud/registry/names.h"

#include <stdio.h>

struct issuer {
    struct api_call *c;
    const X509 *cert;
    char ca_id[CRYPTO_SHA256_HEX], status[32];
    int64_t not_before_ms, not_after_ms;
    bool found;
};

static err_t try_issuer(void *ctx, const struct db_rows *row)
{
    struct issuer *s = ctx;
    auto_x509 X509 *ca = NULL;
    err_t e = crypto_cert_parse_pem(s->c->env->crypto, db_text(row, 1), &ca, NULL);

    if (e)
        return e;
    if (s->found || crypto_cert_issued_by(s->cert, ca) != ERR_OK)
        return ERR_OK;
    s->found = true;
    (void)snprintf(s->ca_id, sizeof(s->ca_id), "%s", db_str(row, 0));
    (void)snprintf(s->status, sizeof(s->status), "%s", db_str(row, 2));
    s->not_before_ms = db_int(row, 3);
    s->not_after_ms = db_int(row, 4);
    return ERR_OK;
}

/* The registered CA that signed `cert`: by name, then by signature (several may share a name). */
static err_t find_issuer(struct api_call *c, const X509 *cert, struct issuer *ret)
{
    char hash[CRYPTO_SHA256_HEX];
    err_t e;

    *ret = (struct issuer){ .c = c, .cert = cert };
    if ((e = crypto_cert_issuer_hash(c->env->crypto, cert, hash)) ||
        (e = db_each(
             c->db,
             "SELECT cert_id, pem, status, not_before_ms, not_after_ms FROM cas WHERE subject_hash = $1",
             DB_ARGS(DB_TEXT(hash)), try_issuer, ret)))
        return e;
    if (!ret->found)
        return api_fail(c, API_CERTIFICATE_VALIDATION,
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
