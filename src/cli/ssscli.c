/* ssscli: main. */
#include "cli/ssscli.h"
#include "cli/ssscli_session.h"
#include "se/detail.h"

#include <string.h>

err_t cli_open_chip(struct cli *cli, const char *port)
{
    struct se_version v;
    err_t e = se_chip_open(strcmp(port, "none") == 0 ? NULL : port, &cli->chip);

    if (e || !cli->verbose)
        return e;
    v = se_chip_version(cli->chip);
    fprintf(stderr, "port %s, applet %u.%u.%u, features %04x\n", se_chip_port(cli->chip), v.major, v.minor,
            v.patch, v.config);
    return ERR_OK;
}

static err_t open_session(struct cli *cli)
{
    struct cli_session session;
    err_t e = cli_session_load(&session);

    return e ? e : cli_open_chip(cli, session.port);
}

static err_t run(struct cli *cli)
{
    const struct cli_command *c = cli->command;
    err_t e = ERR_OK;

    if (c->args[0] && strcmp(c->args[0], "KEYID") == 0)
        e = cli_key_id(cli->args[0], &cli->id);
    if (!e)
        e = crypto_ctx_new(NULL, &cli->crypto);
    if (!e && !c->no_session)
        e = open_session(cli);
    return e ? e : c->run(cli);
}

int main(int argc, char **argv)
{
    struct cli cli = { 0 };
    int status;
    err_t e;

    if (crypto_process_init(true)) {
        fputs("Error: cannot prepare memory for keys\n", stderr);
        return 1;
    }
    if (cli_parse(&cli, argc, argv, &status))
        return status;
    e = run(&cli);
    status = cli_report(&cli, e);
    se_chip_close(cli.chip);
    crypto_ctx_free(cli.crypto);
    return status;
}
