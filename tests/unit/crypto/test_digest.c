/* Known answers: FIPS 180-4 examples for SHA-256, RFC 4231 for HMAC. */
#include "../cm.h"

#include "base/hex.h"
#include "base/mem.h"
#include "crypto/digest.h"

#include <openssl/crypto.h>

static struct crypto_ctx *ctx;

static int make_ctx(void **state)
{
    (void)state;
    return crypto_ctx_new(NULL, &ctx);
}

static int free_ctx(void **state)
{
    (void)state;
    crypto_ctx_free(ctx);
    return 0;
}

static const struct {
    struct slice in;
    const char *want;
} sha[] = {
    { SLICE_LIT(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
    { SLICE_LIT("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
    { SLICE_LIT("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
};

static void sha256(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sha); i++) {
        char hex[CRYPTO_SHA256_HEX];
        assert_int_equal(crypto_sha256_hex(ctx, sha[i].in, hex), ERR_OK);
        assert_string_equal(hex, sha[i].want);
    }
    /* an empty slice may have no pointer */
    char hex[CRYPTO_SHA256_HEX];
    assert_int_equal(crypto_sha256_hex(ctx, (struct slice){ 0 }, hex), ERR_OK);
    assert_string_equal(hex, sha[0].want);
}

static const struct {
    struct slice key, in;
    const char *want;
} hmac[] = {
    { SLICE_LIT("\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b"),
      SLICE_LIT("Hi There"), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
    { SLICE_LIT("Jefe"), SLICE_LIT("what do ya want for nothing?"),
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
    { SLICE_LIT(""), SLICE_LIT(""), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad" },
};

static void hmac_sha256(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(hmac); i++) {
        uint8_t out[CRYPTO_SHA256_LEN];
        char hex[CRYPTO_SHA256_HEX];
        assert_int_equal(crypto_hmac_sha256(ctx, hmac[i].key, hmac[i].in, out), ERR_OK);
        hex_str(hex, SLICE_ARRAY(out));
        assert_string_equal(hex, hmac[i].want);
    }
}

/* In a library context of its own, with nothing taken from the default one. */
static void private_context(void **state)
{
    OSSL_LIB_CTX *lib = OSSL_LIB_CTX_new();
    struct crypto_ctx *own = NULL;
    char hex[CRYPTO_SHA256_HEX];

    (void)state;
    assert_int_equal(crypto_ctx_new(lib, &own), ERR_OK);
    assert_ptr_equal(crypto_ctx_lib(own), lib);
    assert_int_equal(crypto_sha256_hex(own, sha[1].in, hex), ERR_OK);
    assert_string_equal(hex, sha[1].want);
    crypto_ctx_free(own);
    OSSL_LIB_CTX_free(lib);
    crypto_ctx_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256),
        cmocka_unit_test(hmac_sha256),
        cmocka_unit_test(private_context),
    };
    return cmocka_run_group_tests(tests, make_ctx, free_ctx);
}
