#include "cloud/lambda/versionrow.h"

#include "base/clock.h"
#include "base/hex.h"
#include "base/mem.h"
#include "crypto/random.h"

#include <stdio.h>
#include <stdlib.h>

#define CONFIG_MAX 65536u
#define CONFIG_DEPTH 8u

void function_row_done(struct function_row *r)
{
    json_decref_ptr(&r->config);
}

err_t function_row_read(const struct db_rows *row, struct function_row *ret)
{
    (void)snprintf(ret->name, sizeof(ret->name), "%s", db_str(row, 0));
    ret->version = db_int(row, 1);
    json_decref_ptr(&ret->config);
    (void)snprintf(ret->code_sha, sizeof(ret->code_sha), "%s", db_str(row, 3));
    ret->code_size = db_int(row, 4);
    ret->modified_ms = db_int(row, 5);
    (void)snprintf(ret->revision, sizeof(ret->revision), "%s", db_str(row, 6));
    return json_parse(db_text(row, 2), CONFIG_DEPTH, &ret->config, NULL);
}

static err_t take_row(void *ctx, const struct db_rows *row)
{
    return function_row_read(row, ctx);
}

err_t function_row_load_version(struct api_call *c, const char *name, int64_t version,
                                struct function_row *ret)
{
    return db_one(c->db, "SELECT " FUNCTION_COLUMNS " FROM lambda_versions WHERE fn = $1 AND version = $2",
                  DB_ARGS(DB_TEXT(name), DB_INT(version)), take_row, ret);
}

static err_t number_of(struct api_call *c, const struct function_name *n, int64_t *ret)
{
    if (function_version_ok(n->qualifier)) {
        *ret = strtoll(n->qualifier, NULL, 10);
        return ERR_OK;
    }
    *ret = 0;
    if (!n->qualifier[0] || strcmp(n->qualifier, FUNCTION_LATEST) == 0)
        return ERR_OK;
    return db_one_int(c->db, "SELECT version FROM lambda_aliases WHERE fn = $1 AND name = $2",
                      DB_ARGS(DB_TEXT(n->name), DB_TEXT(n->qualifier)), ret);
}

err_t function_row_find(struct api_call *c, const struct function_name *n, struct function_row *ret)
{
    int64_t version;
    err_t e = number_of(c, n, &version);

    return e ? e : function_row_load_version(c, n->name, version, ret);
}

err_t function_row_load(struct api_call *c, const struct function_name *n, struct function_row *ret)
{
    err_t e = function_row_find(c, n, ret);

    return e == ERR_NOT_FOUND ? function_not_found(c, n->name, n->qualifier) : e;
}

err_t function_row_store(struct api_call *c, struct function_row *r)
{
    autobuf config = BUF_INIT(CONFIG_MAX);
    err_t e;

    if ((e = json_write(&config, r->config, 0)))
        return e == ERR_TOO_BIG
                   ? function_fail(c, API_FUNCTION_PARAMETER, "the function's configuration is too large")
                   : e;
    if ((e = crypto_random_uuid(c->env->crypto, r->revision)))
        return e;
    r->modified_ms = c->now_ms;
    return db_run(c->db,
                  "INSERT INTO lambda_versions (" FUNCTION_COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7)"
                  " ON CONFLICT (fn, version) DO UPDATE SET config = excluded.config,"
                  " code_sha = excluded.code_sha, code_size = excluded.code_size,"
                  " modified_ms = excluded.modified_ms, revision = excluded.revision",
                  DB_ARGS(DB_TEXT(r->name), DB_INT(r->version), DB_SLICE(buf_slice(&config)),
                          DB_TEXT(r->code_sha), DB_INT(r->code_size), DB_INT(r->modified_ms),
                          DB_TEXT(r->revision)),
                  NULL);
}

const char *function_number(int64_t version, char ret[FUNCTION_NUMBER_MAX])
{
    if (version)
        (void)snprintf(ret, FUNCTION_NUMBER_MAX, "%lld", (long long)version);
    else
        (void)snprintf(ret, FUNCTION_NUMBER_MAX, "%s", FUNCTION_LATEST);
    return ret;
}

json_t *function_row_describe(const struct api_call *c, const struct function_row *r, const char *qualifier)
{
    char arn[ARN_MAX], number[FUNCTION_NUMBER_MAX], iso[CLOCK_ISO_MAX], modified[CLOCK_ISO_MAX + 5];
    json_t *j;

    clock_iso(iso, r->modified_ms);
    (void)snprintf(modified, sizeof(modified), "%.*s+0000", (int)strcspn(iso, "Z"), iso);
    j = json_pack("{s:s,s:s,s:s,s:I,s:s,s:s,s:s,s:s,s:s,s:s}", "FunctionName", r->name, "FunctionArn",
                  function_arn(c, r->name, qualifier, arn), "Version", function_number(r->version, number),
                  "CodeSize", (json_int_t)r->code_size, "CodeSha256", r->code_sha, "LastModified", modified,
                  "RevisionId", r->revision, "PackageType", "Zip", "State", "Active", "LastUpdateStatus",
                  "Successful");
    if (j && json_object_update_missing(j, r->config) != 0) {
        json_decref(j);
        return NULL;
    }
    return j;
}

err_t function_check_revision(struct api_call *c, const char *revision)
{
    const char *wanted = json_get_str(c->body, "RevisionId");

    if (!wanted || strcmp(wanted, revision) == 0)
        return ERR_OK;
    return function_fail(c, API_FUNCTION_PRECONDITION,
                         "The RevisionId provided does not match the latest RevisionId. Call the "
                         "GetFunction/GetAlias API to retrieve the latest RevisionId");
}

err_t function_code_store(struct api_call *c, struct slice zip, struct function_row *r)
{
    uint8_t sha[CRYPTO_SHA256_LEN];
    autobuf text = BUF_INIT(FUNCTION_CODE_SHA_MAX);
    err_t e;

    if ((e = crypto_sha256(c->env->crypto, zip, sha)) || (e = base64_encode(&text, SLICE_ARRAY(sha))))
        return e;
    (void)snprintf(r->code_sha, sizeof(r->code_sha), "%s", buf_str(&text));
    r->code_size = (int64_t)zip.n;
    return db_run(c->db,
                  "INSERT INTO lambda_code (sha256, content) VALUES ($1, $2) ON CONFLICT (sha256) DO NOTHING",
                  DB_ARGS(DB_TEXT(r->code_sha), DB_BLOB(zip)), NULL);
}

err_t function_code_drop(struct api_call *c, const char *code_sha)
{
    return db_run(c->db,
                  "DELETE FROM lambda_code WHERE sha256 = $1"
                  " AND NOT EXISTS (SELECT 1 FROM lambda_versions WHERE code_sha = $1)"
                  " AND NOT EXISTS (SELECT 1 FROM gg_code WHERE code_sha = $1)",
                  DB_ARGS(DB_TEXT(code_sha)), NULL);
}

err_t function_page_read(struct api_call *c, struct api_page *page, struct function_after *ret)
{
    const char *marker = api_param(c, "Marker"), *colon = marker ? strchr(marker, ':') : NULL;
    err_t e = function_rename_error(c, api_param_size(c, "MaxItems", 50, 10000, &page->size));

    if (e)
        return e;
    *ret = (struct function_after){ .version = -1 };
    if (!marker || !*marker)
        return ERR_OK;
    if (!colon || (size_t)(colon - marker) >= sizeof(ret->name) || strspn(colon + 1, "0123456789") > 9 ||
        colon[1 + strspn(colon + 1, "0123456789")])
        return function_fail(c, API_FUNCTION_PARAMETER, "Marker is not one that this list gave");
    (void)snprintf(ret->name, sizeof(ret->name), "%.*s", (int)(colon - marker), marker);
    ret->version = strtoll(colon + 1, NULL, 10);
    return ERR_OK;
}

err_t function_page_row(struct api_page *page, const struct db_rows *row, const char *latest)
{
    auto_function_row r = { 0 };
    char number[FUNCTION_NUMBER_MAX];
    err_t e;

    if (!api_page_room(page))
        return ERR_OK;
    if ((e = function_row_read(row, &r)))
        return e;
    return api_page_add(
        page, function_row_describe(page->c, &r, r.version ? function_number(r.version, number) : latest),
        "%s:%lld", r.name, (long long)r.version);
}
