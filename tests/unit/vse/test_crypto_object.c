#include "../cm.h"
#include "base/mem.h"
#include "se/wire.h"
#include "vse/crypto_object.h"
#include "vse/digest.h"
#include "vse/personality.h"

static struct vse_crypto_objects table;

static int setup(void **state)
{
    (void)state;
    table = (struct vse_crypto_objects){ 0 };
    return 0;
}

static void add_find_remove(void **state)
{
    (void)state;
    for (uint16_t i = 0; i < VSE_CRYPTO_OBJECTS_MAX; i++)
        assert_int_equal(vse_crypto_object_add(&table, i, SE_CONTEXT_DIGEST, SE_DIGEST_SHA256), ERR_OK);
    assert_int_equal(vse_crypto_object_add(&table, 7, SE_CONTEXT_DIGEST, SE_DIGEST_SHA1), ERR_EXISTS);
    assert_int_equal(vse_crypto_object_add(&table, 0xffff, SE_CONTEXT_DIGEST, SE_DIGEST_SHA1), ERR_TOO_BIG);
    vse_crypto_object_remove(&table, 7);
    vse_crypto_object_remove(&table, 7); /* is no error */
    assert_null(vse_crypto_object_find(&table, 7));
    assert_int_equal(table.n, VSE_CRYPTO_OBJECTS_MAX - 1);
    assert_int_equal(vse_crypto_object_find(&table, 8)->id, 8);
    assert_int_equal(table.v[table.n - 1].id, VSE_CRYPTO_OBJECTS_MAX - 1);
}

static void work_ends(void **state)
{
    struct vse_crypto_object *o;

    (void)state;
    assert_int_equal(vse_crypto_object_add(&table, 1, SE_CONTEXT_DIGEST, SE_DIGEST_SHA256), ERR_OK);
    o = vse_crypto_object_find(&table, 1);
    assert_int_equal(vse_digest_new(o->subtype, &o->run.digest), ERR_OK);
    o->work = VSE_WORK_DIGEST;
    vse_crypto_objects_stop(&table);
    assert_int_equal(o->work, VSE_WORK_NONE);
    vse_crypto_objects_stop(&table); /* nothing to free twice */
}

static void stored_form(void **state)
{
    static const struct {
        const char *what;
        uint32_t id;
        struct slice value;
        err_t want;
    } cases[] = {
        { "a digest", 5, SLICE_LIT("\x01\x04"), ERR_OK },
        { "there already", 5, SLICE_LIT("\x01\x04"), ERR_CORRUPT },
        { "id of 17 bits", 0x10000, SLICE_LIT("\x01\x04"), ERR_CORRUPT },
        { "one byte", 6, SLICE_LIT("\x01"), ERR_CORRUPT },
        { "three bytes", 6, SLICE_LIT("\x01\x04\x00"), ERR_CORRUPT },
        { "no such context", 6, SLICE_LIT("\x00\x04"), ERR_CORRUPT },
        { "no such digest", 6, SLICE_LIT("\x01\x00"), ERR_CORRUPT },
        { "AEAD", 7, SLICE_LIT("\x04\xb0"), ERR_OK },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        size_t n = table.n;

        print_message("  %s\n", cases[i].what);
        assert_int_equal(vse_crypto_object_load(&table, cases[i].id, cases[i].value), cases[i].want);
        assert_int_equal(table.n, n + (cases[i].want == ERR_OK));
    }
}

static void kinds_of_the_generations(void **state)
{
    (void)state;
    assert_true(vse_crypto_object_kind_valid(VSE_ON_3X, SE_CONTEXT_CIPHER, SE_CIPHER_AES_CTR));
    assert_false(vse_crypto_object_kind_valid(VSE_ON_3X, SE_CONTEXT_CIPHER, SE_CIPHER_AES_CTR_INTERNAL_IV));
    assert_true(vse_crypto_object_kind_valid(VSE_ON_7X, SE_CONTEXT_CIPHER, SE_CIPHER_AES_CTR_INTERNAL_IV));
    assert_false(vse_crypto_object_kind_valid(VSE_ON_3X, SE_CONTEXT_AEAD, SE_AEAD_GCM));
    assert_true(vse_crypto_object_kind_valid(VSE_ON_7X, SE_CONTEXT_AEAD, SE_AEAD_CCM_INTERNAL_IV));
    assert_false(vse_crypto_object_kind_valid(VSE_ON_7X, SE_CONTEXT_CIPHER, SE_CIPHER_AES_CBC_PKCS5));
    assert_true(vse_crypto_object_kind_valid(VSE_ON_7X, SE_CONTEXT_PAKE, SE_PAKE_P256_SHA256_HMAC));
    assert_false(vse_crypto_object_kind_valid(VSE_ON_7X, SE_CONTEXT_PAKE, 6));
    assert_false(vse_crypto_object_kind_valid(VSE_ON_3X, SE_CONTEXT_PAKE, SE_PAKE_P256_SHA256_HMAC));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(add_find_remove, setup),
        cmocka_unit_test_setup(work_ends, setup),
        cmocka_unit_test_setup(stored_form, setup),
        cmocka_unit_test(kinds_of_the_generations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
