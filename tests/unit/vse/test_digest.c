#include "../cm.h"
#include "base/hex.h"
#include "base/mem.h"
#include "se/wire.h"
#include "vse/digest.h"

/* FIPS 180-2 and RFC 3874: "abc". */
static const struct {
    uint8_t mode;
    const char *want;
} cases[] = {
    { SE_DIGEST_SHA1, "a9993e364706816aba3e25717850c26c9cd0d89d" },
    { SE_DIGEST_SHA224, "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7" },
    { SE_DIGEST_SHA256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
    { SE_DIGEST_SHA384, "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
                        "8086072ba1e7cc2358baeca134c825a7" },
    { SE_DIGEST_SHA512, "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                        "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f" },
};

static void each_mode_at_once_and_byte_by_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        autobuf want = BUF_INIT(VSE_DIGEST_MAX), once = BUF_INIT(VSE_DIGEST_MAX),
                steps = BUF_INIT(VSE_DIGEST_MAX);
        EVP_MD_CTX *d;

        assert_int_equal(hex_decode(&want, slice_str(cases[i].want)), ERR_OK);
        assert_int_equal(vse_digest_len(cases[i].mode), want.n);
        assert_int_equal(vse_digest_once(cases[i].mode, SLICE_LIT("abc"), &once), ERR_OK);
        assert_true(slice_eq(buf_slice(&once), buf_slice(&want)));
        assert_int_equal(vse_digest_new(cases[i].mode, &d), ERR_OK);
        for (size_t k = 0; k < 3; k++)
            assert_int_equal(vse_digest_update(d, slice_of(&"abc"[k], 1)), ERR_OK);
        assert_int_equal(vse_digest_final(d, &steps), ERR_OK);
        assert_true(slice_eq(buf_slice(&steps), buf_slice(&want)));
        vse_digest_free(d);
    }
}

static void no_such_mode(void **state)
{
    static const uint8_t modes[] = { SE_DIGEST_NONE, 2, 3, 8, 0xff };

    (void)state;
    for (size_t i = 0; i < sizeof(modes); i++) {
        autobuf out = BUF_INIT(VSE_DIGEST_MAX);
        EVP_MD_CTX *d = NULL;

        assert_null(vse_digest_name(modes[i]));
        assert_int_equal(vse_digest_len(modes[i]), 0);
        assert_int_equal(vse_digest_new(modes[i], &d), ERR_UNSUPPORTED);
        assert_null(d);
        assert_int_equal(vse_digest_once(modes[i], SLICE_LIT("abc"), &out), ERR_UNSUPPORTED);
        assert_int_equal(out.n, 0);
    }
}

static void no_room(void **state)
{
    autobuf out = BUF_INIT(31);

    (void)state;
    assert_int_equal(vse_digest_once(SE_DIGEST_SHA256, SLICE_LIT("abc"), &out), ERR_TOO_BIG);
    assert_int_equal(out.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_mode_at_once_and_byte_by_byte),
        cmocka_unit_test(no_such_mode),
        cmocka_unit_test(no_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
