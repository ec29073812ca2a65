/* ssscli get ..., generate ..., erase: what is in the chip, and what it makes itself. */
#include "cli/ssscli_commands.h"
#include "cli/ssscli_key.h"
#include "crypto/cert.h"
#include "crypto/key.h"
#include "se/detail.h"
#include "se/key.h"
#include "se/object.h"

#include <openssl/objects.h>
#include <stdlib.h>
#include <string.h>

/* ---- public keys ---- */

static err_t read_ec(const struct cli *cli, uint32_t id, EVP_PKEY **ret)
{
    autobuf point = BUF_INIT(SE_EC_PUBLIC_MAX);
    const struct se_curve_info *info;
    uint8_t curve;
    err_t e = se_ec_curve(cli->chip, id, &curve);

    if (!e)
        e = se_ec_public(cli->chip, id, &point);
    if (e)
        return e;
    info = se_curve_by_id(curve);
    if (!info)
        return cli_fail(ERR_UNSUPPORTED, "object 0x%08X is on curve 0x%02x, which cannot be exported", id,
                        curve);
    /* OpenSSL wants its own name of the group */
    e = crypto_pubkey_from_ec(cli->crypto, OBJ_nid2sn(OBJ_txt2nid(info->oid)), buf_slice(&point), ret);
    return e ? cli_fail(e, "object 0x%08X: the chip's point is not on curve %s", id, info->name) : ERR_OK;
}

static err_t read_rsa(const struct cli *cli, uint32_t id, EVP_PKEY **ret)
{
    autobuf n = BUF_INIT(SE_RSA_BYTES_MAX);
    autobuf exponent = BUF_INIT(SE_RSA_BYTES_MAX);
    err_t e = se_rsa_public(cli->chip, id, &n, &exponent);

    if (e)
        return e;
    e = crypto_pubkey_from_rsa(cli->crypto, buf_slice(&n), buf_slice(&exponent), ret);
    return e ? cli_fail(e, "object 0x%08X: the chip's modulus is not one", id) : ERR_OK;
}

static bool is_ec(uint8_t class)
{
    return class == SE_TYPE_EC_PAIR || class == SE_TYPE_EC_PRIVATE || class == SE_TYPE_EC_PUBLIC;
}

static bool is_rsa(uint8_t class)
{
    return class >= SE_TYPE_RSA_PAIR && class <= SE_TYPE_RSA_PUBLIC;
}

static err_t get_public(struct cli *cli, bool ec_wanted, bool rsa_wanted)
{
    auto_pkey EVP_PKEY *key = NULL;
    struct se_object_type type;
    uint8_t class;
    err_t e = se_object_type(cli->chip, cli->id, &type);

    if (e)
        return e;
    class = se_type_class(type.type);
    if (ec_wanted && is_ec(class))
        e = read_ec(cli, cli->id, &key);
    else if (rsa_wanted && is_rsa(class))
        e = read_rsa(cli, cli->id, &key);
    else
        return cli_fail(ERR_INVALID, "object 0x%08X is not an %s key", cli->id,
                        ec_wanted && rsa_wanted ? "EC or RSA"
                        : ec_wanted             ? "EC"
                                                : "RSA");
    if (!e)
        e = cli_key_write_public(cli, cli->args[1], key);
    if (!e)
        printf("Retrieved public key of KeyID = 0x%08X into %s\n", cli->id, cli->args[1]);
    return e;
}

err_t cli_get_ecc(struct cli *cli)
{
    return get_public(cli, true, false);
}

err_t cli_get_rsa(struct cli *cli)
{
    return get_public(cli, false, true);
}

err_t cli_generate_pub(struct cli *cli)
{
    return get_public(cli, true, true);
}

/* ---- files ---- */

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
    autobuf bytes = BUF_INIT(SE_BINARY_MAX);
    err_t e = read_binary(cli, &bytes);

    if (!e)
        e = cli_write_file(cli->args[1], buf_slice(&bytes));
    if (!e)
        printf("Retrieved Binary data of KeyID = 0x%08X into %s\n", cli->id, cli->args[1]);
    return e;
}

err_t cli_get_cert(struct cli *cli)
{
    autobuf der = BUF_INIT(SE_BINARY_MAX);
    autobuf out = BUF_INIT(CRYPTO_CERT_MAX);
    auto_x509 X509 *cert = NULL;
    enum cli_format format = CLI_FORMAT_AUTO;
    err_t e = cli_format(cli, &format);

    if (!e)
        e = read_binary(cli, &der);
    if (e)
        return e;
    e = crypto_cert_parse_der(cli->crypto, buf_slice(&der), &cert);
    if (e)
        return cli_fail(e, "object 0x%08X does not hold a certificate; `ssscli get bin` copies it as it is",
                        cli->id);
    e = format == CLI_FORMAT_DER ? crypto_cert_der(cert, &out) : crypto_cert_pem(cert, &out);
    if (!e)
        e = cli_write_file(cli->args[1], buf_slice(&out));
    if (!e)
        printf("Retrieved Certificate of KeyID = 0x%08X into %s\n", cli->id, cli->args[1]);
    return e;
}

/* ---- made in the chip ---- */

err_t cli_generate_ecc(struct cli *cli)
{
    const struct se_curve_info *curve = se_curve_by_name(cli->args[1]);

    if (!curve)
        return cli_fail_usage(
            "Invalid value for 'CURVE': '%.40s' is not a curve offered here: NIST_P192, NIST_P224, "
            "NIST_P256, NIST_P384, NIST_P521, Brainpool160 to Brainpool512, Secp160k1 to Secp256k1",
            cli->args[1]);
    printf("Generating ECC key at KeyID = 0x%08X, curve %s\n", cli->id, curve->name);
    return se_ec_generate(cli->chip, cli->id, curve->id, NULL);
}

err_t cli_generate_rsa(struct cli *cli)
{
    static const char *const sizes[] = { "1024", "2048", "3072", "4096" };

    for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
        if (strcmp(sizes[i], cli->args[1]) == 0) {
            printf("Generating RSA key at KeyID = 0x%08X, %s bits\n", cli->id, sizes[i]);
            fflush(stdout); /* the next thing on the screen may take a minute */
            return se_rsa_generate(cli->chip, cli->id, strtoul(sizes[i], NULL, 10), NULL);
        }
    return cli_fail_usage("Invalid value for 'BITS': '%.40s' is not one of '1024', '2048', '3072', '4096'.",
                          cli->args[1]);
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
    if (!e)
        printf("Erased KeyID = 0x%08X\n", cli->id);
    return e;
}
