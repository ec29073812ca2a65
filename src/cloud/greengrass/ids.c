#include "cloud/greengrass/ids.h"

#include "base/clock.h"

#include <stdarg.h>
#include <stdio.h>

bool gg_uuid_ok(const char *s)
{
    return strlen(s) == UUID_LEN && strspn(s, "0123456789abcdef-") == UUID_LEN;
}

const char *gg_arn(const struct api_call *c, char ret[ARN_MAX], const char *fmt, ...)
{
    int n = snprintf(ret, ARN_MAX, "arn:aws:greengrass:%s:%s:/greengrass/", c->region, c->env->account);
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(ret + n, ARN_MAX - (size_t)n, fmt, ap);
    va_end(ap);
    return ret;
}

const char *gg_version_of_arn(const char *arn, const char *kind)
{
    const char *at = strstr(arn, ":/greengrass/definition/");
    size_t n = strlen(kind);

    if (strncmp(arn, "arn:", 4) != 0 || !at)
        return NULL;
    at += strlen(":/greengrass/definition/");
    if (strncmp(at, kind, n) != 0 || at[n] != '/')
        return NULL;
    at += n + 1;
    if (strlen(at) != 2 * UUID_LEN + strlen("/versions/") || strncmp(at + UUID_LEN, "/versions/", 10) != 0)
        return NULL;
    return gg_uuid_ok(at + UUID_LEN + 10) ? at + UUID_LEN + 10 : NULL;
}

void gg_set_time(json_t *j, const char *member, int64_t ms)
{
    char text[CLOCK_ISO_MAX];

    clock_iso(text, ms);
    (void)json_object_set_new(j, member, json_string(text)); /* without memory the answer lacks a time */
}

void gg_set_text(json_t *j, const char *member, const char *text)
{
    if (text)
        (void)json_object_set_new(j, member, json_string(text));
}

err_t gg_page_read(struct api_page *page, struct gg_before *ret)
{
    const char *token = api_param(page->c, "NextToken");
    char *end;
    err_t e;

    *ret = (struct gg_before){ .key = INT64_MAX };
    if ((e = api_param_size(page->c, "MaxResults", 50, 500, &page->size)) || !token)
        return e;
    ret->key = strtoll(token, &end, 10);
    if (end == token || (*end && (*end != '.' || !gg_uuid_ok(end + 1))))
        return api_fail(page->c, API_GG_INVALID_INPUT, "NextToken is not valid");
    (void)snprintf(ret->id, sizeof(ret->id), "%s", *end ? end + 1 : "");
    return ERR_OK;
}
