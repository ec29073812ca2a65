/* ssscli generate ecc, rsa: keys that the chip makes itself. */
#include "cli/ssscli_commands.h"
#include "cli/ssscli_policy.h"
#include "se/key.h"

#include <stdlib.h>

/* Names of all curves, for help that cannot go out of date. */
static err_t unknown_curve(const char *name)
{
    autobuf all = BUF_INIT(1024);
    const struct se_curve_info *c;

    for (size_t i = 0; (c = se_curve_at(i)); i++)
        (void)buf_printf(&all, "%s%s", i ? ", " : "", c->name); /* a list cut short will do */
    return cli_fail_usage("Invalid value for 'CURVE': '%.40s' is not a curve offered here: %s", name,
                          buf_str(&all));
}

err_t cli_generate_ecc(struct cli *cli)
{
    const struct se_curve_info *curve = se_curve_by_name(cli->args[1]);
    struct se_policy policy;
    err_t e;

    if (!curve)
        return unknown_curve(cli->args[1]);
    e = cli_policy_option(cli, 1u << CLI_POLICY_ASYMKEY, &policy);
    if (e)
        return e;
    cli_say(cli, "Generating ECC key at KeyID = 0x%08X, curve %s\n", cli->id, curve->name);
    cli_put_id(cli, "keyId", cli->id);
    cli_put_str(cli, "curve", curve->name);
    return se_ec_generate(cli->chip, cli->id, curve->id, &(struct se_write){ .policy = &policy });
}

err_t cli_generate_rsa(struct cli *cli)
{
    static const char *const sizes[] = { "1024", "2048", "3072", "4096", NULL };
    struct se_policy policy;
    unsigned long bits;
    size_t i;
    err_t e = cli_choice("BITS", cli->args[1], sizes, &i);

    if (!e)
        e = cli_policy_option(cli, 1u << CLI_POLICY_ASYMKEY, &policy);
    if (e)
        return e;
    bits = strtoul(sizes[i], NULL, 10);
    cli_say(cli, "Generating RSA key at KeyID = 0x%08X, %lu bits\n", cli->id, bits);
    fflush(stdout); /* the next thing on the screen may take a minute */
    cli_put_id(cli, "keyId", cli->id);
    cli_put(cli, "bits", json_integer((json_int_t)bits));
    return se_rsa_generate(cli->chip, cli->id, bits, &(struct se_write){ .policy = &policy });
}
