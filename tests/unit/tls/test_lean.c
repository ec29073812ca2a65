#include "../cm.h"
#include "tls/lean.h"

#include <openssl/decoder.h>
#include <openssl/evp.h>

/* Decoding a certificate goes through every method of the context: how many there are is what it costs
 * (docs/decisions/tls-cost.md). */

struct counted {
    unsigned n;
};

static void count_cipher(EVP_CIPHER *cipher, void *arg)
{
    ((struct counted *)arg)->n++;
}

static void count_digest(EVP_MD *md, void *arg)
{
    ((struct counted *)arg)->n++;
}

static void count_key_type(EVP_KEYMGMT *type, void *arg)
{
    ((struct counted *)arg)->n++;
}

static void count_decoder(OSSL_DECODER *decoder, void *arg)
{
    ((struct counted *)arg)->n++;
}

static void shows_few(void **state)
{
    OSSL_LIB_CTX *lib = tls_lean_lib();
    struct counted lean[4] = { { 0 } }, all[4] = { { 0 } };

    assert_non_null(lib);
    EVP_CIPHER_do_all_provided(lib, count_cipher, &lean[0]);
    EVP_MD_do_all_provided(lib, count_digest, &lean[1]);
    EVP_KEYMGMT_do_all_provided(lib, count_key_type, &lean[2]);
    OSSL_DECODER_do_all_provided(lib, count_decoder, &lean[3]);
    assert_int_equal(lean[0].n, 16);
    assert_int_equal(lean[1].n, 7);
    assert_int_equal(lean[2].n, 10);
    assert_int_equal(lean[3].n, 5);
    EVP_CIPHER_do_all_provided(NULL, count_cipher, &all[0]); /* the control */
    OSSL_DECODER_do_all_provided(NULL, count_decoder, &all[3]);
    assert_true(all[0].n > 5 * lean[0].n && all[3].n > 5 * lean[3].n);
}

static void has_what_tls_needs(void **state)
{
    static const char *const ciphers[] = { "AES-128-GCM", "AES-256-GCM", "ChaCha20-Poly1305", "AES-128-CBC",
                                           "AES-256-CBC" };
    static const char *const keys[] = { "EC", "RSA", "RSA-PSS", "ED25519", "ED448", "X25519", "X448" };

    for (size_t i = 0; i < sizeof(ciphers) / sizeof(ciphers[0]); i++) {
        EVP_CIPHER *c = EVP_CIPHER_fetch(tls_lean_lib(), ciphers[i], NULL);

        assert_non_null(c);
        EVP_CIPHER_free(c);
    }
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        EVP_KEYMGMT *k = EVP_KEYMGMT_fetch(tls_lean_lib(), keys[i], NULL);

        assert_non_null(k);
        EVP_KEYMGMT_free(k);
    }
    assert_null(EVP_CIPHER_fetch(tls_lean_lib(), "DES-EDE3-CBC", NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shows_few),
        cmocka_unit_test(has_what_tls_needs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
