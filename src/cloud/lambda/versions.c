/* Published versions: they never change, so what a group refers to stays what it was. */
#include "cloud/lambda/versions.h"
#include "base/mem.h"
#include "cloud/api/page.h"
#include "cloud/lambda/handlers.h"

#include <stdio.h>

static err_t last_version(struct api_call *c, const char *name, int64_t *ret)
{
    err_t e = db_one_int(c->db, "SELECT last_version FROM lambda_functions WHERE name = $1",
                         DB_ARGS(DB_TEXT(name)), ret);

    return e == ERR_NOT_FOUND ? function_not_found(c, name, "") : e;
}

static err_t reply_version(struct api_call *c, const struct function_row *r)
{
    char number[FUNCTION_NUMBER_MAX];

    return api_reply(c, function_row_describe(c, r, function_number(r->version, number)));
}

/* Nothing changed since the last one was published: it is that one. */
static err_t find_same(struct api_call *c, const struct function_row *latest, int64_t last, bool *ret)
{
    auto_function_row r = { 0 };
    err_t e = last ? function_row_load_version(c, latest->name, last, &r) : ERR_NOT_FOUND;

    *ret = !e && strcmp(r.code_sha, latest->code_sha) == 0 && json_equal(r.config, latest->config);
    if (e && e != ERR_NOT_FOUND)
        return e;
    return *ret ? reply_version(c, &r) : ERR_OK;
}

err_t function_version_publish_row(struct api_call *c, const struct function_row *latest)
{
    struct function_row r = *latest; /* its config is lent */
    int64_t last;
    bool same;
    err_t e;

    if ((e = last_version(c, latest->name, &last)) || (e = find_same(c, latest, last, &same)) || same)
        return e;
    r.version = last + 1;
    if ((e = function_row_store(c, &r)) ||
        (e = db_run(c->db, "UPDATE lambda_functions SET last_version = $1 WHERE name = $2",
                    DB_ARGS(DB_INT(r.version), DB_TEXT(r.name)), NULL)))
        return e;
    return reply_version(c, &r);
}

err_t function_version_publish(struct api_call *c)
{
    const char *sha = json_get_str(c->body, "CodeSha256"), *text = json_get_str(c->body, "Description");
    auto_function_row r = { 0 };
    struct function_name n;
    err_t e;

    if ((e = function_name_of(c, &n)))
        return e;
    n.qualifier[0] = 0; /* what is published is $LATEST */
    if ((e = function_row_load(c, &n, &r)) || (e = function_check_revision(c, r.revision)))
        return e;
    if (sha && strcmp(sha, r.code_sha) != 0)
        return function_fail(c, API_FUNCTION_PARAMETER,
                             "CodeSHA256 (%.64s) is different from current CodeSHA256 in $LATEST (%s). "
                             "Please try again with the CodeSHA256 in $LATEST.",
                             sha, r.code_sha);
    if (text && json_object_set_new(r.config, "Description", json_string(text)) != 0)
        return ERR_NOMEM;
    return function_version_publish_row(c, &r);
}

/* A published version's ARN says which; $LATEST's does in a list of versions. */
static err_t list_row(void *ctx, const struct db_rows *row)
{
    return function_page_row(ctx, row, FUNCTION_LATEST);
}

err_t function_version_list(struct api_call *c)
{
    auto_page page = API_PAGE_INIT(c);
    struct function_after from;
    struct function_name n;
    int64_t last;
    err_t e;

    if ((e = function_name_of(c, &n)) || (e = last_version(c, n.name, &last)) ||
        (e = function_page_read(c, &page, &from)) ||
        (e = db_each(c->db,
                     "SELECT " FUNCTION_COLUMNS " FROM lambda_versions WHERE fn = $1 AND version > $2"
                     " ORDER BY version LIMIT $3",
                     DB_ARGS(DB_TEXT(n.name), DB_INT(from.version), DB_INT(page.size + 1)), list_row, &page)))
        return e;
    return api_page_reply(&page, "Versions", "NextMarker");
}
