/* ssscli get ..., generate pub, erase: what is in the chip. */
#include "cli/ssscli_commands.h"
#include "cli/ssscli_key.h"
#include "cli/ssscli_public.h"
#include "crypto/cert.h"
#include "se/detail.h"

/* ---- public keys ---- */

static err_t get_public(struct cli *cli, enum cli_public_wanted wanted)
{
    auto_cli_public p = { 0 };
    err_t e = cli_public_read(cli, wanted, &p);

    if (!e)
        e = cli_key_write_public(cli, cli->args[1], p.key);
    if (e)
        return e;
    cli_say(cli, "Retrieved public key of KeyID = 0x%08X into %s\n", cli->id, cli->args[1]);
    cli_put_id(cli, "keyId", cli->id);
    cli_put_str(cli, "file", cli->args[1]);
    return ERR_OK;
}

err_t cli_get_ecc(struct cli *cli)
{
    return get_public(cli, CLI_WANT_EC);
}

err_t cli_get_rsa(struct cli *cli)
{
    return get_public(cli, CLI_WANT_RSA);
}

err_t cli_generate_pub(struct cli *cli)
{
    return get_public(cli, CLI_WANT_KEY);
}

/* ---- files ---- */

static err_t write_out(struct cli *cli, const char *what, const struct buf *bytes)
{
    err_t e = cli_write_file(cli->args[1], buf_slice(bytes));

    if (e)
        return e;
    cli_say(cli, "Retrieved %s of KeyID = 0x%08X into %s\n", what, cli->id, cli->args[1]);
    cli_put_id(cli, "keyId", cli->id);
    cli_put_str(cli, "file", cli->args[1]);
    cli_put(cli, "bytes", json_integer((json_int_t)bytes->n));
    return ERR_OK;
}

static err_t read_binary(struct cli *cli, struct buf *out)
{
    struct se_object_type type;
    err_t e = se_object_type(cli->chip, cli->id, &type);

    if (e)
        return e;
    if (type.type != SE_TYPE_BINARY)
        return cli_fail(ERR_INVALID, "object 0x%08X is not a file", cli->id);
    return se_object_read(cli->chip, cli->id, out);
}

err_t cli_get_bin(struct cli *cli)
{
    autobuf bytes = BUF_SECRET(SE_BINARY_MAX);
    err_t e = read_binary(cli, &bytes);

    return e ? e : write_out(cli, "Binary data", &bytes);
}

err_t cli_get_cert(struct cli *cli)
{
    autobuf der = BUF_INIT(SE_BINARY_MAX);
    autobuf out = BUF_INIT(CRYPTO_CERT_MAX);
    auto_x509 X509 *cert = NULL;
    enum cli_format format = CLI_FORMAT_AUTO;
    err_t e = cli_format(cli, CLI_FORMAT, &format);

    if (!e)
        e = read_binary(cli, &der);
    if (e)
        return e;
    e = crypto_cert_parse_der(cli->crypto, buf_slice(&der), &cert);
    if (e)
        return cli_fail(e, "object 0x%08X does not hold a certificate; `ssscli get bin` copies it as it is",
                        cli->id);
    e = format == CLI_FORMAT_DER ? crypto_cert_der(cert, &out) : crypto_cert_pem(cert, &out);
    return e ? e : write_out(cli, "Certificate", &out);
}

/* No part tells a secret key: it is asked all the same, and what it says is passed on. */
err_t cli_get_aes(struct cli *cli)
{
    autobuf bytes = BUF_SECRET(SE_BINARY_MAX);
    struct se_object_type type;
    err_t e = se_object_type(cli->chip, cli->id, &type);

    if (e)
        return e;
    if (type.type != SE_TYPE_AES)
        return cli_fail(ERR_INVALID, "object 0x%08X is not an AES key", cli->id);
    e = se_object_read(cli->chip, cli->id, &bytes);
    if (e)
        return cli_fail(e, "the chip does not give secret keys away: %s", se_detail());
    return write_out(cli, "AES key", &bytes);
}

err_t cli_erase(struct cli *cli)
{
    bool there;
    err_t e = se_object_exists(cli->chip, cli->id, &there);

    if (e)
        return e;
    if (!there)
        return cli_fail(ERR_NOT_FOUND, "there is no object 0x%08X in the chip", cli->id);
    e = se_object_delete(cli->chip, cli->id);
    if (e)
        return e;
    cli_say(cli, "Erased KeyID = 0x%08X\n", cli->id);
    cli_put_id(cli, "keyId", cli->id);
    return ERR_OK;
}
