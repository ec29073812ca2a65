#include "../cm.h"

#include "base/file.h"
#include "crypto/cert.h"
#include "crypto/issue.h"

#include <openssl/err.h>
#include <string.h>

#define NOW 1700000000000 /* 2023-11-14T22:13:20Z */
#define HOUR 3600000

static struct crypto_ctx *ctx;
static char root[] = "/tmp/sedge-test-cert-XXXXXX";
static EVP_PKEY *ca_key, *other_key, *leaf_key;
static X509 *ca, *twin_ca, *other_ca; /* twin_ca: ca's name, another key */

static X509 *make(enum crypto_cert_kind kind, const char *cn, EVP_PKEY *key, const X509 *issuer,
                  EVP_PKEY *issuer_key)
{
    struct crypto_cert_spec spec = {
        .kind = kind, .common_name = cn, .not_before_ms = NOW - HOUR, .not_after_ms = NOW + HOUR
    };
    X509 *cert = NULL;
    struct crypto_error why = { 0 };

    if (crypto_cert_issue(ctx, &spec, key, issuer, issuer_key, &cert, &why))
        print_error("%s\n", why.text);
    return cert;
}

static int setup(void **state)
{
    (void)state;
    if (!mkdtemp(root) || crypto_ctx_new(NULL, &ctx) ||
        crypto_key_generate(ctx, CRYPTO_KEY_EC_P256, &ca_key) ||
        crypto_key_generate(ctx, CRYPTO_KEY_EC_P256, &other_key) ||
        crypto_key_generate(ctx, CRYPTO_KEY_RSA_2048, &leaf_key))
        return 1;
    ca = make(CRYPTO_CERT_CA, "Test CA", ca_key, NULL, ca_key);
    twin_ca = make(CRYPTO_CERT_CA, "Test CA", other_key, NULL, other_key);
    other_ca = make(CRYPTO_CERT_CA, "Other CA", other_key, NULL, other_key);
    return !ca || !twin_ca || !other_ca;
}

static int teardown(void **state)
{
    (void)state;
    X509_free(ca);
    X509_free(twin_ca);
    X509_free(other_ca);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(other_key);
    EVP_PKEY_free(leaf_key);
    crypto_ctx_free(ctx);
    return file_remove_tree(root) != ERR_OK;
}

/* A certificate whose id, names and dates were read with `openssl x509`. */
static const char known[] = "-----BEGIN CERTIFICATE-----\n"
                            "MIIBmjCCAT+gAwIBAgIIESIzRFVmd4gwCgYIKoZIzj0EAwIwKDEUMBIGA1UECgwL\n"
                            "U2VkZ2UsIFRlc3QxEDAOBgNVBAMMB2NvcmUtw6kwHhcNMjYxMTIyMTQzNjU1WhcN\n"
                            "MzYxMTE5MTQzNjU1WjAoMRQwEgYDVQQKDAtTZWRnZSwgVGVzdDEQMA4GA1UEAwwH\n"
                            "Y29yZS3DqTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABFRIrXlvd1Mjwjzwbw85\n"
                            "iR5NsomM+JxLlcd5NzkpNS8qfTkDSengO1WIstdytiiLLKVe9mbEWyXw/G4s0pdq\n"
                            "8emjUzBRMB0GA1UdDgQWBBRQiyhEmgCiyJPM568t9WHyxDklPTAfBgNVHSMEGDAW\n"
                            "gBRQiyhEmgCiyJPM568t9WHyxDklPTAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49\n"
                            "BAMCA0kAMEYCIQDe+sesUufNXe7kInopc2bVnEyC5TQlihcR/Z1yUmd/iwIhAPF5\n"
                            "oj1rVztKoEzCLLs7K54SykSLBhyZroavD1lvUb8E\n"
                            "-----END CERTIFICATE-----\n";

static void known_certificate(void **state)
{
    auto_x509 X509 *cert = NULL;
    char id[CRYPTO_SHA256_HEX], cn[64], hash[CRYPTO_SHA256_HEX], hash2[CRYPTO_SHA256_HEX];
    autobuf text = BUF_INIT(1000);
    int64_t from, to;

    (void)state;
    assert_int_equal(crypto_cert_parse_pem(ctx, SLICE_LIT(known), &cert, NULL), ERR_OK);
    assert_int_equal(crypto_cert_id(ctx, cert, id), ERR_OK);
    assert_string_equal(id, "f28e959a55b0b74668062a5a87e38848090d59cbce00e10dd20c6bb04ce68419");
    assert_int_equal(crypto_cert_common_name(cert, cn, sizeof(cn)), ERR_OK);
    assert_string_equal(cn, "core-\xc3\xa9");
    assert_int_equal(crypto_cert_common_name(cert, cn, 7), ERR_TOO_BIG);
    assert_int_equal(crypto_cert_common_name(cert, cn, 8), ERR_OK);
    assert_int_equal(crypto_cert_subject_text(cert, &text), ERR_OK);
    assert_string_equal(buf_str(&text), "CN=core-\xc3\xa9,O=Sedge\\, Test");
    buf_clear(&text);
    assert_int_equal(crypto_cert_issuer_text(cert, &text), ERR_OK);
    assert_string_equal(buf_str(&text), "CN=core-\xc3\xa9,O=Sedge\\, Test");
    buf_clear(&text);
    assert_int_equal(crypto_cert_serial_hex(cert, &text), ERR_OK);
    assert_string_equal(buf_str(&text), "1122334455667788");
    assert_int_equal(crypto_cert_validity(cert, &from, &to), ERR_OK);
    assert_true(from == 1795358215000 && to == 2110718215000);
    assert_int_equal(crypto_cert_subject_hash(ctx, cert, hash), ERR_OK);
    assert_int_equal(crypto_cert_issuer_hash(ctx, cert, hash2), ERR_OK);
    assert_string_equal(hash, hash2);
}

/* --- reading and writing ------------------------------------------------------------------------ */

static void pem_and_der_round_trip(void **state)
{
    autobuf pem = BUF_INIT(4096), der = BUF_INIT(4096);
    auto_x509 X509 *a = NULL, *b = NULL;

    (void)state;
    assert_int_equal(crypto_cert_pem(ca, &pem), ERR_OK);
    assert_int_equal(crypto_cert_der(ca, &der), ERR_OK);
    assert_int_equal(crypto_cert_parse_pem(ctx, buf_slice(&pem), &a, NULL), ERR_OK);
    assert_int_equal(crypto_cert_parse_der(ctx, buf_slice(&der), &b), ERR_OK);
    assert_int_equal(X509_cmp(a, ca), 0);
    assert_int_equal(X509_cmp(b, ca), 0);
}

static void truncated_and_padded_der(void **state)
{
    autobuf der = BUF_INIT(4096);
    X509 *none = (X509 *)state;

    assert_int_equal(crypto_cert_der(ca, &der), ERR_OK);
    for (size_t n = 0; n < der.n; n++)
        assert_int_equal(crypto_cert_parse_der(ctx, slice_head(buf_slice(&der), n), &none), ERR_INVALID);
    assert_int_equal(buf_add_u8(&der, 0), ERR_OK);
    assert_int_equal(crypto_cert_parse_der(ctx, buf_slice(&der), &none), ERR_INVALID);
    assert_ptr_equal(none, state);
    assert_int_equal(ERR_peek_error(), 0);
}

static void chains(void **state)
{
    autobuf pem = BUF_INIT(65536);
    auto_x509_stack STACK_OF(X509) *list = NULL;
    STACK_OF(X509) *none = (STACK_OF(X509) *)state;
    struct crypto_error why;

    assert_int_equal(buf_add_str(&pem, "# a comment\n"), ERR_OK);
    assert_int_equal(crypto_cert_pem(ca, &pem), ERR_OK);
    assert_int_equal(crypto_cert_pem(other_ca, &pem), ERR_OK);
    assert_int_equal(crypto_chain_parse_pem(ctx, buf_slice(&pem), 2, &list, &why), ERR_OK);
    assert_int_equal(sk_X509_num(list), 2);
    assert_int_equal(X509_cmp(sk_X509_value(list, 1), other_ca), 0);
    assert_int_equal(crypto_chain_parse_pem(ctx, buf_slice(&pem), 1, &none, &why), ERR_TOO_BIG);
    assert_int_equal(crypto_chain_parse_pem(ctx, SLICE_LIT("no certificates"), 9, &none, &why), ERR_INVALID);
    assert_int_equal(crypto_chain_parse_pem(ctx, SLICE_LIT(""), 9, &none, &why), ERR_INVALID);
    assert_int_equal(buf_add_str(&pem, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
                     ERR_OK);
    assert_int_equal(crypto_chain_parse_pem(ctx, buf_slice(&pem), 9, &none, &why), ERR_INVALID);
    assert_non_null(strstr(why.text, "certificate 3"));
    assert_ptr_equal(none, state);
}

static void loading_files(void **state)
{
    autofree char *path = mem_printf("%s/c.pem", root);
    autofree char *uri = mem_printf("file://%s", path);
    autofree char *missing = mem_printf("%s/none.pem", root);
    autobuf pem = BUF_INIT(4096);
    auto_x509 X509 *a = NULL, *b = NULL;
    auto_x509_stack STACK_OF(X509) *list = NULL;
    X509 *none = (X509 *)state;
    struct crypto_error why;

    assert_int_equal(crypto_cert_pem(ca, &pem), ERR_OK);
    assert_int_equal(file_write_durable(path, buf_slice(&pem), 0644), ERR_OK);
    assert_int_equal(crypto_cert_load(ctx, path, &a, &why), ERR_OK);
    assert_int_equal(crypto_cert_load(ctx, uri, &b, &why), ERR_OK);
    assert_int_equal(crypto_chain_load(ctx, uri, 5, &list, &why), ERR_OK);
    assert_int_equal(crypto_cert_load(ctx, missing, &none, &why), ERR_NOT_FOUND);
    assert_non_null(strstr(why.text, "none.pem: No such file"));
    assert_int_equal(crypto_cert_load(ctx, root, &none, &why), ERR_INVALID);
    assert_int_equal(crypto_cert_load(ctx, "pkcs11:object=x", &none, &why), ERR_INVALID);
    assert_int_equal(file_write_durable(path, SLICE_LIT("junk"), 0644), ERR_OK);
    assert_int_equal(crypto_cert_load(ctx, path, &none, &why), ERR_INVALID);
    assert_non_null(strstr(why.text, "c.pem: not a PEM certificate"));
    assert_ptr_equal(none, state);
}

static void file_paths(void **state)
{
    static const struct {
        const char *uri, *path;
    } cases[] = {
        { "file:///a/b", "/a/b" }, { "file://localhost/a", "/a" }, { "file:/a", "/a" },
        { "/a/b", "/a/b" },        { "a/b:c", "a/b:c" },           { "file://host/a", NULL },
        { "file:a", NULL },        { "pkcs11:object=x", NULL },    { "file:////a", "//a" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *got = crypto_file_path(cases[i].uri);
        print_message("  %s\n", cases[i].uri);
        if (cases[i].path)
            assert_string_equal(got, cases[i].path);
        else
            assert_null(got);
    }
}

/* --- checks ------------------------------------------------------------------------------------- */

/* RFC 5280 §4.1.2.5: both ends belong to the period. */
static void dates(void **state)
{
    (void)state;
    assert_int_equal(crypto_cert_time_check(ca, NOW), CRYPTO_TIME_OK);
    assert_int_equal(crypto_cert_time_check(ca, NOW - HOUR), CRYPTO_TIME_OK);
    assert_int_equal(crypto_cert_time_check(ca, NOW - HOUR - 1), CRYPTO_TIME_NOT_YET);
    assert_int_equal(crypto_cert_time_check(ca, NOW + HOUR + 999), CRYPTO_TIME_OK);
    assert_int_equal(crypto_cert_time_check(ca, NOW + HOUR + 1000), CRYPTO_TIME_EXPIRED);
}

static void key_match(void **state)
{
    auto_pkey EVP_PKEY *pub = NULL;
    struct crypto_error why;

    (void)state;
    assert_int_equal(crypto_cert_matches_key(ca, ca_key, &why), ERR_OK);
    assert_int_equal(crypto_cert_matches_key(ca, leaf_key, &why), ERR_CONFLICT);
    assert_non_null(strstr(why.text, "(RSA, 2048 bits) does not belong to the certificate (EC, 256 bits)"));
    assert_int_equal(crypto_cert_matches_key(ca, other_key, NULL), ERR_CONFLICT);
    assert_int_equal(crypto_cert_public_key(ca, &pub), ERR_OK);
    assert_true(crypto_key_same_public(pub, ca_key));
}

static void issuers(void **state)
{
    auto_x509 X509 *leaf = make(CRYPTO_CERT_CLIENT, "leaf", leaf_key, ca, ca_key);
    char a[CRYPTO_SHA256_HEX], b[CRYPTO_SHA256_HEX];

    (void)state;
    assert_int_equal(crypto_cert_issued_by(leaf, ca), ERR_OK);
    assert_int_equal(crypto_cert_issued_by(leaf, other_ca), ERR_CONFLICT);
    assert_int_equal(crypto_cert_issued_by(leaf, twin_ca), ERR_AUTH); /* the stolen name */
    assert_int_equal(crypto_cert_issued_by(ca, ca), ERR_OK);
    assert_true(crypto_cert_is_ca(ca));
    assert_false(crypto_cert_is_ca(leaf));
    assert_int_equal(crypto_cert_issuer_hash(ctx, leaf, a), ERR_OK);
    assert_int_equal(crypto_cert_subject_hash(ctx, ca, b), ERR_OK);
    assert_string_equal(a, b);
}

static void verification(void **state)
{
    auto_x509 X509 *client = make(CRYPTO_CERT_CLIENT, "c", leaf_key, ca, ca_key);
    auto_x509 X509 *signer = make(CRYPTO_CERT_CODE_SIGNING, "s", leaf_key, ca, ca_key);
    auto_x509 X509 *below = make(CRYPTO_CERT_CA, "Sub CA", other_key, ca, ca_key);
    auto_x509 X509 *deep = make(CRYPTO_CERT_CLIENT, "d", leaf_key, below, other_key);
    auto_x509 X509 *by_leaf = make(CRYPTO_CERT_CLIENT, "x", other_key, client, leaf_key);
    const struct {
        const char *what;
        X509 *leaf, *untrusted, *root;
        const char *eku;
        int64_t now;
        err_t want;
        const char *says;
    } cases[] = {
        { "good", client, NULL, ca, CRYPTO_EKU_CLIENT_AUTH, NOW, ERR_OK, NULL },
        { "no demand", client, NULL, ca, NULL, NOW, ERR_OK, NULL },
        { "signer", signer, NULL, ca, CRYPTO_EKU_CODE_SIGNING, NOW, ERR_OK, NULL },
        { "a client is no signer", client, NULL, ca, CRYPTO_EKU_CODE_SIGNING, NOW, ERR_AUTH,
          "extended key usage" },
        { "no usage named at all", ca, NULL, ca, CRYPTO_EKU_CODE_SIGNING, NOW, ERR_AUTH,
          "extended key usage" },
        { "other CA", client, NULL, other_ca, NULL, NOW, ERR_AUTH, "issuer" },
        { "other CA of that name", client, NULL, twin_ca, NULL, NOW, ERR_AUTH, NULL },
        { "expired", client, NULL, ca, NULL, NOW + 2 * HOUR, ERR_AUTH, "expired" },
        { "not yet", client, NULL, ca, NULL, NOW - 2 * HOUR, ERR_AUTH, "not yet valid" },
        { "through an intermediate", deep, below, ca, CRYPTO_EKU_CLIENT_AUTH, NOW, ERR_OK, NULL },
        { "without the intermediate", deep, NULL, ca, NULL, NOW, ERR_AUTH, "issuer" },
        { "an intermediate as the anchor", deep, NULL, below, NULL, NOW, ERR_OK, NULL },
        { "a leaf is no issuer", by_leaf, client, ca, NULL, NOW, ERR_AUTH, NULL },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        STACK_OF(X509) *roots = sk_X509_new_null(), *extra = sk_X509_new_null();
        struct crypto_error why = { 0 };
        print_message("  %s\n", cases[i].what);
        sk_X509_push(roots, cases[i].root);
        if (cases[i].untrusted)
            sk_X509_push(extra, cases[i].untrusted);
        assert_int_equal(crypto_cert_verify(ctx, cases[i].leaf, cases[i].untrusted ? extra : NULL, roots,
                                            cases[i].eku, cases[i].now, &why),
                         cases[i].want);
        if (cases[i].says)
            assert_non_null(strstr(why.text, cases[i].says));
        sk_X509_free(roots);
        sk_X509_free(extra);
    }
    STACK_OF(X509) *nobody = sk_X509_new_null();
    assert_int_equal(crypto_cert_verify(ctx, client, NULL, nobody, NULL, NOW, NULL), ERR_AUTH);
    sk_X509_free(nobody);
    assert_int_equal(ERR_peek_error(), 0);
}

static void no_common_name(void **state)
{
    struct crypto_cert_spec spec = {
        .kind = CRYPTO_CERT_CLIENT, .organization = "only this", .not_before_ms = NOW, .not_after_ms = NOW
    };
    auto_x509 X509 *cert = NULL;
    char cn[10] = "kept";

    (void)state;
    assert_int_equal(crypto_cert_issue(ctx, &spec, leaf_key, ca, ca_key, &cert, NULL), ERR_OK);
    assert_int_equal(crypto_cert_common_name(cert, cn, sizeof(cn)), ERR_NOT_FOUND);
    assert_string_equal(cn, "kept");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_certificate),
        cmocka_unit_test(pem_and_der_round_trip),
        cmocka_unit_test(truncated_and_padded_der),
        cmocka_unit_test(chains),
        cmocka_unit_test(loading_files),
        cmocka_unit_test(file_paths),
        cmocka_unit_test(dates),
        cmocka_unit_test(key_match),
        cmocka_unit_test(issuers),
        cmocka_unit_test(verification),
        cmocka_unit_test(no_common_name),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
