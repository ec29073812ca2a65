/* What a certificate alone can have against it, and what its subject tells the template
 * (docs/spec/provisioning.md PV-31, PV-36). The certificates are made with OpenSSL itself: ours would not
 * make bad ones. */
#include "../../cm.h"
#include "base/clock.h"
#include "cloud/provisioning/admissible.h"
#include "cloud/provisioning/jitp.h"
#include "crypto/key.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <string.h>

struct entry {
    const char *field;
    int type;
    const char *value;
    int n;
};

static X509 *make(EVP_PKEY *key, const EVP_MD *digest, long from_s, long to_s, bool ca,
                  const struct entry *subject, size_t n)
{
    X509 *x = X509_new();
    X509_NAME *name = X509_NAME_new();

    for (size_t i = 0; i < n; i++)
        assert_int_equal(X509_NAME_add_entry_by_txt(name, subject[i].field, subject[i].type,
                                                    (const unsigned char *)subject[i].value, subject[i].n, -1,
                                                    0),
                         1);
    assert_int_equal(X509_set_version(x, 2), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x), 1), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(x), from_s));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x), to_s));
    assert_int_equal(X509_set_subject_name(x, name), 1);
    assert_int_equal(X509_set_issuer_name(x, name), 1);
    assert_int_equal(X509_set_pubkey(x, key), 1);
    if (ca) {
        X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "critical,CA:TRUE");
        assert_int_equal(X509_add_ext(x, e, -1), 1);
        X509_EXTENSION_free(e);
    }
    assert_true(X509_sign(x, key, digest) > 0);
    X509_NAME_free(name);
    return x;
}

static void each_weakness_is_refused(void **state)
{
    auto_pkey EVP_PKEY *good = EVP_EC_gen("P-256"), *small = EVP_RSA_gen(1024),
                       *odd = EVP_EC_gen("secp224r1");
    const struct {
        const char *what, *why;
        EVP_PKEY *key;
        const EVP_MD *digest;
        long from_s, to_s;
        bool ca;
    } cases[] = {
        { "good", NULL, good, EVP_sha256(), -60, 3600, false },
        { "SHA-384", NULL, good, EVP_sha384(), -60, 3600, false },
        { "SHA-1", "too weak", good, EVP_sha1(), -60, 3600, false },
        { "RSA 1024", "2048", small, EVP_sha256(), -60, 3600, false },
        { "P-224", "2048", odd, EVP_sha256(), -60, 3600, false },
        { "expired", "expired", good, EVP_sha256(), -3600, -60, false },
        { "not yet", "not yet", good, EVP_sha256(), 600, 3600, false },
        { "a CA", "CA's", good, EVP_sha256(), -60, 3600, true },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char why[ADMISSIBLE_WHY_MAX] = "";
        auto_x509 X509 *x =
            make(cases[i].key, cases[i].digest, cases[i].from_s, cases[i].to_s, cases[i].ca, NULL, 0);
        print_message("  %s\n", cases[i].what);
        assert_int_equal(admissible_certificate(x, clock_wall_ms(), why), cases[i].why ? ERR_DENIED : ERR_OK);
        if (cases[i].why)
            assert_non_null(strstr(why, cases[i].why));
    }
}

static const char *of(const json_t *j, const char *name)
{
    char full[80];

    (void)snprintf(full, sizeof(full), "AWS::IoT::Certificate::%s", name);
    return json_get_str(j, full);
}

static void the_subject_gives_parameters(void **state)
{
    static const struct entry subject[] = {
        { "C", MBSTRING_ASC, "DE", -1 },           { "O", MBSTRING_UTF8, "M\xc3\xbcller", -1 },
        { "OU", MBSTRING_ASC, "first", -1 },       { "OU", MBSTRING_ASC, "second", -1 },
        { "ST", MBSTRING_UTF8, "q\0x", 3 },        { "CN", MBSTRING_ASC, "lamp", -1 },
        { "serialNumber", MBSTRING_ASC, "1", -1 }, { "dnQualifier", MBSTRING_ASC, "q", -1 },
    };
    auto_pkey EVP_PKEY *key = EVP_EC_gen("P-256");
    auto_x509 X509 *x =
        make(key, EVP_sha256(), -60, 3600, false, subject, sizeof(subject) / sizeof(subject[0]));
    auto_json *j = NULL;

    (void)state;
    assert_int_equal(jitp_parameters(x, &j), ERR_OK);
    assert_string_equal(of(j, "Country"), "DE");
    assert_string_equal(of(j, "Organization"), "M\xc3\xbcller");
    assert_string_equal(of(j, "OrganizationalUnit"), "second");
    assert_null(of(j, "StateName")); /* a text does not hold a NUL */
    assert_string_equal(of(j, "CommonName"), "lamp");
    assert_string_equal(of(j, "SerialNumber"), "1");
    assert_string_equal(of(j, "DistinguishedNameQualifier"), "q");
    assert_null(of(j, "Id")); /* that is the registry's to say */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_weakness_is_refused),
        cmocka_unit_test(the_subject_gives_parameters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
