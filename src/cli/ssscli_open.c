#include "cli/ssscli_open.h"

#include "se/keyset.h"

#include <string.h>

static void say_hello(const struct cli *cli)
{
    struct se_version v = se_chip_version(cli->chip);
    struct se_channel channel = se_chip_channel(cli->chip);

    fprintf(stderr, "port %s, applet %u.%u.%u, features %04x\n", se_chip_port(cli->chip), v.major, v.minor,
            v.patch, v.config);
    if (channel.on)
        fprintf(stderr, "secure channel with keys %s%s\n", channel.keys,
                channel.published ? ", which are published: no secrecy" : "");
}

/* Which keys PlatformSCP means without --scpkey: the configured ones, else whichever published set fits. */
static err_t default_keys(const char **ret)
{
    struct se_keysets sets;
    err_t e = se_keysets_find(NULL, &sets);

    if (e)
        return e;
    *ret = sets.n ? NULL : "auto";
    se_keysets_wipe(&sets);
    return ERR_OK;
}

err_t cli_open_chip(struct cli *cli, const struct cli_session *s)
{
    struct se_chip_options options = { .port = strcmp(s->port, "none") == 0 ? NULL : s->port,
                                       .scp03 = s->platform_scp ? s->scp_keys : NULL };
    err_t e = s->auth == CLI_AUTH_NONE
                  ? ERR_OK
                  : cli_fail(ERR_UNSUPPORTED, "authenticated sessions are not supported yet");

    if (!e && s->platform_scp && strcmp(s->scp_keys, CLI_DEFAULT_KEYS) == 0)
        e = default_keys(&options.scp03);
    if (!e)
        e = se_chip_open_options(&options, &cli->chip);
    if (!e && cli->verbose)
        say_hello(cli);
    return e;
}

err_t cli_open_session(struct cli *cli)
{
    struct cli_session session;
    err_t e = cli_session_load(&session);

    return e ? e : cli_open_chip(cli, &session);
}
