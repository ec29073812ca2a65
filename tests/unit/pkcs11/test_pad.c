#include "../cm.h"
#include "keys.h"
#include "pkcs11/pad.h"

/* The chip's part: the bare private operation, done by OpenSSL here. */
static void private_raw(EVP_PKEY *pair, const uint8_t *in, size_t n, uint8_t *out)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pair, NULL);

    assert_int_equal(EVP_PKEY_decrypt_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING), 1);
    assert_int_equal(EVP_PKEY_decrypt(ctx, out, &n, in, n), 1);
    EVP_PKEY_CTX_free(ctx);
}

/* Odd sizes on purpose: with 1025 and 2049 bits the encoded message is a byte shorter than the modulus. */
static const struct {
    size_t bits;
    CK_MECHANISM_TYPE hash, mgf;
    size_t salt;
} pss_cases[] = {
    { 2048, CKM_SHA256, CKM_SHA256, 32 }, /* TLS */
    { 2048, CKM_SHA256, CKM_SHA256, 0 },   { 2048, CKM_SHA384, CKM_SHA384, 48 },
    { 2048, CKM_SHA512, CKM_SHA512, 64 },  { 2048, CKM_SHA_1, CKM_SHA_1, 20 },
    { 2048, CKM_SHA256, CKM_SHA_1, 20 },  /* hash and MGF differ */
    { 1024, CKM_SHA512, CKM_SHA512, 62 }, /* just fits: 128 = 64 + 62 + 2 */
    { 1025, CKM_SHA256, CKM_SHA256, 32 },  { 1031, CKM_SHA256, CKM_SHA256, 11 },
    { 3072, CKM_SHA224, CKM_SHA224, 200 },
};

/* What we encode, OpenSSL's own PSS verification accepts; and so does the one of the module. */
static void openssl_accepts_our_pss(void **state)
{
    struct p11_ossl *o = p11_ossl_new();
    uint8_t digest[P11_HASH_MAX], em[P11_RSA_MAX], sig[P11_RSA_MAX];

    memset(digest, 0x5a, sizeof(digest));
    for (size_t i = 0; i < ARRAY_LEN(pss_cases); i++) {
        const struct p11_hash *hash = p11_hash_by_ckm(pss_cases[i].hash),
                              *mgf = p11_hash_by_ckm(pss_cases[i].mgf);
        struct p11_pss pss = { hash, mgf, pss_cases[i].salt };
        EVP_PKEY *pair = test_rsa(pss_cases[i].bits);
        size_t n = (pss_cases[i].bits + 7) / 8;

        print_message("  %zu bits, %s, %zu\n", pss_cases[i].bits, hash->name, pss.salt_len);
        assert_int_equal(p11_pad_pss(o, &pss, pss_cases[i].bits, slice_of(digest, hash->len), em), ERR_OK);
        private_raw(pair, em, n, sig);

        EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pair, NULL);
        assert_int_equal(EVP_PKEY_verify_init(ctx), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING), 1);
        assert_int_equal(EVP_PKEY_CTX_set_signature_md(ctx, EVP_get_digestbyname(hash->name)), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_get_digestbyname(mgf->name)), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, (int)pss.salt_len), 1);
        assert_int_equal(EVP_PKEY_verify(ctx, sig, n, digest, hash->len), 1);
        EVP_PKEY_CTX_free(ctx);

        struct p11_key *key = test_rsa_key(pair, 1);
        EVP_PKEY *public = NULL;
        assert_int_equal(p11_key_public(o, key, &public), ERR_OK);
        assert_int_equal(p11_ossl_rsa_verify_pss(o, public, hash, mgf, pss.salt_len,
                                                 slice_of(digest, hash->len), slice_of(sig, n)),
                         ERR_OK);
        sig[n / 2] ^= 1;
        assert_int_equal(p11_ossl_rsa_verify_pss(o, public, hash, mgf, pss.salt_len,
                                                 slice_of(digest, hash->len), slice_of(sig, n)),
                         ERR_AUTH);
        p11_ossl_key_free(public);
        p11_key_unref(key);
        EVP_PKEY_free(pair);
    }
    p11_ossl_free(o);
}

static void pss_that_does_not_fit_is_refused(void **state)
{
    struct p11_ossl *o = p11_ossl_new();
    const struct p11_hash *sha512 = p11_hash_by_ckm(CKM_SHA512);
    struct p11_pss pss = { sha512, sha512, 63 };
    uint8_t digest[64] = { 0 }, em[P11_RSA_MAX];

    memset(em, 0xee, sizeof(em));
    assert_int_equal(p11_pad_pss(o, &pss, 1024, SLICE_ARRAY(digest), em),
                     ERR_TOO_BIG); /* one byte too many */
    pss.salt_len = SIZE_MAX;
    assert_int_equal(p11_pad_pss(o, &pss, 1024, SLICE_ARRAY(digest), em), ERR_TOO_BIG);
    pss.salt_len = 10;
    assert_int_equal(p11_pad_pss(o, &pss, 2048, slice_of(digest, 63), em), ERR_TOO_BIG);
    assert_int_equal(p11_pad_pss(o, &pss, 4097, SLICE_ARRAY(digest), em), ERR_TOO_BIG);
    for (size_t i = 0; i < sizeof(em); i++)
        assert_int_equal(em[i], 0xee);
    p11_ossl_free(o);
}

static void encrypted_by_openssl_is_unpadded(void **state)
{
    static const size_t lengths[] = { 0, 1, 48, 117 }; /* 117 = 128 - 11 */
    EVP_PKEY *pair = test_rsa(1024);
    struct p11_ossl *o = p11_ossl_new();
    struct p11_key *key = test_rsa_key(pair, 1);
    EVP_PKEY *public = NULL;
    uint8_t message[118], cipher[128], em[128], out[128];

    memset(message, 0xa5, sizeof(message));
    assert_int_equal(p11_key_public(o, key, &public), ERR_OK);
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        size_t n = 999;
        assert_int_equal(
            p11_ossl_rsa_encrypt(o, public, slice_of(message, lengths[i]), cipher, sizeof(cipher)), ERR_OK);
        private_raw(pair, cipher, sizeof(cipher), em);
        assert_int_equal(p11_unpad_pkcs1(em, sizeof(em), out, &n), ERR_OK);
        assert_int_equal(n, lengths[i]);
        assert_memory_equal(out, message, n);
    }
    assert_int_equal(p11_ossl_rsa_encrypt(o, public, slice_of(message, 118), cipher, sizeof(cipher)),
                     ERR_CRYPTO);
    p11_ossl_key_free(public);
    p11_key_unref(key);
    p11_ossl_free(o);
    EVP_PKEY_free(pair);
}

/* One error for all that can be wrong (RFC 8017 §7.2.2 step 3), outputs untouched. */
static void bad_paddings_are_all_alike(void **state)
{
    static const struct {
        const char *what;
        size_t at;
        uint8_t value;
    } cases[] = {
        { "first byte", 0, 1 },
        { "block type 1", 1, 1 },
        { "padding of seven bytes", 9, 0 },
        { "no zero at all", 60, 0x11 },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint8_t em[128], out[128];
        size_t n = 999;
        memset(em, 0x11, sizeof(em));
        em[0] = 0;
        em[1] = 2;
        em[60] = 0;
        assert_int_equal(p11_unpad_pkcs1(em, sizeof(em), out, &n), ERR_OK);
        assert_int_equal(n, 67);
        n = 999;
        em[cases[i].at] = cases[i].value;
        print_message("  %s\n", cases[i].what);
        assert_int_equal(p11_unpad_pkcs1(em, sizeof(em), out, &n), ERR_INVALID);
        assert_int_equal(n, 999);
    }
}

/* OAEP of OpenSSL's, with each hash and label, deciphered bare and decoded here. */
static void openssls_oaep_is_unpadded(void **state)
{
    struct p11_ossl *o = p11_ossl_new();
    EVP_PKEY *pair = test_rsa(2048);
    struct p11_key *key = test_rsa_key(pair, 1);
    EVP_PKEY *public = NULL;
    uint8_t cipher[256], em[256], out[256];

    assert_int_equal(p11_key_public(o, key, &public), ERR_OK);
    for (size_t i = 0; i < P11_HASHES; i++) {
        struct p11_oaep oaep = { p11_hash_at(i), p11_hash_at((i * 3 + 1) % P11_HASHES) };
        struct slice label = i % 2 ? SLICE_LIT("a label") : (struct slice){ 0 };
        size_t n = 999;
        assert_int_equal(p11_ossl_rsa_encrypt_oaep(o, public, oaep.hash, oaep.mgf, label, SLICE_LIT("secret"),
                                                   cipher, sizeof(cipher)),
                         ERR_OK);
        private_raw(pair, cipher, sizeof(cipher), em);
        assert_int_equal(p11_unpad_oaep(o, &oaep, label, em, sizeof(em), out, &n), ERR_OK);
        assert_int_equal(n, 6);
        assert_memory_equal(out, "secret", 6);
        n = 999;
        assert_int_equal(p11_unpad_oaep(o, &oaep, SLICE_LIT("another"), em, sizeof(em), out, &n),
                         ERR_INVALID);
        for (size_t at = 0; at < sizeof(em); at += 17) { /* 0: the first byte, which is 0 */
            em[at] ^= 1;
            assert_int_equal(p11_unpad_oaep(o, &oaep, label, em, sizeof(em), out, &n), ERR_INVALID);
            em[at] ^= 1;
        }
        assert_int_equal(n, 999);
    }
    p11_ossl_key_free(public);
    p11_key_unref(key);
    p11_ossl_free(o);
    EVP_PKEY_free(pair);
}

static void every_last_block_of_cbc(void **state)
{
    uint8_t block[16];

    for (unsigned pad = 0; pad <= 255; pad++) {
        size_t n = 999;
        memset(block, 0xee, sizeof(block));
        memset(block + (pad <= 16 ? 16 - pad : 0), (int)pad, pad <= 16 ? pad : 16);
        block[15] = (uint8_t)pad;
        bool good = pad >= 1 && pad <= 16;
        assert_int_equal(p11_unpad_block(block, 16, &n), good ? ERR_OK : ERR_INVALID);
        assert_int_equal(n, good ? 16 - pad : 999);
        for (unsigned i = 2; good && i <= 16;
             i++) { /* each other byte of the padding counts, no byte before it */
            block[16 - i] ^= 0x80;
            assert_int_equal(p11_unpad_block(block, 16, &n), i <= pad ? ERR_INVALID : ERR_OK);
            block[16 - i] ^= 0x80;
        }
    }
}

static void pkcs1_signature_padding_is_openssls(void **state)
{
    static const uint8_t info[118];
    uint8_t em[128];

    assert_int_equal(p11_pad_pkcs1(SLICE_LIT("info"), sizeof(em), em), ERR_OK);
    assert_memory_equal(em, "\0\1\xff\xff", 4);
    assert_memory_equal(em + 122, "\xff\0info", 6);
    assert_int_equal(p11_pad_pkcs1((struct slice){ 0 }, sizeof(em), em), ERR_OK);
    assert_int_equal(em[127], 0);
    assert_int_equal(p11_pad_pkcs1(slice_of(info, 117), sizeof(em), em), ERR_OK);
    assert_int_equal(p11_pad_pkcs1(slice_of(info, 118), sizeof(em), em), ERR_TOO_BIG);
    assert_int_equal(p11_pad_pkcs1((struct slice){ 0 }, 10, em), ERR_TOO_BIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(openssl_accepts_our_pss),
        cmocka_unit_test(pss_that_does_not_fit_is_refused),
        cmocka_unit_test(encrypted_by_openssl_is_unpadded),
        cmocka_unit_test(bad_paddings_are_all_alike),
        cmocka_unit_test(openssls_oaep_is_unpadded),
        cmocka_unit_test(every_last_block_of_cbc),
        cmocka_unit_test(pkcs1_signature_padding_is_openssls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
