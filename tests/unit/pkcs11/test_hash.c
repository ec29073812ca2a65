#include "../cm.h"
#include "keys.h"
#include "pkcs11/ossl.h"

#include <openssl/err.h>

/* The DigestInfo of our table is the one OpenSSL signs: sign with a hash set, verify prefix + digest. */
static void prefixes_are_openssls(void **state)
{
    EVP_PKEY *pair = test_rsa(1024);
    struct p11_ossl *o = p11_ossl_new();
    struct p11_key *key = test_rsa_key(pair, 1);
    EVP_PKEY *public = NULL;

    assert_int_equal(p11_key_public(o, key, &public), ERR_OK);
    for (size_t i = 0; i < P11_HASHES; i++) {
        const struct p11_hash *h = p11_hash_at(i);
        uint8_t info[128], sig[128];
        size_t n = sizeof(sig);
        EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pair, NULL);

        print_message("  %s\n", h->name);
        memcpy(info, h->prefix, h->prefix_len);
        memset(info + h->prefix_len, (int)i, h->len);
        assert_int_equal(EVP_PKEY_sign_init(ctx), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING), 1);
        assert_int_equal(EVP_PKEY_CTX_set_signature_md(ctx, EVP_get_digestbyname(h->name)), 1);
        assert_int_equal(EVP_PKEY_sign(ctx, sig, &n, info + h->prefix_len, h->len), 1);
        struct slice whole = slice_of(info, h->prefix_len + h->len);
        assert_int_equal(p11_ossl_rsa_verify_pkcs1(o, public, whole, SLICE_ARRAY(sig)), ERR_OK);
        info[h->prefix_len] ^= 1;
        assert_int_equal(p11_ossl_rsa_verify_pkcs1(o, public, whole, SLICE_ARRAY(sig)), ERR_AUTH);
        EVP_PKEY_CTX_free(ctx);
    }
    p11_ossl_key_free(public);
    p11_key_unref(key);
    p11_ossl_free(o);
    EVP_PKEY_free(pair);
}

static void each_name_finds_its_hash(void **state)
{
    for (size_t i = 0; i < P11_HASHES; i++) {
        const struct p11_hash *h = p11_hash_at(i);
        assert_int_equal(h->index, i);
        assert_ptr_equal(p11_hash_by_ckm(h->ckm), h);
        assert_ptr_equal(p11_hash_by_mgf(h->mgf), h);
        assert_int_equal(EVP_MD_get_size(EVP_get_digestbyname(h->name)), h->len);
    }
    assert_null(p11_hash_at(P11_HASHES));
    assert_null(p11_hash_by_ckm(CKM_MD5));
    assert_null(p11_hash_by_mgf(0));
}

/* The module lives in other programs: their error queue is theirs. */
static void the_callers_error_queue_stays(void **state)
{
    struct p11_ossl *o = p11_ossl_new();
    EVP_PKEY *key = NULL;
    uint8_t junk[65] = { 4, 1 };

    ERR_clear_error();
    assert_int_equal(p11_ossl_ec_public(o, "1.2.840.10045.3.1.7", SLICE_ARRAY(junk), &key), ERR_CRYPTO);
    assert_null(key);
    assert_int_equal(ERR_peek_error(), 0);
    ERR_raise(ERR_LIB_USER, 42);
    assert_int_equal(p11_ossl_ec_public(o, "1.2.840.10045.3.1.7", SLICE_ARRAY(junk), &key), ERR_CRYPTO);
    assert_int_equal(ERR_GET_REASON(ERR_get_error()), 42);
    assert_int_equal(ERR_get_error(), 0);
    assert_int_equal(p11_ossl_ec_public(o, "1.2.3.4.5.6.7", SLICE_ARRAY(junk), &key), ERR_UNSUPPORTED);
    p11_ossl_free(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prefixes_are_openssls),
        cmocka_unit_test(each_name_finds_its_hash),
        cmocka_unit_test(the_callers_error_queue_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
