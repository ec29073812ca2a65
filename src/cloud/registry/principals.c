#include "base/mem.h"
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
        (e = exists(c, "SELECT count(*) FROM things WHERE name = $1", *ret_thing, "Thing")))
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

struct listing {
    struct api_call *c;
    json_t *list;
};

static err_t list_row(void *ctx, const struct db_rows *row)
{
    struct listing *l = ctx;
    char arn[ARN_MAX];
    json_t *item = json_string(arn_iot(l->c, "cert", db_str(row, 0), arn));

    return item && json_array_append_new(l->list, item) == 0 ? ERR_OK : ERR_NOMEM;
}

err_t principal_list(struct api_call *c)
{
    auto_json *list = json_array();
    struct listing l = { c, list };
    const char *thing;
    err_t e;

    if ((e = name_thing(c, "thingName", &thing)) ||
        (e = exists(c, "SELECT count(*) FROM things WHERE name = $1", thing, "Thing")) ||
        (e = db_each(c->db, "SELECT cert_id FROM thing_principals WHERE thing = $1 ORDER BY cert_id",
                     DB_ARGS(DB_TEXT(thing)), list_row, &l)))
        return e;
    return api_reply(c, json_pack("{s:O}", "principals", list));
}
