#include "base/log.h"
#include "base/mem.h"
#include "base/writer.h"
#include "cloud/api/page.h"
#include "cloud/pki/pki.h"
#include "cloud/registry/certissue.h"
#include "cloud/registry/handlers.h"
#include "cloud/registry/names.h"
#include "cloud/registry/notify.h"
#include "cloud/registry/tags.h"
#include "cloud/registry/transfer.h"
#include "crypto/key.h"

#include <stdio.h>

#define CSR_MAX 4096u

err_t certificate_not_signed(struct api_call *c, err_t e, const struct crypto_error *why)
{
    if (e != ERR_UNAVAILABLE)
        return e;
    log_error("the CA's key does not sign: %s", why->text);
    return api_fail(c, API_UNAVAILABLE, "the CA's key does not answer now, try again later");
}

err_t certificate_issue(struct api_call *c, EVP_PKEY *key, X509_REQ *csr, const char *status,
                        struct cert_row *ret)
{
    auto_x509 X509 *cert = NULL;
    struct crypto_error why;
    err_t e = pki_issue_device(c->env->pki, key, csr, c->now_ms, &cert, &why);

    if (e == ERR_INVALID)
        return api_fail(c, API_INVALID_REQUEST, "no certificate can be made from this request: %.300s",
                        why.text);
    if (e)
        return certificate_not_signed(c, e, &why);
    if ((e = cert_row_from(c, cert, ret)))
        return e;
    if (status)
        (void)snprintf(ret->status, sizeof(ret->status), "%s", status);
    else if ((e = cert_row_set_status(c, ret)))
        return e;
    return cert_row_store(c, ret);
}

static void add_escaped(struct writer *w, const struct buf *pem)
{
    for (size_t i = 0; i < pem->n; i++) {
        if (pem->p[i] == '\n')
            writer_str(w, "\\n");
        else
            writer_u8(w, pem->p[i]);
    }
}

err_t certificate_reply_with_key(struct api_call *c, const struct cert_row *r, int64_t expires_ms)
{
    struct writer w = writer_of(&c->text);
    autobuf pem = BUF_INIT(CRYPTO_CERT_MAX);
    char arn[ARN_MAX];
    err_t e = buf_add_str(&pem, r->pem);

    if (e)
        return e;
    c->text.secret = true;
    if ((e = buf_printf(&c->text, "{\"certificateArn\":\"%s\",\"certificateId\":\"%s\",\"certificatePem\":\"",
                        arn_iot(c, "cert", r->id, arn), r->id)))
        return e;
    add_escaped(&w, &pem);
    writer_str(&w, "\",\"keyPair\":{\"PublicKey\":\"");
    add_escaped(&w, &c->key_public);
    writer_str(&w, "\",\"PrivateKey\":\"");
    add_escaped(&w, &c->key_private);
    writer_str(&w, "\"}");
    if ((e = writer_done(&w)))
        return e;
    if (expires_ms && (e = buf_printf(&c->text, ",\"expiration\":%lld.%03lld", (long long)expires_ms / 1000,
                                      (long long)expires_ms % 1000)))
        return e;
    return buf_add_u8(&c->text, '}');
}

err_t certificate_create_keys(struct api_call *c)
{
    auto_pkey EVP_PKEY *key = NULL;
    auto_cert_row r = { 0 };
    err_t e;

    if ((e = crypto_pubkey_parse_pem(c->env->crypto, buf_slice(&c->key_public), &key, NULL)) ||
        (e = certificate_issue(c, key, NULL, NULL, &r)))
        return e;
    return certificate_reply_with_key(c, &r, 0);
}

err_t certificate_issue_csr(struct api_call *c, const char *status, struct cert_row *ret)
{
    const char *pem = json_get_str(c->body, "certificateSigningRequest");
    auto_x509_req X509_REQ *csr = NULL;
    auto_pkey EVP_PKEY *key = NULL;
    struct crypto_error why;
    err_t e;

    if (!pem || strlen(pem) > CSR_MAX)
        return api_fail(c, API_INVALID_REQUEST,
                        "certificateSigningRequest is required, PEM of at most %u characters", CSR_MAX);
    if (crypto_csr_parse_pem(c->env->crypto, slice_str(pem), &csr, &why))
        return api_fail(c, API_INVALID_REQUEST, "The CSR is not valid: %.300s", why.text);
    if ((e = crypto_csr_public_key(csr, &key)))
        return e;
    if (!crypto_key_acceptable(key))
        return api_fail(c, API_INVALID_REQUEST,
                        "The CSR's key must be RSA of 2048 bits or more, P-256, P-384 or P-521");
    return certificate_issue(c, key, csr, status, ret);
}

err_t certificate_create_csr(struct api_call *c)
{
    auto_cert_row r = { 0 };
    err_t e = certificate_issue_csr(c, NULL, &r);

    return e ? e : cert_row_reply(c, &r, true);
}

static err_t load(struct api_call *c, struct cert_row *r)
{
    const char *id;
    err_t e;

    if ((e = name_cert(c, "certificateId", &id)))
        return e;
    e = cert_row_load(c->db, id, r);
    return e == ERR_NOT_FOUND ? api_fail(c, API_NOT_FOUND, "Certificate %s not found", id) : e;
}

err_t certificate_describe(struct api_call *c)
{
    auto_cert_row r = { 0 };
    json_t *j;
    err_t e = load(c, &r);

    if (e)
        return e;
    if (!(j = cert_row_describe(c, &r)))
        return ERR_NOMEM;
    if ((e = transfer_describe(c, r.id, j))) {
        json_decref(j);
        return e;
    }
    return api_reply(c, json_pack("{s:o}", "certificateDescription", j));
}

err_t certificate_update(struct api_call *c)
{
    const char *status = api_param(c, "newStatus");
    auto_cert_row r = { 0 };
    err_t e = load(c, &r);

    if (e)
        return e;
    if (!status ||
        (strcmp(status, "ACTIVE") != 0 && strcmp(status, "INACTIVE") != 0 && strcmp(status, "REVOKED") != 0))
        return api_fail(c, API_INVALID_REQUEST, "newStatus must be ACTIVE, INACTIVE or REVOKED, got '%.40s'",
                        status ? status : "");
    if (strcmp(r.status, TRANSFER_PENDING) == 0)
        return api_fail(c, API_CERTIFICATE_STATE,
                        "The transfer of certificate %s is pending: cancel it first", r.id);
    if ((e = db_run(c->db,
                    "UPDATE certificates SET status = $1, modified_ms = $2, revision = revision + 1 WHERE "
                    "cert_id = $3",
                    DB_ARGS(DB_TEXT(status), DB_INT(c->now_ms), DB_TEXT(r.id)), NULL)) ||
        (e = notify_certificate(c, r.id, NOTIFY_UPDATED)))
        return e;
    return effects_add(&c->effects, EFFECT_PRINCIPAL, r.id);
}

/* forceDelete lets attached policies go with it, never things (iot-core trap 23). */
static err_t check_unattached(struct api_call *c, const char *id, bool force)
{
    int64_t policies, things;
    err_t e;

    if ((e = db_one_int(c->db, "SELECT count(*) FROM policy_targets WHERE cert_id = $1", DB_ARGS(DB_TEXT(id)),
                        &policies)) ||
        (e = db_one_int(c->db, "SELECT count(*) FROM thing_principals WHERE cert_id = $1",
                        DB_ARGS(DB_TEXT(id)), &things)))
        return e;
    if (things)
        return api_fail(c, API_DELETE_CONFLICT,
                        "Things must be detached before deletion (arn of certificate %s)", id);
    if (policies && !force)
        return api_fail(c, API_DELETE_CONFLICT,
                        "Certificate policies must be detached before deletion (certificate %s)", id);
    return ERR_OK;
}

err_t certificate_delete(struct api_call *c)
{
    auto_cert_row r = { 0 };
    bool force = false;
    err_t e;

    if ((e = load(c, &r)) || (e = api_param_bool(c, "forceDelete", &force)))
        return e;
    if (strcmp(r.status, "ACTIVE") == 0 || strcmp(r.status, TRANSFER_PENDING) == 0)
        return api_fail(c, API_CERTIFICATE_STATE,
                        "Certificate must be deactivated (not ACTIVE or PENDING_TRANSFER) before deletion "
                        "(certificate %s)",
                        r.id);
    if ((e = check_unattached(c, r.id, force)) || (e = notify_certificate(c, r.id, NOTIFY_DELETED)) ||
        (e = db_run(c->db, "DELETE FROM policy_targets WHERE cert_id = $1", DB_ARGS(DB_TEXT(r.id)), NULL)) ||
        (e = tags_drop(c, "cert", r.id)) ||
        (e = db_run(c->db, "DELETE FROM certificates WHERE cert_id = $1", DB_ARGS(DB_TEXT(r.id)), NULL)))
        return e;
    return effects_add(&c->effects, EFFECT_PRINCIPAL, r.id);
}

static err_t list_row(void *ctx, const struct db_rows *row)
{
    struct api_page *page = ctx;
    const char *id = db_str(row, 0);
    int64_t created_ms = db_int(row, 2);
    char arn[ARN_MAX];

    if (!api_page_room(page))
        return ERR_OK;
    return api_page_add(page,
                        json_pack("{s:s,s:s,s:s,s:o,s:s}", "certificateArn",
                                  arn_iot(page->c, "cert", id, arn), "certificateId", id, "status",
                                  db_str(row, 1), "creationDate", api_seconds(created_ms), "certificateMode",
                                  db_str(row, 3)),
                        "%lld.%s", (long long)created_ms, id);
}

/* Of one CA, or of all (ca NULL). $4 is only there with a CA. */
static const char *list_sql(bool ascending, bool of_ca)
{
#define FROM_CERTIFICATES "SELECT cert_id, status, created_ms, mode FROM certificates WHERE "
#define UP "(created_ms, cert_id) > ($1, $2) ORDER BY created_ms, cert_id LIMIT $3"
#define DOWN "(created_ms, cert_id) < ($1, $2) ORDER BY created_ms DESC, cert_id DESC LIMIT $3"
    static const char *const sql[2][2] = {
        { FROM_CERTIFICATES DOWN, FROM_CERTIFICATES UP },
        { FROM_CERTIFICATES "ca_id = $4 AND " DOWN, FROM_CERTIFICATES "ca_id = $4 AND " UP },
    };
    return sql[of_ca][ascending];
}

static err_t list_certificates(struct api_call *c, const char *ca)
{
    auto_page page = API_PAGE_INIT(c);
    struct api_age_marker at;
    err_t e;

    if ((e = api_param_size(c, "pageSize", 25, 250, &page.size)) ||
        (e = api_age_marker(c, name_cert_ok, &at)) ||
        (e = db_each(
             c->db, list_sql(at.ascending, ca != NULL),
             (const struct db_value[]){ DB_INT(at.ms), DB_TEXT(at.id), DB_INT(page.size + 1), DB_TEXT(ca) },
             ca ? 4 : 3, list_row, &page)))
        return e;
    return api_page_reply(&page, "certificates", "nextMarker");
}

err_t certificate_list(struct api_call *c)
{
    return list_certificates(c, NULL);
}

err_t certificate_list_by_ca(struct api_call *c)
{
    const char *ca;
    err_t e = name_cert(c, "caCertificateId", &ca);

    return e ? e : list_certificates(c, ca);
}
