#include "crypto/key.h"

#include "crypto/ctx.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>

static void buf_init_secret(struct buf *b, size_t max)
{
    *b = BUF_SECRET(max);
}

/* Append bn as n bytes; 0: as many as it needs. */
static err_t add_bn(struct buf *out, const BIGNUM *bn, size_t n)
{
    size_t len = n ? n : (size_t)BN_num_bytes(bn);
    err_t e = buf_reserve(out, len);

    if (e)
        return e;
    if (BN_bn2binpad(bn, out->p + out->n, (int)len) < 0)
        return crypto_fail_quiet(ERR_CRYPTO);
    out->n += len;
    out->p[out->n] = 0;
    return ERR_OK;
}

/* ERR_NOT_FOUND when the key does not have that number. */
static err_t add_param(const EVP_PKEY *key, const char *name, struct buf *out, size_t n)
{
    BIGNUM *bn = NULL;
    err_t e = ERR_NOT_FOUND;

    if (EVP_PKEY_get_bn_param(key, name, &bn) == 1)
        e = add_bn(out, bn, n);
    BN_clear_free(bn);
    ERR_clear_error();
    return e;
}

static err_t rsa_private_parts(const EVP_PKEY *key, struct crypto_rsa_parts *p)
{
    size_t full = p->n.n;
    size_t half = (full + 1) / 2;
    const struct {
        const char *name;
        struct buf *out;
        size_t n;
    } parts[] = {
        { OSSL_PKEY_PARAM_RSA_D, &p->d, full },          { OSSL_PKEY_PARAM_RSA_FACTOR1, &p->p, half },
        { OSSL_PKEY_PARAM_RSA_FACTOR2, &p->q, half },    { OSSL_PKEY_PARAM_RSA_EXPONENT1, &p->dp, half },
        { OSSL_PKEY_PARAM_RSA_EXPONENT2, &p->dq, half }, { OSSL_PKEY_PARAM_RSA_COEFFICIENT1, &p->qinv, half },
    };

    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        err_t e = add_param(key, parts[i].name, parts[i].out, parts[i].n);
        if (e == ERR_NOT_FOUND && i == 0)
            return ERR_OK; /* a public key */
        if (e && e != ERR_NOT_FOUND)
            return e;
    }
    return ERR_OK;
}

err_t crypto_rsa_parts_get(const EVP_PKEY *key, struct crypto_rsa_parts *ret)
{
    struct crypto_rsa_parts p;
    struct buf *const all[] = { &p.n, &p.e, &p.d, &p.p, &p.q, &p.dp, &p.dq, &p.qinv };

    if (!crypto_key_is_rsa(key))
        return ERR_INVALID;
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        buf_init_secret(all[i], 4096);
    err_t e = add_param(key, OSSL_PKEY_PARAM_RSA_N, &p.n, 0);
    if (!e)
        e = add_param(key, OSSL_PKEY_PARAM_RSA_E, &p.e, 0);
    if (!e)
        e = rsa_private_parts(key, &p);
    if (e) {
        crypto_rsa_parts_done(&p);
        return e == ERR_NOT_FOUND ? ERR_CRYPTO : e;
    }
    *ret = p;
    return ERR_OK;
}

void crypto_rsa_parts_done(struct crypto_rsa_parts *p)
{
    struct buf *const all[] = { &p->n, &p->e, &p->d, &p->p, &p->q, &p->dp, &p->dq, &p->qinv };

    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        buf_done(all[i]);
}

/* Of secp160k1 and secp224k1 the order is a bit longer than the field. */
static size_t field_len(const EVP_PKEY *key)
{
    BIGNUM *p = NULL;
    size_t n = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_P, &p) == 1 ? (size_t)BN_num_bytes(p) : 0;

    BN_free(p);
    return n;
}

/* Always uncompressed, whatever form the key came in. */
static err_t ec_point(const EVP_PKEY *key, struct buf *out)
{
    size_t field = field_len(key);
    err_t e = field ? buf_add_u8(out, 4) : ERR_CRYPTO;

    if (!e)
        e = add_param(key, OSSL_PKEY_PARAM_EC_PUB_X, out, field);
    if (!e)
        e = add_param(key, OSSL_PKEY_PARAM_EC_PUB_Y, out, field);
    return e == ERR_NOT_FOUND ? ERR_CRYPTO : e;
}

err_t crypto_ec_parts_get(const EVP_PKEY *key, struct crypto_ec_parts *ret)
{
    struct crypto_ec_parts p = { 0 };
    size_t order = (size_t)(EVP_PKEY_get_bits(key) + 7) / 8;

    if (!crypto_key_is_ec(key))
        return ERR_INVALID;
    buf_init(&p.point, 512);
    buf_init_secret(&p.scalar, 256);
    err_t e = ERR_OK;
    if (EVP_PKEY_get_group_name(key, p.curve, sizeof(p.curve), NULL) != 1)
        e = crypto_fail_quiet(ERR_CRYPTO);
    if (!e)
        e = ec_point(key, &p.point);
    if (!e)
        e = add_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &p.scalar, order);
    if (e == ERR_NOT_FOUND)
        e = ERR_OK; /* a public key */
    if (e) {
        crypto_ec_parts_done(&p);
        return e;
    }
    *ret = p;
    return ERR_OK;
}

void crypto_ec_parts_done(struct crypto_ec_parts *p)
{
    buf_done(&p->point);
    buf_done(&p->scalar);
}

static err_t pubkey_from_params(const struct crypto_ctx *ctx, const char *type, OSSL_PARAM_BLD *bld,
                                EVP_PKEY **ret)
{
    EVP_PKEY_CTX *pctx = EVP_PKEY_CTX_new_from_name(ctx->lib, type, NULL);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
    EVP_PKEY *key = NULL;
    bool good = pctx && params && EVP_PKEY_fromdata_init(pctx) == 1 &&
                EVP_PKEY_fromdata(pctx, &key, EVP_PKEY_PUBLIC_KEY, params) == 1;

    EVP_PKEY_CTX_free(pctx);
    OSSL_PARAM_free(params);
    if (!good)
        return crypto_fail_quiet(ERR_INVALID);
    *ret = key;
    return ERR_OK;
}

err_t crypto_pubkey_from_ec(const struct crypto_ctx *ctx, const char *curve, struct slice point,
                            EVP_PKEY **ret)
{
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    err_t e = ERR_NOMEM;

    if (bld && point.n && OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, curve, 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point.p, point.n) == 1)
        e = pubkey_from_params(ctx, "EC", bld, ret);
    else if (bld)
        e = crypto_fail_quiet(ERR_INVALID);
    OSSL_PARAM_BLD_free(bld);
    return e;
}

err_t crypto_pubkey_from_rsa(const struct crypto_ctx *ctx, struct slice n, struct slice e_bytes,
                             EVP_PKEY **ret)
{
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    BIGNUM *n_bn = n.n && n.n <= 2048 ? BN_bin2bn(n.p, (int)n.n, NULL) : NULL;
    BIGNUM *e_bn = e_bytes.n && e_bytes.n <= 64 ? BN_bin2bn(e_bytes.p, (int)e_bytes.n, NULL) : NULL;
    err_t e = bld ? ERR_INVALID : ERR_NOMEM;

    if (bld && n_bn && e_bn && BN_num_bits(n_bn) >= 512 && BN_is_odd(n_bn) && BN_is_odd(e_bn) &&
        OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n_bn) == 1 &&
        OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, e_bn) == 1)
        e = pubkey_from_params(ctx, "RSA", bld, ret);
    BN_free(n_bn);
    BN_free(e_bn);
    OSSL_PARAM_BLD_free(bld);
    return e;
}
