#include "base/mem.h"
#include "base/reader.h"
#include "vse/curve.h"
#include "vse/keys_private.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/objects.h>

enum { DER_SEQUENCE = 0x30, DER_INTEGER = 0x02, DER_LEN_1 = 0x81 };

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
    if (OSSL_PARAM_BLD_push_utf8_string(m.bld, OSSL_PKEY_PARAM_GROUP_NAME, OBJ_nid2sn(curve->nid), 0) != 1)
        return vse_crypto_failed();
    if (q.n && OSSL_PARAM_BLD_push_octet_string(m.bld, OSSL_PKEY_PARAM_PUB_KEY, q.p, q.n) != 1)
        return vse_crypto_failed();
    if (private)
        vse_keymaker_number(&m, OSSL_PKEY_PARAM_PRIV_KEY, d);
    return vse_keymaker_make(&m, "EC", private, ret);
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

err_t vse_ec_generate(struct vse_object *o)
{
    const struct vse_curve *curve = vse_curve_find(o->curve);
    auto_pkey EVP_PKEY *key = NULL;
    err_t e;

    if (!curve)
        return ERR_UNSUPPORTED;
    key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", OBJ_nid2sn(curve->nid));
    if (!key)
        return vse_crypto_failed();
    e = vse_take_number(key, OSSL_PKEY_PARAM_PRIV_KEY, o, VSE_EC_PRIVATE, curve->bytes);
    return e ? e : take_point(key, o);
}

err_t vse_ec_check(const struct vse_object *o)
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

    if (algorithm == SE_ECDSA_PLAIN)
        return digest.n && digest.n <= vse_curve_find(o->curve)->bytes ? ERR_OK : ERR_INVALID;
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++)
        if (lengths[i].algorithm == algorithm)
            return digest.n == lengths[i].length ? ERR_OK : ERR_INVALID;
    return ERR_UNSUPPORTED;
}

err_t vse_ec_sign(const struct vse_object *o, uint8_t algorithm, struct slice digest, struct buf *out)
{
    auto_pkey EVP_PKEY *key = NULL;
    auto_pkey_ctx EVP_PKEY_CTX *ctx = NULL;
    uint8_t signature[SE_EC_SIGNATURE_MAX];
    size_t n = sizeof(signature);
    err_t e = check_digest(o, algorithm, digest);

    if (!e)
        e = ec_key(o, true, &key);
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
    err_t e = check_digest(o, algorithm, digest);

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
