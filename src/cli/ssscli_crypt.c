/* ssscli encrypt, decrypt: a short file with an RSA key of the chip, which pads. */
#include "cli/ssscli_commands.h"
#include "cli/ssscli_key.h"
#include "cli/ssscli_public.h"
#include "se/key.h"

static err_t take_algorithm(const struct cli *cli, uint8_t *ret)
{
    static const char *const words[] = { "oaep", "rsaes", NULL };
    static const uint8_t algorithms[] = { SE_RSA_OAEP_SHA1, SE_RSA_PKCS1 };
    const char *text = cli->options[CLI_ALGO];
    size_t i = 0;
    err_t e = text ? cli_choice("--algo", text, words, &i) : ERR_OK;

    if (!e)
        *ret = algorithms[i];
    return e;
}

typedef err_t crypt_fn(struct se_chip *chip, uint32_t id, uint8_t algorithm, struct slice in,
                       struct buf *out);

static err_t crypt(struct cli *cli, crypt_fn *run, const char *done)
{
    autobuf in = BUF_SECRET(SE_RSA_BYTES_MAX), out = BUF_SECRET(SE_RSA_BYTES_MAX);
    struct se_object_type type;
    uint8_t algorithm = 0;
    err_t e = take_algorithm(cli, &algorithm);

    if (!e)
        e = cli_read_file(cli->args[1], &in);
    if (!e)
        e = se_object_type(cli->chip, cli->id, &type);
    if (e)
        return e;
    if (!cli_type_is_rsa(se_type_class(type.type)))
        return cli_fail(ERR_INVALID, "object 0x%08X is not an RSA key", cli->id);
    e = run(cli->chip, cli->id, algorithm, buf_slice(&in), &out);
    if (!e)
        e = cli_write_private(cli->args[2], buf_slice(&out));
    if (e)
        return e;
    cli_say(cli, "%s %s with KeyID = 0x%08X into %s\n", done, cli->args[1], cli->id, cli->args[2]);
    cli_put_id(cli, "keyId", cli->id);
    cli_put_str(cli, "file", cli->args[2]);
    return ERR_OK;
}

err_t cli_encrypt(struct cli *cli)
{
    return crypt(cli, se_rsa_encrypt, "Encrypted");
}

err_t cli_decrypt(struct cli *cli)
{
    return crypt(cli, se_rsa_decrypt, "Decrypted");
}
