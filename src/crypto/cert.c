#include "crypto/cert.h"

#include "base/file.h"
#include "base/hex.h"
#include "crypto/ctx.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <time.h>

const char *crypto_file_path(const char *uri)
{
    static const char *const hosts[] = { "file://localhost/", "file:///" };

    for (size_t i = 0; i < ARRAY_LEN(hosts); i++)
        if (strncmp(uri, hosts[i], strlen(hosts[i])) == 0)
            return uri + strlen(hosts[i]) - 1;
    if (strncmp(uri, "file:/", 6) == 0 && uri[6] != '/') /* RFC 8089: without an authority */
        return uri + 5;
    /* A scheme stands before any slash; what has none is a path. */
    return uri[strcspn(uri, ":/")] == ':' ? NULL : uri;
}

/* --- reading ------------------------------------------------------------------------------------ */

static X509 *read_pem(const struct crypto_ctx *ctx, BIO *bio)
{
    X509 *cert = X509_new_ex(ctx->lib, NULL);

    if (cert && !PEM_read_bio_X509(bio, &cert, NULL, NULL)) {
        X509_free(cert);
        return NULL;
    }
    return cert;
}

/* PEM_read_bio says "no start line" at the end of the text: that is how a list ends, not an error. */
static bool at_end_of_pem(void)
{
    unsigned long code = ERR_peek_last_error();
    return ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
}

static err_t read_chain(const struct crypto_ctx *ctx, BIO *bio, int max, STACK_OF(X509) *list,
                        struct crypto_error *why)
{
    for (;;) {
        X509 *cert = read_pem(ctx, bio);
        if (!cert && at_end_of_pem() && sk_X509_num(list) > 0)
            return crypto_fail_quiet(ERR_OK);
        if (!cert)
            return crypto_fail_openssl(why, ERR_INVALID, "certificate %d is not a PEM certificate",
                                       sk_X509_num(list) + 1);
        if (sk_X509_num(list) >= max || !sk_X509_push(list, cert)) {
            X509_free(cert);
            return crypto_fail(why, ERR_TOO_BIG, "more than %d certificates", max);
        }
    }
}

err_t crypto_chain_parse_pem(const struct crypto_ctx *ctx, struct slice pem, int max, STACK_OF(X509) **ret,
                             struct crypto_error *why)
{
    auto_x509_stack STACK_OF(X509) *list = sk_X509_new_null();
    auto_bio BIO *bio = NULL;

    if (pem.n > CRYPTO_CERT_MAX * 8)
        return crypto_fail(why, ERR_TOO_BIG, "certificate text over %d bytes", CRYPTO_CERT_MAX * 8);
    bio = BIO_new_mem_buf(pem.n ? (const void *)pem.p : "", (int)pem.n);
    if (!list || !bio)
        return ERR_NOMEM;
    err_t e = read_chain(ctx, bio, max, list, why);
    if (!e)
        *ret = steal(&list);
    return e;
}

err_t crypto_cert_parse_pem(const struct crypto_ctx *ctx, struct slice pem, X509 **ret,
                            struct crypto_error *why)
{
    auto_bio BIO *bio = NULL;

    if (pem.n > CRYPTO_CERT_MAX)
        return crypto_fail(why, ERR_TOO_BIG, "certificate text over %d bytes", CRYPTO_CERT_MAX);
    bio = BIO_new_mem_buf(pem.n ? (const void *)pem.p : "", (int)pem.n);
    if (!bio)
        return ERR_NOMEM;
    X509 *cert = read_pem(ctx, bio);
    if (!cert)
        return crypto_fail_openssl(why, ERR_INVALID, "not a PEM certificate");
    *ret = cert;
    return ERR_OK;
}

err_t crypto_cert_parse_der(const struct crypto_ctx *ctx, struct slice der, X509 **ret)
{
    auto_x509 X509 *cert = X509_new_ex(ctx->lib, NULL);
    const unsigned char *p = der.p;

    if (!cert)
        return ERR_NOMEM;
    if (der.n > CRYPTO_CERT_MAX)
        return ERR_INVALID;
    if (!d2i_X509(&cert, &p, (long)der.n)) /* on failure it may have freed cert, which is NULL then */
        return crypto_fail_quiet(ERR_INVALID);
    if (p != der.p + der.n)
        return ERR_INVALID;
    *ret = steal(&cert);
    return ERR_OK;
}

static err_t read_cert_file(const char *uri, size_t max, struct buf *out, struct crypto_error *why)
{
    const char *path = crypto_file_path(uri);

    if (!path)
        return crypto_fail(why, ERR_INVALID, "a certificate must be a file (file:///PATH), not \"%s\"", uri);
    errno = 0;
    buf_init(out, max);
    err_t e = file_read(path, out);
    if (e)
        return crypto_fail(why, e, "cannot read the certificate file %s: %s", path,
                           errno ? strerror(errno) : err_str(e));
    return ERR_OK;
}

err_t crypto_cert_load(const struct crypto_ctx *ctx, const char *path, X509 **ret, struct crypto_error *why)
{
    struct crypto_error inner = { 0 };
    autobuf pem = { 0 };
    err_t e = read_cert_file(path, CRYPTO_CERT_MAX, &pem, why);

    if (e)
        return e;
    e = crypto_cert_parse_pem(ctx, buf_slice(&pem), ret, &inner);
    return e ? crypto_fail(why, e, "the certificate file %s: %s", crypto_file_path(path), inner.text)
             : ERR_OK;
}

err_t crypto_chain_load(const struct crypto_ctx *ctx, const char *path, int max, STACK_OF(X509) **ret,
                        struct crypto_error *why)
{
    struct crypto_error inner = { 0 };
    autobuf pem = { 0 };
    err_t e = read_cert_file(path, CRYPTO_CERT_MAX * 8, &pem, why);

    if (e)
        return e;
    e = crypto_chain_parse_pem(ctx, buf_slice(&pem), max, ret, &inner);
    return e ? crypto_fail(why, e, "the certificate file %s: %s", crypto_file_path(path), inner.text)
             : ERR_OK;
}

/* --- writing and naming ------------------------------------------------------------------------- */

err_t crypto_cert_pem(const X509 *cert, struct buf *out)
{
    auto_bio BIO *bio = BIO_new(BIO_s_mem());
    char *p = NULL;

    if (!bio)
        return ERR_NOMEM;
    if (PEM_write_bio_X509(bio, cert) != 1)
        return crypto_fail_quiet(ERR_CRYPTO);
    long n = BIO_get_mem_data(bio, &p);
    return buf_add_mem(out, p, (size_t)n);
}

err_t crypto_cert_der(const X509 *cert, struct buf *out)
{
    unsigned char *der = NULL;
    int n = i2d_X509(cert, &der);

    if (n < 0)
        return crypto_fail_quiet(ERR_CRYPTO);
    err_t e = buf_add_mem(out, der, (size_t)n);
    OPENSSL_free(der);
    return e;
}

err_t crypto_cert_id(const struct crypto_ctx *ctx, const X509 *cert, char ret[CRYPTO_SHA256_HEX])
{
    autobuf der = BUF_INIT(CRYPTO_CERT_MAX);
    err_t e = crypto_cert_der(cert, &der);

    return e ? e : crypto_sha256_hex(ctx, buf_slice(&der), ret);
}

static err_t name_hash(const struct crypto_ctx *ctx, const X509_NAME *name, char ret[CRYPTO_SHA256_HEX])
{
    unsigned char *der = NULL;
    int n = i2d_X509_NAME(name, &der);

    if (n < 0)
        return crypto_fail_quiet(ERR_CRYPTO);
    err_t e = crypto_sha256_hex(ctx, slice_of(der, (size_t)n), ret);
    OPENSSL_free(der);
    return e;
}

err_t crypto_cert_subject_hash(const struct crypto_ctx *ctx, const X509 *cert, char ret[CRYPTO_SHA256_HEX])
{
    return name_hash(ctx, X509_get_subject_name(cert), ret);
}

err_t crypto_cert_issuer_hash(const struct crypto_ctx *ctx, const X509 *cert, char ret[CRYPTO_SHA256_HEX])
{
    return name_hash(ctx, X509_get_issuer_name(cert), ret);
}

static err_t name_text(const X509_NAME *name, struct buf *out)
{
    auto_bio BIO *bio = BIO_new(BIO_s_mem());
    char *p = NULL;

    if (!bio)
        return ERR_NOMEM;
    if (X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) < 0)
        return crypto_fail_quiet(ERR_CRYPTO);
    long n = BIO_get_mem_data(bio, &p);
    return n > 0 ? buf_add_mem(out, p, (size_t)n) : ERR_OK;
}

err_t crypto_cert_subject_text(const X509 *cert, struct buf *out)
{
    return name_text(X509_get_subject_name(cert), out);
}

err_t crypto_cert_issuer_text(const X509 *cert, struct buf *out)
{
    return name_text(X509_get_issuer_name(cert), out);
}

err_t crypto_cert_serial_hex(const X509 *cert, struct buf *out)
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(cert);
    return hex_encode(out, slice_of(ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial)));
}

err_t crypto_cert_common_name(const X509 *cert, char *out, size_t room)
{
    const X509_NAME *name = X509_get_subject_name(cert);
    int last = -1;

    for (int i; (i = X509_NAME_get_index_by_NID(name, NID_commonName, last)) >= 0;)
        last = i;
    if (last < 0)
        return ERR_NOT_FOUND;
    unsigned char *text = NULL;
    int n = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, last)));
    if (n < 0)
        return crypto_fail_quiet(ERR_INVALID);
    err_t e = ERR_OK;
    if (memchr(text, 0, (size_t)n)) /* "a.example\0.evil": the C string would be another name */
        e = ERR_INVALID;
    else if ((size_t)n >= room)
        e = ERR_TOO_BIG;
    else
        memcpy(out, text, (size_t)n + 1);
    OPENSSL_free(text);
    return e;
}

/* --- dates -------------------------------------------------------------------------------------- */

static err_t time_ms(const ASN1_TIME *t, int64_t *ret)
{
    struct tm tm;

    if (ASN1_TIME_to_tm(t, &tm) != 1)
        return crypto_fail_quiet(ERR_INVALID);
    *ret = (int64_t)timegm(&tm) * 1000;
    return ERR_OK;
}

err_t crypto_cert_validity(const X509 *cert, int64_t *ret_not_before_ms, int64_t *ret_not_after_ms)
{
    int64_t from = 0, to = 0;
    err_t e = time_ms(X509_get0_notBefore(cert), &from);

    if (!e)
        e = time_ms(X509_get0_notAfter(cert), &to);
    if (e)
        return e;
    *ret_not_before_ms = from;
    *ret_not_after_ms = to;
    return ERR_OK;
}

enum crypto_time_check crypto_cert_time_check(const X509 *cert, int64_t now_ms)
{
    int64_t from = 0, to = 0;

    if (crypto_cert_validity(cert, &from, &to))
        return CRYPTO_TIME_EXPIRED; /* a date we cannot read is no licence */
    if (now_ms < from)
        return CRYPTO_TIME_NOT_YET;
    /* RFC 5280 §4.1.2.5: valid through notAfter, that whole second included. */
    return now_ms < to + 1000 ? CRYPTO_TIME_OK : CRYPTO_TIME_EXPIRED;
}

/* --- keys and issuers --------------------------------------------------------------------------- */

bool crypto_cert_is_ca(const X509 *cert)
{
    /* 1: basicConstraints CA:TRUE (with keyCertSign when keyUsage is there). The others are guesses for v1
     * certificates. The cast: OpenSSL caches the extensions it reads in the certificate. */
    return X509_check_ca((X509 *)(uintptr_t)cert) == 1;
}

err_t crypto_cert_public_key(const X509 *cert, EVP_PKEY **ret)
{
    EVP_PKEY *key = X509_get_pubkey((X509 *)(uintptr_t)cert);

    if (!key)
        return crypto_fail_quiet(ERR_CRYPTO);
    *ret = key;
    return ERR_OK;
}

static const char *key_kind(const EVP_PKEY *key)
{
    return EVP_PKEY_is_a(key, "RSA") ? "RSA" : EVP_PKEY_is_a(key, "EC") ? "EC" : "other";
}

err_t crypto_cert_matches_key(const X509 *cert, const EVP_PKEY *key, struct crypto_error *why)
{
    const EVP_PKEY *own = X509_get0_pubkey(cert);
    bool same = own && EVP_PKEY_eq(own, key) == 1;

    ERR_clear_error();
    if (same)
        return ERR_OK;
    if (!own)
        return crypto_fail(why, ERR_CONFLICT, "the certificate's public key cannot be read");
    return crypto_fail(
        why, ERR_CONFLICT,
        "the private key (%s, %d bits) does not belong to the certificate (%s, %d bits): they have"
        " different public keys",
        key_kind(key), EVP_PKEY_get_bits(key), key_kind(own), EVP_PKEY_get_bits(own));
}

err_t crypto_cert_issued_by(const X509 *cert, const X509 *issuer)
{
    EVP_PKEY *key = X509_get0_pubkey(issuer);

    if (X509_NAME_cmp(X509_get_issuer_name(cert), X509_get_subject_name(issuer)) != 0)
        return ERR_CONFLICT;
    int rv = key ? X509_verify((X509 *)(uintptr_t)cert, key) : 0;
    ERR_clear_error();
    return rv == 1 ? ERR_OK : ERR_AUTH;
}

/* --- verification ------------------------------------------------------------------------------- */

static bool has_eku(const X509 *cert, const char *oid)
{
    EXTENDED_KEY_USAGE *uses = X509_get_ext_d2i(cert, NID_ext_key_usage, NULL, NULL);
    ASN1_OBJECT *want = OBJ_txt2obj(oid, 1);
    bool found = false;

    for (int i = 0; want && i < sk_ASN1_OBJECT_num(uses); i++)
        found |= OBJ_cmp(sk_ASN1_OBJECT_value(uses, i), want) == 0;
    ASN1_OBJECT_free(want);
    EXTENDED_KEY_USAGE_free(uses);
    ERR_clear_error();
    return found;
}

static X509_STORE *store_of(STACK_OF(X509) *roots)
{
    X509_STORE *store = X509_STORE_new();

    for (int i = 0; store && i < sk_X509_num(roots); i++) {
        if (X509_STORE_add_cert(store, sk_X509_value(roots, i)) != 1) {
            X509_STORE_free(store);
            return NULL;
        }
    }
    return store;
}

#define AUTH_LEVEL 2 /* 112 bits: no SHA-1, no RSA under 2048 */

static err_t verify_chain(X509_STORE_CTX *vctx, int64_t now_ms, struct crypto_error *why)
{
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(vctx);

    X509_VERIFY_PARAM_set_time(param, (time_t)(now_ms / 1000));
    X509_VERIFY_PARAM_set_auth_level(param, AUTH_LEVEL);
    /* A root given here is trusted because it was given, whether it signed itself or not. */
    if (X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN) != 1)
        return crypto_fail_quiet(ERR_CRYPTO);
    if (X509_verify_cert(vctx) == 1)
        return ERR_OK;
    int code = X509_STORE_CTX_get_error(vctx);
    int depth = X509_STORE_CTX_get_error_depth(vctx);
    ERR_clear_error();
    return crypto_fail(why, code == X509_V_ERR_OUT_OF_MEM ? ERR_NOMEM : ERR_AUTH,
                       "certificate does not verify: %s (at depth %d)", X509_verify_cert_error_string(code),
                       depth);
}

err_t crypto_cert_verify(const struct crypto_ctx *ctx, const X509 *leaf, STACK_OF(X509) *untrusted,
                         STACK_OF(X509) *roots, const char *eku, int64_t now_ms, struct crypto_error *why)
{
    X509_STORE *store = store_of(roots);
    X509_STORE_CTX *vctx = X509_STORE_CTX_new_ex(ctx->lib, NULL);
    err_t e = ERR_NOMEM;

    if (store && vctx && X509_STORE_CTX_init(vctx, store, (X509 *)(uintptr_t)leaf, untrusted) == 1)
        e = verify_chain(vctx, now_ms, why);
    if (!e && eku && !has_eku(leaf, eku))
        e = crypto_fail(why, ERR_AUTH,
                        "certificate is not meant for this use: extended key usage %s is missing", eku);
    X509_STORE_CTX_free(vctx);
    X509_STORE_free(store);
    ERR_clear_error();
    return e;
}
