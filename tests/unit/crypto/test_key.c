#include "../cm.h"

#include "base/file.h"
#include "crypto/key.h"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct crypto_ctx *ctx;
static char root[] = "/tmp/sedge-test-key-XXXXXX";
static EVP_PKEY *rsa, *ec;

static int setup(void **state)
{
    (void)state;
    return !mkdtemp(root) || crypto_ctx_new(NULL, &ctx) ||
           crypto_key_generate(ctx, CRYPTO_KEY_RSA_2048, &rsa) ||
           crypto_key_generate(ctx, CRYPTO_KEY_EC_P256, &ec);
}

static int teardown(void **state)
{
    (void)state;
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(ec);
    crypto_ctx_free(ctx);
    return file_remove_tree(root) != ERR_OK;
}

/* Write a file below root; its file:// URI (caller frees). */
static char *put(const char *name, struct slice bytes, mode_t mode)
{
    autofree char *path = mem_printf("%s/%s", root, name);

    assert_int_equal(file_write_durable(path, bytes, mode), ERR_OK);
    return mem_printf("file://%s", path);
}

static EVP_PKEY *parse(struct slice pem)
{
    EVP_PKEY *key = NULL;
    struct crypto_error why;

    assert_int_equal(crypto_key_parse_pem(ctx, pem, &key, &why), ERR_OK);
    return key;
}

/* --- generate, write, read ---------------------------------------------------------------------- */

static void pem_round_trip(void **state)
{
    const struct {
        EVP_PKEY *key;
        const char *head;
        int bits;
    } kinds[] = {
        { rsa, "-----BEGIN RSA PRIVATE KEY-----\n", 2048 }, /* as CreateKeysAndCertificate answers */
        { ec, "-----BEGIN EC PRIVATE KEY-----\n", 256 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        autobuf priv = BUF_SECRET(8192), pub = BUF_INIT(8192);
        auto_pkey EVP_PKEY *again = NULL, *public_only = NULL;
        assert_int_equal(crypto_key_private_pem(kinds[i].key, &priv), ERR_OK);
        assert_int_equal(crypto_key_public_pem(kinds[i].key, &pub), ERR_OK);
        assert_true(slice_starts(buf_slice(&priv), slice_str(kinds[i].head)));
        assert_true(slice_starts(buf_slice(&pub), SLICE_LIT("-----BEGIN PUBLIC KEY-----\n")));
        again = parse(buf_slice(&priv));
        assert_int_equal(crypto_pubkey_parse_pem(ctx, buf_slice(&pub), &public_only, NULL), ERR_OK);
        assert_true(crypto_key_same_public(again, kinds[i].key));
        assert_true(crypto_key_same_public(again, public_only));
        assert_int_equal(crypto_key_bits(again), kinds[i].bits);
        assert_true(crypto_key_acceptable(again));
        assert_null(crypto_key_token(again));
        assert_int_not_equal(crypto_key_private_pem(public_only, &priv), ERR_OK);
    }
    assert_true(crypto_key_is_rsa(rsa) && !crypto_key_is_rsa(ec));
    assert_true(crypto_key_is_ec(ec) && !crypto_key_is_ec(rsa));
    assert_false(crypto_key_same_public(rsa, ec));
}

static void generation_is_refused_for_other_kinds(void **state)
{
    EVP_PKEY *key = (EVP_PKEY *)state;

    assert_int_equal(crypto_key_generate(ctx, CRYPTO_KEY_OTHER, &key), ERR_INVALID);
    assert_ptr_equal(key, state);
}

static void small_keys_are_not_acceptable(void **state)
{
    auto_pkey EVP_PKEY *small = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1024);
    auto_pkey EVP_PKEY *k1 = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "secp256k1");
    auto_pkey EVP_PKEY *p384 = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-384");
    auto_pkey EVP_PKEY *ed = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");

    (void)state;
    assert_false(crypto_key_acceptable(small));
    assert_false(crypto_key_acceptable(k1));
    assert_false(crypto_key_acceptable(ed));
    assert_true(crypto_key_acceptable(p384));
}

static void every_truncated_pem_is_refused(void **state)
{
    autobuf pem = BUF_SECRET(8192);

    (void)state;
    assert_int_equal(crypto_key_private_pem(ec, &pem), ERR_OK);
    for (size_t n = 0; n + 1 < pem.n; n++) { /* the last line end is not needed */
        EVP_PKEY *key = (EVP_PKEY *)state;
        assert_int_equal(crypto_key_parse_pem(ctx, slice_head(buf_slice(&pem), n), &key, NULL), ERR_INVALID);
        assert_ptr_equal(key, state);
    }
    assert_int_equal(ERR_peek_error(), 0);
}

/* --- loading from a URI ------------------------------------------------------------------------- */

static void file_uris(void **state)
{
    autobuf pem = BUF_SECRET(8192);
    auto_pkey EVP_PKEY *key = NULL;
    struct crypto_error why;

    (void)state;
    assert_int_equal(crypto_key_private_pem(ec, &pem), ERR_OK);
    autofree char *uri = put("good.pem", buf_slice(&pem), 0600);
    assert_int_equal(crypto_key_load(ctx, uri, NULL, &key, &why), ERR_OK);
    assert_true(crypto_key_same_public(key, ec));
    assert_string_equal(why.warning, "");
}

static void pkcs8_is_read_too(void **state)
{
    auto_bio BIO *bio = BIO_new(BIO_s_mem());
    auto_pkey EVP_PKEY *key = NULL;
    char *p;

    (void)state;
    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, rsa, NULL, NULL, 0, NULL, NULL), 1);
    long n = BIO_get_mem_data(bio, &p);
    autofree char *uri = put("p8.pem", slice_of(p, (size_t)n), 0400);
    assert_int_equal(crypto_key_load(ctx, uri, NULL, &key, NULL), ERR_OK);
    assert_true(crypto_key_same_public(key, rsa));
}

static void file_errors(void **state)
{
    autobuf pem = BUF_SECRET(8192), pub = BUF_INIT(8192);
    auto_bio BIO *bio = BIO_new(BIO_s_mem());
    char *p;

    (void)state;
    assert_int_equal(crypto_key_private_pem(ec, &pem), ERR_OK);
    assert_int_equal(crypto_key_public_pem(ec, &pub), ERR_OK);
    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, ec, EVP_aes_128_cbc(), "pw", 2, NULL, NULL), 1);
    long n = BIO_get_mem_data(bio, &p);
    autofree char *open_to_group = put("open.pem", buf_slice(&pem), 0640);
    autofree char *open_to_all = put("all.pem", buf_slice(&pem), 0604);
    autofree char *public_key = put("pub.pem", buf_slice(&pub), 0600);
    autofree char *encrypted = put("enc.pem", slice_of(p, (size_t)n), 0600);
    autofree char *empty = put("empty.pem", SLICE_LIT(""), 0600);
    autofree char *folder = mem_printf("file://%s", root);
    autofree char *missing = mem_printf("file://%s/none", root);
    const struct {
        const char *uri;
        err_t want;
        const char *says;
    } cases[] = {
        { open_to_group, ERR_DENIED, "chmod 600" },
        { open_to_all, ERR_DENIED, "chmod 600" },
        { public_key, ERR_INVALID, "not an unencrypted PEM private key" },
        { encrypted, ERR_INVALID,
          "not an unencrypted PEM private key" }, /* and nobody is asked for a password */
        { empty, ERR_INVALID, "not an unencrypted PEM private key" },
        { folder, ERR_INVALID, "cannot read" },
        { missing, ERR_NOT_FOUND, "No such file" },
        { "/etc/passwd", ERR_UNSUPPORTED, "file:///PATH or pkcs11:" }, /* V1: ErrUnknownURIScheme */
        { "https://x/key", ERR_UNSUPPORTED, "file:///PATH or pkcs11:" },
        { "file://host/key", ERR_UNSUPPORTED, "file:///PATH or pkcs11:" },
        { "", ERR_UNSUPPORTED, "file:///PATH or pkcs11:" },
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        EVP_PKEY *key = (EVP_PKEY *)state;
        struct crypto_error why = { 0 };
        print_message("  %s\n", cases[i].uri);
        assert_int_equal(crypto_key_load(ctx, cases[i].uri, NULL, &key, &why), cases[i].want);
        assert_ptr_equal(key, state);
        assert_non_null(strstr(why.text, cases[i].says));
        assert_int_equal(crypto_key_load(ctx, cases[i].uri, NULL, &key, NULL), cases[i].want);
    }
}

/* What is wrong before any module is touched. The walks with a real token are in
 * tests/integration/test_crypto.py. */
static void token_settings(void **state)
{
    const struct crypto_token full = { "/no/module.so", "label", "7319" },
                              no_module = { NULL, "label", "7319" },
                              no_label = { "/no/module.so", "", "7319" },
                              no_pin = { "/no/module.so", "label", NULL },
                              relative = { "module.so", "label", "7319" };
    const struct {
        const char *uri;
        const struct crypto_token *token;
        err_t want;
        const char *says;
    } cases[] = {
        { "pkcs11:object=k;type=private", NULL, ERR_INVALID, "module-path=/MODULE.so" },
        { "pkcs11:object=k;type=private", &no_module, ERR_INVALID, "P11Provider" },
        { "pkcs11:object=k;type=private", &no_label, ERR_INVALID, "slotLabel is missing" },
        { "pkcs11:object=k;type=private", &no_pin, ERR_INVALID, "slotUserPin is missing" },
        { "pkcs11:object=k;type=private", &relative, ERR_INVALID, "absolute path" },
        { "pkcs11:object=k;type=private?pin-value=1", &no_pin, ERR_NOT_FOUND, "/no/module.so" },
        { "pkcs11:object=k;token=other", &full, ERR_INVALID, "\"other\" but slotLabel is \"label\"" },
        { "pkcs11:type=private", &full, ERR_INVALID, "no object" },
        { "pkcs11:object=k;type=cert", &full, ERR_INVALID, "private" },
        { "pkcs11:object=k;type=private", &full, ERR_NOT_FOUND, "/no/module.so" },
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        EVP_PKEY *key = (EVP_PKEY *)state;
        struct crypto_error why = { 0 };
        print_message("  %s\n", cases[i].uri);
        assert_int_equal(crypto_key_load(ctx, cases[i].uri, cases[i].token, &key, &why), cases[i].want);
        assert_ptr_equal(key, state);
        assert_non_null(strstr(why.text, cases[i].says));
        assert_null(strstr(why.text, "7319"));
    }
}

/* --- numbers ------------------------------------------------------------------------------------ */

static BIGNUM *bn(const struct buf *b)
{
    return BN_bin2bn(b->p, (int)b->n, NULL);
}

/* n = p*q and d*e = 1 mod (p-1): the numbers are what their names say. */
static void rsa_numbers(void **state)
{
    struct crypto_rsa_parts r;
    BN_CTX *c = BN_CTX_new();

    (void)state;
    assert_int_equal(crypto_rsa_parts_get(rsa, &r), ERR_OK);
    assert_int_equal(r.n.n, 256);
    assert_int_equal(r.d.n, 256);
    const struct buf *halves[] = { &r.p, &r.q, &r.dp, &r.dq, &r.qinv };
    for (size_t i = 0; i < ARRAY_LEN(halves); i++)
        assert_int_equal(halves[i]->n, 128);
    BIGNUM *n = bn(&r.n), *e = bn(&r.e), *d = bn(&r.d), *p = bn(&r.p), *q = bn(&r.q), *dp = bn(&r.dp),
           *qinv = bn(&r.qinv), *x = BN_new();
    BN_mul(x, p, q, c);
    assert_int_equal(BN_cmp(x, n), 0);
    BN_mod_mul(x, q, qinv, p, c);
    assert_true(BN_is_one(x));
    BN_sub_word(p, 1);
    BN_mod_mul(x, d, e, p, c);
    assert_true(BN_is_one(x));
    BN_mod(x, d, p, c);
    assert_int_equal(BN_cmp(x, dp), 0);
    BIGNUM *all[] = { n, e, d, p, q, dp, qinv, x };
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        BN_clear_free(all[i]);
    BN_CTX_free(c);

    auto_pkey EVP_PKEY *pub = NULL;
    struct crypto_rsa_parts r2;
    assert_int_equal(crypto_pubkey_from_rsa(ctx, buf_slice(&r.n), buf_slice(&r.e), &pub), ERR_OK);
    assert_true(crypto_key_same_public(pub, rsa));
    assert_int_equal(crypto_rsa_parts_get(pub, &r2), ERR_OK);
    assert_int_equal(r2.d.n, 0);
    crypto_rsa_parts_done(&r2);
    crypto_rsa_parts_done(&r);
}

static void ec_numbers(void **state)
{
    struct crypto_ec_parts p, p2;
    auto_pkey EVP_PKEY *pub = NULL;

    (void)state;
    assert_int_equal(crypto_ec_parts_get(ec, &p), ERR_OK);
    assert_string_equal(p.curve, "prime256v1");
    assert_int_equal(p.point.n, 65);
    assert_int_equal(p.point.p[0], 4);
    assert_int_equal(p.scalar.n, 32);
    assert_int_equal(crypto_pubkey_from_ec(ctx, p.curve, buf_slice(&p.point), &pub), ERR_OK);
    assert_true(crypto_key_same_public(pub, ec));
    assert_int_equal(crypto_ec_parts_get(pub, &p2), ERR_OK);
    assert_int_equal(p2.scalar.n, 0);
    crypto_ec_parts_done(&p2);

    EVP_PKEY *none = (EVP_PKEY *)state;
    p.point.p[64] ^= 1; /* off the curve */
    assert_int_equal(crypto_pubkey_from_ec(ctx, p.curve, buf_slice(&p.point), &none), ERR_INVALID);
    p.point.p[64] ^= 1;
    for (size_t n = 0; n < 65; n++)
        assert_int_equal(crypto_pubkey_from_ec(ctx, p.curve, slice_head(buf_slice(&p.point), n), &none),
                         ERR_INVALID);
    assert_int_equal(crypto_pubkey_from_ec(ctx, "no-curve", buf_slice(&p.point), &none), ERR_INVALID);
    assert_ptr_equal(none, state);
    crypto_ec_parts_done(&p);
}

static void numbers_of_the_wrong_kind(void **state)
{
    struct crypto_rsa_parts r;
    struct crypto_ec_parts e;
    EVP_PKEY *none = (EVP_PKEY *)state;
    uint8_t even[256] = { [0] = 0x80 };

    assert_int_equal(crypto_rsa_parts_get(ec, &r), ERR_INVALID);
    assert_int_equal(crypto_ec_parts_get(rsa, &e), ERR_INVALID);
    assert_int_equal(crypto_pubkey_from_rsa(ctx, SLICE_ARRAY(even), SLICE_LIT("\x01\x00\x01"), &none),
                     ERR_INVALID);
    assert_int_equal(crypto_pubkey_from_rsa(ctx, SLICE_LIT("\x05"), SLICE_LIT("\x03"), &none), ERR_INVALID);
    assert_int_equal(crypto_pubkey_from_rsa(ctx, SLICE_LIT(""), SLICE_LIT(""), &none), ERR_INVALID);
    assert_ptr_equal(none, state);
}

/* --- signatures --------------------------------------------------------------------------------- */

static void sign_and_verify(void **state)
{
    EVP_PKEY *keys[] = { rsa, ec };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        autobuf sig = BUF_INIT(1024);
        assert_int_equal(buf_add_str(&sig, "kept"), ERR_OK);
        assert_int_equal(crypto_sign(ctx, keys[i], SLICE_LIT("bytes"), &sig, NULL), ERR_OK);
        assert_memory_equal(sig.p, "kept", 4);
        struct slice s = slice_skip(buf_slice(&sig), 4);
        assert_int_equal(crypto_verify(ctx, keys[i], SLICE_LIT("bytes"), s), ERR_OK);
        assert_int_equal(crypto_verify(ctx, keys[i], SLICE_LIT("bytez"), s), ERR_AUTH);
        assert_int_equal(crypto_verify(ctx, keys[!i], SLICE_LIT("bytes"), s), ERR_AUTH);
        for (size_t n = 0; n < s.n; n++)
            assert_int_equal(crypto_verify(ctx, keys[i], SLICE_LIT("bytes"), slice_head(s, n)), ERR_AUTH);
        sig.p[sig.n - 1] ^= 1;
        assert_int_equal(crypto_verify(ctx, keys[i], SLICE_LIT("bytes"), s), ERR_AUTH);
    }
}

static void signing_without_a_private_part_fails(void **state)
{
    autobuf pub = BUF_INIT(4096), sig = BUF_INIT(1024);
    auto_pkey EVP_PKEY *key = NULL;
    struct crypto_error why = { 0 };

    (void)state;
    assert_int_equal(crypto_key_public_pem(ec, &pub), ERR_OK);
    assert_int_equal(crypto_pubkey_parse_pem(ctx, buf_slice(&pub), &key, NULL), ERR_OK);
    assert_int_equal(crypto_sign(ctx, key, SLICE_LIT("bytes"), &sig, &why), ERR_CRYPTO);
    assert_int_equal(sig.n, 0);
    assert_non_null(strstr(why.text, "signing failed"));
    autobuf small = BUF_INIT(10);
    assert_int_equal(crypto_sign(ctx, ec, SLICE_LIT("bytes"), &small, &why), ERR_TOO_BIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pem_round_trip),
        cmocka_unit_test(generation_is_refused_for_other_kinds),
        cmocka_unit_test(small_keys_are_not_acceptable),
        cmocka_unit_test(every_truncated_pem_is_refused),
        cmocka_unit_test(file_uris),
        cmocka_unit_test(pkcs8_is_read_too),
        cmocka_unit_test(file_errors),
        cmocka_unit_test(token_settings),
        cmocka_unit_test(rsa_numbers),
        cmocka_unit_test(ec_numbers),
        cmocka_unit_test(numbers_of_the_wrong_kind),
        cmocka_unit_test(sign_and_verify),
        cmocka_unit_test(signing_without_a_private_part_fails),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
