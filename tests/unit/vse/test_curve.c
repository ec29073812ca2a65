/* The curve table: every entry's parameters are those OpenSSL has for its name. */
#include "../cm.h"
#include "base/hex.h"
#include "base/mem.h"
#include "vse/curve.h"

#include <openssl/ec.h>

/* SEC 2 §2.4.2 */
static const struct {
    uint8_t param;
    const char *value;
} p256[] = {
    { SE_CURVE_PARAM_A, "ffffffff00000001000000000000000000000000fffffffffffffffffffffffc" },
    { SE_CURVE_PARAM_B, "5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b" },
    { SE_CURVE_PARAM_G, "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
                        "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5" },
    { SE_CURVE_PARAM_N, "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551" },
    { SE_CURVE_PARAM_PRIME, "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff" },
};

static void parameters_of_p256(void **state)
{
    const struct vse_curve *c = vse_curve_find(SE_CURVE_P256);
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(p256); i++) {
        autobuf v = BUF_INIT(200);
        assert_int_equal(hex_decode(&v, slice_str(p256[i].value)), ERR_OK);
        assert_int_equal(vse_curve_param_check(c, p256[i].param, buf_slice(&v)), ERR_OK);
        assert_int_equal(vse_curve_param_check(c, p256[i].param, slice_head(buf_slice(&v), v.n - 1)),
                         ERR_INVALID);
        v.p[v.n - 1] ^= 1;
        assert_int_equal(vse_curve_param_check(c, p256[i].param, buf_slice(&v)), ERR_INVALID);
        assert_int_equal(vse_curve_param_check(c, p256[i].param, (struct slice){ 0 }), ERR_INVALID);
    }
}

static void lengths_of_all(void **state)
{
    (void)state;
    for (unsigned id = 0; id < 256; id++) {
        const struct vse_curve *c = vse_curve_find((uint8_t)id);
        EC_GROUP *g;

        assert_int_equal(c != NULL, (id >= SE_CURVE_P192 && id <= SE_CURVE_BN256) || id == SE_CURVE_ED25519 ||
                                        id == SE_CURVE_X25519 || id == SE_CURVE_X448);
        if (!c || !vse_curve_is_weierstrass(c)) {
            if (c)
                assert_int_equal(vse_curve_public_bytes(c), c->bytes);
            continue;
        }
        g = vse_curve_group(c);
        assert_non_null(g);
        assert_int_equal((EC_GROUP_get_degree(g) + 7) / 8, c->bytes);
        assert_int_equal(vse_curve_public_bytes(c), 2 * c->bytes + 1);
        EC_GROUP_free(g);
    }
}

/* No name in OpenSSL, so its numbers are ours: they have to be a curve of prime order. */
static void the_barreto_naehrig_curve(void **state)
{
    EC_GROUP *g = vse_curve_group(vse_curve_find(SE_CURVE_BN256));

    (void)state;
    assert_non_null(g);
    assert_int_equal(EC_GROUP_check(g, NULL), 1);
    assert_int_equal(BN_check_prime(EC_GROUP_get0_order(g), NULL, NULL), 1);
    EC_GROUP_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(parameters_of_p256),
                                        cmocka_unit_test(lengths_of_all),
                                        cmocka_unit_test(the_barreto_naehrig_curve) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
