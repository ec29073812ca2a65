#include "cli/ssscli_public.h"

#include "crypto/key.h"
#include "se/key.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>

bool cli_type_is_ec(uint8_t class)
{
    return class == SE_TYPE_EC_PAIR || class == SE_TYPE_EC_PRIVATE || class == SE_TYPE_EC_PUBLIC;
}

bool cli_type_is_rsa(uint8_t class)
{
    return class >= SE_TYPE_RSA_PAIR && class <= SE_TYPE_RSA_PUBLIC;
}

void cli_public_done(struct cli_public *p)
{
    EVP_PKEY_free(p->key);
    p->key = NULL;
}

/* Ed25519, X25519, X448: the OID names the type of key. */
static err_t raw_public(const struct cli *cli, const char *oid, struct slice bytes, EVP_PKEY **ret)
{
    const char *type = OBJ_nid2ln(OBJ_txt2nid(oid));
    EVP_PKEY *key = EVP_PKEY_new_raw_public_key_ex(crypto_ctx_lib(cli->crypto), type, NULL, bytes.p, bytes.n);

    ERR_clear_error();
    if (!key)
        return ERR_INVALID;
    *ret = key;
    return ERR_OK;
}

static err_t read_ec(const struct cli *cli, struct cli_public *p)
{
    autobuf point = BUF_INIT(SE_EC_PUBLIC_MAX);
    uint8_t curve;
    err_t e = se_ec_curve(cli->chip, cli->id, &curve);

    if (!e)
        e = se_ec_public(cli->chip, cli->id, &point);
    if (e)
        return e;
    p->curve = se_curve_by_id(curve);
    if (!p->curve || !*p->curve->oid)
        return cli_fail(ERR_UNSUPPORTED, "object 0x%08X is on curve 0x%02x, which cannot be exported",
                        cli->id, curve);
    if (p->curve->kind != SE_CURVE_WEIERSTRASS)
        e = raw_public(cli, p->curve->oid, buf_slice(&point), &p->key);
    else /* OpenSSL wants its own name of the group */
        e = crypto_pubkey_from_ec(cli->crypto, OBJ_nid2sn(OBJ_txt2nid(p->curve->oid)), buf_slice(&point),
                                  &p->key);
    return e ? cli_fail(e, "object 0x%08X: the chip's point is not on curve %s", cli->id, p->curve->name)
             : ERR_OK;
}

static err_t read_rsa(const struct cli *cli, struct cli_public *p)
{
    autobuf n = BUF_INIT(SE_RSA_BYTES_MAX);
    autobuf exponent = BUF_INIT(SE_RSA_BYTES_MAX);
    err_t e = se_rsa_public(cli->chip, cli->id, &n, &exponent);

    if (e)
        return e;
    e = crypto_pubkey_from_rsa(cli->crypto, buf_slice(&n), buf_slice(&exponent), &p->key);
    return e ? cli_fail(e, "object 0x%08X: the chip's modulus is not one", cli->id) : ERR_OK;
}

err_t cli_public_read(struct cli *cli, enum cli_public_wanted wanted, struct cli_public *ret)
{
    static const char *const names[] = {
        [CLI_WANT_EC] = "EC", [CLI_WANT_RSA] = "RSA", [CLI_WANT_KEY] = "EC or RSA"
    };
    auto_cli_public p = { 0 };
    struct se_object_type type;
    err_t e = se_object_type(cli->chip, cli->id, &type);

    if (e)
        return e;
    p.class = se_type_class(type.type);
    if (wanted & CLI_WANT_EC && cli_type_is_ec(p.class))
        e = read_ec(cli, &p);
    else if (wanted & CLI_WANT_RSA && cli_type_is_rsa(p.class))
        e = read_rsa(cli, &p);
    else
        return cli_fail(ERR_INVALID, "object 0x%08X is not an %s key", cli->id, names[wanted]);
    if (e)
        return e;
    *ret = p;
    p.key = NULL;
    return ERR_OK;
}
