#include "cloud/provisioning/claims.h"

#include "base/mem.h"
#include "cloud/pki/pki.h"
#include "cloud/provisioning/handlers.h"
#include "cloud/provisioning/templaterow.h"
#include "cloud/registry/certissue.h"
#include "crypto/key.h"

#include <stdio.h>

static err_t store(struct api_call *c, const char *template, const struct cert_row *r, int64_t end_ms)
{
    return db_run(c->db,
                  "INSERT INTO provisioning_claims (cert_id, template, not_before_ms, expires_ms)"
                  " VALUES ($1, $2, $3, $4)",
                  DB_ARGS(DB_TEXT(r->id), DB_TEXT(template), DB_INT(r->not_before_ms), DB_INT(end_ms)), NULL);
}

static err_t issue(struct api_call *c, EVP_PKEY *key, int64_t end_ms, X509 **ret)
{
    struct crypto_error why = { 0 };
    err_t e = pki_issue_claim(c->env->pki, key, c->now_ms, end_ms, ret, &why);

    return e ? certificate_not_signed(c, e, &why) : ERR_OK;
}

err_t provisioning_claim_create(struct api_call *c)
{
    auto_template_row template = { 0 };
    auto_pkey EVP_PKEY *key = NULL;
    auto_x509 X509 *cert = NULL;
    auto_cert_row r = { 0 };
    const int64_t end_ms = (c->now_ms + CLAIM_LIFE_MS) / 1000 * 1000; /* certificates know whole seconds */
    const char *name;
    err_t e;

    if ((e = template_row_of_label(c, &name, &template)))
        return e;
    if (!template_row_is(&template, "FLEET_PROVISIONING"))
        return api_fail(c, API_INVALID_REQUEST, "Provisioning template %s is not of type FLEET_PROVISIONING",
                        name);
    if ((e = crypto_pubkey_parse_pem(c->env->crypto, buf_slice(&c->key_public), &key, NULL)) ||
        (e = issue(c, key, end_ms, &cert)) || (e = cert_row_from(c, cert, &r)) ||
        (e = store(c, name, &r, end_ms)))
        return e;
    return certificate_reply_with_key(c, &r, end_ms);
}

#define ANY "arn:aws:iot:*:*:"
#define CREATE "$aws/certificates/create/*"
#define CREATE_CSR "$aws/certificates/create-from-csr/*"
#define PROVISION "$aws/provisioning-templates/%s/provision/*"
#define THREE(kind) \
    "\"" ANY kind "/" CREATE "\",\"" ANY kind "/" CREATE_CSR "\",\"" ANY kind "/" PROVISION "\""

static err_t take_claim(void *ctx, const struct db_rows *row)
{
    struct facts *f = ctx;
    const char *template = db_str(row, 0);
    autofree char *policy =
        mem_printf("{\"Version\":\"2012-10-17\",\"Statement\":["
                   "{\"Effect\":\"Allow\",\"Action\":\"iot:Connect\",\"Resource\":\"*\"},"
                   "{\"Effect\":\"Allow\",\"Action\":[\"iot:Publish\",\"iot:Receive\"],\"Resource\":[" THREE(
                       "topic") "]},"
                                "{\"Effect\":\"Allow\",\"Action\":\"iot:Subscribe\",\"Resource\":[" THREE(
                                    "topicfilter") "]}]}",
                   template, template);

    if (!policy)
        return ERR_NOMEM;
    (void)snprintf(f->status, sizeof(f->status), "ACTIVE");
    f->not_before_ms = db_int(row, 1);
    f->not_after_ms = db_int(row, 2);
    return facts_take_policy(f, "(provisioning claim)", slice_str(policy));
}

err_t claim_facts(struct db *db, const char *cert_id, struct facts *f)
{
    return db_one(db,
                  "SELECT template, not_before_ms, expires_ms FROM provisioning_claims WHERE cert_id = $1",
                  DB_ARGS(DB_TEXT(cert_id)), take_claim, f);
}
