#include "../cm.h"
#include "base/hex.h"
#include "base/mem.h"
#include "se/wire.h"
#include "vse/kdf.h"

static void is_hex(struct buf *got, const char *want)
{
    autobuf b = BUF_INIT(256);

    assert_int_equal(hex_decode(&b, slice_str(want)), ERR_OK);
    assert_true(slice_eq(buf_slice(got), buf_slice(&b)));
}

/* RFC 5869 A.3: no salt, no info. */
static void hkdf(void **state)
{
    uint8_t ikm[22];
    struct vse_hkdf h = { .key = SLICE_ARRAY(ikm), .digest = SE_DIGEST_SHA256 };
    autobuf out = BUF_INIT(42), small = BUF_INIT(41);

    (void)state;
    memset(ikm, 0x0b, sizeof(ikm));
    assert_int_equal(vse_kdf_hkdf(&h, 42, &out), ERR_OK);
    is_hex(&out, "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
    assert_int_equal(vse_kdf_hkdf(&h, 42, &small), ERR_TOO_BIG);
    assert_int_equal(small.n, 0);
    h.digest = SE_DIGEST_NONE;
    assert_int_equal(vse_kdf_hkdf(&h, 20, &small), ERR_UNSUPPORTED);
    assert_int_equal(small.n, 0);
}

/* RFC 5869 §2.3: 255 digests and no more. */
static void hkdf_has_an_end(void **state)
{
    struct vse_hkdf h = { .key = SLICE_LIT("key"), .digest = SE_DIGEST_SHA1 };
    autobuf out = BUF_INIT(6000);

    (void)state;
    assert_int_equal(vse_kdf_hkdf(&h, 255 * 20 + 1, &out), ERR_CRYPTO);
    assert_int_equal(out.n, 0);
    assert_int_equal(vse_kdf_hkdf(&h, 255 * 20, &out), ERR_OK);
}

/* RFC 6070. */
static void pbkdf2(void **state)
{
    autobuf out = BUF_INIT(40);

    (void)state;
    assert_int_equal(vse_kdf_pbkdf2(SE_DIGEST_SHA1, SLICE_LIT("password"), SLICE_LIT("salt"), 2, 20, &out),
                     ERR_OK);
    is_hex(&out, "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957");
    assert_int_equal(vse_kdf_pbkdf2(0, SLICE_LIT("p"), SLICE_LIT("s"), 2, 20, &out), ERR_UNSUPPORTED);
    assert_int_equal(out.n, 20);
}

/* The published vector of P_SHA256 for TLS 1.2; its seed is shorter than any a command can give. */
static void tls_prf(void **state)
{
    autobuf secret = BUF_INIT(16), seed = BUF_INIT(16), out = BUF_INIT(100);

    (void)state;
    assert_int_equal(hex_decode(&secret, slice_str("9bbe436ba940f017b17652849a71db35")), ERR_OK);
    assert_int_equal(hex_decode(&seed, slice_str("a0ba9f936cda311827a6f796ffd5198c")), ERR_OK);
    assert_int_equal(vse_kdf_tls_prf(SE_DIGEST_SHA256, buf_slice(&secret), SLICE_LIT("test label"),
                                     buf_slice(&seed), 100, &out),
                     ERR_OK);
    is_hex(&out, "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a"
                 "6b301791e90d35c9c9a46b4e14baf9af0fa022f7077def17abfd3797c0564bab"
                 "4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff701"
                 "87347b66");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hkdf),
        cmocka_unit_test(hkdf_has_an_end),
        cmocka_unit_test(pbkdf2),
        cmocka_unit_test(tls_prf),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
