/* tests/unit/pkcs11/keys.h - keys without a chip, made by OpenSSL, for the tests of this folder. */
#pragma once
#include "pkcs11/key.h"
#include "se/curve.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

static inline EVP_PKEY *test_rsa(size_t bits)
{
    EVP_PKEY *pair = EVP_RSA_gen(bits);
    assert_non_null(pair);
    return pair;
}

static inline void test_number(EVP_PKEY *pair, const char *name, struct buf *out)
{
    BIGNUM *bn = NULL;
    uint8_t bytes[512];

    assert_int_equal(EVP_PKEY_get_bn_param(pair, name, &bn), 1);
    int n = BN_bn2bin(bn, bytes);
    assert_int_equal(buf_add_mem(out, bytes, (size_t)n), ERR_OK);
    BN_free(bn);
}

/* The module's view of the pair, as if the chip held it under `id`. */
static inline struct p11_key *test_rsa_key(EVP_PKEY *pair, uint32_t id)
{
    autobuf n = BUF_INIT(512), e = BUF_INIT(16);
    struct p11_key *key = NULL;

    test_number(pair, OSSL_PKEY_PARAM_RSA_N, &n);
    test_number(pair, OSSL_PKEY_PARAM_RSA_E, &e);
    assert_int_equal(p11_key_make_rsa(id, buf_slice(&n), buf_slice(&e), &key), ERR_OK);
    return key;
}

static inline EVP_PKEY *test_ec(void)
{
    EVP_PKEY *pair = EVP_EC_gen("P-256");
    assert_non_null(pair);
    return pair;
}

static inline struct p11_key *test_ec_key(EVP_PKEY *pair, uint32_t id)
{
    uint8_t point[65];
    size_t n = 0;
    struct p11_key *key = NULL;

    assert_int_equal(EVP_PKEY_get_octet_string_param(pair, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &n),
                     1);
    assert_int_equal(n, sizeof(point));
    assert_int_equal(p11_key_make_ec(id, se_curve_by_name("NIST_P256"), SLICE_ARRAY(point), &key), ERR_OK);
    return key;
}
