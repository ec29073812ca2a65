/* Aliases: names that point to a published version; a deployment takes what they point to then. */
#include "base/mem.h"
#include "cloud/api/page.h"
#include "cloud/lambda/handlers.h"
#include "cloud/lambda/versionrow.h"
#include "crypto/random.h"

#include <stdio.h>
#include <stdlib.h>

struct alias {
    char name[FUNCTION_QUALIFIER_MAX + 1];
    int64_t version;
    char *description;
    char revision[FUNCTION_REVISION_MAX];
};

static void alias_done(struct alias *a)
{
    free(a->description);
}
#define auto_alias __attribute__((cleanup(alias_done))) struct alias

static err_t take_row(void *ctx, const struct db_rows *row)
{
    struct alias *a = ctx;

    (void)snprintf(a->name, sizeof(a->name), "%s", db_str(row, 0));
    a->version = db_int(row, 1);
    (void)snprintf(a->revision, sizeof(a->revision), "%s", db_str(row, 3));
    free(a->description);
    return (a->description = mem_str(db_text(row, 2))) ? ERR_OK : ERR_NOMEM;
}

static json_t *describe(const struct api_call *c, const char *function, const struct alias *a)
{
    char arn[ARN_MAX], number[FUNCTION_NUMBER_MAX];

    return json_pack("{s:s,s:s,s:s,s:s,s:s}", "AliasArn", function_arn(c, function, a->name, arn), "Name",
                     a->name, "FunctionVersion", function_number(a->version, number), "Description",
                     a->description, "RevisionId", a->revision);
}

static err_t function_of(struct api_call *c, struct function_name *n)
{
    auto_function_row latest = { 0 };
    err_t e = function_name_of(c, n);

    if (e)
        return e;
    n->qualifier[0] = 0;
    return function_row_load(c, n, &latest);
}

static err_t load(struct api_call *c, const struct function_name *n, struct alias *a)
{
    const char *name = api_param(c, "Name");
    err_t e = db_one(c->db,
                     "SELECT name, version, description, revision FROM lambda_aliases WHERE fn = $1 AND name "
                     "= $2",
                     DB_ARGS(DB_TEXT(n->name), DB_TEXT(name)), take_row, a);
    char arn[ARN_MAX];

    return e == ERR_NOT_FOUND ? function_fail(c, API_NOT_FOUND, "Cannot find alias arn: %s",
                                              function_arn(c, n->name, name, arn))
                              : e;
}

/* What the request says of it; members it does not have stay. */
static err_t read_alias(struct api_call *c, const struct function_name *n, struct alias *a)
{
    const char *version = json_get_str(c->body, "FunctionVersion");
    const char *description = json_get_str(c->body, "Description");
    struct function_name pointed = *n;
    auto_function_row r = { 0 };
    err_t e;

    if (json_object_get(c->body, "RoutingConfig"))
        return function_fail(c, API_FUNCTION_PARAMETER,
                             "RoutingConfig: an alias of Greengrass points to one version");
    if (description) {
        free(a->description);
        if (!(a->description = mem_strdup(description)))
            return ERR_NOMEM;
    }
    if (!version)
        return a->version ? ERR_OK : function_fail(c, API_FUNCTION_PARAMETER, "FunctionVersion is missing");
    if (!function_version_ok(version))
        return function_fail(c, API_FUNCTION_PARAMETER, "an alias points to a published version (1, 2, ...)");
    (void)snprintf(pointed.qualifier, sizeof(pointed.qualifier), "%s", version);
    if ((e = function_row_load(c, &pointed, &r)))
        return e;
    a->version = r.version;
    return ERR_OK;
}

static err_t store(struct api_call *c, const struct function_name *n, struct alias *a)
{
    err_t e = crypto_random_uuid(c->env->crypto, a->revision);

    return e ? e
             : db_run(c->db,
                      "INSERT INTO lambda_aliases (fn, name, version, description, revision)"
                      " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (fn, name) DO UPDATE SET"
                      " version = excluded.version, description = excluded.description,"
                      " revision = excluded.revision",
                      DB_ARGS(DB_TEXT(n->name), DB_TEXT(a->name), DB_INT(a->version),
                              DB_TEXT(a->description ? a->description : ""), DB_TEXT(a->revision)),
                      NULL);
}

static err_t must_be_new(struct api_call *c, const struct function_name *n, const char *name)
{
    char arn[ARN_MAX];
    int64_t known;
    err_t e = db_one_int(c->db, "SELECT count(*) FROM lambda_aliases WHERE fn = $1 AND name = $2",
                         DB_ARGS(DB_TEXT(n->name), DB_TEXT(name)), &known);

    return e || !known ? e
                       : function_fail(c, API_FUNCTION_CONFLICT, "Alias already exists: %s",
                                       function_arn(c, n->name, name, arn));
}

err_t function_alias_create(struct api_call *c)
{
    const char *name = json_get_str(c->body, "Name");
    auto_alias a = { .description = mem_strdup("") };
    struct function_name n;
    err_t e;

    if (!a.description)
        return ERR_NOMEM;
    if ((e = function_of(c, &n)))
        return e;
    if (!name || !function_alias_ok(name))
        return function_fail(c, API_FUNCTION_PARAMETER,
                             "Name must be 1 to %u of [a-zA-Z0-9-_], and not a number",
                             FUNCTION_QUALIFIER_MAX);
    (void)snprintf(a.name, sizeof(a.name), "%s", name);
    if ((e = must_be_new(c, &n, name)) || (e = read_alias(c, &n, &a)) || (e = store(c, &n, &a)))
        return e;
    return api_reply(c, describe(c, n.name, &a));
}

err_t function_alias_get(struct api_call *c)
{
    auto_alias a = { 0 };
    struct function_name n;
    err_t e;

    if ((e = function_of(c, &n)) || (e = load(c, &n, &a)))
        return e;
    return api_reply(c, describe(c, n.name, &a));
}

err_t function_alias_update(struct api_call *c)
{
    auto_alias a = { 0 };
    struct function_name n;
    err_t e;

    if ((e = function_of(c, &n)) || (e = load(c, &n, &a)) || (e = function_check_revision(c, a.revision)) ||
        (e = read_alias(c, &n, &a)) || (e = store(c, &n, &a)))
        return e;
    return api_reply(c, describe(c, n.name, &a));
}

/* One that is not there is deleted already. */
err_t function_alias_delete(struct api_call *c)
{
    struct function_name n;
    err_t e = function_of(c, &n);

    return e ? e
             : db_run(c->db, "DELETE FROM lambda_aliases WHERE fn = $1 AND name = $2",
                      DB_ARGS(DB_TEXT(n.name), DB_TEXT(api_param(c, "Name"))), NULL);
}

struct listing {
    struct api_page *page;
    const char *function;
};

static err_t list_row(void *ctx, const struct db_rows *row)
{
    struct listing *l = ctx;
    auto_alias a = { 0 };
    err_t e;

    if (!api_page_room(l->page))
        return ERR_OK;
    if ((e = take_row(&a, row)))
        return e;
    return api_page_add(l->page, describe(l->page->c, l->function, &a), "%s", a.name);
}

err_t function_alias_list(struct api_call *c)
{
    auto_page page = API_PAGE_INIT(c);
    const char *version = api_param(c, "FunctionVersion"), *after;
    struct function_name n;
    struct listing l = { &page, n.name };
    int64_t number = version && function_version_ok(version) ? strtoll(version, NULL, 10) : 0;
    err_t e;

    if ((e = function_of(c, &n)) ||
        (e = function_rename_error(c, api_param_size(c, "MaxItems", 50, 10000, &page.size))) ||
        (e = function_rename_error(c, api_name_marker(c, "Marker", function_alias_ok, &after))) ||
        (e = db_each(c->db,
                     "SELECT name, version, description, revision FROM lambda_aliases"
                     " WHERE fn = $1 AND name > $2 AND ($3 = 0 OR version = $3) ORDER BY name LIMIT $4",
                     DB_ARGS(DB_TEXT(n.name), DB_TEXT(after), DB_INT(number), DB_INT(page.size + 1)),
                     list_row, &l)))
        return e;
    return api_page_reply(&page, "Aliases", "NextMarker");
}
