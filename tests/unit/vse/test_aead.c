/* Vectors over whole commands are in tests/integration/test_vse_symmetric.py; here are the lengths and the
 * order. */
#include "../cm.h"
#include "base/mem.h"
#include "se/wire.h"
#include "vse/aead.h"

static const uint8_t key[32] = { 5 }, iv[VSE_AEAD_IV_MAX + 1] = { 6 }, text[VSE_AEAD_GATHER_MAX + 1] = { 7 };

static struct vse_aead *begin(uint8_t mode, bool encrypt)
{
    struct vse_aead *a = NULL;

    assert_int_equal(vse_aead_new(mode, encrypt, slice_of(key, 16), slice_of(iv, 12), &a), ERR_OK);
    return a;
}

static void lengths(void **state)
{
    struct vse_aead *a = NULL;

    (void)state;
    for (size_t n = 0; n <= sizeof(iv); n++) {
        assert_int_equal(vse_aead_iv_valid(SE_AEAD_GCM, n), n >= 1 && n <= VSE_AEAD_IV_MAX);
        assert_int_equal(vse_aead_iv_valid(SE_AEAD_CCM, n), n >= 7 && n <= 13);
        if (!vse_aead_iv_valid(SE_AEAD_CCM, n))
            assert_int_equal(vse_aead_new(SE_AEAD_CCM, true, slice_of(key, 16), slice_of(iv, n), &a),
                             ERR_INVALID);
    }
    for (size_t n = 0; n <= 17; n++) {
        assert_int_equal(vse_aead_tag_valid(SE_AEAD_GCM, n), n == 4 || n == 8 || (n >= 12 && n <= 16));
        assert_int_equal(vse_aead_tag_valid(SE_AEAD_CCM, n), n >= 4 && n <= 16 && n % 2 == 0);
    }
    assert_int_equal(vse_aead_new(SE_AEAD_GCM, true, slice_of(key, 17), slice_of(iv, 12), &a), ERR_INVALID);
    assert_int_equal(vse_aead_new(SE_AEAD_GCM_INTERNAL_IV, true, slice_of(key, 16), slice_of(iv, 12), &a),
                     ERR_UNSUPPORTED);
    assert_null(a);
}

static void there_and_back(void **state)
{
    static const uint8_t modes[] = { SE_AEAD_GCM, SE_AEAD_CCM };

    (void)state;
    for (size_t m = 0; m < sizeof(modes); m++) {
        for (size_t n = 0; n <= VSE_AEAD_GATHER_MAX; n += 37) {
            autobuf coded = BUF_INIT(1000), tag = BUF_INIT(16), back = BUF_INIT(1000), none = BUF_INIT(1000);
            struct vse_aead *a = begin(modes[m], true);
            bool good = false;

            assert_int_equal(vse_aead_aad(a, SLICE_LIT("aad")), ERR_OK);
            assert_int_equal(vse_aead_update(a, slice_of(text, n), &coded), ERR_OK);
            assert_int_equal(vse_aead_seal(a, 16, &coded, &tag), ERR_OK);
            vse_aead_free(a);
            assert_int_equal(coded.n, n);

            a = begin(modes[m], false);
            assert_int_equal(vse_aead_aad(a, SLICE_LIT("aad")), ERR_OK);
            assert_int_equal(vse_aead_update(a, buf_slice(&coded), &back), ERR_OK);
            assert_int_equal(vse_aead_open(a, buf_slice(&tag), &back, &good), ERR_OK);
            vse_aead_free(a);
            assert_true(good && slice_eq(buf_slice(&back), slice_of(text, n)));

            a = begin(modes[m], false); /* without the AAD */
            assert_int_equal(vse_aead_update(a, buf_slice(&coded), &none), ERR_OK);
            assert_int_equal(vse_aead_open(a, buf_slice(&tag), &none, &good), ERR_OK);
            vse_aead_free(a);
            assert_false(good);
            if (modes[m] == SE_AEAD_CCM)
                assert_int_equal(none.n, 0);
        }
    }
}

static void order(void **state)
{
    autobuf out = BUF_INIT(1000), tag = BUF_INIT(16);
    struct vse_aead *a = begin(SE_AEAD_GCM, true);
    bool good = true;

    (void)state;
    assert_int_equal(vse_aead_open(a, slice_of(text, 16), &out, &good), ERR_WRONG_STATE);
    assert_int_equal(vse_aead_seal(a, 3, &out, &tag), ERR_INVALID);
    assert_int_equal(vse_aead_update(a, slice_of(text, 1), &out), ERR_OK);
    assert_int_equal(vse_aead_aad(a, slice_of(text, 1)), ERR_WRONG_STATE);
    vse_aead_free(a);
    a = begin(SE_AEAD_CCM, false);
    assert_int_equal(vse_aead_seal(a, 16, &out, &tag), ERR_WRONG_STATE);
    assert_int_equal(vse_aead_update(a, slice_of(text, VSE_AEAD_GATHER_MAX + 1), &out), ERR_TOO_BIG);
    vse_aead_free(a);
    assert_true(good);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths),
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
