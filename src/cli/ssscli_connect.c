/* ssscli connect, disconnect. */
#include "cli/ssscli_commands.h"
#include "cli/ssscli_open.h"
#include "se/detail.h"

#include <string.h>
#include <strings.h>
#include <unistd.h>

#define VSE_PREFIX "vse:"

/* Words NXP's tool knows. What is not offered says so instead of looking like a typing error. */
struct word {
    const char *name;
    const char *refusal; /* NULL: offered */
};

static const struct word subsystems[] = {
    { "se05x", NULL },
    { "se050", NULL },
    { "se051", NULL },
    { "auth", "EdgeLock A5000 is not supported" },
    { "a71ch", "the A71CH is not supported" },
    { "mbedtls", "keys in files have better tools" },
    { "openssl", "keys in files have better tools" },
};

static const struct word methods[] = {
    { "t1oi2c", NULL },
    { "none", "an SE05x is reached by t1oi2c" },
    { "sci2c", "an SE05x is reached by t1oi2c" },
    { "vcom", "virtual COM ports are not supported; use t1oi2c" },
    { "jrcpv1", "remote ports are not supported; use t1oi2c" },
    { "jrcpv2", "remote ports are not supported; use t1oi2c" },
    { "pcsc", "card readers are not supported; use t1oi2c" },
};

static err_t check_word(const char *what, const char *word, const struct word *known, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcasecmp(known[i].name, word) != 0)
            continue;
        return known[i].refusal
                   ? cli_fail(ERR_UNSUPPORTED, "%s %s: %s", what, known[i].name, known[i].refusal)
                   : ERR_OK;
    }
    return cli_fail_usage("Invalid value for '%s': '%.40s' is not known.", what, word);
}

/* A relative path means something else in the next command's folder. */
static err_t absolute(const char *what, const char *path, const char *prefix, char *out, size_t room)
{
    char cwd[CLI_PATH_MAX];
    int n;

    if (path[0] == '/')
        n = snprintf(out, room, "%s%s", prefix, path);
    else if (getcwd(cwd, sizeof(cwd)))
        n = snprintf(out, room, "%s%s/%s", prefix, cwd, path);
    else
        n = -1;
    if (n < 0 || (size_t)n >= room || strchr(out, '\n'))
        return cli_fail(ERR_TOO_BIG, "%s \"%.60s\": the path is too long or has a line end in it", what,
                        path);
    return ERR_OK;
}

static err_t take_port(const char *port, struct cli_session *s)
{
    struct se_port parsed;
    err_t e;

    if (strcasecmp(port, "none") == 0)
        port = "none";
    if (strncmp(port, VSE_PREFIX, strlen(VSE_PREFIX)) == 0)
        e = absolute("port", port + strlen(VSE_PREFIX), VSE_PREFIX, s->port, sizeof(s->port));
    else
        e = snprintf(s->port, sizeof(s->port), "%s", port) >= (int)sizeof(s->port)
                ? cli_fail(ERR_TOO_BIG, "port \"%.60s\" is too long", port)
                : ERR_OK;
    return e || strcmp(s->port, "none") == 0 ? e : se_port_parse(s->port, &parsed);
}

/* --scpkey, else EX_SSS_BOOT_SCP03_PATH or the configuration as each command finds them, else a published
 * set. */
static err_t take_scp_keys(const struct cli *cli, struct cli_session *s)
{
    const char *file = cli->options[CLI_SCPKEY];

    if (!s->platform_scp)
        return file ? cli_fail_usage("Option '--scpkey' needs '--auth_type PlatformSCP' or one of its kin.")
                    : ERR_OK;
    if (file)
        return absolute("--scpkey", file, "", s->scp_keys, sizeof(s->scp_keys));
    memcpy(s->scp_keys, CLI_DEFAULT_KEYS, sizeof(CLI_DEFAULT_KEYS));
    return ERR_OK;
}

static err_t take_auth(const struct cli *cli, struct cli_session *s)
{
    static const uint32_t demo_ids[] = {
        [CLI_AUTH_USERID] = 0x7da00001, [CLI_AUTH_AESKEY] = 0x7da00002, [CLI_AUTH_ECKEY] = 0x7da00003
    };
    const char *type = cli->options[CLI_AUTH_TYPE], *id = cli->options[CLI_AUTH_ID],
               *key = cli->options[CLI_AUTH_KEY];
    err_t e;

    if (type && cli_session_auth_parse(type, s))
        return cli_fail_usage("Invalid value for '--auth_type': '%.40s' is not known.", type);
    if (s->auth == CLI_AUTH_NONE)
        return id || key ? cli_fail_usage("Options '--auth_id' and '--auth_key' need an '--auth_type' that "
                                          "authenticates.")
                         : ERR_OK;
    s->auth_id = demo_ids[s->auth];
    e = id ? cli_key_id(id, &s->auth_id) : ERR_OK;
    if (!e && key)
        e = absolute("--auth_key", key, "", s->auth_key, sizeof(s->auth_key));
    if (!e && s->auth == CLI_AUTH_ECKEY && !key)
        e = cli_fail_usage(
            "Option '--auth_type %s' needs '--auth_key', an EC private key: there is no published one.",
            type);
    return e;
}

err_t cli_connect(struct cli *cli)
{
    struct cli_session session = { .port = "" };
    err_t e = check_word("SUBSYSTEM", cli->args[0], subsystems, ARRAY_LEN(subsystems));

    if (!e)
        e = check_word("METHOD", cli->args[1], methods, ARRAY_LEN(methods));
    if (!e)
        e = take_auth(cli, &session);
    if (!e)
        e = take_scp_keys(cli, &session);
    if (!e)
        e = take_port(cli->args[2], &session);
    if (!e) /* a session with a chip that does not answer would only move the failure elsewhere */
        e = cli_open_chip(cli, &session);
    return e ? e : cli_session_save(&session);
}

err_t cli_disconnect(struct cli *cli)
{
    (void)cli;
    return cli_session_remove();
}
