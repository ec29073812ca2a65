#include "vse/curve.h"

#include "base/mem.h"

#include <openssl/ec.h>
#include <openssl/obj_mac.h>

static const struct vse_curve curves[] = {
    { SE_CURVE_P192, SE_TYPE_7X_EC_P192, 24, NID_X9_62_prime192v1 },
    { SE_CURVE_P224, SE_TYPE_7X_EC_P224, 28, NID_secp224r1 },
    { SE_CURVE_P256, SE_TYPE_7X_EC_P256, 32, NID_X9_62_prime256v1 },
    { SE_CURVE_P384, SE_TYPE_7X_EC_P384, 48, NID_secp384r1 },
    { SE_CURVE_P521, SE_TYPE_7X_EC_P521, 66, NID_secp521r1 },
    { SE_CURVE_BP160, SE_TYPE_7X_EC_BP160, 20, NID_brainpoolP160r1 },
    { SE_CURVE_BP192, SE_TYPE_7X_EC_BP192, 24, NID_brainpoolP192r1 },
    { SE_CURVE_BP224, SE_TYPE_7X_EC_BP224, 28, NID_brainpoolP224r1 },
    { SE_CURVE_BP256, SE_TYPE_7X_EC_BP256, 32, NID_brainpoolP256r1 },
    { SE_CURVE_BP320, SE_TYPE_7X_EC_BP320, 40, NID_brainpoolP320r1 },
    { SE_CURVE_BP384, SE_TYPE_7X_EC_BP384, 48, NID_brainpoolP384r1 },
    { SE_CURVE_BP512, SE_TYPE_7X_EC_BP512, 64, NID_brainpoolP512r1 },
    { SE_CURVE_K160, SE_TYPE_7X_EC_K160, 20, NID_secp160k1 },
    { SE_CURVE_K192, SE_TYPE_7X_EC_K192, 24, NID_secp192k1 },
    { SE_CURVE_K224, SE_TYPE_7X_EC_K224, 28, NID_secp224k1 },
    { SE_CURVE_K256, SE_TYPE_7X_EC_K256, 32, NID_secp256k1 },
    { SE_CURVE_BN256, SE_TYPE_7X_EC_BN256, 32, NID_undef },
    { SE_CURVE_ED25519, SE_TYPE_7X_EC_ED25519, 32, NID_ED25519 },
    { SE_CURVE_X25519, SE_TYPE_7X_EC_X25519, 32, NID_X25519 },
    { SE_CURVE_X448, SE_TYPE_7X_EC_X448, 56, NID_X448 },
};

const struct vse_curve *vse_curve_find(uint8_t id)
{
    for (size_t i = 0; i < ARRAY_LEN(curves); i++)
        if (curves[i].id == id)
            return &curves[i];
    return NULL;
}

/* TPM_ECC_BN_P256 of the TCG algorithm registry: y^2 = x^3 + 3, generator (1, 2), cofactor 1. */
static EC_GROUP *bn_p256(void)
{
    BIGNUM *p = NULL, *n = NULL, *a = BN_new(), *b = BN_new(), *y = BN_new();
    EC_GROUP *g = NULL;
    EC_POINT *generator = NULL;
    bool good = BN_hex2bn(&p, "FFFFFFFFFFFCF0CD46E5F25EEE71A49F0CDC65FB12980A82D3292DDBAED33013") &&
                BN_hex2bn(&n, "FFFFFFFFFFFCF0CD46E5F25EEE71A49E0CDC65FB1299921AF62D536CD10B500D") && a && b &&
                y && BN_set_word(b, 3) == 1 && BN_set_word(y, 2) == 1;

    if (good)
        g = EC_GROUP_new_curve_GFp(p, a, b, NULL);
    if (g)
        generator = EC_POINT_new(g);
    good = generator && EC_POINT_set_affine_coordinates(g, generator, BN_value_one(), y, NULL) == 1 &&
           EC_GROUP_set_generator(g, generator, n, BN_value_one()) == 1;
    EC_POINT_free(generator);
    BN_free(p);
    BN_free(n);
    BN_free(a);
    BN_free(b);
    BN_free(y);
    if (!good) {
        EC_GROUP_free(g);
        return NULL;
    }
    return g;
}

EC_GROUP *vse_curve_group(const struct vse_curve *c)
{
    return c->nid == NID_undef ? bn_p256() : EC_GROUP_new_by_curve_name(c->nid);
}

/* One of the numbers of a group, borrowed or put into `room`. NULL when OpenSSL fails. */
static const BIGNUM *group_number(const EC_GROUP *g, uint8_t param, BIGNUM *room)
{
    BIGNUM *p = param == SE_CURVE_PARAM_PRIME ? room : NULL;
    BIGNUM *a = param == SE_CURVE_PARAM_A ? room : NULL;
    BIGNUM *b = param == SE_CURVE_PARAM_B ? room : NULL;

    if (param == SE_CURVE_PARAM_N)
        return EC_GROUP_get0_order(g);
    return EC_GROUP_get_curve(g, p, a, b, NULL) == 1 ? room : NULL;
}

static err_t check_generator(const EC_GROUP *g, struct slice value)
{
    uint8_t want[SE_EC_PUBLIC_MAX];
    size_t n = EC_POINT_point2oct(g, EC_GROUP_get0_generator(g), POINT_CONVERSION_UNCOMPRESSED, want,
                                  sizeof(want), NULL);

    if (n == 0)
        return ERR_CRYPTO;
    return slice_eq(value, slice_of(want, n)) ? ERR_OK : ERR_INVALID;
}

static err_t check_number(const EC_GROUP *g, uint8_t param, struct slice value)
{
    BIGNUM *room = BN_new();
    BIGNUM *given = value.n <= SE_EC_PUBLIC_MAX ? BN_bin2bn(value.p, (int)value.n, NULL) : NULL;
    const BIGNUM *want = room ? group_number(g, param, room) : NULL;
    err_t e = want && given ? (BN_cmp(want, given) == 0 ? ERR_OK : ERR_INVALID) : ERR_INVALID;

    BN_free(room);
    BN_free(given);
    return e;
}

err_t vse_curve_param_check(const struct vse_curve *curve, uint8_t param, struct slice value)
{
    EC_GROUP *g = vse_curve_group(curve);
    err_t e;

    if (!g)
        return ERR_CRYPTO;
    e = param == SE_CURVE_PARAM_G ? check_generator(g, value) : check_number(g, param, value);
    EC_GROUP_free(g);
    return e;
}
