/* ssscli: main. */
#include "cli/ssscli.h"
#include "cli/ssscli_open.h"

#include <string.h>

static err_t run(struct cli *cli)
{
    const struct cli_command *c = cli->command;
    err_t e = ERR_OK;

    if (c->args[0] && strcmp(c->args[0], "KEYID") == 0)
        e = cli_key_id(cli->args[0], &cli->id);
    if (!e)
        e = crypto_ctx_new(NULL, &cli->crypto);
    if (!e && !c->no_chip)
        e = cli_open_session(cli);
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
    json_decref(cli.result);
    return status;
}
