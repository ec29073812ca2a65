/* ssscli set ...: keys, certificates and files into the chip. */
#include "base/hex.h"
#include "cli/ssscli_commands.h"
#include "cli/ssscli_key.h"
#include "cli/ssscli_policy.h"
#include "cli/ssscli_put.h"
#include "crypto/cert.h"
#include "se/detail.h"
#include "se/object.h"
#include "se/symmetric.h"

#include <string.h>

enum { SECRET_FILE_MAX = 1024, AES_KEY_MAX = 32, HMAC_KEY_MAX = 256 };

static void say_injecting(struct cli *cli, const char *what)
{
    cli_say(cli, "Injecting %s at KeyID = 0x%08X\n", what, cli->id);
    cli_put_id(cli, "keyId", cli->id);
}

static err_t set_key(struct cli *cli, enum cli_key_kind kind, bool pair)
{
    static const char *const names[][2] = { [CLI_KEY_EC] = { "ECC public key", "ECC key pair" },
                                            [CLI_KEY_RSA] = { "RSA public key", "RSA key pair" } };
    auto_pkey EVP_PKEY *key = NULL;
    struct se_policy policy;
    err_t e = cli_policy_option(cli, 1u << CLI_POLICY_ASYMKEY, &policy);

    if (!e)
        e = cli_key_read(cli, cli->args[1], kind, pair, &key);
    if (e)
        return e;
    say_injecting(cli, names[kind][pair]);
    return cli_key_put(cli, &key, pair, &(struct se_write){ .policy = &policy });
}

err_t cli_set_ecc_pair(struct cli *cli)
{
    return set_key(cli, CLI_KEY_EC, true);
}

err_t cli_set_ecc_pub(struct cli *cli)
{
    return set_key(cli, CLI_KEY_EC, false);
}

err_t cli_set_rsa_pair(struct cli *cli)
{
    return set_key(cli, CLI_KEY_RSA, true);
}

err_t cli_set_rsa_pub(struct cli *cli)
{
    return set_key(cli, CLI_KEY_RSA, false);
}

static err_t write_file(struct cli *cli, const char *what, const struct buf *bytes)
{
    struct se_policy policy;
    err_t e = cli_policy_option(cli, 1u << CLI_POLICY_FILE, &policy);

    if (e)
        return e;
    say_injecting(cli, what);
    return se_object_write_binary(cli->chip, cli->id, buf_slice(bytes),
                                  &(struct se_write){ .policy = &policy });
}

err_t cli_set_bin(struct cli *cli)
{
    autobuf bytes = BUF_SECRET(SE_BINARY_MAX);
    err_t e = cli_read_file(cli->args[1], &bytes);

    return e ? e : write_file(cli, "Binary data", &bytes);
}

/* DER is what the chip keeps, whatever the file is. */
static err_t read_certificate(struct cli *cli, struct buf *out_der)
{
    autobuf bytes = BUF_INIT(CRYPTO_CERT_MAX);
    auto_x509 X509 *cert = NULL;
    struct crypto_error why = { .text = "not a certificate" };
    enum cli_format format = CLI_FORMAT_AUTO;
    err_t e = cli_format(cli, CLI_FORMAT, &format);

    if (!e)
        e = cli_read_file(cli->args[1], &bytes);
    if (e)
        return e;
    if (format == CLI_FORMAT_AUTO)
        format = memmem(bytes.p, bytes.n, "-----BEGIN ", 11) ? CLI_FORMAT_PEM : CLI_FORMAT_DER;
    e = format == CLI_FORMAT_PEM ? crypto_cert_parse_pem(cli->crypto, buf_slice(&bytes), &cert, &why)
                                 : crypto_cert_parse_der(cli->crypto, buf_slice(&bytes), &cert);
    if (!e)
        e = crypto_cert_der(cert, out_der);
    return e ? cli_fail(e, "%s: not a usable certificate: %s", cli->args[1], why.text) : ERR_OK;
}

err_t cli_set_cert(struct cli *cli)
{
    autobuf der = BUF_INIT(SE_BINARY_MAX);
    err_t e = read_certificate(cli, &der);

    return e ? e : write_file(cli, "Certificate", &der);
}

/* ---- secret keys ---- */

/* KEY is hex or the name of a file that holds hex, or the bytes themselves. Hex first: a file whose name is a
 * key can be given as ./NAME. */
static err_t read_secret(const char *text, size_t max, struct buf *out)
{
    autobuf bytes = BUF_SECRET(SECRET_FILE_MAX);
    struct slice line;
    err_t e;

    if (!hex_decode(out, slice_str(text)) && out->n)
        return ERR_OK;
    buf_clear(out);
    e = cli_read_file(text, &bytes);
    if (e)
        return e;
    line = buf_slice(&bytes);
    while (line.n && (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\r'))
        line.n--;
    if (!hex_decode(out, line) && out->n)
        return ERR_OK;
    buf_clear(out);
    return buf_add(out, buf_slice(&bytes))
               ? cli_fail(ERR_TOO_BIG, "%s: longer than a key of %zu bytes", text, max)
               : ERR_OK;
}

static err_t set_secret(struct cli *cli, uint8_t type, const char *what, size_t max)
{
    autobuf value = BUF_SECRET(max);
    struct se_policy policy;
    err_t e = cli_policy_option(cli, 1u << CLI_POLICY_SYMKEY, &policy);

    if (!e)
        e = read_secret(cli->args[1], max, &value);
    if (e)
        return e;
    say_injecting(cli, what);
    cli_put(cli, "bits", json_integer((json_int_t)value.n * 8));
    return se_symmetric_write(cli->chip, cli->id,
                              &(struct se_symmetric){ .type = type, .value = buf_slice(&value) },
                              &(struct se_write){ .policy = &policy });
}

err_t cli_set_aes(struct cli *cli)
{
    return set_secret(cli, SE_TYPE_AES, "AES key", AES_KEY_MAX);
}

err_t cli_set_hmac(struct cli *cli)
{
    return set_secret(cli, SE_TYPE_HMAC, "HMAC key", HMAC_KEY_MAX);
}
