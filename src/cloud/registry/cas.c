#include "base/hex.h"
#include "base/mem.h"
#include "cloud/api/field.h"
#include "cloud/api/page.h"
#include "cloud/provisioning/templaterow.h"
#include "cloud/registry/caconfig.h"
#include "cloud/registry/certrow.h"
#include "cloud/registry/handlers.h"
#include "cloud/registry/names.h"
#include "cloud/registry/notify.h"
#include "cloud/registry/tags.h"
#include "crypto/random.h"

#include <stdio.h>

#define CODE_LEN 64u
#define SAME_SUBJECT_MAX 10

static err_t code_row(void *ctx, const struct db_rows *row)
{
    (void)snprintf(ctx, CODE_LEN + 1, "%s", db_str(row, 0));
    return ERR_OK;
}

/* Stable until it is deleted: made when first asked for. */
static err_t registration_code(struct api_call *c, char code[CODE_LEN + 1])
{
    uint8_t random[CODE_LEN / 2];
    err_t e = db_one(c->db, "SELECT content FROM settings WHERE name = 'registration-code'", DB_NO_ARGS,
                     code_row, code);

    if (e != ERR_NOT_FOUND)
        return e;
    if ((e = crypto_random(c->env->crypto, random, sizeof(random))))
        return e;
    hex_str(code, SLICE_ARRAY(random));
    return db_run(c->db, "INSERT INTO settings (name, content) VALUES ('registration-code', $1)",
                  DB_ARGS(DB_TEXT(code)), NULL);
}

err_t ca_registration_code(struct api_call *c)
{
    char code[CODE_LEN + 1];
    err_t e = registration_code(c, code);

    return e ? e : api_reply(c, json_pack("{s:s}", "registrationCode", code));
}

/* 2.3: the CA's owner shows that he can sign, by a certificate whose common name is our code. */
static err_t check_possession(struct api_call *c, const X509 *ca)
{
    auto_x509 X509 *proof = NULL;
    char code[CODE_LEN + 1], name[CODE_LEN + 1];
    err_t e;

    if ((e = cert_from_body(c, "verificationCertificate", &proof)) || (e = registration_code(c, code)))
        return e;
    if (crypto_cert_common_name(proof, name, sizeof(name)) || strcmp(name, code) != 0)
        return api_fail(
            c, API_REGISTRATION_CODE,
            "The verification certificate's common name is not the registration code of this account "
            "(GetRegistrationCode)");
    if (crypto_cert_issued_by(proof, ca) != ERR_OK)
        return api_fail(c, API_CERTIFICATE_VALIDATION,
                        "The verification certificate is not signed by the CA certificate");
    return ERR_OK;
}

static err_t check_ca(struct api_call *c, const X509 *ca, const char *mode)
{
    err_t e;

    if (!crypto_cert_is_ca(ca))
        return api_fail(c, API_CERTIFICATE_VALIDATION,
                        "caCertificate is no CA: basicConstraints CA:TRUE is missing");
    if ((e = cert_check_usable(c, ca)))
        return e;
    return strcmp(mode, "SNI_ONLY") == 0 ? ERR_OK : check_possession(c, ca);
}

static err_t read_mode(struct api_call *c, const char **ret)
{
    const char *mode = json_get_str(c->body, "certificateMode");

    mode = mode ? mode : "DEFAULT";
    if (strcmp(mode, "DEFAULT") != 0 && strcmp(mode, "SNI_ONLY") != 0)
        return api_fail(c, API_INVALID_REQUEST, "certificateMode must be DEFAULT or SNI_ONLY");
    *ret = mode;
    return ERR_OK;
}

static err_t read_flags(struct api_call *c, struct cert_row *r)
{
    bool active = false, automatic = false;
    err_t e;

    if ((e = api_param_bool(c, "setAsActive", &active)) ||
        (e = api_param_bool(c, "allowAutoRegistration", &automatic)))
        return e;
    (void)snprintf(r->status, sizeof(r->status), "%s", active ? "ACTIVE" : "INACTIVE");
    (void)snprintf(r->auto_registration, sizeof(r->auto_registration), "%s",
                   automatic ? "ENABLE" : "DISABLE");
    return ERR_OK;
}

static err_t check_new(struct api_call *c, const char *id, const char *subject_hash)
{
    auto_cert_row have = { 0 };
    char arn[ARN_MAX];
    int64_t same;
    err_t e = ca_row_load(c->db, id, &have);

    if (!e)
        return api_fail_exists(c, arn_iot(c, "cacert", id, arn), id, "CA certificate already registered");
    if (e != ERR_NOT_FOUND || (e = db_one_int(c->db, "SELECT count(*) FROM cas WHERE subject_hash = $1",
                                              DB_ARGS(DB_TEXT(subject_hash)), &same)))
        return e;
    if (same >= SAME_SUBJECT_MAX)
        return api_fail(c, API_LIMIT, "%d CA certificates with this subject are registered already",
                        SAME_SUBJECT_MAX);
    return ERR_OK;
}

static err_t store_ca(struct api_call *c, const struct cert_row *r, const char *subject_hash)
{
    return db_run(
        c->db,
        "INSERT INTO cas (cert_id, pem, status, auto_registration, subject_hash, mode, generation, revision,"
        " created_ms, modified_ms, not_before_ms, not_after_ms)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        DB_ARGS(DB_TEXT(r->id), DB_TEXT(r->pem), DB_TEXT(r->status), DB_TEXT(r->auto_registration),
                DB_TEXT(subject_hash), DB_TEXT(r->mode), DB_TEXT(r->generation), DB_INT(r->revision),
                DB_INT(r->created_ms), DB_INT(r->modified_ms), DB_INT(r->not_before_ms),
                DB_INT(r->not_after_ms)),
        NULL);
}

err_t ca_register(struct api_call *c)
{
    auto_x509 X509 *ca = NULL;
    auto_cert_row r = { 0 };
    char subject_hash[CRYPTO_SHA256_HEX], arn[ARN_MAX];
    auto_json *config = NULL;
    const char *mode = "DEFAULT";
    err_t e;

    if ((e = read_mode(c, &mode)) || (e = cert_from_body(c, "caCertificate", &ca)) ||
        (e = check_ca(c, ca, mode)) || (e = cert_row_from(c, ca, &r)) || (e = read_flags(c, &r)) ||
        (e = ca_config_read(c, &config)) ||
        (e = crypto_cert_subject_hash(c->env->crypto, ca, subject_hash)) ||
        (e = check_new(c, r.id, subject_hash)))
        return e;
    (void)snprintf(r.mode, sizeof(r.mode), "%s", mode);
    if ((e = store_ca(c, &r, subject_hash)) || (config && (e = ca_config_store(c, r.id, config))) ||
        (e = tags_of_creation(c, "cacert", r.id)) || (e = notify_ca(c, r.id, NOTIFY_CREATED)))
        return e;
    return api_reply(
        c, json_pack("{s:s,s:s}", "certificateArn", arn_iot(c, "cacert", r.id, arn), "certificateId", r.id));
}

static err_t load(struct api_call *c, struct cert_row *r)
{
    const char *id;
    err_t e;

    if ((e = name_cert(c, "caCertificateId", &id)))
        return e;
    e = ca_row_load(c->db, id, r);
    return e == ERR_NOT_FOUND ? api_fail(c, API_NOT_FOUND, "CA certificate %s not found", id) : e;
}

err_t ca_describe(struct api_call *c)
{
    auto_cert_row r = { 0 };
    auto_json *config = NULL, *answer = NULL;
    json_t *j;
    err_t e;

    if ((e = load(c, &r)) || (e = ca_config_load(c->db, r.id, &config)))
        return e;
    if (!(j = cert_row_describe(c, &r)) || !(answer = json_pack("{s:o}", "certificateDescription", j)) ||
        (config && json_object_set(answer, "registrationConfig", config) != 0))
        return ERR_NOMEM;
    return api_reply(c, steal(&answer));
}

/* The registrationConfig after the update, where it says something about it. */
static err_t update_config(struct api_call *c, const char *id)
{
    auto_json *config = NULL;
    bool remove = json_get_bool(c->body, "removeAutoRegistration", false);
    err_t e = ca_config_read(c, &config);

    if (e || (!config && !remove))
        return e;
    if (config && remove)
        return api_fail(c, API_INVALID_REQUEST,
                        "removeAutoRegistration cannot be used together with registrationConfig");
    return ca_config_store(c, id, config);
}

static err_t read_update(struct api_call *c, const char **status, const char **automatic)
{
    static const char *const statuses[] = { "ACTIVE", "INACTIVE", NULL }, *const ways[] = { "ENABLE",
                                                                                            "DISABLE", NULL };
    err_t e;

    if (json_get_bool(c->body, "removeAutoRegistration", false))
        *automatic = "DISABLE";
    if ((e = api_param_enum(c, "newStatus", statuses, status)))
        return e;
    return api_param_enum(c, "newAutoRegistrationStatus", ways, automatic);
}

/* An INACTIVE CA registers no more certificates; those it signed keep their own status (2.3). */
err_t ca_update(struct api_call *c)
{
    auto_cert_row r = { 0 };
    const char *status = r.status, *automatic = r.auto_registration;
    err_t e;

    if ((e = load(c, &r)) || (e = read_update(c, &status, &automatic)) || (e = update_config(c, r.id)))
        return e;
    e = db_run(c->db,
               "UPDATE cas SET status = $1, auto_registration = $2, modified_ms = $3, revision = revision + 1"
               " WHERE cert_id = $4",
               DB_ARGS(DB_TEXT(status), DB_TEXT(automatic), DB_INT(c->now_ms), DB_TEXT(r.id)), NULL);
    return e ? e : notify_ca(c, r.id, NOTIFY_UPDATED);
}

/* Only an INACTIVE one; the certificates it signed stay as they are (2.2). */
err_t ca_delete(struct api_call *c)
{
    auto_cert_row r = { 0 };
    err_t e = load(c, &r);

    if (e)
        return e;
    if (strcmp(r.status, "INACTIVE") != 0)
        return api_fail(
            c, API_CERTIFICATE_STATE,
            "CA certificate must be deactivated before deletion (UpdateCACertificate newStatus=INACTIVE)."
            " certificateId=%s",
            r.id);
    if ((e = notify_ca(c, r.id, NOTIFY_DELETED)) || (e = tags_drop(c, "cacert", r.id)))
        return e;
    return db_run(c->db, "DELETE FROM cas WHERE cert_id = $1", DB_ARGS(DB_TEXT(r.id)), NULL);
}

/* The next GetRegistrationCode makes another. */
err_t ca_delete_registration_code(struct api_call *c)
{
    int64_t gone;
    err_t e = db_run(c->db, "DELETE FROM settings WHERE name = 'registration-code'", DB_NO_ARGS, &gone);

    return e || gone ? e : api_fail(c, API_NOT_FOUND, "there is no registration code");
}

static err_t list_row(void *ctx, const struct db_rows *row)
{
    struct api_page *page = ctx;
    const char *id = db_str(row, 0);
    char arn[ARN_MAX];

    if (!api_page_room(page))
        return ERR_OK;
    return api_page_add(page,
                        json_pack("{s:s,s:s,s:s,s:o}", "certificateArn", arn_iot(page->c, "cacert", id, arn),
                                  "certificateId", id, "status", db_str(row, 1), "creationDate",
                                  api_seconds(db_int(row, 2))),
                        "%lld.%s", (long long)db_int(row, 2), id);
}

/* Of one template's CAs there are few: they are found among all. */
#define LIST "SELECT cert_id, status, created_ms FROM cas WHERE (created_ms, cert_id) "
#define OF_TEMPLATE " ($1, $2) AND ($4 = '' OR template = $4)"

err_t ca_list(struct api_call *c)
{
    auto_page page = API_PAGE_INIT(c);
    struct api_age_marker at;
    const char *template = api_param(c, "templateName");
    err_t e;

    if (template && !template_name_ok(template))
        return api_fail(c, API_INVALID_REQUEST, "templateName is no name of a provisioning template");
    if ((e = api_param_size(c, "pageSize", 25, 250, &page.size)) ||
        (e = api_age_marker(c, name_cert_ok, &at)) ||
        (e = db_each(
             c->db,
             at.ascending ? LIST ">" OF_TEMPLATE " ORDER BY created_ms, cert_id LIMIT $3"
                          : LIST "<" OF_TEMPLATE " ORDER BY created_ms DESC, cert_id DESC LIMIT $3",
             DB_ARGS(DB_INT(at.ms), DB_TEXT(at.id), DB_INT(page.size + 1), DB_TEXT(template ? template : "")),
             list_row, &page)))
        return e;
    return api_page_reply(&page, "certificates", "nextMarker");
}
