/* Functions: their newest code and configuration, and all of one at its end. */
#include "base/hex.h"
#include "base/mem.h"
#include "cloud/api/field.h"
#include "cloud/api/page.h"
#include "cloud/lambda/handlers.h"
#include "cloud/lambda/package.h"
#include "cloud/lambda/versions.h"

#include <ctype.h>
#include <stdio.h>

#define TIMEOUT_DEFAULT 3
#define MEMORY_DEFAULT 128
#define VARIABLES_MAX 4096u /* bytes of all names and values */
#define EXECUTABLE "arn:aws:greengrass:::runtime/function/executable"

/* A name that is looked up on a core's PATH, or Greengrass's native executables. */
static bool runtime_ok(const char *s)
{
    static const char *const families[] = { "nodejs", "python", "java", "provided" };

    if (strcmp(s, EXECUTABLE) == 0)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(families); i++) {
        if (strncmp(s, families[i], strlen(families[i])) == 0)
            return strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789.") == strlen(s);
    }
    return false;
}

static bool no_space(const char *s)
{
    for (; *s; s++) {
        if (isspace((unsigned char)*s) || iscntrl((unsigned char)*s))
            return false;
    }
    return true;
}

static const struct api_field fields[] = {
    { "Runtime", API_TEXT, 1, 64, .ok = runtime_ok, .required = true },
    { "Role", API_TEXT, 20, 2048, .ok = no_space, .required = true },
    { "Handler", API_TEXT, 1, 128, .ok = no_space, .required = true },
    { "Description", API_TEXT, 0, 256 },
    { "Timeout", API_INT, 1, 900 },
    { "MemorySize", API_INT, 128, 10240 },
    { "Environment", API_OBJECT },
};

static bool variable_name_ok(const char *s)
{
    for (const char *p = s; *p; p++) {
        if (!isalnum((unsigned char)*p) && *p != '_')
            return false;
    }
    return isalpha((unsigned char)*s) && s[1];
}

static err_t check_variables(struct api_call *c, const json_t *config)
{
    json_t *variables = json_get_obj(json_get_obj(config, "Environment"), "Variables"), *value;
    const char *name;
    size_t total = 0;

    json_object_foreach(variables, name, value)
    {
        if (!variable_name_ok(name) || !json_is_string(value))
            return function_fail(c, API_FUNCTION_PARAMETER,
                                 "Environment: '%.100s' must be a text with a name of [a-zA-Z][a-zA-Z0-9_]+",
                                 name);
        total += strlen(name) + json_string_length(value);
    }
    return total <= VARIABLES_MAX
               ? ERR_OK
               : function_fail(c, API_FUNCTION_PARAMETER,
                               "Lambda was unable to configure your environment variables because the "
                               "environment variables you have provided exceeded the 4KB limit.");
}

static err_t read_config(struct api_call *c, bool creation, json_t *config)
{
    err_t e =
        function_rename_error(c, api_fields_take(c, c->body, fields, ARRAY_LEN(fields), creation, config));

    return e ? e : check_variables(c, config);
}

/* ---- code ---- */

static err_t store_code(struct api_call *c, const char *zip64, struct function_row *r)
{
    autobuf zip = BUF_INIT(PACKAGE_ZIP_MAX);
    char why[PACKAGE_WHY_MAX] = "";
    err_t e = base64_decode(&zip, slice_str(zip64));

    if (e == ERR_INVALID)
        return function_fail(c, API_FUNCTION_PARAMETER, "ZipFile is not base64");
    if (!e)
        e = package_check(buf_slice(&zip), why);
    else if (e == ERR_TOO_BIG)
        (void)snprintf(why, sizeof(why), "the package has more than %u MiB", PACKAGE_ZIP_MAX >> 20);
    if (e == ERR_TOO_BIG)
        return function_fail(c, API_TOO_LARGE, "%s", why);
    if (e == ERR_INVALID)
        return function_fail(c, API_FUNCTION_PARAMETER, "%s", why);
    return e ? e : function_code_store(c, buf_slice(&zip), r);
}

/* The package of the request: in it, there are no buckets here. `code` is {"ZipFile": base64}. */
static err_t take_code(struct api_call *c, const json_t *code, struct function_row *r)
{
    const char *zip64 = json_get_str(code, "ZipFile");

    if (!zip64)
        return function_fail(c, API_FUNCTION_PARAMETER,
                             "the package must be in the request (ZipFile; --zip-file fileb://PATH): there "
                             "are no S3 buckets or images here");
    return store_code(c, zip64, r);
}

/* ---- operations ---- */

static err_t publish_if_asked(struct api_call *c, const struct function_row *latest)
{
    if (json_get_bool(c->body, "Publish", false))
        return function_version_publish_row(c, latest);
    return api_reply(c, function_row_describe(c, latest, ""));
}

static err_t insert_function(struct api_call *c, const char *name)
{
    int64_t changed;
    err_t e = db_run(c->db,
                     "INSERT INTO lambda_functions (name, last_version, created_ms) VALUES ($1, 0, $2)"
                     " ON CONFLICT (name) DO NOTHING",
                     DB_ARGS(DB_TEXT(name), DB_INT(c->now_ms)), &changed);

    return e || changed ? e : function_fail(c, API_FUNCTION_CONFLICT, "Function already exist: %s", name);
}

static err_t name_of_new(struct api_call *c, struct function_name *ret)
{
    const char *text = json_get_str(c->body, "FunctionName");

    if (!text || function_name_parse(c->env, text, ret) || ret->qualifier[0])
        return function_fail(c, API_FUNCTION_PARAMETER,
                             "FunctionName must be 1 to %u of [a-zA-Z0-9-_], or this account's ARN of it",
                             FUNCTION_NAME_MAX);
    return ERR_OK;
}

err_t function_create(struct api_call *c)
{
    auto_function_row r = { .config = json_pack("{s:s,s:i,s:i}", "Description", "", "Timeout",
                                                TIMEOUT_DEFAULT, "MemorySize", MEMORY_DEFAULT) };
    struct function_name n;
    err_t e;

    if (!r.config)
        return ERR_NOMEM;
    if ((e = name_of_new(c, &n)) || (e = read_config(c, true, r.config)) ||
        (e = insert_function(c, n.name)) || (e = take_code(c, json_get_obj(c->body, "Code"), &r)))
        return e;
    (void)snprintf(r.name, sizeof(r.name), "%s", n.name);
    e = function_row_store(c, &r);
    return e ? e : publish_if_asked(c, &r);
}

err_t function_get_configuration(struct api_call *c)
{
    auto_function_row r = { 0 };
    struct function_name n;
    err_t e;

    if ((e = function_name_of(c, &n)) || (e = function_row_load(c, &n, &r)))
        return e;
    return api_reply(c, function_row_describe(c, &r, n.qualifier));
}

err_t function_get(struct api_call *c)
{
    auto_function_row r = { 0 };
    struct function_name n;
    err_t e;

    if ((e = function_name_of(c, &n)) || (e = function_row_load(c, &n, &r)))
        return e;
    return api_reply(c, json_pack("{s:o,s:{s:s}}", "Configuration", function_row_describe(c, &r, n.qualifier),
                                  "Code", "RepositoryType", "Sedge"));
}

/* $LATEST is what changes: a version or an alias in the name is a mistake. */
static err_t load_latest(struct api_call *c, struct function_row *r)
{
    struct function_name n;
    err_t e = function_name_of(c, &n);

    if (e)
        return e;
    if (n.qualifier[0] && strcmp(n.qualifier, FUNCTION_LATEST) != 0)
        return function_fail(c, API_FUNCTION_PARAMETER, "only $LATEST can be changed, '%s' cannot",
                             n.qualifier);
    if ((e = function_row_load(c, &n, r)))
        return e;
    return function_check_revision(c, r->revision);
}

err_t function_update_code(struct api_call *c)
{
    auto_function_row r = { 0 };
    char old[FUNCTION_CODE_SHA_MAX];
    err_t e = load_latest(c, &r);

    if (e)
        return e;
    memcpy(old, r.code_sha, sizeof(old));
    if ((e = take_code(c, c->body, &r)))
        return e;
    if (json_get_bool(c->body, "DryRun", false))
        e = function_code_drop(c, r.code_sha);
    else if (!(e = function_row_store(c, &r)))
        e = function_code_drop(c, old);
    return e ? e : publish_if_asked(c, &r);
}

err_t function_update_configuration(struct api_call *c)
{
    auto_function_row r = { 0 };
    err_t e;

    if ((e = load_latest(c, &r)) || (e = read_config(c, false, r.config)) || (e = function_row_store(c, &r)))
        return e;
    return api_reply(c, function_row_describe(c, &r, ""));
}

/* ---- deletion ---- */

static err_t drop_row(void *ctx, const struct db_rows *row)
{
    json_t *shas = ctx;

    return json_array_append_new(shas, json_string(db_str(row, 0))) == 0 ? ERR_OK : ERR_NOMEM;
}

static err_t drop_codes(struct api_call *c, const json_t *shas)
{
    json_t *sha;
    size_t i;
    err_t e;

    json_array_foreach(shas, i, sha)
    {
        if ((e = function_code_drop(c, json_string_value(sha))))
            return e;
    }
    return ERR_OK;
}

static err_t delete_all(struct api_call *c, const char *name)
{
    auto_json *shas = json_array();
    int64_t changed;
    err_t e;

    if (!shas)
        return ERR_NOMEM;
    if ((e = db_each(c->db, "SELECT DISTINCT code_sha FROM lambda_versions WHERE fn = $1",
                     DB_ARGS(DB_TEXT(name)), drop_row, shas)) ||
        (e = db_run(c->db, "DELETE FROM lambda_aliases WHERE fn = $1", DB_ARGS(DB_TEXT(name)), NULL)) ||
        (e = db_run(c->db, "DELETE FROM lambda_versions WHERE fn = $1", DB_ARGS(DB_TEXT(name)), NULL)) ||
        (e = db_run(c->db, "DELETE FROM lambda_functions WHERE name = $1", DB_ARGS(DB_TEXT(name)), &changed)))
        return e;
    return changed ? drop_codes(c, shas) : function_not_found(c, name, "");
}

static err_t delete_version(struct api_call *c, const struct function_name *n)
{
    auto_function_row r = { 0 };
    int64_t used;
    err_t e;

    if (!function_version_ok(n->qualifier))
        return function_fail(c, API_FUNCTION_PARAMETER,
                             strcmp(n->qualifier, FUNCTION_LATEST) == 0
                                 ? "$LATEST version cannot be deleted without deleting the function."
                                 : "Deletion of aliases is not currently supported.");
    if ((e = function_row_load(c, n, &r)) ||
        (e = db_one_int(c->db, "SELECT count(*) FROM lambda_aliases WHERE fn = $1 AND version = $2",
                        DB_ARGS(DB_TEXT(n->name), DB_INT(r.version)), &used)))
        return e;
    if (used)
        return function_fail(c, API_FUNCTION_CONFLICT,
                             "Version %lld of %s cannot be deleted: %lld of its aliases point to it",
                             (long long)r.version, n->name, (long long)used);
    e = db_run(c->db, "DELETE FROM lambda_versions WHERE fn = $1 AND version = $2",
               DB_ARGS(DB_TEXT(n->name), DB_INT(r.version)), NULL);
    return e ? e : function_code_drop(c, r.code_sha);
}

err_t function_delete(struct api_call *c)
{
    struct function_name n;
    err_t e = function_name_of(c, &n);

    if (!e)
        e = n.qualifier[0] ? delete_version(c, &n) : delete_all(c, n.name);
    return e;
}

/* ---- list ---- */

static err_t list_row(void *ctx, const struct db_rows *row)
{
    return function_page_row(ctx, row, "");
}

err_t function_list(struct api_call *c)
{
    static const char *const all[] = { "ALL", NULL };
    auto_page page = API_PAGE_INIT(c);
    struct function_after from;
    const char *versions = NULL;
    err_t e;

    if ((e = function_rename_error(c, api_param_enum(c, "FunctionVersion", all, &versions))) ||
        (e = function_page_read(c, &page, &from)) ||
        (e = db_each(c->db,
                     "SELECT " FUNCTION_COLUMNS " FROM lambda_versions"
                     " WHERE (fn, version) > ($1, $2) AND version <= $3 ORDER BY fn, version LIMIT $4",
                     DB_ARGS(DB_TEXT(from.name), DB_INT(from.version), DB_INT(versions ? INT64_MAX : 0),
                             DB_INT(page.size + 1)),
                     list_row, &page)))
        return e;
    return api_page_reply(&page, "Functions", "NextMarker");
}
