#include "base/mem.h"
#include "cloud/api/page.h"
#include "cloud/registry/grouprow.h"
#include "cloud/registry/handlers.h"
#include "cloud/registry/names.h"

/* The certificate id in the x-amzn-principal header. */
static err_t read_principal(struct api_call *c, const char **ret)
{
    const char *arn = api_param(c, "x-amzn-principal");
    const char *id = arn ? arn_name(c->env, arn, "cert") : NULL;

    if (!id || !name_cert_ok(id))
        return api_fail(c, API_INVALID_REQUEST,
                        "Principal %.200s is not the ARN of a certificate of this account",
                        arn ? arn : "(missing header x-amzn-principal)");
    *ret = id;
    return ERR_OK;
}

static err_t exists(struct api_call *c, const char *sql, const char *key, const char *what)
{
    int64_t n;
    err_t e = db_one_int(c->db, sql, DB_ARGS(DB_TEXT(key)), &n);

    return e || n ? e : api_fail(c, API_NOT_FOUND, "%s %s not found", what, key);
}

static err_t read_both(struct api_call *c, const char **ret_thing, const char **ret_cert)
{
    err_t e;

    if ((e = name_thing(c, "thingName", ret_thing)) || (e = read_principal(c, ret_cert)) ||
        (e = thing_require(c, *ret_thing)))
        return e;
    return exists(c, "SELECT count(*) FROM certificates WHERE cert_id = $1", *ret_cert, "Certificate");
}

err_t principal_attach(struct api_call *c)
{
    const char *thing, *cert;
    err_t e;

    if ((e = read_both(c, &thing, &cert)) ||
        (e = db_run(c->db,
                    "INSERT INTO thing_principals (thing, cert_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                    DB_ARGS(DB_TEXT(thing), DB_TEXT(cert)), NULL)))
        return e;
    return effects_add(&c->effects, EFFECT_PRINCIPAL, cert);
}

err_t principal_detach(struct api_call *c)
{
    const char *thing, *cert;
    err_t e;

    if ((e = read_both(c, &thing, &cert)) ||
        (e = db_run(c->db, "DELETE FROM thing_principals WHERE thing = $1 AND cert_id = $2",
                    DB_ARGS(DB_TEXT(thing), DB_TEXT(cert)), NULL)))
        return e;
    return effects_add(&c->effects, EFFECT_PRINCIPAL, cert);
}

static err_t cert_row(void *ctx, const struct db_rows *row)
{
    struct api_page *page = ctx;
    const char *id = db_str(row, 0);
    char arn[ARN_MAX];

    if (!api_page_room(page))
        return ERR_OK;
    return api_page_add(page, json_string(arn_iot(page->c, "cert", id, arn)), "%s", id);
}

static err_t thing_row(void *ctx, const struct db_rows *row)
{
    struct api_page *page = ctx;
    const char *name = db_str(row, 0);

    return api_page_room(page) ? api_page_add(page, json_string(name), "%s", name) : ERR_OK;
}

err_t principal_list(struct api_call *c)
{
    auto_page page = API_PAGE_INIT(c);
    const char *thing, *after;
    err_t e;

    if ((e = name_thing(c, "thingName", &thing)) || (e = thing_require(c, thing)) ||
        (e = api_name_marker(c, "nextToken", name_cert_ok, &after)) ||
        (e = api_param_size(c, "maxResults", 25, 250, &page.size)) ||
        (e = db_each(c->db,
                     "SELECT cert_id FROM thing_principals WHERE thing = $1 AND cert_id > $2 ORDER BY "
                     "cert_id LIMIT $3",
                     DB_ARGS(DB_TEXT(thing), DB_TEXT(after), DB_INT(page.size + 1)), cert_row, &page)))
        return e;
    return api_page_reply(&page, "principals", "nextToken");
}

err_t principal_list_things(struct api_call *c)
{
    auto_page page = API_PAGE_INIT(c);
    const char *cert, *after;
    err_t e;

    if ((e = read_principal(c, &cert)) ||
        (e = exists(c, "SELECT count(*) FROM certificates WHERE cert_id = $1", cert, "Certificate")) ||
        (e = api_name_marker(c, "nextToken", name_thing_ok, &after)) ||
        (e = api_param_size(c, "maxResults", 25, 250, &page.size)) ||
        (e = db_each(
             c->db,
             "SELECT thing FROM thing_principals WHERE cert_id = $1 AND thing > $2 ORDER BY thing LIMIT $3",
             DB_ARGS(DB_TEXT(cert), DB_TEXT(after), DB_INT(page.size + 1)), thing_row, &page)))
        return e;
    return api_page_reply(&page, "things", "nextToken");
}
