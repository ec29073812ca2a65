#include "crypto/issue.h"

#include "base/utf8.h"
#include "crypto/ctx.h"
#include "crypto/random.h"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

/* What each kind of certificate carries besides names and key identifiers. */
static const struct {
    const char *constraints, *usage, *extended;
} profiles[] = {
    [CRYPTO_CERT_CA] = { "critical,CA:TRUE", "critical,keyCertSign,cRLSign", NULL },
    [CRYPTO_CERT_SERVER] = { "critical,CA:FALSE", "critical,digitalSignature", "serverAuth" },
    [CRYPTO_CERT_CLIENT] = { "critical,CA:FALSE", "critical,digitalSignature", "clientAuth" },
    [CRYPTO_CERT_CODE_SIGNING] = { "critical,CA:FALSE", "critical,digitalSignature", "critical,codeSigning" },
};

static const char *usage_for(enum crypto_cert_kind kind, const EVP_PKEY *key)
{
    /* TLS 1.2 with plain RSA key exchange encrypts to the server's key (V1 devices' suites). */
    if (kind == CRYPTO_CERT_SERVER && crypto_key_is_rsa(key))
        return "critical,digitalSignature,keyEncipherment";
    return profiles[kind].usage;
}

static err_t add_name(X509_NAME *name, int nid, const char *text, struct crypto_error *why)
{
    if (!text)
        return ERR_OK;
    if (!utf8_valid_no_nul(slice_str(text)) ||
        X509_NAME_add_entry_by_NID(name, nid, MBSTRING_UTF8, (const unsigned char *)text, -1, -1, 0) != 1)
        return crypto_fail_openssl(why, ERR_INVALID, "\"%.80s\" cannot be the %s of a certificate", text,
                                   OBJ_nid2ln(nid));
    return ERR_OK;
}

static err_t set_subject(X509 *cert, const struct crypto_cert_spec *spec, struct crypto_error *why)
{
    X509_NAME *name = X509_get_subject_name(cert);
    err_t e;

    if (spec->subject_from) {
        const X509_NAME *from = X509_REQ_get_subject_name(spec->subject_from);
        return X509_set_subject_name(cert, from) == 1 ? ERR_OK : crypto_fail_quiet(ERR_CRYPTO);
    }
    if ((e = add_name(name, NID_organizationName, spec->organization, why)) ||
        (e = add_name(name, NID_organizationalUnitName, spec->organizational_unit, why)))
        return e;
    return add_name(name, NID_commonName, spec->common_name, why);
}

static err_t set_serial(const struct crypto_ctx *ctx, X509 *cert, struct slice serial)
{
    uint8_t random[16];
    err_t e = ERR_OK;

    if (serial.n > 20) /* RFC 5280 §4.1.2.2 */
        return ERR_INVALID;
    if (!serial.n) {
        e = crypto_random(ctx, random, sizeof(random));
        random[0] = (uint8_t)((random[0] & 0x7f) | 0x40); /* positive, always the same length */
        serial = SLICE_ARRAY(random);
    }
    BIGNUM *bn = e ? NULL : BN_bin2bn(serial.p, (int)serial.n, NULL);
    if (!e && (!bn || BN_is_zero(bn) || BN_num_bits(bn) > 159))
        e = bn ? ERR_INVALID : ERR_NOMEM;
    if (!e && !BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(cert)))
        e = crypto_fail_quiet(ERR_NOMEM);
    BN_free(bn);
    return e;
}

#define YEAR_10000_MS 253402300800000

static err_t set_dates(X509 *cert, const struct crypto_cert_spec *spec, struct crypto_error *why)
{
    if (spec->not_before_ms < 0 || spec->not_after_ms < spec->not_before_ms ||
        spec->not_after_ms >= YEAR_10000_MS)
        return crypto_fail(why, ERR_INVALID, "the certificate's dates are reversed or out of range");
    if (!ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)(spec->not_before_ms / 1000)) ||
        !ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)(spec->not_after_ms / 1000)))
        return crypto_fail_quiet(ERR_CRYPTO);
    return ERR_OK;
}

/* Only for our own constant texts: the syntax of `value` can say much more than a name. */
static err_t add_ext(X509 *cert, const X509 *issuer, int nid, const char *value)
{
    X509V3_CTX v3;

    if (!value)
        return ERR_OK;
    X509V3_set_ctx_nodb(&v3);
    X509V3_set_ctx(&v3, (X509 *)(uintptr_t)(issuer ? issuer : cert), cert, NULL, NULL, 0);
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &v3, nid, value);
    int good = ext && X509_add_ext(cert, ext, -1) == 1;
    X509_EXTENSION_free(ext);
    return good ? ERR_OK : crypto_fail_quiet(ERR_CRYPTO);
}

/* RFC 5280 §4.2.1.6: LDH labels; a star may be the whole first label. */
static bool dns_name_ok(const char *name)
{
    size_t n = strlen(name);
    const char *rest = strncmp(name, "*.", 2) == 0 ? name + 2 : name;

    return n > 0 && n <= 253 && *rest && rest[0] != '.' && !strstr(rest, "..") &&
           strspn(rest, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._") == strlen(rest);
}

static GENERAL_NAME *general_name(const char *text)
{
    GENERAL_NAME *gn = GENERAL_NAME_new();
    ASN1_OCTET_STRING *ip = a2i_IPADDRESS(text);

    ERR_clear_error();
    if (gn && ip) {
        GENERAL_NAME_set0_value(gn, GEN_IPADD, ip);
        return gn;
    }
    ASN1_IA5STRING *dns = dns_name_ok(text) ? ASN1_IA5STRING_new() : NULL;
    if (gn && dns && ASN1_STRING_set(dns, text, -1) == 1) {
        GENERAL_NAME_set0_value(gn, GEN_DNS, dns);
        return gn;
    }
    ASN1_OCTET_STRING_free(ip);
    ASN1_IA5STRING_free(dns);
    GENERAL_NAME_free(gn);
    return NULL;
}

static err_t add_san(X509 *cert, const struct crypto_cert_spec *spec, struct crypto_error *why)
{
    GENERAL_NAMES *names = spec->san_count ? GENERAL_NAMES_new() : NULL;
    err_t e = spec->san_count && !names ? ERR_NOMEM : ERR_OK;

    for (size_t i = 0; !e && i < spec->san_count; i++) {
        GENERAL_NAME *gn = general_name(spec->san[i]);
        if (!gn)
            e = crypto_fail(why, ERR_INVALID, "\"%.80s\" is neither a host name nor an IP address",
                            spec->san[i]);
        else if (!sk_GENERAL_NAME_push(names, gn))
            e = ERR_NOMEM;
        if (e == ERR_NOMEM)
            GENERAL_NAME_free(gn);
    }
    if (!e && names && X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, 0) != 1)
        e = crypto_fail_quiet(ERR_CRYPTO);
    GENERAL_NAMES_free(names);
    return e;
}

static err_t add_extensions(X509 *cert, const struct crypto_cert_spec *spec, const EVP_PKEY *key,
                            const X509 *issuer, struct crypto_error *why)
{
    const struct {
        int nid;
        const char *value;
    } list[] = {
        { NID_basic_constraints, profiles[spec->kind].constraints },
        { NID_key_usage, usage_for(spec->kind, key) },
        { NID_ext_key_usage, profiles[spec->kind].extended },
        { NID_subject_key_identifier, "hash" },
        { NID_authority_key_identifier, issuer ? "keyid" : NULL }, /* RFC 5280 §4.2.1.1: may be left out when
                                                                      self-signed */
    };

    for (size_t i = 0; i < ARRAY_LEN(list); i++) {
        err_t e = add_ext(cert, issuer, list[i].nid, list[i].value);
        if (e)
            return crypto_fail(why, e, "cannot write the extension %s", OBJ_nid2ln(list[i].nid));
    }
    return add_san(cert, spec, why);
}

static err_t fill(const struct crypto_ctx *ctx, X509 *cert, const struct crypto_cert_spec *spec,
                  EVP_PKEY *subject_key, const X509 *issuer, struct crypto_error *why)
{
    err_t e;

    if (X509_set_version(cert, X509_VERSION_3) != 1 || X509_set_pubkey(cert, subject_key) != 1)
        return crypto_fail_openssl(why, ERR_CRYPTO, "the subject's key cannot be put into a certificate");
    if ((e = set_serial(ctx, cert, spec->serial)))
        return crypto_fail(why, e, "cannot set the serial number: %s", err_str(e));
    if ((e = set_dates(cert, spec, why)) || (e = set_subject(cert, spec, why)))
        return e;
    if (X509_set_issuer_name(cert, X509_get_subject_name(issuer ? issuer : cert)) != 1)
        return crypto_fail_quiet(ERR_CRYPTO);
    return add_extensions(cert, spec, subject_key, issuer, why);
}

err_t crypto_cert_issue(const struct crypto_ctx *ctx, const struct crypto_cert_spec *spec,
                        EVP_PKEY *subject_key, const X509 *issuer, EVP_PKEY *issuer_key, X509 **ret,
                        struct crypto_error *why)
{
    auto_x509 X509 *cert = X509_new_ex(ctx->lib, NULL);
    err_t e;

    if (!cert)
        return ERR_NOMEM;
    if (!crypto_key_same_public(issuer ? X509_get0_pubkey(issuer) : subject_key, issuer_key))
        return crypto_fail(why, ERR_CONFLICT, "the signing key is not the issuer's");
    if ((e = fill(ctx, cert, spec, subject_key, issuer, why)))
        return e;
    if (X509_sign(cert, issuer_key, ctx->sha256) <= 0)
        return crypto_fail_openssl(why, crypto_key_token(issuer_key) ? ERR_UNAVAILABLE : ERR_CRYPTO,
                                   "signing the certificate failed");
    *ret = steal(&cert);
    return ERR_OK;
}

static err_t csr_pem(const X509_REQ *csr, struct buf *out)
{
    auto_bio BIO *bio = BIO_new(BIO_s_mem());
    char *p = NULL;
    long n;

    if (!bio)
        return ERR_NOMEM;
    if (PEM_write_bio_X509_REQ(bio, csr) != 1)
        return crypto_fail_quiet(ERR_CRYPTO);
    n = BIO_get_mem_data(bio, &p);
    return buf_add_mem(out, p, (size_t)n);
}

err_t crypto_csr_make(const struct crypto_ctx *ctx, EVP_PKEY *key, const char *common_name, struct buf *out,
                      struct crypto_error *why)
{
    auto_x509_req X509_REQ *csr = X509_REQ_new_ex(ctx->lib, NULL);
    X509_NAME *subject = csr ? X509_REQ_get_subject_name(csr) : NULL;
    err_t e;

    if (!subject)
        return ERR_NOMEM;
    if ((e = add_name(subject, NID_commonName, common_name, why)))
        return e;
    if (X509_REQ_set_version(csr, X509_REQ_VERSION_1) != 1 || X509_REQ_set_pubkey(csr, key) != 1)
        return crypto_fail_openssl(why, ERR_CRYPTO, "a signing request cannot be made for this key");
    if (X509_REQ_sign(csr, key, ctx->sha256) <= 0)
        return crypto_fail_openssl(why, crypto_key_token(key) ? ERR_UNAVAILABLE : ERR_CRYPTO,
                                   "the key did not sign the request");
    return csr_pem(csr, out);
}

err_t crypto_csr_parse_pem(const struct crypto_ctx *ctx, struct slice pem, X509_REQ **ret,
                           struct crypto_error *why)
{
    auto_x509_req X509_REQ *csr = X509_REQ_new_ex(ctx->lib, NULL);
    auto_bio BIO *bio = NULL;

    if (pem.n > CRYPTO_CERT_MAX)
        return crypto_fail(why, ERR_TOO_BIG, "signing request over %d bytes", CRYPTO_CERT_MAX);
    bio = BIO_new_mem_buf(pem.n ? (const void *)pem.p : "", (int)pem.n);
    if (!csr || !bio)
        return ERR_NOMEM;
    if (!PEM_read_bio_X509_REQ(bio, &csr, NULL,
                               NULL)) /* on failure it may have freed csr, which is NULL then */
        return crypto_fail_openssl(why, ERR_INVALID, "not a PEM certificate signing request");
    EVP_PKEY *key = X509_REQ_get0_pubkey(csr);
    if (!key)
        return crypto_fail_openssl(why, ERR_INVALID, "the signing request's public key cannot be read");
    if (X509_REQ_verify(csr, key) != 1)
        return crypto_fail_openssl(why, ERR_AUTH, "the signing request's own signature is wrong");
    *ret = steal(&csr);
    return ERR_OK;
}

err_t crypto_csr_public_key(X509_REQ *csr, EVP_PKEY **ret)
{
    EVP_PKEY *key = X509_REQ_get_pubkey(csr);

    if (!key)
        return crypto_fail_quiet(ERR_CRYPTO);
    *ret = key;
    return ERR_OK;
}
