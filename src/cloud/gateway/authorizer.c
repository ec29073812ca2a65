#include "cloud/gateway/authorizer.h"

#include "base/mem.h"
#include "cloud/gateway/authorizer_token.h"
#include "cloud/provisioning/hook.h"
#include "cloud/registry/domains.h"

#include <ctype.h>
#include <stdio.h>

#define DEPTH_MAX 8u
#define DOCUMENT_MAX 16384u
#define SECONDS_MIN 300
#define SECONDS_MAX 86400
#define WHY_MAX 256u

struct ask {
    struct store_job job; /* first */
    struct authorizers *owner;
    struct ask *next, **link;
    char *name;     /* NULL: the default one */
    json_t *shown;  /* a copy */
    json_t *record; /* the authorizer; NULL: there is none */
    struct authorizer_credentials given;
    bool test, only_find;
    char closed[DOMAIN_WHY_MAX]; /* why the domain does not let in; "": it does */
    authorizer_fn fn;
    void *ctx;
};

struct authorizers {
    const struct api_parts *parts;
    struct hooks *hooks;
    struct ask *asks;
    size_t n;
};

/* ---- an ask's life ---- */

static void ask_free(struct ask *k)
{
    *k->link = k->next;
    if (k->next)
        k->next->link = k->link;
    k->owner->n--;
    json_decref(k->shown);
    json_decref(k->record);
    authorizer_credentials_done(&k->given);
    free(k->name);
    free(k);
}

static void tell(struct ask *k, enum authorizer_outcome outcome, const struct authorizer_answer *answer,
                 const char *why)
{
    authorizer_fn fn = k->fn;
    void *ctx = k->ctx;

    fn(ctx, outcome, answer, why);
    ask_free(k);
}

/* ---- the answer ---- */

static bool principal_ok(const char *s)
{
    size_t n = 0;

    while (s && isalnum((unsigned char)s[n]))
        n++;
    return s && !s[n] && n > 0 && n < AUTHORIZER_PRINCIPAL_MAX;
}

/* Documents come as texts, or as the objects that they are: then `texts` keeps the text. */
static bool take_document(struct authorizer_answer *a, const json_t *doc, struct buf *text)
{
    if (json_is_string(doc)) {
        a->documents[a->n++] = json_string_value(doc);
        return true;
    }
    if (!json_is_object(doc) || json_write(text, doc, 0))
        return false;
    a->documents[a->n++] = buf_str(text);
    return true;
}

static bool take_documents(struct authorizer_answer *a, const json_t *list, struct buf texts[])
{
    if (!json_is_array(list) || json_array_size(list) > AUTHORIZER_DOCUMENTS_MAX)
        return false;
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (!take_document(a, json_array_get(list, i), &texts[i]))
            return false;
    }
    return true;
}

/* Missing or out of bounds: the nearest that is allowed; the service takes care of its devices. */
static int64_t seconds(const json_t *answer, const char *name)
{
    int64_t s = json_get_int(answer, name, SECONDS_MAX);

    return s < SECONDS_MIN ? SECONDS_MIN : s > SECONDS_MAX ? SECONDS_MAX : s;
}

/* NULL, or what is wrong with it. */
static const char *read_answer(const json_t *j, struct authorizer_answer *a, struct buf texts[])
{
    const char *principal = json_get_str(j, "principalId");

    if (!json_is_boolean(json_object_get(j, "isAuthenticated")))
        return "isAuthenticated is missing";
    a->authenticated = json_get_bool(j, "isAuthenticated", false);
    if (!a->authenticated)
        return NULL;
    if (!principal_ok(principal))
        return "principalId must have 1 to 128 letters and digits";
    (void)snprintf(a->principal, sizeof(a->principal), "%s", principal);
    a->disconnect_s = seconds(j, "disconnectAfterInSeconds");
    a->refresh_s = seconds(j, "refreshAfterInSeconds");
    return take_documents(a, json_object_get(j, "policyDocuments"), texts)
               ? NULL
               : "policyDocuments must be at most 10 policies";
}

static void on_hook(void *ctx, const json_t *j, const char *why)
{
    struct ask *k = ctx;
    struct authorizer_answer a = { 0 };
    struct buf texts[AUTHORIZER_DOCUMENTS_MAX];

    for (size_t i = 0; i < AUTHORIZER_DOCUMENTS_MAX; i++)
        texts[i] = BUF_INIT(DOCUMENT_MAX);
    if (j)
        why = read_answer(j, &a, texts);
    if (j && !why)
        tell(k, AUTHORIZER_ANSWERED, &a, "");
    else
        tell(k, AUTHORIZER_FAILED, NULL, why);
    for (size_t i = 0; i < AUTHORIZER_DOCUMENTS_MAX; i++)
        buf_done(&texts[i]);
}

/* ---- asking ---- */

static void call_hook(struct ask *k, bool verified)
{
    const char *arn = json_get_str(k->record, "authorizerFunctionArn");
    auto_json *event = authorizer_event(k->owner->parts->env->crypto, k->shown, k->given.token, verified);
    err_t e = event ? hook_ask(k->owner->hooks, arn, event, on_hook, k) : ERR_NOMEM;

    if (e == ERR_NOT_FOUND)
        tell(k, AUTHORIZER_FAILED, NULL, "the server's hooks.conf has nothing for the authorizer's function");
    else if (e)
        tell(k, AUTHORIZER_FAILED, NULL, e == ERR_BUSY ? "too many hooks are being asked" : err_str(e));
}

static void judge(struct ask *k)
{
    bool is_signed = !json_get_bool(k->record, "signingDisabled", false), verified = false;
    const char *status = json_get_str(k->record, "status");

    if (!k->test && (!status || strcmp(status, "ACTIVE") != 0)) {
        tell(k, AUTHORIZER_REFUSED, NULL, "the authorizer is not ACTIVE");
        return;
    }
    if (authorizer_credentials_find(k->shown, json_get_str(k->record, "tokenKeyName"), &k->given)) {
        tell(k, AUTHORIZER_FAILED, NULL, "no memory");
        return;
    }
    if (is_signed && k->given.token)
        verified = authorizer_token_ok(k->owner->parts->env->crypto, k->record, &k->given);
    if (is_signed && !verified && (k->given.token || !k->only_find))
        tell(k, AUTHORIZER_REFUSED, NULL,
             k->given.token ? "the token's signature is not good" : "there is no token");
    else if (k->only_find)
        tell(k, AUTHORIZER_THERE, NULL, "");
    else
        call_hook(k, verified);
}

/* ---- the registry ---- */

static err_t take_content(void *ctx, const struct db_rows *row)
{
    json_t **to = ctx;

    json_decref(*to);
    *to = NULL;
    return json_parse(db_text(row, 0), DEPTH_MAX, to, NULL);
}

static err_t load(struct db *db, const char *kind, const char *name, json_t **ret)
{
    return db_one(db, "SELECT content FROM records WHERE kind = $1 AND name = $2",
                  DB_ARGS(DB_TEXT(kind), DB_TEXT(name)), take_content, ret);
}

/* The name that was asked for: in the TLS handshake, or by the request's Host. */
static char *server_name(const json_t *shown)
{
    const char *sni = json_get_str(json_get_obj(shown, "tls"), "serverName");
    char *host = sni ? mem_strdup(sni) : json_get_obj(shown, "http") ? authorizer_shown(shown, "host") : NULL;

    if (host)
        host[strcspn(host, ":")] = '\0';
    return host;
}

/* Which authorizer is it by the domain? *ret_name NULL: the account's default one. */
static err_t ask_domain(struct ask *k, struct db *db, const char **ret_name, struct domain *d)
{
    bool http = json_get_obj(k->shown, "http") != NULL;
    autofree char *host = k->test ? NULL : server_name(k->shown);
    err_t e = domain_of(db, k->owner->parts->env, host ? host : "", d);

    k->closed[0] = '\0';
    if (!e && domain_admits(d, http ? DOMAIN_HTTP_AUTHORIZER : DOMAIN_MQTT_AUTHORIZER, k->closed))
        (void)domain_authorizer(d, k->name, ret_name, k->closed);
    return e;
}

static err_t run(struct store_job *job, struct db *db)
{
    struct ask *k = CONTAINER_OF(job, struct ask, job);
    auto_json *settings = NULL;
    const char *name = k->name;
    struct domain d = { .name = "" };
    err_t e = ask_domain(k, db, &name, &d);

    if (!e && !name)
        e = load(db, "settings", "defaultAuthorizer", &settings);
    json_decref(k->record);
    k->record = NULL;
    if (!e && !name)
        name = json_get_str(settings, "authorizerName");
    if (!e)
        e = name ? load(db, "authorizer", name, &k->record) : ERR_NOT_FOUND;
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static void done(struct store_job *job, err_t result)
{
    struct ask *k = CONTAINER_OF(job, struct ask, job);

    if (result)
        tell(k, AUTHORIZER_FAILED, NULL, "the registry cannot be read");
    else if (k->closed[0])
        tell(k, AUTHORIZER_REFUSED, NULL, k->closed);
    else if (!k->record)
        tell(k, AUTHORIZER_UNKNOWN, NULL, "there is no such authorizer");
    else
        judge(k);
}

static err_t ask_new(struct authorizers *a, const struct authorizer_show *show, struct ask **ret)
{
    struct ask *k = a->n < AUTHORIZER_UNDER_WAY_MAX ? mem_calloc(1, sizeof(*k)) : NULL;

    if (!k)
        return a->n < AUTHORIZER_UNDER_WAY_MAX ? ERR_NOMEM : ERR_BUSY;
    *k = (struct ask){ .job = { .run = run, .done = done, .reads = true },
                       .owner = a,
                       .next = a->asks,
                       .link = &a->asks,
                       .test = show->test };
    if (k->next)
        k->next->link = &k->next;
    a->asks = k;
    a->n++;
    k->shown = json_deep_copy(show->shown);
    k->name = show->name ? mem_strdup(show->name) : NULL;
    k->given.token = show->token ? mem_strdup(show->token) : NULL;
    k->given.signature = show->signature ? mem_strdup(show->signature) : NULL;
    if (!k->shown || (show->name && !k->name) || (show->token && !k->given.token) ||
        (show->signature && !k->given.signature)) {
        ask_free(k);
        return ERR_NOMEM;
    }
    *ret = k;
    return ERR_OK;
}

static err_t start(struct authorizers *a, const struct authorizer_show *show, bool only_find,
                   authorizer_fn fn, void *ctx)
{
    struct ask *k;
    err_t e = ask_new(a, show, &k);

    if (e)
        return e;
    k->only_find = only_find;
    k->fn = fn;
    k->ctx = ctx;
    if ((e = store_submit(a->parts->store, a->parts->loop, &k->job)))
        ask_free(k);
    return e;
}

err_t authorizer_ask(struct authorizers *a, const struct authorizer_show *show, authorizer_fn fn, void *ctx)
{
    return start(a, show, false, fn, ctx);
}

err_t authorizer_find(struct authorizers *a, const struct authorizer_show *show, authorizer_fn fn, void *ctx)
{
    return start(a, show, true, fn, ctx);
}

err_t authorizers_new(const struct api_parts *parts, struct hooks *hooks, struct authorizers **ret)
{
    struct authorizers *a = mem_calloc(1, sizeof(*a));

    if (!a)
        return ERR_NOMEM;
    *a = (struct authorizers){ .parts = parts, .hooks = hooks };
    *ret = a;
    return ERR_OK;
}

void authorizers_free(struct authorizers *a)
{
    if (!a)
        return;
    for (struct ask *k = a->asks, *next; k; k = next) {
        next = k->next;
        tell(k, AUTHORIZER_CANCELLED, NULL, "the server ends");
    }
    free(a);
}
