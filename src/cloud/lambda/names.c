#include "cloud/lambda/names.h"

#include "base/mem.h"

#include <stdio.h>

#define DIGITS "0123456789"
#define NAME_BYTES DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"
#define VERSION_DIGITS_MAX 9u

static bool made_of(const char *s, const char *bytes, size_t max)
{
    size_t n = strlen(s);

    return n >= 1 && n <= max && strspn(s, bytes) == n;
}

bool function_alias_ok(const char *s)
{
    return made_of(s, NAME_BYTES, FUNCTION_QUALIFIER_MAX) && strspn(s, DIGITS) != strlen(s);
}

bool function_version_ok(const char *s)
{
    return made_of(s, DIGITS, VERSION_DIGITS_MAX) && *s != '0';
}

static bool qualifier_ok(const char *s)
{
    return strcmp(s, FUNCTION_LATEST) == 0 || function_alias_ok(s) || function_version_ok(s);
}

/* Is `text` "WHAT:..."? Then *rest is what follows. */
static bool starts(const char *text, const char *what, const char **rest)
{
    size_t n = strlen(what);

    if (strncmp(text, what, n) != 0 || text[n] != ':')
        return false;
    *rest = text + n + 1;
    return true;
}

/* NAME or NAME:QUALIFIER behind what may stand before it. */
static const char *skip_account(const struct cloud_env *env, const char *text)
{
    const char *rest = text;

    if (strncmp(rest, "arn:", 4) == 0) {
        for (int colons = 0; colons < 4; colons++) /* arn:PARTITION:lambda:REGION: */
            if (!(rest = strchr(rest, ':')) || !*++rest)
                return NULL;
        if (!strstr(text, ":lambda:") || !starts(rest, env->account, &rest))
            return NULL;
        return starts(rest, "function", &rest) ? rest : NULL;
    }
    if (starts(rest, env->account, &rest) && !starts(rest, "function", &rest))
        return NULL;
    (void)starts(rest, "function", &rest);
    return rest;
}

err_t function_name_parse(const struct cloud_env *env, const char *text, struct function_name *ret)
{
    struct function_name n = { .name = "" };
    const char *rest = skip_account(env, text), *colon;

    if (!rest)
        return ERR_INVALID;
    colon = strchrnul(rest, ':');
    if ((size_t)(colon - rest) >= sizeof(n.name) || strlen(colon) > sizeof(n.qualifier))
        return ERR_INVALID;
    (void)snprintf(n.name, sizeof(n.name), "%.*s", (int)(colon - rest), rest);
    if (*colon)
        (void)snprintf(n.qualifier, sizeof(n.qualifier), "%s", colon + 1);
    if (!made_of(n.name, NAME_BYTES, FUNCTION_NAME_MAX) || (*colon && !qualifier_ok(n.qualifier)))
        return ERR_INVALID;
    *ret = n;
    return ERR_OK;
}

err_t function_name_of(struct api_call *c, struct function_name *ret)
{
    const char *text = api_param(c, "FunctionName"), *qualifier = api_param(c, "Qualifier");

    if (!text || function_name_parse(c->env, text, ret))
        return function_fail(c, API_FUNCTION_PARAMETER,
                             "'%.170s' names no function: NAME, NAME:QUALIFIER or an ARN of this account",
                             text ? text : "");
    if (!qualifier || !*qualifier)
        return ERR_OK;
    if (!qualifier_ok(qualifier))
        return function_fail(c, API_FUNCTION_PARAMETER, "'%.128s' is neither a version nor an alias",
                             qualifier);
    if (ret->qualifier[0] && strcmp(ret->qualifier, qualifier) != 0)
        return function_fail(
            c, API_FUNCTION_PARAMETER,
            "The derived qualifier from the function name does not match the specified qualifier.");
    (void)snprintf(ret->qualifier, sizeof(ret->qualifier), "%s", qualifier);
    return ERR_OK;
}

const char *function_arn(const struct api_call *c, const char *name, const char *qualifier, char ret[ARN_MAX])
{
    (void)snprintf(ret, ARN_MAX, "arn:aws:lambda:%s:%s:function:%s%s%s", c->region, c->env->account, name,
                   *qualifier ? ":" : "", qualifier);
    return ret;
}

err_t function_fail_type(struct api_call *c)
{
    json_decref(c->error_members);
    c->error_members = json_pack("{s:s}", "Type", "User"); /* without it the answer is poorer, not wrong */
    return ERR_INVALID;
}

err_t function_not_found(struct api_call *c, const char *name, const char *qualifier)
{
    char arn[ARN_MAX];

    return function_fail(c, API_NOT_FOUND, "Function not found: %s", function_arn(c, name, qualifier, arn));
}

err_t function_rename_error(struct api_call *c, err_t e)
{
    if (e && c->error == API_INVALID_REQUEST) {
        c->error = API_FUNCTION_PARAMETER;
        return function_fail_type(c);
    }
    return e;
}
