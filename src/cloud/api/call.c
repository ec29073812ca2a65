#include "cloud/api/call.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "cloud/registry/members.h"

#include <stdarg.h>
#include <stdio.h>

#define PARAMS_MAX 96u

void api_call_init(struct api_call *c, const struct cloud_env *env, const struct api_op *op)
{
    *c = (struct api_call){ .env = env, .op = op, .now_ms = clock_wall_ms() };
    (void)snprintf(c->region, sizeof(c->region), "%s", env->region);
    buf_init(&c->text, API_REPLY_MAX);
    buf_init(&c->raw, API_REPLY_MAX);
    c->text.secret = op && (op->flags & API_NEEDS_KEY);
    c->key_private = BUF_SECRET(API_KEY_MAX);
    c->key_public = BUF_INIT(API_KEY_MAX);
}

void api_call_reset(struct api_call *c)
{
    json_decref(c->reply);
    json_decref(c->error_members);
    c->reply = c->error_members = NULL;
    c->content_type = NULL;
    free(c->moved);
    c->moved = NULL;
    c->error = API_OK;
    c->message[0] = 0;
    buf_clear(&c->text);
    effects_clear(&c->effects);
}

void api_call_done(struct api_call *c)
{
    api_call_reset(c);
    for (size_t i = 0; i < c->n_params; i++) {
        free(c->params[i].name);
        free(c->params[i].value);
    }
    free(c->params);
    free(c->cert_id);
    free(c->caller.policy);
    free(c->moved);
    policy_vars_done(&c->vars);
    json_decref(c->body);
    buf_done(&c->raw);
    buf_done(&c->text);
    buf_done(&c->key_private);
    buf_done(&c->key_public);
}

err_t api_call_add(struct api_call *c, const char *name, const char *value)
{
    autofree char *n = mem_strdup(name), *v = mem_strdup(value);
    err_t e;

    if (!n || !v)
        return ERR_NOMEM;
    if ((e = mem_grow(&c->params, &c->cap_params, c->n_params + 1, PARAMS_MAX, sizeof(*c->params))))
        return e;
    c->params[c->n_params++] = (struct api_param){ steal(&n), steal(&v) };
    return ERR_OK;
}

const char *api_param(const struct api_call *c, const char *name)
{
    for (size_t i = 0; i < c->n_params; i++) {
        if (strcmp(c->params[i].name, name) == 0)
            return c->params[i].value;
    }
    return NULL;
}

err_t api_param_bool(struct api_call *c, const char *name, bool *ret)
{
    const char *v = api_param(c, name);

    if (v && strcmp(v, "true") != 0 && strcmp(v, "false") != 0)
        return api_fail(c, API_INVALID_REQUEST, "'%.40s' must be true or false, got '%.40s'", name, v);
    if (v)
        *ret = v[0] == 't';
    return ERR_OK;
}

err_t api_param_int(struct api_call *c, const char *name, int64_t *ret)
{
    const char *v = api_param(c, name);
    size_t n = v ? strlen(v) : 0;

    if (!v)
        return ERR_OK;
    if (n == 0 || n > 18 || strspn(v, "0123456789") != n)
        return api_fail(c, API_INVALID_REQUEST, "'%.40s' must be a whole number, got '%.40s'", name, v);
    *ret = strtoll(v, NULL, 10);
    return ERR_OK;
}

err_t api_param_size(struct api_call *c, const char *name, int64_t def, int64_t max, int64_t *ret)
{
    const char *v = api_param(c, name);
    char *end;
    long long n;

    if (!v) {
        *ret = def;
        return ERR_OK;
    }
    n = strtoll(v, &end, 10);
    if (*end || end == v || n < 1 || n > max)
        return api_fail(c, API_INVALID_REQUEST, "'%.40s' must be a number from 1 to %lld, got '%.40s'", name,
                        (long long)max, v);
    *ret = n;
    return ERR_OK;
}

void api_note(struct api_call *c, enum api_error e, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(c->message, sizeof(c->message), fmt, ap);
    va_end(ap);
    c->error = e;
}

err_t api_fail_exists(struct api_call *c, const char *arn, const char *id, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(c->message, sizeof(c->message), fmt, ap);
    va_end(ap);
    c->error = API_EXISTS;
    c->error_members = json_pack("{s:s,s:s}", "resourceId", id, "resourceArn", arn);
    return ERR_EXISTS;
}

err_t api_reply(struct api_call *c, json_t *j)
{
    if (!j)
        return ERR_NOMEM;
    c->reply = j;
    return ERR_OK;
}

json_t *api_seconds(int64_t ms)
{
    return json_real((double)ms / 1000.0);
}

static err_t write_answer(struct api_call *c)
{
    if (c->text.n)
        return ERR_OK;
    return c->reply ? json_write(&c->text, c->reply, 0) : buf_add_str(&c->text, "{}");
}

err_t api_call_run(struct api_call *c, struct db *db)
{
    bool refused;
    err_t e;

    api_call_reset(c);
    c->db = db;
    e = c->authorize ? c->authorize(c) : ERR_OK;
    refused = e && c->error;
    if (!e && !(c->op->flags & (API_GREENGRASS | API_RAW_BODY)))
        e = members_check(c);
    if (!e)
        e = c->op->run(c);
    if (!e)
        e = write_answer(c);
    if (e && !c->error) {
        log_error("api op=%s failed: %s (database: %s)", c->op->name, err_str(e), db_error(db));
        api_note(c, API_INTERNAL, "internal failure");
    }
    c->db = NULL;
    return refused ? ERR_OK : e;
}

err_t api_call_after(struct api_call *c, struct gateway *gw, api_late_fn late, void *ctx)
{
    err_t e = c->op->after(c, gw, late, ctx);

    if (!e && c->reply) {
        buf_clear(&c->text);
        e = write_answer(c);
    }
    if (e && e != ERR_MORE && !c->error) {
        log_error("api op=%s failed: %s", c->op->name, err_str(e));
        api_note(c, API_INTERNAL, "internal failure");
    }
    return e;
}
