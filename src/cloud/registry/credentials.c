/* The credentials provider: a certificate's role alias as temporary access keys (iot-core reference 9.3). */
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "cloud/auth/sessions.h"
#include "cloud/policy/document.h"
#include "cloud/registry/handlers.h"
#include "cloud/registry/names.h"
#include "cloud/registry/records.h"

#include <stdio.h>
#include <string.h>

static err_t denied(struct api_call *c, const char *why)
{
    log_warn("https credentials refused certificateId=%s: %s", c->cert_id, why);
    return api_fail(c, API_FORBIDDEN, "Access Denied");
}

static err_t type_row(void *ctx, const struct db_rows *row)
{
    struct session *s = ctx;

    (void)snprintf(s->type, sizeof(s->type), "%s", db_is_null(row, 0) ? "" : db_str(row, 0));
    return ERR_OK;
}

/* A thing may be named only by a certificate that is attached to it. */
static err_t take_thing(struct api_call *c, struct session *s)
{
    const char *thing = api_param(c, "x-amzn-iot-thingname");
    err_t e;

    if (!thing)
        return ERR_OK;
    e = db_one(
        c->db,
        "SELECT things.thing_type FROM things JOIN thing_principals ON thing_principals.thing = things.name"
        " WHERE things.name = $1 AND thing_principals.cert_id = $2",
        DB_ARGS(DB_TEXT(thing), DB_TEXT(c->cert_id)), type_row, s);
    if (e == ERR_NOT_FOUND)
        return denied(c, "the certificate is not attached to the thing of x-amzn-iot-thingname");
    (void)snprintf(s->thing, sizeof(s->thing), "%s", thing);
    return e;
}

/* arn:aws:iam::ACCOUNT:role/PATH/NAME -> NAME, of this account. */
static err_t take_role(struct api_call *c, const char *arn, struct session *s)
{
    autofree char *ours = mem_printf("arn:aws:iam::%s:role/", c->env->account);
    autobuf policy = BUF_INIT(POLICY_DOC_RAW_MAX);
    const char *name;

    if (!ours)
        return ERR_NOMEM;
    if (!arn || strncmp(arn, ours, strlen(ours)) != 0)
        return denied(c, "the role of the alias is not one of this account");
    name = strrchr(arn, '/') + 1;
    if (strlen(name) > SESSION_ROLE_MAX || !c->env->folder || role_policy(c->env->folder, name, &policy))
        return denied(c, "the role has no policy here: write roles/NAME.json into the account's folder");
    (void)snprintf(s->role, sizeof(s->role), "%s", name);
    return ERR_OK;
}

/* By hand into wiped memory; nothing in it needs an escape. */
static err_t reply(struct api_call *c, struct session *s)
{
    autobuf secret = BUF_SECRET(64), token = BUF_SECRET(SESSION_TOKEN_MAX);
    char end[CLOCK_ISO_MAX];
    err_t e = session_make(c->env->crypto, secret_expose_bytes(c->env->session_key), s, &secret, &token);

    if (e)
        return e;
    clock_iso_trimmed(end, s->expires_ms / 1000 * 1000);
    c->text.secret = true;
    return buf_printf(&c->text,
                      "{\"credentials\":{\"accessKeyId\":\"%s\",\"secretAccessKey\":\"%s\",\"sessionToken\":"
                      "\"%s\",\"expiration\":\"%s\"}}",
                      s->id, buf_str(&secret), buf_str(&token), end);
}

err_t credentials_issue(struct api_call *c)
{
    struct session s = { 0 };
    auto_record r = { 0 };
    const char *alias;
    err_t e;

    if ((e = name_alias(c, "roleAlias", &alias)))
        return e;
    if ((e = record_load(c, "rolealias", alias, &r)))
        return e == ERR_NOT_FOUND ? api_fail(c, API_NOT_FOUND, "Role alias %.128s not found", alias) : e;
    (void)snprintf(s.account, sizeof(s.account), "%s", c->env->account);
    (void)snprintf(s.cert_id, sizeof(s.cert_id), "%s", c->cert_id);
    s.expires_ms = c->now_ms + json_get_int(r.content, "credentialDurationSeconds", 3600) * 1000;
    if ((e = take_role(c, json_get_str(r.content, "roleArn"), &s)) || (e = take_thing(c, &s)))
        return e;
    return reply(c, &s);
}
