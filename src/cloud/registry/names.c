#include "cloud/registry/names.h"

#include <ctype.h>
#include <stdio.h>

static bool all_of(const char *s, size_t max, const char *more)
{
    size_t n = 0;

    for (; s[n]; n++) {
        if (n >= max || !(isalnum((unsigned char)s[n]) || strchr(more, s[n])))
            return false;
    }
    return n > 0;
}

bool name_thing_ok(const char *s)
{
    return all_of(s, 128, ":_-");
}

bool name_policy_ok(const char *s)
{
    return all_of(s, 128, "_+=,.@-");
}

bool name_alias_ok(const char *s)
{
    return all_of(s, 128, "_=,@-");
}

bool name_cert_ok(const char *s)
{
    return strlen(s) == CERT_ID_LEN && strspn(s, "0123456789abcdef") == CERT_ID_LEN;
}

static err_t checked(struct api_call *c, const char *param, bool (*ok)(const char *), const char *pattern,
                     const char **ret)
{
    const char *v = api_param(c, param);

    if (!v || !ok(v))
        return api_fail(
            c, API_INVALID_REQUEST,
            "1 validation error detected: Value '%.140s' at '%s' failed to satisfy constraint: Member must "
            "satisfy regular expression pattern: %s",
            v ? v : "null", param, pattern);
    *ret = v;
    return ERR_OK;
}

err_t name_thing(struct api_call *c, const char *param, const char **ret)
{
    return checked(c, param, name_thing_ok, "[a-zA-Z0-9:_-]{1,128}", ret);
}

err_t name_thing_optional(struct api_call *c, const char *param, const char **ret)
{
    *ret = NULL;
    return api_param(c, param) ? name_thing(c, param, ret) : ERR_OK;
}

err_t name_policy(struct api_call *c, const char *param, const char **ret)
{
    return checked(c, param, name_policy_ok, "[\\w+=,.@-]{1,128}", ret);
}

err_t name_alias(struct api_call *c, const char *param, const char **ret)
{
    return checked(c, param, name_alias_ok, "[\\w=,@-]{1,128}", ret);
}

err_t name_cert(struct api_call *c, const char *param, const char **ret)
{
    return checked(c, param, name_cert_ok, "[a-f0-9]{64}", ret);
}

const char *arn_iot(const struct api_call *c, const char *kind, const char *name, char ret[ARN_MAX])
{
    (void)snprintf(ret, ARN_MAX, "arn:aws:iot:%s:%s:%s/%s", c->region, c->env->account, kind, name);
    return ret;
}

const char *arn_name(const struct cloud_env *env, const char *arn, const char *kind)
{
    static const char *const want[] = { "arn", NULL, "iot", NULL };
    size_t n;

    for (size_t i = 0; i < 4; i++) {
        n = strcspn(arn, ":");
        if (!arn[n] || n == 0 || (want[i] && (strlen(want[i]) != n || strncmp(arn, want[i], n) != 0)))
            return NULL;
        arn += n + 1;
    }
    n = strlen(env->account);
    if (strncmp(arn, env->account, n) != 0 || arn[n] != ':')
        return NULL;
    arn += n + 1;
    n = strlen(kind);
    return strncmp(arn, kind, n) == 0 && arn[n] == '/' && arn[n + 1] ? arn + n + 1 : NULL;
}

err_t name_or_arn(struct api_call *c, const char *name_member, const char *arn_member, const char *kind,
                  const char **ret)
{
    const char *name = json_get_str(c->body, name_member), *arn = json_get_str(c->body, arn_member);
    const char *of_arn = arn ? arn_name(c->env, arn, kind) : NULL;

    if (!name && !arn)
        return api_fail(c, API_INVALID_REQUEST, "%s or %s is required", name_member, arn_member);
    if (arn && !of_arn)
        return api_fail(c, API_INVALID_REQUEST, "%s '%.200s' is not an ARN of this account's", arn_member,
                        arn);
    if (name && of_arn && strcmp(name, of_arn) != 0)
        return api_fail(c, API_INVALID_REQUEST, "%s and %s name different resources", name_member,
                        arn_member);
    *ret = name ? name : of_arn;
    return name_thing_ok(*ret) ? ERR_OK
                               : api_fail(c, API_INVALID_REQUEST, "%s is not a valid name", name_member);
}
