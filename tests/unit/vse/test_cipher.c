/* Vectors over whole commands are in tests/integration/test_vse_symmetric.py; here is what a command does not
 * reach. */
#include "../cm.h"
#include "base/mem.h"
#include "se/wire.h"
#include "vse/cipher.h"

static const uint8_t key[32] = { 1, 2, 3 }, text[64] = { 9, 8, 7 };

static const uint8_t modes[] = {
    SE_CIPHER_DES_CBC, SE_CIPHER_DES_CBC_M1, SE_CIPHER_DES_CBC_M2, SE_CIPHER_DES_CBC_PKCS5,
    SE_CIPHER_DES_ECB, SE_CIPHER_DES_ECB_M1, SE_CIPHER_DES_ECB_M2, SE_CIPHER_DES_ECB_PKCS5,
    SE_CIPHER_AES_CBC, SE_CIPHER_AES_ECB,    SE_CIPHER_AES_CBC_M1, SE_CIPHER_AES_CBC_M2,
    SE_CIPHER_AES_CTR,
};

/* The first `cut` bytes in one step, the rest with the last. */
static void run(uint8_t mode, bool encrypt, struct slice in, size_t cut, struct buf *out)
{
    struct vse_cipher *c;

    assert_int_equal(vse_cipher_new(mode, encrypt, slice_of(key, 16), (struct slice){ 0 }, &c), ERR_OK);
    assert_int_equal(vse_cipher_update(c, slice_head(in, cut), out), ERR_OK);
    assert_int_equal(vse_cipher_final(c, slice_skip(in, cut), out), ERR_OK);
    vse_cipher_free(c);
}

static void wherever_it_is_cut(void **state)
{
    (void)state;
    for (size_t m = 0; m < sizeof(modes); m++) {
        for (size_t cut = 0; cut <= 48; cut++) {
            autobuf whole = BUF_INIT(100), parts = BUF_INIT(100), back = BUF_INIT(100);

            run(modes[m], true, slice_of(text, 48), 0, &whole);
            run(modes[m], true, slice_of(text, 48), cut, &parts);
            assert_true(slice_eq(buf_slice(&whole), buf_slice(&parts)));
            run(modes[m], false, buf_slice(&whole), cut, &back);
            assert_true(slice_eq(buf_slice(&back), slice_of(text, 48)));
        }
    }
}

static void what_does_not_fit(void **state)
{
    static const struct {
        const char *what;
        uint8_t mode;
        size_t key, iv;
        err_t want;
    } cases[] = {
        { "no such mode", 0, 16, 0, ERR_UNSUPPORTED },
        { "PKCS5 of AES has a number only", SE_CIPHER_AES_CBC_PKCS5, 16, 0, ERR_UNSUPPORTED },
        { "the host's name for CTR", SE_CIPHER_AES_CTR_INTERNAL_IV, 16, 0, ERR_UNSUPPORTED },
        { "AES key of 15", SE_CIPHER_AES_ECB, 15, 0, ERR_INVALID },
        { "AES key of 8", SE_CIPHER_AES_ECB, 8, 0, ERR_INVALID },
        { "DES key of 7", SE_CIPHER_DES_ECB, 7, 0, ERR_INVALID },
        { "DES key of 32", SE_CIPHER_DES_ECB, 32, 0, ERR_INVALID },
        { "no DES key", SE_CIPHER_DES_ECB, 0, 0, ERR_INVALID },
        { "IV of 15", SE_CIPHER_AES_CBC, 16, 15, ERR_INVALID },
        { "IV of 17", SE_CIPHER_AES_CTR, 16, 17, ERR_INVALID },
        { "IV of 16 for DES", SE_CIPHER_DES_CBC, 16, 16, ERR_INVALID },
        { "IV for ECB", SE_CIPHER_AES_ECB, 16, 16, ERR_INVALID },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct vse_cipher *c = NULL;

        print_message("  %s\n", cases[i].what);
        assert_int_equal(
            vse_cipher_new(cases[i].mode, true, slice_of(key, cases[i].key), slice_of(text, cases[i].iv), &c),
            cases[i].want);
        assert_null(c);
    }
}

static void single_des_is_triple_des_with_one_key(void **state)
{
    struct vse_cipher_key one, two;
    uint8_t twice[16];

    (void)state;
    memcpy(twice, key, 8);
    memcpy(twice + 8, key, 8);
    assert_int_equal(vse_cipher_key(SE_TYPE_DES, slice_of(key, 8), "ECB", &one), ERR_OK);
    assert_int_equal(vse_cipher_key(SE_TYPE_DES, SLICE_ARRAY(twice), "ECB", &two), ERR_OK);
    assert_int_equal(one.n, 24);
    assert_memory_equal(one.bytes, two.bytes, 24);
    assert_string_equal(one.name, "DES-EDE3-ECB");
}

static void padding_that_is_none(void **state)
{
    static const uint8_t padded[] = { SE_CIPHER_AES_CBC_M2, SE_CIPHER_DES_CBC_M2, SE_CIPHER_DES_CBC_PKCS5 };

    (void)state;
    for (size_t i = 0; i < sizeof(padded); i++) {
        autobuf coded = BUF_INIT(100), out = BUF_INIT(100);
        bool aes = padded[i] == SE_CIPHER_AES_CBC_M2;
        struct vse_cipher *c;
        uint8_t zeros[16] = { 0 };

        run(aes ? SE_CIPHER_AES_CBC : SE_CIPHER_DES_CBC, true, SLICE_ARRAY(zeros), 0, &coded);
        assert_int_equal(vse_cipher_new(padded[i], false, slice_of(key, 16), (struct slice){ 0 }, &c),
                         ERR_OK);
        assert_int_equal(vse_cipher_final(c, buf_slice(&coded), &out), ERR_INVALID);
        vse_cipher_free(c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wherever_it_is_cut),
        cmocka_unit_test(what_does_not_fit),
        cmocka_unit_test(single_des_is_triple_des_with_one_key),
        cmocka_unit_test(padding_that_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
