#include "base/mem.h"
#include "base/reader.h"
#include "vse/curve.h"
#include "vse/edwards.h"
#include "vse/keys_private.h"
#include "vse/montgomery.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/objects.h>

enum { DER_SEQUENCE = 0x30, DER_INTEGER = 0x02, DER_LEN_1 = 0x81 };

/* A curve without a name: its numbers. */
static void put_numbers(struct vse_keymaker *m, const EC_GROUP *g)
{
    BIGNUM *p = BN_new(), *a = BN_new(), *b = BN_new();
    size_t n = EC_POINT_point2oct(g, EC_GROUP_get0_generator(g), POINT_CONVERSION_UNCOMPRESSED, m->generator,
                                  sizeof(m->generator), NULL);

    m->failed = !p || !a || !b || EC_GROUP_get_curve(g, p, a, b, NULL) != 1 || n == 0;
    vse_keymaker_bn(m, OSSL_PKEY_PARAM_EC_P, p);
    vse_keymaker_bn(m, OSSL_PKEY_PARAM_EC_A, a);
    vse_keymaker_bn(m, OSSL_PKEY_PARAM_EC_B, b);
    vse_keymaker_bn(m, OSSL_PKEY_PARAM_EC_ORDER, BN_dup(EC_GROUP_get0_order(g)));
    vse_keymaker_bn(m, OSSL_PKEY_PARAM_EC_COFACTOR, BN_dup(BN_value_one()));
    m->failed = m->failed ||
                OSSL_PARAM_BLD_push_utf8_string(m->bld, OSSL_PKEY_PARAM_EC_FIELD_TYPE, SN_X9_62_prime_field,
                                                0) != 1 ||
                OSSL_PARAM_BLD_push_octet_string(m->bld, OSSL_PKEY_PARAM_EC_GENERATOR, m->generator, n) != 1;
}

static void put_group(struct vse_keymaker *m, const struct vse_curve *curve)
{
    EC_GROUP *g;

    if (curve->nid != NID_undef) {
        m->failed = OSSL_PARAM_BLD_push_utf8_string(m->bld, OSSL_PKEY_PARAM_GROUP_NAME,
                                                    OBJ_nid2sn(curve->nid), 0) != 1;
        return;
    }
    g = vse_curve_group(curve);
    m->failed = !g;
    if (g)
        put_numbers(m, g);
    EC_GROUP_free(g);
}

static err_t ec_key(const struct vse_object *o, bool private, EVP_PKEY **ret)
{
    const struct vse_curve *curve = vse_curve_find(o->curve);
    struct slice d = vse_object_part(o, VSE_EC_PRIVATE), q = vse_object_part(o, VSE_EC_PUBLIC);
    auto_keymaker m = { 0 };
    err_t e = curve ? vse_keymaker_init(&m) : ERR_UNSUPPORTED;

    if (e)
        return e;
    if ((private ? d : q).n == 0)
        return ERR_WRONG_STATE;
    put_group(&m, curve);
    if (q.n && OSSL_PARAM_BLD_push_octet_string(m.bld, OSSL_PKEY_PARAM_PUB_KEY, q.p, q.n) != 1)
        return vse_crypto_failed();
    if (private)
        vse_keymaker_number(&m, OSSL_PKEY_PARAM_PRIV_KEY, d);
    return vse_keymaker_make(&m, "EC", private ? VSE_KEYMAKER_PRIVATE : VSE_KEYMAKER_PUBLIC, ret);
}

static err_t pair(const struct vse_object *o, EVP_PKEY **ret)
{
    return ec_key(o, true, ret);
}

/* ---- making and checking ---- */

static err_t take_point(const EVP_PKEY *key, struct vse_object *o)
{
    uint8_t point[SE_EC_PUBLIC_MAX];
    size_t n = 0;

    if (EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &n) != 1)
        return vse_crypto_failed();
    return vse_object_set(o, VSE_EC_PUBLIC, slice_of(point, n));
}

/* A pair on a curve without a name. */
static EVP_PKEY *generate_on(const struct vse_curve *curve)
{
    auto_keymaker m = { 0 };
    auto_pkey EVP_PKEY *numbers = NULL;
    auto_pkey_ctx EVP_PKEY_CTX *ctx = NULL;
    EVP_PKEY *key = NULL;

    if (vse_keymaker_init(&m))
        return NULL;
    put_group(&m, curve);
    if (vse_keymaker_make(&m, "EC", VSE_KEYMAKER_PARAMETERS, &numbers))
        return NULL;
    ctx = EVP_PKEY_CTX_new_from_pkey(NULL, numbers, NULL);
    if (ctx && EVP_PKEY_keygen_init(ctx) == 1)
        (void)EVP_PKEY_generate(ctx, &key); /* key tells */
    return key;
}

static err_t generate_weierstrass(const struct vse_curve *curve, struct vse_object *o)
{
    auto_pkey EVP_PKEY *key = NULL;
    err_t e;

    key = curve->nid == NID_undef ? generate_on(curve)
                                  : EVP_PKEY_Q_keygen(NULL, NULL, "EC", OBJ_nid2sn(curve->nid));
    if (!key)
        return vse_crypto_failed();
    e = vse_take_number(key, OSSL_PKEY_PARAM_PRIV_KEY, o, VSE_EC_PRIVATE, curve->bytes);
    return e ? e : take_point(key, o);
}

err_t vse_ec_generate(struct vse_object *o)
{
    const struct vse_curve *curve = vse_curve_find(o->curve);

    if (!curve)
        return ERR_UNSUPPORTED;
    if (vse_curve_is_weierstrass(curve))
        return generate_weierstrass(curve, o);
    return o->curve == SE_CURVE_ED25519 ? vse_ed25519_generate(o) : vse_montgomery_generate(o);
}

static err_t check_weierstrass(const struct vse_object *o)
{
    bool private = vse_object_part(o, VSE_EC_PRIVATE).n != 0;
    bool public = vse_object_part(o, VSE_EC_PUBLIC).n != 0;
    auto_pkey EVP_PKEY *key = NULL;
    auto_pkey_ctx EVP_PKEY_CTX *ctx = NULL;
    int good;
    err_t e = ec_key(o, private, &key);

    if (e)
        return e == ERR_CRYPTO ? ERR_INVALID : e;
    ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    if (!ctx)
        return ERR_NOMEM;
    good = private && public ? EVP_PKEY_check(ctx)
           : private         ? EVP_PKEY_private_check(ctx)
                             : EVP_PKEY_public_check(ctx);
    (void)vse_crypto_failed(); /* for the queue; `good` has the answer */
    return good == 1 ? ERR_OK : ERR_INVALID;
}

err_t vse_ec_check(const struct vse_object *o)
{
    const struct vse_curve *curve = vse_curve_find(o->curve);

    if (!curve)
        return ERR_UNSUPPORTED;
    if (vse_curve_is_weierstrass(curve))
        return check_weierstrass(o);
    return o->curve == SE_CURVE_ED25519 ? vse_ed25519_check(o) : vse_montgomery_check(o);
}

/* ---- key agreement ---- */

static err_t shared_weierstrass(const struct vse_object *o, struct slice peer, struct buf *out)
{
    struct vse_object other = { .curve = o->curve }; /* for ec_key; borrows the peer's bytes */
    auto_pkey EVP_PKEY *their = NULL;
    auto_pkey_ctx EVP_PKEY_CTX *ctx = NULL;
    EVP_PKEY *key = NULL;
    uint8_t secret[SE_EC_PRIVATE_MAX];
    size_t n = sizeof(secret);
    err_t e = vse_prepared_key(o, pair, &key);

    other.part[VSE_EC_PUBLIC] = (struct buf){ .p = (uint8_t *)peer.p, .n = peer.n };
    if (!e)
        e = ec_key(&other, false, &their);
    if (e)
        return e == ERR_CRYPTO ? ERR_INVALID : e;
    ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    if (!ctx || EVP_PKEY_derive_init(ctx) != 1 || EVP_PKEY_derive_set_peer(ctx, their) != 1 ||
        EVP_PKEY_derive(ctx, secret, &n) != 1)
        return vse_crypto_failed();
    e = buf_add_mem(out, secret, n);
    mem_wipe(secret, sizeof(secret));
    return e;
}

/* 04 x y and nothing else: OpenSSL would take the hybrid forms 06 and 07 of X9.62, too. */
static bool is_uncompressed(const struct vse_curve *curve, struct slice point)
{
    return point.n == vse_curve_public_bytes(curve) && point.p[0] == POINT_CONVERSION_UNCOMPRESSED;
}

err_t vse_ec_shared(const struct vse_object *o, struct slice peer, struct buf *out)
{
    const struct vse_curve *curve = vse_curve_find(o->curve);

    if (!curve || o->curve == SE_CURVE_ED25519)
        return ERR_UNSUPPORTED;
    if (!vse_curve_is_weierstrass(curve))
        return vse_montgomery_shared(o, peer, out);
    return is_uncompressed(curve, peer) ? shared_weierstrass(o, peer, out) : ERR_INVALID;
}

/* d * q, or d * G + q, as 04 x y. ERR_INVALID: q is not on the curve, or the result is at infinity. */
static err_t multiply(const EC_GROUP *g, const BIGNUM *d, struct slice q, bool map, struct buf *out)
{
    EC_POINT *point = EC_POINT_new(g), *result = EC_POINT_new(g);
    uint8_t bytes[SE_EC_PUBLIC_MAX];
    err_t e = point && result ? ERR_OK : ERR_NOMEM;

    if (!e &&
        (EC_POINT_oct2point(g, point, q.p, q.n, NULL) != 1 ||
         EC_POINT_mul(g, result, map ? d : NULL, point, map ? BN_value_one() : d, NULL) != 1 ||
         EC_POINT_is_at_infinity(g, result) ||
         EC_POINT_point2oct(g, result, POINT_CONVERSION_UNCOMPRESSED, bytes, sizeof(bytes), NULL) != q.n))
        e = ERR_INVALID;
    if (!e)
        e = buf_add_mem(out, bytes, q.n);
    mem_wipe(bytes, sizeof(bytes));
    EC_POINT_clear_free(result);
    EC_POINT_free(point);
    (void)vse_crypto_failed(); /* for the queue */
    return e;
}

err_t vse_ec_multiply(const struct vse_object *o, struct slice point, bool map, struct buf *out)
{
    const struct vse_curve *curve = vse_curve_find(o->curve);
    struct slice private = vse_object_part(o, VSE_EC_PRIVATE);
    auto_bn BIGNUM *d = NULL;
    EC_GROUP *g;
    err_t e;

    if (!curve || !vse_curve_is_weierstrass(curve))
        return ERR_UNSUPPORTED;
    if (private.n == 0)
        return ERR_WRONG_STATE;
    if (!is_uncompressed(curve, point))
        return ERR_INVALID;
    d = vse_bn(private);
    g = vse_curve_group(curve);
    e = d && g ? multiply(g, d, point, map, out) : ERR_NOMEM;
    EC_GROUP_free(g);
    return e;
}

/* ---- ECDSA ---- */

/* Despite the names nothing is hashed: the name says how long the digest is. */
static err_t check_digest(const struct vse_object *o, uint8_t algorithm, struct slice digest)
{
    static const struct {
        uint8_t algorithm;
        uint8_t length;
    } lengths[] = {
        { SE_ECDSA_SHA1, 20 },   { SE_ECDSA_SHA224, 28 }, { SE_ECDSA_SHA256, 32 },
        { SE_ECDSA_SHA384, 48 }, { SE_ECDSA_SHA512, 64 },
    };

    const struct vse_curve *curve = vse_curve_find(o->curve);

    if (!curve || !vse_curve_is_weierstrass(curve))
        return ERR_UNSUPPORTED;
    if (algorithm == SE_ECDSA_PLAIN)
        return digest.n && digest.n <= curve->bytes ? ERR_OK : ERR_INVALID;
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++)
        if (lengths[i].algorithm == algorithm)
            return digest.n == lengths[i].length ? ERR_OK : ERR_INVALID;
    return ERR_UNSUPPORTED;
}

err_t vse_ec_sign(const struct vse_object *o, uint8_t algorithm, struct slice digest, struct buf *out)
{
    EVP_PKEY *key = NULL;
    auto_pkey_ctx EVP_PKEY_CTX *ctx = NULL;
    uint8_t signature[SE_EC_SIGNATURE_MAX];
    size_t n = sizeof(signature);
    err_t e;

    if (algorithm == SE_EDDSA_PURE)
        return o->curve == SE_CURVE_ED25519 ? vse_ed25519_sign(o, digest, out) : ERR_UNSUPPORTED;
    e = check_digest(o, algorithm, digest);
    if (!e)
        e = vse_prepared_key(o, pair, &key);
    if (e)
        return e;
    ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    if (!ctx || EVP_PKEY_sign_init(ctx) != 1 || EVP_PKEY_sign(ctx, signature, &n, digest.p, digest.n) != 1)
        return vse_crypto_failed();
    return buf_add_mem(out, signature, n);
}

static struct slice der_item(struct reader *r, uint8_t tag)
{
    uint8_t n;

    if (reader_u8(r) != tag)
        reader_fail(r);
    n = reader_u8(r);
    if (n == DER_LEN_1)
        n = reader_u8(r);
    else if (n & 0x80)
        reader_fail(r);
    return reader_bytes(r, n);
}

/* NXP's PKCS#11 module makes DER of raw numbers without normalising: both integers are taken as
 * unsigned, with or without leading zeros, and written again as they should be. */
static err_t normal_der(struct slice signature, uint8_t **ret, int *ret_n)
{
    struct reader whole = reader_of(signature);
    struct reader body = reader_of(der_item(&whole, DER_SEQUENCE));
    struct slice r = der_item(&body, DER_INTEGER), s = der_item(&body, DER_INTEGER);
    ECDSA_SIG *sig;
    BIGNUM *br, *bs;

    if (reader_done(&whole) || reader_done(&body))
        return ERR_INVALID;
    sig = ECDSA_SIG_new();
    br = BN_bin2bn(r.p, (int)r.n, NULL);
    bs = BN_bin2bn(s.p, (int)s.n, NULL);
    if (!sig || !br || !bs || ECDSA_SIG_set0(sig, br, bs) != 1) {
        BN_free(br);
        BN_free(bs);
        ECDSA_SIG_free(sig);
        return ERR_NOMEM;
    }
    *ret_n = i2d_ECDSA_SIG(sig, ret);
    ECDSA_SIG_free(sig);
    return *ret_n > 0 ? ERR_OK : vse_crypto_failed();
}

static err_t verify_normal(EVP_PKEY *key, struct slice digest, struct slice signature, bool *ret_good)
{
    auto_pkey_ctx EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);

    if (!ctx || EVP_PKEY_verify_init(ctx) != 1)
        return vse_crypto_failed();
    *ret_good = EVP_PKEY_verify(ctx, signature.p, signature.n, digest.p, digest.n) == 1;
    (void)vse_crypto_failed(); /* for the queue */
    return ERR_OK;
}

err_t vse_ec_verify(const struct vse_object *o, uint8_t algorithm, struct slice digest,
                    struct slice signature, bool *ret_good)
{
    auto_pkey EVP_PKEY *key = NULL;
    uint8_t *der = NULL;
    int n = 0;
    err_t e;

    if (algorithm == SE_EDDSA_PURE)
        return o->curve == SE_CURVE_ED25519 ? vse_ed25519_verify(o, digest, signature, ret_good)
                                            : ERR_UNSUPPORTED;
    e = check_digest(o, algorithm, digest);
    if (!e)
        e = ec_key(o, false, &key);
    if (e)
        return e;
    e = normal_der(signature, &der, &n);
    if (e == ERR_INVALID) {
        *ret_good = false; /* not a signature, so not a good one */
        return ERR_OK;
    }
    if (!e)
        e = verify_normal(key, digest, slice_of(der, (size_t)n), ret_good);
    OPENSSL_free(der);
    return e;
}
