#include "pkcs11/pkcs8.h"

#include "base/tlv.h"

#include <openssl/core_names.h>

#define DER_MAX 4096
#define OCTETS_MAX 160

enum { INTEGER = 0x02, OCTET_STRING = 0x04, NULL_VALUE = 0x05, SEQUENCE = 0x30 };

#define OID_EC_DER SLICE_LIT("\x06\x07\x2a\x86\x48\xce\x3d\x02\x01")
#define OID_RSA_DER SLICE_LIT("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01")
#define VERSION_0 SLICE_LIT("\x02\x01\x00")
#define VERSION_1 SLICE_LIT("\x02\x01\x01")

/* PrivateKeyInfo { 0, { algorithm [parameters] }, OCTET STRING { key } } */
static err_t wrap(struct slice algorithm, struct slice parameters, struct slice key, struct buf *out)
{
    autobuf alg = BUF_INIT(OCTETS_MAX), info = BUF_SECRET(DER_MAX), whole = BUF_SECRET(DER_MAX);
    struct writer a = writer_of(&alg), i = writer_of(&info), w = writer_of(&whole);

    writer_bytes(&a, algorithm);
    writer_bytes(&a, parameters);
    writer_bytes(&i, VERSION_0);
    tlv_put(&i, SEQUENCE, buf_slice(&alg));
    tlv_put(&i, OCTET_STRING, key);
    tlv_put(&w, SEQUENCE, buf_slice(&info));
    err_t e = writer_done(&a);
    if (!e)
        e = writer_done(&i);
    if (!e)
        e = writer_done(&w);
    return e ? e : buf_add(out, buf_slice(&whole));
}

/* RFC 5915: ECPrivateKey { 1, OCTET STRING }; OpenSSL works out the public key. */
static err_t wrap_scalar(const struct se_curve_info *curve, struct slice octets, struct buf *out)
{
    autobuf inner = BUF_SECRET(OCTETS_MAX), key = BUF_SECRET(OCTETS_MAX);
    struct writer i = writer_of(&inner), k = writer_of(&key);

    writer_bytes(&i, VERSION_1);
    tlv_put(&i, OCTET_STRING, octets);
    tlv_put(&k, SEQUENCE, buf_slice(&inner));
    err_t e = writer_done(&k);
    return e ? e : wrap(OID_EC_DER, curve->oid_der, buf_slice(&key), out);
}

/* RFC 8410: the key is an OCTET STRING of its own. */
static err_t wrap_raw(const struct se_curve_info *curve, struct slice octets, struct buf *out)
{
    autobuf key = BUF_SECRET(OCTETS_MAX);
    struct writer k = writer_of(&key);

    tlv_put(&k, OCTET_STRING, octets);
    err_t e = writer_done(&k);
    return e ? e : wrap(curve->oid_der, slice_of(NULL, 0), buf_slice(&key), out);
}

err_t p11_pkcs8_curve(const struct se_curve_info *curve, struct slice scalar, struct buf *out)
{
    uint8_t octets[OCTETS_MAX] = { 0 };
    size_t n = curve->private_len;

    if (scalar.n == 0 || scalar.n > n || n > sizeof(octets))
        return ERR_INVALID;
    memcpy(octets + n - scalar.n, scalar.p, scalar.n);
    err_t e = curve->kind == SE_CURVE_WEIERSTRASS ? wrap_scalar(curve, slice_of(octets, n), out)
                                                  : wrap_raw(curve, slice_of(octets, n), out);
    mem_wipe(octets, sizeof(octets));
    return e;
}

static void put_number(struct writer *w, struct slice v)
{
    autobuf positive = BUF_SECRET(DER_MAX);

    while (v.n > 1 && v.p[0] == 0)
        v = slice_skip(v, 1);
    if ((v.n == 0 || v.p[0] & 0x80) && buf_add_u8(&positive, 0) != ERR_OK)
        w->err = ERR_NOMEM;
    if (buf_add(&positive, v) != ERR_OK)
        w->err = ERR_NOMEM;
    tlv_put(w, INTEGER, buf_slice(&positive));
}

err_t p11_pkcs8_rsa(const struct se_rsa_pair *k, struct buf *out)
{
    autobuf inner = BUF_SECRET(DER_MAX), key = BUF_SECRET(DER_MAX);
    struct writer i = writer_of(&inner), w = writer_of(&key);
    const struct slice numbers[] = { k->n, k->e, k->d, k->p, k->q, k->dp, k->dq, k->qinv };

    writer_bytes(&i, VERSION_0);
    for (size_t j = 0; j < ARRAY_LEN(numbers); j++)
        put_number(&i, numbers[j]);
    tlv_put(&w, SEQUENCE, buf_slice(&inner));
    err_t e = writer_done(&i);
    if (!e)
        e = writer_done(&w);
    return e ? e : wrap(OID_RSA_DER, SLICE_LIT("\x05\x00"), buf_slice(&key), out);
}

err_t p11_pkcs8_public(struct p11_ossl *o, struct slice pkcs8, struct buf *out)
{
    uint8_t point[OCTETS_MAX];
    EVP_PKEY *key = NULL;
    size_t n = 0;
    err_t e = p11_ossl_private(o, pkcs8, &key);

    if (e)
        return e;
    bool got = EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &n) == 1;
    p11_ossl_key_free(key);
    return got ? buf_add(out, slice_of(point, n)) : ERR_CRYPTO;
}
