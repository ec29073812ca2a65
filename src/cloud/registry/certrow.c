#include "cloud/registry/certrow.h"

#include "base/mem.h"
#include "cloud/registry/names.h"
#include "cloud/registry/notify.h"
#include "crypto/key.h"
#include "crypto/random.h"

#include <stdio.h>

#define DATES "revision, created_ms, modified_ms, not_before_ms, not_after_ms"

void cert_row_done(struct cert_row *r)
{
    free(r->pem);
    r->pem = NULL;
}

static void copy_text(char *out, size_t n, const struct db_rows *row, int col)
{
    const char *text = db_str(row, col);

    (void)snprintf(out, n, "%s", text ? text : "");
}

static err_t take_row(void *ctx, const struct db_rows *row)
{
    struct cert_row *r = ctx;

    copy_text(r->id, sizeof(r->id), row, 0);
    copy_text(r->status, sizeof(r->status), row, 2);
    copy_text(r->ca_id, sizeof(r->ca_id), row, 3);
    copy_text(r->auto_registration, sizeof(r->auto_registration), row, 4);
    copy_text(r->mode, sizeof(r->mode), row, 5);
    copy_text(r->generation, sizeof(r->generation), row, 6);
    r->revision = db_int(row, 7);
    r->created_ms = db_int(row, 8);
    r->modified_ms = db_int(row, 9);
    r->not_before_ms = db_int(row, 10);
    r->not_after_ms = db_int(row, 11);
    free(r->pem);
    r->pem = mem_str(db_text(row, 1));
    return r->pem ? ERR_OK : ERR_NOMEM;
}

err_t cert_row_load(struct db *db, const char *id, struct cert_row *ret)
{
    return db_one(db,
                  "SELECT cert_id, pem, status, ca_id, '', mode, generation, " DATES
                  " FROM certificates WHERE cert_id = $1",
                  DB_ARGS(DB_TEXT(id)), take_row, ret);
}

err_t ca_row_load(struct db *db, const char *id, struct cert_row *ret)
{
    return db_one(db,
                  "SELECT cert_id, pem, status, '', auto_registration, mode, generation, " DATES
                  " FROM cas WHERE cert_id = $1",
                  DB_ARGS(DB_TEXT(id)), take_row, ret);
}

err_t cert_row_from(const struct api_call *c, X509 *cert, struct cert_row *ret)
{
    struct cert_row r = {
        .mode = "DEFAULT", .revision = 1, .created_ms = c->now_ms, .modified_ms = c->now_ms
    };
    autobuf pem = BUF_INIT(CRYPTO_CERT_MAX);
    err_t e;

    if ((e = crypto_cert_id(c->env->crypto, cert, r.id)) ||
        (e = crypto_cert_validity(cert, &r.not_before_ms, &r.not_after_ms)) ||
        (e = crypto_random_uuid(c->env->crypto, r.generation)) || (e = crypto_cert_pem(cert, &pem)))
        return e;
    if (!(r.pem = buf_steal_str(&pem)))
        return ERR_NOMEM;
    *ret = r;
    return ERR_OK;
}

err_t cert_row_store(struct api_call *c, const struct cert_row *r)
{
    err_t e = db_run(
        c->db,
        "INSERT INTO certificates (cert_id, pem, status, ca_id, mode, generation, revision, created_ms,"
        " modified_ms, not_before_ms, not_after_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        DB_ARGS(DB_TEXT(r->id), DB_TEXT(r->pem), DB_TEXT(r->status), DB_TEXT(r->ca_id[0] ? r->ca_id : NULL),
                DB_TEXT(r->mode), DB_TEXT(r->generation), DB_INT(r->revision), DB_INT(r->created_ms),
                DB_INT(r->modified_ms), DB_INT(r->not_before_ms), DB_INT(r->not_after_ms)),
        NULL);

    return e ? e : notify_certificate(c, r->id, NOTIFY_CREATED);
}

err_t cert_row_set_status(struct api_call *c, struct cert_row *r)
{
    bool active = false;
    err_t e = api_param_bool(c, "setAsActive", &active);

    (void)snprintf(r->status, sizeof(r->status), "%s", active ? "ACTIVE" : "INACTIVE");
    return e;
}

err_t cert_row_reply(struct api_call *c, const struct cert_row *r, bool with_pem)
{
    char arn[ARN_MAX];
    json_t *j =
        json_pack("{s:s,s:s}", "certificateArn", arn_iot(c, "cert", r->id, arn), "certificateId", r->id);

    if (j && with_pem)
        (void)json_object_set_new(j, "certificatePem", json_string(r->pem));
    return api_reply(c, j);
}

json_t *cert_row_describe(const struct api_call *c, const struct cert_row *r)
{
    bool ca = r->auto_registration[0];
    char arn[ARN_MAX];
    json_t *j = json_pack("{s:s,s:s,s:s,s:s,s:s,s:o,s:o,s:I,s:s,s:s,s:{s:o,s:o}}", "certificateArn",
                          arn_iot(c, ca ? "cacert" : "cert", r->id, arn), "certificateId", r->id, "status",
                          r->status, "certificatePem", r->pem, "ownedBy", c->env->account, "creationDate",
                          api_seconds(r->created_ms), "lastModifiedDate", api_seconds(r->modified_ms),
                          "customerVersion", (json_int_t)r->revision, "generationId", r->generation,
                          "certificateMode", r->mode, "validity", "notBefore", api_seconds(r->not_before_ms),
                          "notAfter", api_seconds(r->not_after_ms));

    if (j && r->ca_id[0])
        (void)json_object_set_new(j, "caCertificateId", json_string(r->ca_id));
    if (j && ca)
        (void)json_object_set_new(j, "autoRegistrationStatus", json_string(r->auto_registration));
    return j;
}

err_t cert_from_body(struct api_call *c, const char *member, X509 **ret)
{
    const char *pem = json_get_str(c->body, member);
    struct crypto_error why;

    if (!pem)
        return api_fail(c, API_INVALID_REQUEST, "%s is required", member);
    if (crypto_cert_parse_pem(c->env->crypto, slice_str(pem), ret, &why))
        return api_fail(c, API_CERTIFICATE_VALIDATION, "%s is not a certificate in PEM form: %.300s", member,
                        why.text);
    return ERR_OK;
}

err_t cert_check_usable(struct api_call *c, const X509 *cert)
{
    enum crypto_time_check when = crypto_cert_time_check(cert, c->now_ms);
    auto_pkey EVP_PKEY *key = NULL;

    if (when != CRYPTO_TIME_OK)
        return api_fail(c, API_CERTIFICATE_VALIDATION, "the certificate is %s",
                        when == CRYPTO_TIME_EXPIRED ? "expired" : "not yet valid (check the clocks)");
    if (crypto_cert_public_key(cert, &key) || !crypto_key_acceptable(key))
        return api_fail(c, API_CERTIFICATE_VALIDATION,
                        "the certificate's key must be RSA of 2048 bits or more, P-256, P-384 or P-521");
    return ERR_OK;
}
