#include "edge/function/environment.h"

#include "base/mem.h"
#include "edge/function/command.h"
#include "edge/version.h"
#include "http/uri.h"

#include <stdio.h>
#include <string.h>

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define SYSTEM_FUNCTION(name) "arn:aws:lambda:::function:" name
#define INTERFACE_VERSION "1.5"
#define WORDS_MAX 512u
#define VALUE_MAX (GROUP_MAX_ENVIRONMENT + 16384u)

struct environment {
    struct command command;
    char **words; /* NAME=VALUE, NULL at the end */
    size_t n, cap;
    char *code_dir, *path;
};

/* ---- values ---- */

typedef err_t (*value_fn)(const struct environment_of *of, struct buf *out);

static err_t token(const struct environment_of *of, struct buf *out)
{
    return buf_add(out, of->token);
}

static err_t daemon_port(const struct environment_of *of, struct buf *out)
{
    return buf_printf(out, "%lld", (long long)of->config->gg_daemon_port);
}

static err_t arn(const struct environment_of *of, struct buf *out)
{
    return buf_add_str(out, of->function->arn);
}

static err_t encoding(const struct environment_of *of, struct buf *out)
{
    return buf_add_str(out, of->function->encoding == GROUP_BINARY ? "binary" : "json");
}

static err_t credentials_uri(const struct environment_of *of, struct buf *out)
{
    return buf_printf(out, "http://localhost:%lld/2016-11-01/credentialprovider/",
                      (long long)of->config->gg_daemon_port);
}

static err_t region(const struct environment_of *of, struct buf *out)
{
    return buf_add_str(out, of->config->region);
}

static err_t thing_name(const struct environment_of *of, struct buf *out)
{
    return buf_add_str(out, of->config->thing_name);
}

static err_t thing_arn(const struct environment_of *of, struct buf *out)
{
    return buf_add_str(out, of->config->thing_arn);
}

static err_t group_id(const struct environment_of *of, struct buf *out)
{
    return buf_add_str(out, of->group->group_id ? of->group->group_id : "");
}

static err_t endpoint(struct buf *out, const char *host, int64_t port)
{
    return buf_printf(out, "%s:%lld", host, (long long)port);
}

static err_t iot_mqtt(const struct environment_of *of, struct buf *out)
{
    return endpoint(out, of->config->iot_host, of->config->iot_mqtt_port);
}

static err_t iot_http(const struct environment_of *of, struct buf *out)
{
    return endpoint(out, of->config->iot_host, of->config->iot_http_port);
}

static err_t gg_mqtt(const struct environment_of *of, struct buf *out)
{
    return endpoint(out, of->config->gg_host, of->config->gg_mqtt_port);
}

static err_t gg_http(const struct environment_of *of, struct buf *out)
{
    return endpoint(out, of->config->gg_host, of->config->gg_http_port);
}

static err_t keep_alive(const struct environment_of *of, struct buf *out)
{
    return buf_printf(out, "%lld", (long long)of->config->keep_alive_s);
}

static err_t log_level(const struct environment_of *of, struct buf *out)
{
    return buf_add_str(out, elog_level_str(of->group->lambda_level));
}

static err_t path(const struct environment_of *of, struct buf *out)
{
    return buf_add_str(out, of->path && *of->path ? of->path : DEFAULT_PATH);
}

static err_t code_dir(const struct environment_of *of, struct buf *out)
{
    return buf_add_str(out, of->code_dir);
}

static err_t node_path(const struct environment_of *of, struct buf *out)
{
    return buf_printf(out, "%s:%s/runtime/nodejs/node_modules:%s/node_modules", of->code_dir, of->package_dir,
                      of->code_dir);
}

static err_t python_path(const struct environment_of *of, struct buf *out)
{
    return buf_printf(out, "%s/runtime/python", of->package_dir);
}

/* Of our SDK in C: a function links a stub of the same name (reference 4.5). */
static err_t library_path(const struct environment_of *of, struct buf *out)
{
    return buf_printf(out, "%s/runtime/c", of->package_dir);
}

/* http://[user:password@]host:port; nothing where there is no proxy. */
static err_t proxy(const struct environment_of *of, struct buf *out)
{
    const struct config *c = of->config;
    const char *host = c->proxy_url ? strstr(c->proxy_url, "://") : NULL;
    struct slice password = c->proxy_password ? secret_expose_bytes(c->proxy_password) : SLICE_LIT("");
    err_t e;

    if (!c->proxy_url)
        return ERR_OK;
    if (!host || !c->proxy_user || strchr(host, '@'))
        return buf_add_str(out, c->proxy_url);
    if ((e = buf_add_mem(out, c->proxy_url, (size_t)(host + 3 - c->proxy_url))) ||
        (e = http_percent_encode(out, slice_str(c->proxy_user), false)) || (e = buf_add_u8(out, ':')) ||
        (e = http_percent_encode(out, password, false)))
        return e;
    return buf_printf(out, "@%s", host + 3);
}

static err_t no_proxy(const struct environment_of *of, struct buf *out)
{
    return of->config->proxy_url && of->config->no_proxy ? buf_add_str(out, of->config->no_proxy) : ERR_OK;
}

/* ---- the table ---- */

enum whose {
    CORES,  /* a function's own value is not used */
    EITHER, /* the function's where it has one */
    BOTH,   /* the core's, a colon, the function's */
};

/* clang-format off */
static const struct variable {
    const char *name;
    enum whose whose;
    value_fn make;     /* or */
    const char *value;
} variables[] = {
    { "AWS_CONTAINER_AUTHORIZATION_TOKEN", CORES, token, NULL },
    { "GG_DAEMON_PORT", CORES, daemon_port, NULL },
    { "MY_FUNCTION_ARN", CORES, arn, NULL },
    { "ENCODING_TYPE", CORES, encoding, NULL },
    { "SHADOW_FUNCTION_ARN", CORES, NULL, SYSTEM_FUNCTION("GGShadowService") },
    { "ROUTER_FUNCTION_ARN", CORES, NULL, SYSTEM_FUNCTION("GGRouter") },
    { "SECRETS_MANAGER_FUNCTION_ARN", CORES, NULL, SYSTEM_FUNCTION("GGSecretManager:1") },
    { "GGC_MAX_INTERFACE_VERSION", CORES, NULL, INTERFACE_VERSION },
    { "GGC_VERSION", CORES, NULL, EDGE_GGC_VERSION },
    { "AWS_CONTAINER_CREDENTIALS_FULL_URI", CORES, credentials_uri, NULL },
    { "AWS_REGION", CORES, region, NULL },
    { "AWS_DEFAULT_REGION", CORES, region, NULL },
    { "AWS_IOT_THING_NAME", CORES, thing_name, NULL },
    { "AWS_IOT_THING_ARN", CORES, thing_arn, NULL },
    { "GROUP_ID", CORES, group_id, NULL },
    { "AWS_GREENGRASS_GROUP_NAME", CORES, group_id, NULL }, /* the name is not in group.json */
    { "AWS_IOT_MQTT_ENDPOINT", CORES, iot_mqtt, NULL },
    { "AWS_IOT_HTTP_ENDPOINT", CORES, iot_http, NULL },
    { "AWS_GG_MQTT_ENDPOINT", CORES, gg_mqtt, NULL },
    { "AWS_GG_HTTP_ENDPOINT", CORES, gg_http, NULL },
    { "GG_MQTT_KEEP_ALIVE", CORES, keep_alive, NULL },
    { "_GG_LOG_FD_INFO", CORES, NULL, "1" },
    { "_GG_LOG_FD_ERROR", CORES, NULL, "2" },
    { "_GG_LOG_FD_DEBUG", CORES, NULL, "3" },
    { "_GG_LOG_FD_WARN", CORES, NULL, "4" },
    { "_GG_LOG_FD_FATAL", CORES, NULL, "5" },
    { "_GG_LOG_FD_TRACE", CORES, NULL, "6" },
    { "LOG_LEVEL", EITHER, log_level, NULL },
    { "PATH", EITHER, path, NULL },
    { "HOME", EITHER, code_dir, NULL },
    { "LANG", EITHER, NULL, "C.UTF-8" },
    { "PWD", CORES, code_dir, NULL },
    { "NODE_PATH", BOTH, node_path, NULL },
    { "PYTHONPATH", BOTH, python_path, NULL },
    { "LD_LIBRARY_PATH", BOTH, library_path, NULL },
    { "http_proxy", EITHER, proxy, NULL },
    { "https_proxy", EITHER, proxy, NULL },
    { "no_proxy", EITHER, no_proxy, NULL },
    { "HTTP_PROXY", EITHER, proxy, NULL },
    { "HTTPS_PROXY", EITHER, proxy, NULL },
    { "NO_PROXY", EITHER, no_proxy, NULL },
};
/* clang-format on */

static const struct variable *known(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(variables); i++) {
        if (strcmp(variables[i].name, name) == 0)
            return &variables[i];
    }
    return NULL;
}

static const char *of_function(const struct group_function *f, const char *name)
{
    for (size_t i = 0; i < f->variable_count; i++) {
        if (strcmp(f->variables[i].name, name) == 0)
            return f->variables[i].value;
    }
    return NULL;
}

/* ---- putting together ---- */

static err_t add(struct environment *e, const char *name, const char *value)
{
    err_t err = mem_grow(&e->words, &e->cap, e->n + 2, WORDS_MAX + 1, sizeof(*e->words));

    if (err)
        return err;
    if (!(e->words[e->n] = mem_printf("%s=%s", name, value)))
        return ERR_NOMEM;
    e->n++;
    return ERR_OK;
}

/* A variable that would be empty is left out: an empty http_proxy is not the same as none. */
static err_t add_known(struct environment *e, const struct environment_of *of, const struct variable *v)
{
    const char *own = v->whose == CORES ? NULL : of_function(of->function, v->name);
    autobuf text = BUF_SECRET(VALUE_MAX);
    err_t err = ERR_OK;

    if (own && v->whose == EITHER)
        return add(e, v->name, own);
    if (v->value)
        return add(e, v->name, v->value);
    err = v->make(of, &text);
    if (!err && own && *own)
        err = buf_printf(&text, ":%s", own);
    return err || !text.n ? err : add(e, v->name, buf_str(&text));
}

static err_t add_all(struct environment *e, const struct environment_of *of)
{
    const struct group_function *f = of->function;
    err_t err = ERR_OK;

    for (size_t i = 0; i < ARRAY_LEN(variables) && !err; i++)
        err = add_known(e, of, &variables[i]);
    for (size_t i = 0; i < f->variable_count && !err; i++)
        if (!known(f->variables[i].name))
            err = add(e, f->variables[i].name, f->variables[i].value);
    return err;
}

err_t environment_new(const struct environment_of *of, struct environment **ret)
{
    struct environment *e = mem_calloc(1, sizeof(*e));
    err_t err;

    if (!e)
        return ERR_NOMEM;
    e->code_dir = mem_strdup(of->code_dir);
    e->path = mem_strdup(of->path && *of->path ? of->path : DEFAULT_PATH);
    err = e->code_dir && e->path ? add_all(e, of) : ERR_NOMEM;
    err = err ? err : command_make(of->function, of->package_dir, of->code_dir, &e->command, NULL);
    if (err) {
        environment_free(e);
        return err;
    }
    *ret = e;
    return ERR_OK;
}

void environment_free(struct environment *e)
{
    if (!e)
        return;
    for (size_t i = 0; i < e->n; i++) {
        mem_wipe(e->words[i], strlen(e->words[i]));
        free(e->words[i]);
    }
    free(e->words);
    command_done(&e->command);
    free(e->code_dir);
    free(e->path);
    free(e);
}

struct runner_command environment_command(const struct environment *e)
{
    return (struct runner_command){ .program = e->command.program,
                                    .argv = (const char *const *)e->command.argv,
                                    .envp = (const char *const *)e->words,
                                    .cwd = e->code_dir,
                                    .path = e->path,
                                    .uid = -1,
                                    .gid = -1 };
}
