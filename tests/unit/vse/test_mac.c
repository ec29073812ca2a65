#include "../cm.h"
#include "base/hex.h"
#include "base/mem.h"
#include "se/wire.h"
#include "vse/mac.h"

static const struct {
    const char *what;
    uint8_t algorithm;
    const char *key, *text, *want;
} cases[] = {
    { "RFC 2202 2", SE_MAC_HMAC_SHA1, "4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
      "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79" },
    { "RFC 4231 2", SE_MAC_HMAC_SHA256, "4a656665",
      "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
    { "RFC 4493 1", SE_MAC_CMAC_128, "2b7e151628aed2a6abf7158809cf4f3c", "",
      "bb1d6929e95937287fa37d129b756746" },
    { "RFC 4493 2", SE_MAC_AES_CMAC16, "2b7e151628aed2a6abf7158809cf4f3c", "6bc1bee22e409f96e93d7e117393172a",
      "070a16b46b4d4144f79bdd9dd04a287c" },
    { "SP 800-38B D.5", SE_MAC_DES_CMAC8, "8aa83bf8cbda10620bc1bf19fbb6cd58bc313d4a371ca8b5",
      "6bc1bee22e409f96", "8e8f293136283797" },
};

static void published(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        autobuf key = BUF_INIT(64), text = BUF_INIT(64), want = BUF_INIT(64), got = BUF_INIT(64);

        print_message("  %s\n", cases[i].what);
        assert_int_equal(hex_decode(&key, slice_str(cases[i].key)), ERR_OK);
        assert_int_equal(hex_decode(&text, slice_str(cases[i].text)), ERR_OK);
        assert_int_equal(hex_decode(&want, slice_str(cases[i].want)), ERR_OK);
        assert_int_equal(vse_mac_once(cases[i].algorithm, buf_slice(&key), buf_slice(&text), &got), ERR_OK);
        assert_true(slice_eq(buf_slice(&got), buf_slice(&want)));
    }
}

static void refused(void **state)
{
    EVP_MAC_CTX *m = NULL;
    uint8_t key[32] = { 0 };

    (void)state;
    assert_int_equal(vse_mac_key_type(0x17), 0);
    assert_int_equal(vse_mac_new(0x17, SLICE_ARRAY(key), &m), ERR_UNSUPPORTED);
    assert_int_equal(vse_mac_new(SE_MAC_CMAC_128, slice_of(key, 15), &m), ERR_INVALID);
    assert_int_equal(vse_mac_new(SE_MAC_DES_CMAC8, slice_of(key, 32), &m), ERR_INVALID);
    assert_null(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published),
        cmocka_unit_test(refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
