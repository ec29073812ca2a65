/* Where AWS tools look for credentials: the environment, then the shared credentials file. */
#include "base/file.h"
#include "base/mem.h"
#include "cli/sedgectl_aws.h"

#include <stdio.h>
#include <stdlib.h>

#define FILE_MAX 65536u

void aws_account_done(struct aws_account *a)
{
    free(a->access_key_id);
    secret_free(a->secret_key);
    free(a->session_token);
    free(a->region);
    *a = (struct aws_account){ 0 };
}

static const char *env(const char *name)
{
    const char *v = secure_getenv(name);

    return v && *v ? v : NULL;
}

static struct slice trim(struct slice s)
{
    while (s.n && strchr(" \t", s.p[0]))
        s = slice_skip(s, 1);
    while (s.n && strchr(" \t\r", s.p[s.n - 1]))
        s.n--;
    return s;
}

static err_t keep(struct aws_account *a, struct slice name, struct slice value)
{
    if (slice_eq(name, SLICE_LIT("aws_access_key_id")) && !a->access_key_id)
        return (a->access_key_id = mem_str(value)) ? ERR_OK : ERR_NOMEM;
    if (slice_eq(name, SLICE_LIT("aws_secret_access_key")) && !a->secret_key)
        return secret_new(value, &a->secret_key);
    if (slice_eq(name, SLICE_LIT("aws_session_token")) && !a->session_token)
        return (a->session_token = mem_str(value)) ? ERR_OK : ERR_NOMEM;
    return ERR_OK;
}

/* One line of the file; `inside` tells whether the wanted profile's section is open. */
static err_t take_line(struct aws_account *a, struct slice line, const char *profile, bool *inside)
{
    const uint8_t *eq;

    line = trim(line);
    if (line.n > 2 && line.p[0] == '[' && line.p[line.n - 1] == ']') {
        *inside = slice_eq(trim(slice_of(line.p + 1, line.n - 2)), slice_str(profile));
        return ERR_OK;
    }
    eq = line.n ? memchr(line.p, '=', line.n) : NULL;
    if (!*inside || !eq || line.p[0] == '#')
        return ERR_OK;
    size_t n = (size_t)(eq - line.p);
    return keep(a, trim(slice_head(line, n)), trim(slice_skip(line, n + 1)));
}

static err_t read_profile(struct aws_account *a, struct slice text, const char *profile)
{
    bool inside = false;
    err_t e = ERR_OK;

    while (text.n && !e) {
        const uint8_t *end = memchr(text.p, '\n', text.n);
        size_t n = end ? (size_t)(end - text.p) : text.n;
        e = take_line(a, slice_head(text, n), profile, &inside);
        text = slice_skip(text, n + 1);
    }
    return e;
}

static err_t read_file(struct aws_account *a, char *why)
{
    const char *named = env("AWS_SHARED_CREDENTIALS_FILE"), *home = env("HOME");
    const char *profile = env("AWS_PROFILE") ? env("AWS_PROFILE") : "default";
    autofree char *path = named ? mem_strdup(named) : mem_printf("%s/.aws/credentials", home ? home : "");
    autobuf text = BUF_SECRET(FILE_MAX);
    err_t e = path ? file_read(path, &text) : ERR_NOMEM;

    if (e) {
        (void)snprintf(why, AWS_WHY_MAX,
                       "no AWS credentials: %s: %s; set AWS_SHARED_CREDENTIALS_FILE (the cloud's "
                       "DIR/admin-credentials), or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
                       path ? path : "", err_str(e));
        return e;
    }
    if ((e = read_profile(a, buf_slice(&text), profile)))
        return e;
    if (a->access_key_id && a->secret_key)
        return ERR_OK;
    (void)snprintf(why, AWS_WHY_MAX, "%s: profile [%s] has no aws_access_key_id and aws_secret_access_key",
                   path, profile);
    return ERR_INVALID;
}

static err_t read_env(struct aws_account *a)
{
    err_t e;

    if (!(a->access_key_id = mem_strdup(env("AWS_ACCESS_KEY_ID"))))
        return ERR_NOMEM;
    if ((e = secret_new(slice_str(env("AWS_SECRET_ACCESS_KEY")), &a->secret_key)))
        return e;
    if (env("AWS_SESSION_TOKEN") && !(a->session_token = mem_strdup(env("AWS_SESSION_TOKEN"))))
        return ERR_NOMEM;
    return ERR_OK;
}

err_t aws_account_find(struct aws_account *ret, char *why)
{
    const char *region = env("AWS_DEFAULT_REGION") ? env("AWS_DEFAULT_REGION") : env("AWS_REGION");

    *ret = (struct aws_account){ 0 };
    if (!region) {
        (void)snprintf(
            why, AWS_WHY_MAX,
            "no region: set AWS_DEFAULT_REGION, to the cloud's --region (us-east-1 unless told otherwise)");
        return ERR_NOT_FOUND;
    }
    if (!(ret->region = mem_strdup(region)))
        return ERR_NOMEM;
    if (env("AWS_ACCESS_KEY_ID") && env("AWS_SECRET_ACCESS_KEY"))
        return read_env(ret);
    return read_file(ret, why);
}
