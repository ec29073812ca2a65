/* ssscli set ...: keys, certificates and files into the chip. */
#include "cli/ssscli_commands.h"
#include "cli/ssscli_key.h"
#include "crypto/cert.h"
#include "crypto/key.h"
#include "se/detail.h"
#include "se/key.h"
#include "se/object.h"

#include <string.h>

static err_t write_ecc(const struct cli *cli, bool pair, const struct crypto_ec_parts *p)
{
    const struct se_curve_info *curve = se_curve_by_name(p->curve);

    if (!curve)
        return cli_fail(ERR_UNSUPPORTED, "%s: the chip has no curve %s", cli->args[1], p->curve);
    printf("Injecting ECC %s at KeyID = 0x%08X\n", pair ? "key pair" : "public key", cli->id);
    return pair ? se_ec_write_pair(cli->chip, cli->id, curve->id, buf_slice(&p->scalar), buf_slice(&p->point),
                                   NULL)
                : se_ec_write_public(cli->chip, cli->id, curve->id, buf_slice(&p->point), NULL);
}

static err_t set_ecc(struct cli *cli, bool pair)
{
    struct crypto_ec_parts parts = { 0 };
    EVP_PKEY *key = NULL;
    err_t e = cli_key_read(cli, cli->args[1], CLI_KEY_EC, pair, &key);

    if (e)
        return e;
    e = crypto_ec_parts_get(key, &parts);
    EVP_PKEY_free(key); /* before the chip is written: no second copy of the key waits for it */
    e = e ? cli_fail(e, "%s: cannot take the key apart", cli->args[1]) : write_ecc(cli, pair, &parts);
    crypto_ec_parts_done(&parts);
    return e;
}

err_t cli_set_ecc_pair(struct cli *cli)
{
    return set_ecc(cli, true);
}

err_t cli_set_ecc_pub(struct cli *cli)
{
    return set_ecc(cli, false);
}

static err_t write_rsa(const struct cli *cli, bool pair, const struct crypto_rsa_parts *p)
{
    const struct se_rsa_pair numbers = {
        .n = buf_slice(&p->n),
        .e = buf_slice(&p->e),
        .p = buf_slice(&p->p),
        .q = buf_slice(&p->q),
        .dp = buf_slice(&p->dp),
        .dq = buf_slice(&p->dq),
        .qinv = buf_slice(&p->qinv),
    };

    printf("Injecting RSA %s at KeyID = 0x%08X\n", pair ? "key pair" : "public key", cli->id);
    return pair ? se_rsa_write_pair(cli->chip, cli->id, &numbers, NULL)
                : se_rsa_write_public(cli->chip, cli->id, numbers.n, numbers.e, NULL);
}

static err_t set_rsa(struct cli *cli, bool pair)
{
    struct crypto_rsa_parts parts = { 0 };
    EVP_PKEY *key = NULL;
    err_t e = cli_key_read(cli, cli->args[1], CLI_KEY_RSA, pair, &key);

    if (e)
        return e;
    e = crypto_rsa_parts_get(key, &parts);
    EVP_PKEY_free(key);
    e = e ? cli_fail(e, "%s: cannot take the key apart", cli->args[1]) : write_rsa(cli, pair, &parts);
    crypto_rsa_parts_done(&parts);
    return e;
}

err_t cli_set_rsa_pair(struct cli *cli)
{
    return set_rsa(cli, true);
}

err_t cli_set_rsa_pub(struct cli *cli)
{
    return set_rsa(cli, false);
}

err_t cli_set_bin(struct cli *cli)
{
    autobuf bytes = BUF_SECRET(SE_BINARY_MAX);
    err_t e = cli_read_file(cli->args[1], &bytes);

    if (e)
        return e;
    printf("Injecting Binary data at KeyID = 0x%08X\n", cli->id);
    return se_object_write_binary(cli->chip, cli->id, buf_slice(&bytes), NULL);
}

/* DER is what the chip keeps, whatever the file is. */
static err_t read_certificate(struct cli *cli, struct buf *out_der)
{
    autobuf bytes = BUF_INIT(CRYPTO_CERT_MAX);
    auto_x509 X509 *cert = NULL;
    struct crypto_error why = { .text = "not a certificate" };
    enum cli_format format = CLI_FORMAT_AUTO;
    err_t e = cli_format(cli, &format);

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

    if (e)
        return e;
    printf("Injecting Certificate at KeyID = 0x%08X\n", cli->id);
    return se_object_write_binary(cli->chip, cli->id, buf_slice(&der), NULL);
}
