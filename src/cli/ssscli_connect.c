/* ssscli connect, disconnect. */
#include "cli/ssscli_commands.h"
#include "cli/ssscli_session.h"
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

static const struct word auth_types[] = {
    { "None", NULL },
    { "PlatformSCP", "secure channels are not supported yet" },
    { "UserID", "authenticated sessions are not supported yet" },
    { "ECKey", "authenticated sessions are not supported yet" },
    { "AESKey", "authenticated sessions are not supported yet" },
    { "UserID_PlatformSCP", "secure channels are not supported yet" },
    { "ECKey_PlatformSCP", "secure channels are not supported yet" },
    { "AESKey_PlatformSCP", "secure channels are not supported yet" },
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

/* A relative socket path means something else in the next command's folder. */
static err_t absolute(const char *port, char out[SE_PORT_TEXT_MAX])
{
    char cwd[SE_PORT_PATH_MAX];
    const char *path = port + strlen(VSE_PREFIX);
    int n;

    if (strncmp(port, VSE_PREFIX, strlen(VSE_PREFIX)) != 0 || path[0] == '/')
        n = snprintf(out, SE_PORT_TEXT_MAX, "%s", port);
    else if (getcwd(cwd, sizeof(cwd)))
        n = snprintf(out, SE_PORT_TEXT_MAX, VSE_PREFIX "%s/%s", cwd, path);
    else
        n = -1;
    if (n < 0 || n >= SE_PORT_TEXT_MAX)
        return cli_fail(ERR_TOO_BIG, "port \"%.60s\": the path is too long", port);
    return ERR_OK;
}

err_t cli_connect(struct cli *cli)
{
    const char *auth = cli->options[CLI_AUTH_TYPE];
    struct cli_session session;
    struct se_port port;
    err_t e = check_word("SUBSYSTEM", cli->args[0], subsystems, ARRAY_LEN(subsystems));

    if (!e)
        e = check_word("METHOD", cli->args[1], methods, ARRAY_LEN(methods));
    if (!e && auth)
        e = check_word("--auth_type", auth, auth_types, ARRAY_LEN(auth_types));
    if (!e && cli->options[CLI_SCPKEY])
        e = cli_fail(ERR_UNSUPPORTED, "--scpkey: secure channels are not supported yet");
    if (!e)
        e = absolute(strcasecmp(cli->args[2], "none") == 0 ? "none" : cli->args[2], session.port);
    if (!e && strcmp(session.port, "none") != 0)
        e = se_port_parse(session.port, &port);
    if (!e) /* a session with a chip that does not answer would only move the failure elsewhere */
        e = cli_open_chip(cli, session.port);
    return e ? e : cli_session_save(&session);
}

err_t cli_disconnect(struct cli *cli)
{
    return cli_session_remove();
}
