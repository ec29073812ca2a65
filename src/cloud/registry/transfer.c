#include "cloud/registry/transfer.h"

#include "base/mem.h"
#include "cloud/api/page.h"
#include "cloud/options.h"
#include "cloud/registry/certrow.h"
#include "cloud/registry/handlers.h"
#include "cloud/registry/names.h"
#include "cloud/registry/notify.h"
#include "cloud/registry/tags.h"

#include <stdio.h>

#define CONTENT_MAX (CRYPTO_CERT_MAX + 65536u)
#define CONTENT_DEPTH 4u
#define MESSAGE_MAX 128u

void transfer_done(struct transfer *t)
{
    free(t->content);
    t->content = NULL;
}

/* ---- what a row says about its transfer ---- */

struct offer {
    char target[ACCOUNT_ID_MAX], previous[ACCOUNT_ID_MAX];
    json_t *data; /* message, offered, reason, rejected, accepted; NULL: never offered */
};

static void offer_done(struct offer *o)
{
    json_decref(o->data);
}
#define auto_offer __attribute__((cleanup(offer_done))) struct offer

static err_t offer_row(void *ctx, const struct db_rows *row)
{
    struct offer *o = ctx;

    (void)snprintf(o->target, sizeof(o->target), "%s", db_is_null(row, 0) ? "" : db_str(row, 0));
    (void)snprintf(o->previous, sizeof(o->previous), "%s", db_is_null(row, 1) ? "" : db_str(row, 1));
    return db_is_null(row, 2) ? ERR_OK : json_parse(db_text(row, 2), CONTENT_DEPTH, &o->data, NULL);
}

/* ERR_NOT_FOUND: no such certificate here. */
static err_t offer_load(struct db *db, const char *id, struct offer *ret)
{
    return db_one(db, "SELECT transferred_to, previous_owner, transfer FROM certificates WHERE cert_id = $1",
                  DB_ARGS(DB_TEXT(id)), offer_row, ret);
}

static err_t offer_store(struct api_call *c, const char *id, const char *status, const char *target,
                         const json_t *data)
{
    autobuf text = BUF_INIT(CONTENT_MAX);
    err_t e = data ? json_write(&text, data, 0) : ERR_NOMEM;

    if (e || (e = db_run(c->db,
                         "UPDATE certificates SET status = $1, transferred_to = $2, transfer = $3,"
                         " modified_ms = $4, revision = revision + 1 WHERE cert_id = $5",
                         DB_ARGS(DB_TEXT(status), DB_TEXT(target), DB_SLICE(buf_slice(&text)),
                                 DB_INT(c->now_ms), DB_TEXT(id)),
                         NULL)))
        return e;
    return notify_certificate(c, id, NOTIFY_UPDATED);
}

static const struct {
    const char *kept, *told;
    bool is_time;
} members[] = {
    { "message", "transferMessage", false }, { "reason", "rejectReason", false },
    { "offered", "transferDate", true },     { "accepted", "acceptDate", true },
    { "rejected", "rejectDate", true },
};

err_t transfer_describe(struct api_call *c, const char *id, json_t *description)
{
    auto_offer o = { 0 };
    err_t e = offer_load(c->db, id, &o);
    json_t *told;

    if (e)
        return e;
    if (o.previous[0] && json_object_set_new(description, "previousOwnedBy", json_string(o.previous)))
        return ERR_NOMEM;
    if (!o.data)
        return ERR_OK;
    if (json_object_set_new(description, "transferData", told = json_object()))
        return ERR_NOMEM;
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        json_t *v = json_object_get(o.data, members[i].kept);
        if (v &&
            json_object_set_new(told, members[i].told,
                                members[i].is_time ? api_seconds(json_integer_value(v)) : json_incref(v)))
            return ERR_NOMEM;
    }
    return ERR_OK;
}

/* ---- the source: offer, cancel, list ---- */

static err_t not_found(struct api_call *c, const char *id)
{
    return api_fail(c, API_NOT_FOUND, "Certificate %s not found", id);
}

static err_t take_message(struct api_call *c, const char *member, const char *key, json_t *data)
{
    const json_t *v = json_object_get(c->body, member);

    if (!v || json_is_null(v))
        return ERR_OK;
    if (!json_is_string(v) || json_string_length(v) > MESSAGE_MAX)
        return api_fail(c, API_INVALID_REQUEST, "%s must be a string of at most %u characters", member,
                        MESSAGE_MAX);
    return json_object_set_new(data, key, json_string(json_string_value(v))) ? ERR_NOMEM : ERR_OK;
}

static err_t check_target(struct api_call *c, const char *target)
{
    if (!target || !account_id_ok(target))
        return api_fail(c, API_INVALID_REQUEST, "targetAwsAccount must be twelve digits");
    if (strcmp(target, c->env->account) == 0)
        return api_fail(c, API_INVALID_REQUEST, "targetAwsAccount %s is the account that has the certificate",
                        target);
    for (size_t i = 0; i < c->env->n_accounts; i++) {
        if (strcmp(target, c->env->accounts[i]) == 0)
            return ERR_OK;
    }
    return api_fail(c, API_INVALID_REQUEST, "targetAwsAccount %s is no account of this server", target);
}

static err_t check_offerable(struct api_call *c, const struct cert_row *r)
{
    int64_t attached;
    err_t e;

    if (strcmp(r->status, "INACTIVE") != 0)
        return api_fail(c, API_CERTIFICATE_STATE,
                        "Certificate %s is %s: only an INACTIVE certificate can be transferred", r->id,
                        r->status);
    e = db_one_int(c->db,
                   "SELECT (SELECT count(*) FROM policy_targets WHERE cert_id = $1) +"
                   " (SELECT count(*) FROM thing_principals WHERE cert_id = $1)",
                   DB_ARGS(DB_TEXT(r->id)), &attached);
    if (e || !attached)
        return e;
    return api_fail(c, API_TRANSFER_CONFLICT,
                    "Policies and things must be detached before the transfer of certificate %s", r->id);
}

err_t transfer_certificate(struct api_call *c)
{
    auto_json *data = json_pack("{s:I}", "offered", (json_int_t)c->now_ms);
    const char *id, *target = api_param(c, "targetAwsAccount");
    auto_cert_row r = { 0 };
    char arn[ARN_MAX];
    err_t e;

    if ((e = name_cert(c, "certificateId", &id)) || (e = check_target(c, target)))
        return e;
    if ((e = cert_row_load(c->db, id, &r)))
        return e == ERR_NOT_FOUND ? not_found(c, id) : e;
    if ((e = check_offerable(c, &r)) || (e = take_message(c, "transferMessage", "message", data)) ||
        (e = offer_store(c, r.id, TRANSFER_PENDING, target, data)))
        return e;
    return api_reply(c, json_pack("{s:s}", "transferredCertificateArn", arn_iot(c, "cert", r.id, arn)));
}

/* The offer of certificate `id` as the source has it. TransferAlreadyCompletedException where there is none.
 */
static err_t load_pending(struct api_call *c, const char *id, struct offer *o)
{
    err_t e = offer_load(c->db, id, o);

    if (e)
        return e == ERR_NOT_FOUND ? not_found(c, id) : e;
    return o->target[0] ? ERR_OK
                        : api_fail(c, API_TRANSFER_COMPLETED, "No transfer of certificate %s is pending", id);
}

err_t transfer_cancel(struct api_call *c)
{
    auto_offer o = { 0 };
    const char *id;
    err_t e;

    if ((e = name_cert(c, "certificateId", &id)) || (e = load_pending(c, id, &o)))
        return e;
    return offer_store(c, id, "INACTIVE", NULL, o.data);
}

static err_t list_row(void *ctx, const struct db_rows *row)
{
    struct api_page *page = ctx;
    const char *id = db_str(row, 0);
    int64_t created_ms = db_int(row, 2);
    auto_json *data = NULL;
    char arn[ARN_MAX];
    json_t *item;
    err_t e;

    if (!api_page_room(page))
        return ERR_OK;
    if ((e = json_parse(db_text(row, 3), CONTENT_DEPTH, &data, NULL)))
        return e;
    item = json_pack("{s:s,s:s,s:s,s:o,s:o}", "certificateArn", arn_iot(page->c, "cert", id, arn),
                     "certificateId", id, "transferredTo", db_str(row, 1), "transferDate",
                     api_seconds(json_get_int(data, "offered", 0)), "creationDate", api_seconds(created_ms));
    if (item && json_get_str(data, "message") &&
        json_object_set(item, "transferMessage", json_object_get(data, "message"))) {
        json_decref(item);
        return ERR_NOMEM;
    }
    return api_page_add(page, item, "%lld.%s", (long long)created_ms, id);
}

#define FROM_OUTGOING                                                         \
    "SELECT cert_id, transferred_to, created_ms, transfer FROM certificates " \
    "WHERE transferred_to IS NOT NULL AND (created_ms, cert_id) "

err_t transfer_list(struct api_call *c)
{
    auto_page page = API_PAGE_INIT(c);
    struct api_age_marker at;
    err_t e;

    if ((e = api_param_size(c, "pageSize", 25, 250, &page.size)) ||
        (e = api_age_marker(c, name_cert_ok, &at)) ||
        (e = db_each(c->db,
                     at.ascending ? FROM_OUTGOING "> ($1, $2) ORDER BY created_ms, cert_id LIMIT $3"
                                  : FROM_OUTGOING
                         "< ($1, $2) ORDER BY created_ms DESC, cert_id DESC LIMIT $3",
                     DB_ARGS(DB_INT(at.ms), DB_TEXT(at.id), DB_INT(page.size + 1)), list_row, &page)))
        return e;
    return api_page_reply(&page, "outgoingCertificates", "nextMarker");
}

/* ---- the target, in the source's database: reject, accept ---- */

/* Is it offered to the account that asks? What is not offered to it does not exist for it; in its own
 * database (where it is looked for last) what is there was accepted before. */
static err_t load_offered(struct api_call *c, const char *id, struct offer *o)
{
    err_t e = offer_load(c->db, id, o);

    if (!e && !c->abroad)
        return api_fail(c, API_TRANSFER_COMPLETED, "The transfer of certificate %s is complete", id);
    if (e == ERR_NOT_FOUND || (!e && strcmp(o->target, c->env->account) != 0))
        return not_found(c, id);
    return e;
}

err_t transfer_reject(struct api_call *c)
{
    auto_offer o = { 0 };
    const char *id;
    err_t e;

    if ((e = name_cert(c, "certificateId", &id)) || (e = load_offered(c, id, &o)) ||
        (e = take_message(c, "rejectReason", "reason", o.data)))
        return e;
    if (json_object_set_new(o.data, "rejected", json_integer(c->now_ms)))
        return ERR_NOMEM;
    return offer_store(c, id, "INACTIVE", NULL, o.data);
}

static json_t *content_of(const struct api_call *c, const struct cert_row *r, const char *source,
                          json_t *data)
{
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:s,s:O}", "id", r->id, "pem", r->pem,
                     "status", r->status, "mode", r->mode, "generation", r->generation, "revision",
                     (json_int_t)r->revision, "created", (json_int_t)r->created_ms, "modified",
                     (json_int_t)c->now_ms, "notBefore", (json_int_t)r->not_before_ms, "notAfter",
                     (json_int_t)r->not_after_ms, "previousOwner", source, "transfer", data);
}

/* Out of the source's registry with all that hangs on it. */
static err_t leave(struct api_call *c, const char *id, struct slice content)
{
    static const char *const drops[] = { "DELETE FROM policy_targets WHERE cert_id = $1",
                                         "DELETE FROM thing_principals WHERE cert_id = $1",
                                         "DELETE FROM certificates WHERE cert_id = $1" };
    err_t e =
        db_run(c->db, "INSERT INTO transfers (cert_id, target, content, accepted_ms) VALUES ($1, $2, $3, $4)",
               DB_ARGS(DB_TEXT(id), DB_TEXT(c->env->account), DB_SLICE(content), DB_INT(c->now_ms)), NULL);

    if (!e)
        e = tags_drop(c, "cert", id);
    for (size_t i = 0; i < ARRAY_LEN(drops) && !e; i++)
        e = db_run(c->db, drops[i], DB_ARGS(DB_TEXT(id)), NULL);
    return e;
}

/* In an earlier attempt the source let go of it and the target's database could not take it. */
static err_t accepted_before(struct api_call *c, const char *id)
{
    auto_transfer t = { 0 };
    char after[65];
    err_t e;

    (void)snprintf(after, sizeof(after), "%s", id);
    after[strlen(after) - 1]--; /* transfer_next begins above */
    e = transfer_next(c->db, after, &t);
    if (!e && (strcmp(t.id, id) != 0 || strcmp(t.target, c->env->account) != 0))
        e = ERR_NOT_FOUND;
    if (!e)
        c->moved = steal(&t.content);
    return e;
}

static err_t move_out(struct api_call *c, const char *id, json_t *data)
{
    autobuf text = BUF_INIT(CONTENT_MAX);
    auto_cert_row r = { 0 };
    auto_json *content = NULL;
    err_t e;

    if ((e = cert_row_load(c->db, id, &r)) || (e = cert_row_set_status(c, &r)))
        return e;
    if (json_object_set_new(data, "accepted", json_integer(c->now_ms)) ||
        !(content = content_of(c, &r, c->abroad, data)))
        return ERR_NOMEM;
    if ((e = json_write(&text, content, 0)) || (e = leave(c, id, buf_slice(&text))))
        return e;
    return (c->moved = mem_strdup(buf_str(&text))) ? ERR_OK : ERR_NOMEM;
}

err_t transfer_accept(struct api_call *c)
{
    auto_offer o = { 0 };
    const char *id;
    err_t e;

    if ((e = name_cert(c, "certificateId", &id)))
        return e;
    if (c->abroad && (e = accepted_before(c, id)) != ERR_NOT_FOUND)
        return e;
    if ((e = load_offered(c, id, &o)))
        return e;
    return move_out(c, id, o.data);
}

/* ---- its way ---- */

static err_t transfer_row(void *ctx, const struct db_rows *row)
{
    struct transfer *t = ctx;

    (void)snprintf(t->id, sizeof(t->id), "%s", db_str(row, 0));
    (void)snprintf(t->target, sizeof(t->target), "%s", db_str(row, 1));
    free(t->content);
    return (t->content = mem_str(db_text(row, 2))) ? ERR_OK : ERR_NOMEM;
}

err_t transfer_next(struct db *db, const char *after, struct transfer *ret)
{
    return db_one(
        db, "SELECT cert_id, target, content FROM transfers WHERE cert_id > $1 ORDER BY cert_id LIMIT 1",
        DB_ARGS(DB_TEXT(after)), transfer_row, ret);
}

err_t transfer_arrive(struct db *db, const char *content)
{
    autobuf data = BUF_INIT(CONTENT_MAX);
    auto_json *j = NULL;
    err_t e;

    if ((e = json_parse(slice_str(content), CONTENT_DEPTH, &j, NULL)) ||
        (e = json_write(&data, json_get_obj(j, "transfer"), 0)))
        return e;
    return db_run(
        db,
        "INSERT INTO certificates (cert_id, pem, status, mode, generation, revision, created_ms, modified_ms,"
        " not_before_ms, not_after_ms, previous_owner, transfer)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (cert_id) DO NOTHING",
        DB_ARGS(DB_TEXT(json_get_str(j, "id")), DB_TEXT(json_get_str(j, "pem")),
                DB_TEXT(json_get_str(j, "status")), DB_TEXT(json_get_str(j, "mode")),
                DB_TEXT(json_get_str(j, "generation")), DB_INT(json_get_int(j, "revision", 1)),
                DB_INT(json_get_int(j, "created", 0)), DB_INT(json_get_int(j, "modified", 0)),
                DB_INT(json_get_int(j, "notBefore", 0)), DB_INT(json_get_int(j, "notAfter", 0)),
                DB_TEXT(json_get_str(j, "previousOwner")), DB_SLICE(buf_slice(&data))),
        NULL);
}

err_t transfer_forget(struct db *db, const char *id)
{
    return db_run(db, "DELETE FROM transfers WHERE cert_id = $1", DB_ARGS(DB_TEXT(id)), NULL);
}
