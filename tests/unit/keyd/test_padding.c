/* Which blocks a client that may sign but not decrypt may send: padded ones, made by OpenSSL here. */
#include "../cm.h"
#include "base/mem.h"
#include "keyd/padding.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>

static EVP_PKEY *make_key(unsigned bits)
{
    EVP_PKEY *key = EVP_RSA_gen(bits);

    assert_non_null(key);
    return key;
}

/* The block that a signature is the root of. */
static size_t open_signature(EVP_PKEY *key, const uint8_t *sig, size_t n, uint8_t *block)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);

    assert_int_equal(EVP_PKEY_encrypt_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING), 1);
    assert_int_equal(EVP_PKEY_encrypt(ctx, block, &n, sig, n), 1);
    EVP_PKEY_CTX_free(ctx);
    return n;
}

static struct slice signed_block(EVP_PKEY *key, const EVP_MD *md, int padding, int salt, uint8_t block[512])
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pctx;
    uint8_t sig[512];
    size_t n = sizeof(sig);

    assert_int_equal(EVP_DigestSignInit(ctx, &pctx, md, NULL, key), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(pctx, padding), 1);
    if (padding == RSA_PKCS1_PSS_PADDING)
        assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, salt), 1);
    assert_int_equal(EVP_DigestSign(ctx, sig, &n, (const uint8_t *)"text", 4), 1);
    EVP_MD_CTX_free(ctx);
    return slice_of(block, open_signature(key, sig, n, block));
}

static void signatures(void **state)
{
    const EVP_MD *mds[] = { EVP_sha1(), EVP_sha224(), EVP_sha256(), EVP_sha384(), EVP_sha512() };
    EVP_PKEY *key = make_key(2048);
    uint8_t block[512];

    for (size_t i = 0; i < ARRAY_LEN(mds); i++) {
        struct slice b = signed_block(key, mds[i], RSA_PKCS1_PADDING, 0, block);

        assert_true(keyd_is_signature_block(b));
        for (int salt = 0; salt <= 64; salt += 32)
            assert_true(
                keyd_is_signature_block(signed_block(key, mds[i], RSA_PKCS1_PSS_PADDING, salt, block)));
    }
    EVP_PKEY_free(key);
}

/* With a small modulus and a long salt too little of the form is left to tell it from a blinded ciphertext.
 */
static void too_little_form(void **state)
{
    EVP_PKEY *key = make_key(1024);
    uint8_t block[512];

    assert_true(keyd_is_signature_block(signed_block(key, EVP_sha256(), RSA_PKCS1_PSS_PADDING, 32, block)));
    assert_false(keyd_is_signature_block(signed_block(key, EVP_sha512(), RSA_PKCS1_PSS_PADDING, 62, block)));
    EVP_PKEY_free(key);
}

static void ciphertexts(void **state)
{
    static const int paddings[] = { RSA_PKCS1_PADDING, RSA_PKCS1_OAEP_PADDING };
    EVP_PKEY *key = make_key(2048);

    for (size_t i = 0; i < 40; i++) {
        EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
        uint8_t out[512];
        size_t n = sizeof(out);

        assert_int_equal(EVP_PKEY_encrypt_init(ctx), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, paddings[i % 2]), 1);
        assert_int_equal(EVP_PKEY_encrypt(ctx, out, &n, (const uint8_t *)"secret", 6), 1);
        EVP_PKEY_CTX_free(ctx);
        assert_false(keyd_is_signature_block(slice_of(out, n)));
    }
    EVP_PKEY_free(key);
}

static void nearly(void **state)
{
    EVP_PKEY *key = make_key(1024);
    uint8_t block[512];
    struct slice b = signed_block(key, EVP_sha256(), RSA_PKCS1_PADDING, 0, block);
    const size_t changed[] = { 0, 1, 2, 40, b.n - 33, b.n - 40, b.n - 52 };

    for (size_t i = 0; i < ARRAY_LEN(changed); i++) {
        block[changed[i]] ^= 1;
        assert_false(keyd_is_signature_block(b));
        block[changed[i]] ^= 1;
    }
    assert_true(keyd_is_signature_block(b));
    assert_false(keyd_is_signature_block(slice_head(b, b.n - 1)));
    assert_false(keyd_is_signature_block((struct slice){ 0 }));
    EVP_PKEY_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(signatures), cmocka_unit_test(too_little_form),
                                        cmocka_unit_test(ciphertexts), cmocka_unit_test(nearly) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
