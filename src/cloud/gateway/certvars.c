#include "cloud/gateway/certvars.h"

#include "base/mem.h"

#include <openssl/x509v3.h>
#include <stdio.h>

#define NAME_MAX_LEN 96u

/* The attributes of a name that have a variable, in the words of the policy language. */
static const struct {
    int nid;
    const char *name;
} attributes[] = {
    { NID_dnQualifier, "DistinguishedNameQualifier" },
    { NID_countryName, "Country" },
    { NID_organizationName, "Organization" },
    { NID_organizationalUnitName, "OrganizationalUnit" },
    { NID_stateOrProvinceName, "State" },
    { NID_commonName, "CommonName" },
    { NID_serialNumber, "SerialNumber" },
    { NID_title, "Title" },
    { NID_surname, "Surname" },
    { NID_givenName, "GivenName" },
    { NID_initials, "Initials" },
    { NID_pseudonym, "Pseudonym" },
    { NID_generationQualifier, "GenerationQualifier" },
};

static err_t add_entry(struct policy_vars *vars, const char *who, const char *attribute,
                       const ASN1_STRING *value)
{
    char name[NAME_MAX_LEN];
    unsigned char *utf8 = NULL;
    int n = ASN1_STRING_to_UTF8(&utf8, value);
    err_t e = ERR_OK;

    (void)snprintf(name, sizeof(name), "iot:Certificate.%s.%s", who, attribute);
    if (n >= 0)
        e = policy_vars_add_cert(vars, name, slice_of(utf8, (size_t)n));
    OPENSSL_free(utf8);
    return e;
}

static err_t add_name(struct policy_vars *vars, const char *who, const X509_NAME *name)
{
    err_t e = ERR_OK;

    for (size_t i = 0; i < ARRAY_LEN(attributes) && !e; i++) {
        for (int at = -1; !e && (at = X509_NAME_get_index_by_NID(name, attributes[i].nid, at)) >= 0;)
            e = add_entry(vars, who, attributes[i].name,
                          X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
    }
    return e;
}

static err_t add_alternative(struct policy_vars *vars, const char *who, const GENERAL_NAME *g)
{
    char attribute[NAME_MAX_LEN];
    const char *kind = g->type == GEN_DNS     ? "DNSName"
                       : g->type == GEN_EMAIL ? "RFC822Name"
                       : g->type == GEN_URI   ? "UniformResourceIdentifier"
                                              : NULL;

    if (!kind)
        return ERR_OK;
    (void)snprintf(attribute, sizeof(attribute), "AlternativeName.%s", kind);
    return add_entry(vars, who, attribute, g->d.ia5);
}

static err_t add_alternatives(struct policy_vars *vars, const char *who, const X509 *cert, int nid)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, nid, NULL, NULL);
    err_t e = ERR_OK;

    for (int i = 0; i < sk_GENERAL_NAME_num(names) && !e; i++)
        e = add_alternative(vars, who, sk_GENERAL_NAME_value(names, i));
    GENERAL_NAMES_free(names);
    return e;
}

/* The names of the certificate variables that have a value, as a value themselves (the first five count, as
 * always). */
static err_t add_available(struct policy_vars *vars)
{
    size_t n = vars->n;
    err_t e = ERR_OK;

    for (size_t i = 0; i < n && !e; i++) {
        const char *name = vars->v[i].name;
        if (strncmp(name, "iot:Certificate.", 16) == 0)
            e = policy_vars_add(vars, "iot:Certificate.AvailableKeys", slice_str(name));
    }
    return e;
}

/* "127.0.0.1:4711" -> "127.0.0.1", "[::1]:80" -> "::1": with the brackets no condition would know it. */
static struct slice address_only(const char *peer)
{
    const char *colon = strrchr(peer, ':');
    struct slice s = slice_of(peer, colon ? (size_t)(colon - peer) : strlen(peer));

    return s.n > 2 && s.p[0] == '[' ? slice_of(s.p + 1, s.n - 2) : s;
}

err_t certvars_add_source(struct policy_vars *vars, const char *peer)
{
    return policy_vars_add(vars, "aws:SourceIp", address_only(peer));
}

err_t certvars_add(struct policy_vars *vars, const char *cert_id, const X509 *cert)
{
    autobuf serial = BUF_INIT(256);
    err_t e;

    if ((e = policy_vars_add(vars, "iot:CertificateId", slice_str(cert_id))) ||
        (e = add_name(vars, "Subject", X509_get_subject_name(cert))) ||
        (e = add_name(vars, "Issuer", X509_get_issuer_name(cert))) ||
        (e = add_alternatives(vars, "Subject", cert, NID_subject_alt_name)) ||
        (e = add_alternatives(vars, "Issuer", cert, NID_issuer_alt_name)) ||
        (e = crypto_cert_serial_hex(cert, &serial)) ||
        (e = policy_vars_add_cert(vars, "iot:Certificate.SerialNumber", buf_slice(&serial))))
        return e;
    return add_available(vars);
}
