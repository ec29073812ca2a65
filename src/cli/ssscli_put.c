#include "cli/ssscli_put.h"

#include "crypto/key.h"
#include "se/key.h"

#include <openssl/evp.h>
#include <openssl/objects.h>

static err_t write_ecc(const struct cli *cli, bool pair, const struct crypto_ec_parts *p,
                       const struct se_write *how)
{
    const struct se_curve_info *curve = se_curve_by_name(p->curve);
    struct slice scalar = buf_slice(&p->scalar);

    if (!curve)
        return cli_fail(ERR_UNSUPPORTED, "the chip has no curve %s", p->curve);
    if (scalar.n > curve->private_len && scalar.p[0] == 0) /* secp160k1, 224k1: the order has a bit more */
        scalar = slice_skip(scalar, scalar.n - curve->private_len);
    return pair ? se_ec_write_pair(cli->chip, cli->id, curve->id, scalar, buf_slice(&p->point), how)
                : se_ec_write_public(cli->chip, cli->id, curve->id, buf_slice(&p->point), how);
}

/* Ed25519, X25519, X448 have no group: the key's type is the curve, its values are bytes. */
static err_t raw_parts(const EVP_PKEY *key, bool pair, struct crypto_ec_parts *p)
{
    uint8_t bytes[SE_EC_PRIVATE_MAX];
    size_t n = sizeof(bytes);
    bool ok;
    err_t e;

    p->point = BUF_INIT(sizeof(bytes));
    p->scalar = BUF_SECRET(sizeof(bytes));
    (void)snprintf(p->curve, sizeof(p->curve), "%s", OBJ_nid2sn(EVP_PKEY_get_base_id(key)));
    ok = EVP_PKEY_get_raw_public_key(key, bytes, &n) == 1;
    e = ok ? buf_add_mem(&p->point, bytes, n) : ERR_CRYPTO;
    n = sizeof(bytes);
    if (!e && pair) {
        ok = EVP_PKEY_get_raw_private_key(key, bytes, &n) == 1;
        e = ok ? buf_add_mem(&p->scalar, bytes, n) : ERR_CRYPTO;
    }
    mem_wipe(bytes, sizeof(bytes));
    return e;
}

static err_t cannot_take_apart(void)
{
    return cli_fail(ERR_INVALID, "OpenSSL cannot take the key apart");
}

static err_t put_ecc(const struct cli *cli, EVP_PKEY *key, bool pair, const struct se_write *how)
{
    struct crypto_ec_parts parts = { 0 };
    err_t e = crypto_key_is_ec(key) ? crypto_ec_parts_get(key, &parts) : raw_parts(key, pair, &parts);

    EVP_PKEY_free(key);
    e = e ? cannot_take_apart() : write_ecc(cli, pair, &parts, how);
    crypto_ec_parts_done(&parts);
    return e;
}

static err_t write_rsa(const struct cli *cli, bool pair, const struct crypto_rsa_parts *p,
                       const struct se_write *how)
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

    return pair ? se_rsa_write_pair(cli->chip, cli->id, &numbers, how)
                : se_rsa_write_public(cli->chip, cli->id, numbers.n, numbers.e, how);
}

static err_t put_rsa(const struct cli *cli, EVP_PKEY *key, bool pair, const struct se_write *how)
{
    struct crypto_rsa_parts parts = { 0 };
    err_t e = crypto_rsa_parts_get(key, &parts);

    EVP_PKEY_free(key);
    e = e ? cannot_take_apart() : write_rsa(cli, pair, &parts, how);
    crypto_rsa_parts_done(&parts);
    return e;
}

err_t cli_key_put(const struct cli *cli, EVP_PKEY **key, bool pair, const struct se_write *how)
{
    EVP_PKEY *mine = steal(key);

    return crypto_key_is_rsa(mine) ? put_rsa(cli, mine, pair, how) : put_ecc(cli, mine, pair, how);
}
