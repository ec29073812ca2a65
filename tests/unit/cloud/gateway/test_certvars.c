#include "../../cm.h"

#include "base/mem.h"
#include "cloud/gateway/certvars.h"

#include <openssl/x509v3.h>
#include <string.h>

static void add_name(X509_NAME *name, const char *field, const char *value)
{
    assert_int_equal(
        X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, (const unsigned char *)value, -1, -1, 0), 1);
}

/* Names need no signature: what is read is only the text. */
static X509 *make(void)
{
    X509 *cert = X509_new();
    X509_NAME *subject = X509_NAME_new(), *issuer = X509_NAME_new();
    X509_EXTENSION *ext =
        X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:a.example,email:x@a.example,URI:urn:x");

    add_name(subject, "CN", "device,1");
    add_name(subject, "OU", "north");
    add_name(subject, "OU", "south");
    add_name(subject, "O", "wild*card");
    add_name(subject, "GN", "Gr\xc3\xbc\xc3\x9f");
    add_name(issuer, "CN", "Plant CA");
    assert_int_equal(X509_set_subject_name(cert, subject), 1);
    assert_int_equal(X509_set_issuer_name(cert, issuer), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(cert), 0x1234), 1);
    assert_int_equal(X509_add_ext(cert, ext, -1), 1);
    X509_EXTENSION_free(ext);
    X509_NAME_free(subject);
    X509_NAME_free(issuer);
    return cert;
}

static const struct {
    const char *name, *want;
} cases[] = {
    { "iot:CertificateId", "id" },
    { "iot:Certificate.Subject.CommonName", "device\\,1" }, /* escaped */
    { "iot:Certificate.Subject.OrganizationalUnit", "north" },
    { "iot:Certificate.Subject.OrganizationalUnit.1", "south" }, /* trap 24 */
    { "iot:Certificate.Subject.Organization", NULL },            /* trap 8: has a wildcard */
    { "iot:Certificate.Subject.GivenName", "Gr\xc3\xbc\xc3\x9f" },
    { "iot:Certificate.Subject.Country", NULL },
    { "iot:Certificate.Subject.AlternativeName.DNSName", "a.example" },
    { "iot:Certificate.Subject.AlternativeName.RFC822Name", "x@a.example" },
    { "iot:Certificate.Subject.AlternativeName.UniformResourceIdentifier", "urn:x" },
    { "iot:Certificate.Issuer.CommonName", "Plant CA" },
    { "iot:Certificate.SerialNumber", "1234" },
    { "iot:Certificate.AvailableKeys", "iot:Certificate.Subject.OrganizationalUnit" },
};

static void each_variable(void **state)
{
    auto_policy_vars vars = { 0 };
    X509 *cert = make();

    (void)state;
    assert_int_equal(certvars_add(&vars, "id", cert), ERR_OK);
    X509_free(cert);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *got = policy_vars_first(&vars, slice_str(cases[i].name));
        print_message("  %s\n", cases[i].name);
        if (cases[i].want)
            assert_string_equal(got, cases[i].want);
        else
            assert_null(got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(each_variable) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
