#include "../cm.h"

#include "base/mem.h"
#include "crypto/issue.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#define NOW 1700000000000
#define HOUR 3600000

static struct crypto_ctx *ctx;
static EVP_PKEY *ca_key, *rsa, *ec;
static X509 *ca;

static struct crypto_cert_spec spec_of(enum crypto_cert_kind kind, const char *cn)
{
    return (struct crypto_cert_spec){
        .kind = kind, .common_name = cn, .not_before_ms = NOW, .not_after_ms = NOW + HOUR
    };
}

static int setup(void **state)
{
    struct crypto_cert_spec spec = spec_of(CRYPTO_CERT_CA, "CA");

    (void)state;
    return crypto_ctx_new(NULL, &ctx) || crypto_key_generate(ctx, CRYPTO_KEY_EC_P256, &ca_key) ||
           crypto_key_generate(ctx, CRYPTO_KEY_RSA_2048, &rsa) ||
           crypto_key_generate(ctx, CRYPTO_KEY_EC_P256, &ec) ||
           crypto_cert_issue(ctx, &spec, ca_key, NULL, ca_key, &ca, NULL);
}

static int teardown(void **state)
{
    (void)state;
    X509_free(ca);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(ec);
    crypto_ctx_free(ctx);
    return 0;
}

static X509 *issue(const struct crypto_cert_spec *spec, EVP_PKEY *key)
{
    X509 *cert = NULL;
    struct crypto_error why = { 0 };

    if (crypto_cert_issue(ctx, spec, key, ca, ca_key, &cert, &why))
        fail_msg("%s", why.text);
    return cert;
}

/* Key usage and extended key usage of each kind, as OpenSSL reads them. */
static void kinds(void **state)
{
    const struct {
        enum crypto_cert_kind kind;
        EVP_PKEY *key;
        uint32_t usage, extended;
        bool is_ca;
    } cases[] = {
        { CRYPTO_CERT_CA, ec, KU_KEY_CERT_SIGN | KU_CRL_SIGN, UINT32_MAX,
          true }, /* UINT32_MAX: no extension */
        { CRYPTO_CERT_SERVER, ec, KU_DIGITAL_SIGNATURE, XKU_SSL_SERVER, false },
        { CRYPTO_CERT_SERVER, rsa, KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT, XKU_SSL_SERVER, false },
        { CRYPTO_CERT_CLIENT, rsa, KU_DIGITAL_SIGNATURE, XKU_SSL_CLIENT, false },
        { CRYPTO_CERT_CODE_SIGNING, ec, KU_DIGITAL_SIGNATURE, XKU_CODE_SIGN, false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct crypto_cert_spec spec = spec_of(cases[i].kind, "x");
        auto_x509 X509 *cert = issue(&spec, cases[i].key);
        assert_int_equal(X509_get_version(cert), X509_VERSION_3);
        assert_int_equal(X509_get_key_usage(cert), cases[i].usage);
        assert_int_equal(X509_get_extended_key_usage(cert), cases[i].extended);
        assert_int_equal(crypto_cert_is_ca(cert), cases[i].is_ca);
        assert_int_equal(crypto_cert_issued_by(cert, ca), ERR_OK);
        assert_int_equal(crypto_cert_matches_key(cert, cases[i].key, NULL), ERR_OK);
        assert_non_null(X509_get0_subject_key_id(cert));
        assert_int_equal(
            ASN1_OCTET_STRING_cmp(X509_get0_authority_key_id(cert), X509_get0_subject_key_id(ca)), 0);
        assert_true(X509_get_ext_by_NID(cert, NID_basic_constraints, -1) >= 0);
    }
}

static void names_dates_serial(void **state)
{
    struct crypto_cert_spec spec = spec_of(CRYPTO_CERT_CLIENT, "d\xc3\xa9vice");
    autobuf text = BUF_INIT(500);
    int64_t from, to;

    (void)state;
    spec.organization = "O+ne, \"two\"";
    spec.organizational_unit = "u";
    spec.serial = SLICE_LIT("\x12\x34");
    auto_x509 X509 *cert = issue(&spec, rsa);
    assert_int_equal(crypto_cert_subject_text(cert, &text), ERR_OK);
    assert_string_equal(buf_str(&text), "CN=d\xc3\xa9vice,OU=u,O=O\\+ne\\, \\\"two\\\"");
    buf_clear(&text);
    assert_int_equal(crypto_cert_issuer_text(cert, &text), ERR_OK);
    assert_string_equal(buf_str(&text), "CN=CA");
    buf_clear(&text);
    assert_int_equal(crypto_cert_serial_hex(cert, &text), ERR_OK);
    assert_string_equal(buf_str(&text), "1234");
    assert_int_equal(crypto_cert_validity(cert, &from, &to), ERR_OK);
    assert_true(from == NOW && to == NOW + HOUR);
}

static void serials_are_random_and_positive(void **state)
{
    struct crypto_cert_spec spec = spec_of(CRYPTO_CERT_CLIENT, "x");
    auto_x509 X509 *a = issue(&spec, ec), *b = issue(&spec, ec);

    (void)state;
    assert_int_equal(ASN1_STRING_length(X509_get0_serialNumber(a)), 16);
    assert_int_not_equal(ASN1_INTEGER_cmp(X509_get0_serialNumber(a), X509_get0_serialNumber(b)), 0);
    assert_int_equal(ASN1_STRING_type(X509_get0_serialNumber(a)),
                     V_ASN1_INTEGER); /* not V_ASN1_NEG_INTEGER */
}

static void alternative_names(void **state)
{
    static const char *const san[] = { "localhost", "*.example.com", "127.0.0.1", "::1", "edge_1" };
    struct crypto_cert_spec spec = spec_of(CRYPTO_CERT_SERVER, "localhost");

    (void)state;
    spec.san = san;
    spec.san_count = ARRAY_LEN(san);
    auto_x509 X509 *cert = issue(&spec, ec);
    assert_int_equal(X509_check_host(cert, "localhost", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(cert, "a.example.com", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(cert, "example.com", 0, 0, NULL), 0);
    assert_int_equal(X509_check_ip_asc(cert, "127.0.0.1", 0), 1);
    assert_int_equal(X509_check_ip_asc(cert, "::1", 0), 1);
    assert_int_equal(X509_check_ip_asc(cert, "127.0.0.2", 0), 0);
    assert_int_equal(X509_check_host(cert, "127.0.0.1", 0, 0, NULL), 0); /* an address is no host name */
}

#define X16 "xxxxxxxxxxxxxxxx"
#define X64 X16 X16 X16 X16

static void refused(void **state)
{
    static const char *const injected[] = { "a.example,DNS:evil.example" }, *const dots[] = { "a..b" },
                             *const dot[] = { "." }, *const star[] = { "a.*.b" }, *const nothing[] = { "" };
    const struct crypto_cert_spec base = spec_of(CRYPTO_CERT_SERVER, "x");
    struct crypto_cert_spec bad[13];
    size_t n = 0;

    bad[n] = base, bad[n++].common_name = X64 "x"; /* one past ub-common-name */
    bad[n] = base, bad[n++].common_name = "\xff";
    bad[n] = base, bad[n++].common_name = "";
    bad[n] = base, bad[n++].organization = X64 "x";
    bad[n] = base, bad[n].san = injected, bad[n++].san_count = 1;
    bad[n] = base, bad[n].san = dots, bad[n++].san_count = 1;
    bad[n] = base, bad[n].san = dot, bad[n++].san_count = 1;
    bad[n] = base, bad[n].san = star, bad[n++].san_count = 1;
    bad[n] = base, bad[n].san = nothing, bad[n++].san_count = 1;
    bad[n] = base, bad[n++].not_after_ms = NOW - 1;
    bad[n] = base, bad[n++].not_after_ms = 253402300800000;        /* the year 10000 */
    bad[n] = base, bad[n++].serial = SLICE_LIT("\x01" X16 "xxxx"); /* 21 bytes */
    bad[n] = base, bad[n++].serial = SLICE_LIT("\0");
    for (size_t i = 0; i < n; i++) {
        X509 *cert = (X509 *)state;
        struct crypto_error why = { 0 };
        print_message("  %zu\n", i);
        assert_int_equal(crypto_cert_issue(ctx, &bad[i], ec, ca, ca_key, &cert, &why), ERR_INVALID);
        assert_ptr_equal(cert, state);
        assert_true(why.text[0]);
    }
    struct crypto_cert_spec longest = base;
    longest.common_name = X64;
    longest.not_after_ms = 253402300799000; /* 9999-12-31T23:59:59Z, RFC 5280's "no expiry" */
    auto_x509 X509 *cert = issue(&longest, ec);
    assert_non_null(cert);
}

static void the_signing_key_must_be_the_issuers(void **state)
{
    struct crypto_cert_spec spec = spec_of(CRYPTO_CERT_CLIENT, "x");
    X509 *cert = (X509 *)state;

    assert_int_equal(crypto_cert_issue(ctx, &spec, ec, ca, rsa, &cert, NULL), ERR_CONFLICT);
    assert_int_equal(crypto_cert_issue(ctx, &spec, ec, NULL, rsa, &cert, NULL), ERR_CONFLICT);
    assert_ptr_equal(cert, state);
}

/* --- requests ----------------------------------------------------------------------------------- */

/* A request for `key`, signed with `signer`. */
static void make_request(struct buf *pem, EVP_PKEY *key, EVP_PKEY *signer, const char *common_name)
{
    auto_x509_req X509_REQ *csr = X509_REQ_new();
    auto_bio BIO *bio = BIO_new(BIO_s_mem());
    char *p;

    assert_int_equal(X509_NAME_add_entry_by_NID(X509_REQ_get_subject_name(csr), NID_commonName, MBSTRING_UTF8,
                                                (const unsigned char *)common_name, -1, -1, 0),
                     1);
    assert_int_equal(X509_REQ_set_pubkey(csr, key), 1);
    assert_true(X509_REQ_sign(csr, signer, EVP_sha256()) > 0);
    assert_int_equal(PEM_write_bio_X509_REQ(bio, csr), 1);
    long n = BIO_get_mem_data(bio, &p);
    assert_int_equal(buf_add_mem(pem, p, (size_t)n), ERR_OK);
}

static void requests(void **state)
{
    autobuf pem = BUF_INIT(8192), text = BUF_INIT(500);
    auto_x509_req X509_REQ *csr = NULL;
    auto_pkey EVP_PKEY *key = NULL;

    (void)state;
    make_request(&pem, rsa, rsa, "from csr");
    assert_int_equal(crypto_csr_parse_pem(ctx, buf_slice(&pem), &csr, NULL), ERR_OK);
    assert_int_equal(crypto_csr_public_key(csr, &key), ERR_OK);
    assert_true(crypto_key_same_public(key, rsa));
    struct crypto_cert_spec spec = spec_of(CRYPTO_CERT_CLIENT, NULL);
    spec.subject_from = csr;
    auto_x509 X509 *cert = issue(&spec, key); /* the public part is enough */
    assert_int_equal(crypto_cert_subject_text(cert, &text), ERR_OK);
    assert_string_equal(buf_str(&text), "CN=from csr");
    assert_int_equal(crypto_cert_matches_key(cert, rsa, NULL), ERR_OK);
}

/* A request signed with another key than the one it asks a certificate for. */
static void stolen_public_key(void **state)
{
    autobuf pem = BUF_INIT(8192);
    X509_REQ *csr = (X509_REQ *)state;
    struct crypto_error why;

    make_request(&pem, ec, ca_key, "x");
    assert_int_equal(crypto_csr_parse_pem(ctx, buf_slice(&pem), &csr, &why), ERR_AUTH);
    assert_ptr_equal(csr, state);
}

static void every_truncated_request_is_refused(void **state)
{
    autobuf pem = BUF_INIT(8192);
    X509_REQ *csr = (X509_REQ *)state;

    make_request(&pem, ec, ec, "x");
    for (size_t n = 0; n + 1 < pem.n; n++)
        assert_int_equal(crypto_csr_parse_pem(ctx, slice_head(buf_slice(&pem), n), &csr, NULL), ERR_INVALID);
    assert_ptr_equal(csr, state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds),
        cmocka_unit_test(names_dates_serial),
        cmocka_unit_test(serials_are_random_and_positive),
        cmocka_unit_test(alternative_names),
        cmocka_unit_test(refused),
        cmocka_unit_test(the_signing_key_must_be_the_issuers),
        cmocka_unit_test(requests),
        cmocka_unit_test(stolen_public_key),
        cmocka_unit_test(every_truncated_request_is_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
