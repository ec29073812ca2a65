/* tests/unit/tls/certs.h - keys and certificates made on the spot with OpenSSL alone. */
#pragma once
#include "base/mem.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <unistd.h>

struct id {
    EVP_PKEY *key;
    X509 *cert;
};

struct id_opts {
    const char *cn;
    const char *san;         /* "DNS:localhost,IP:127.0.0.1" */
    const struct id *issuer; /* NULL: self-signed */
    bool ca;
    bool expired;
    bool rsa;
    EVP_PKEY *key; /* use this one */
};

static inline void add_ext(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    if (!ext || !X509_add_ext(cert, ext, -1))
        abort();
    X509_EXTENSION_free(ext);
}

static inline struct id id_make(const struct id_opts *o)
{
    static long serial = 1000;
    struct id id = { .cert = X509_new() };
    if (o->key) {
        EVP_PKEY_up_ref(o->key);
        id.key = o->key;
    } else {
        id.key = o->rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
    }
    const struct id *by = o->issuer ? o->issuer : &id;
    X509_NAME *name = X509_get_subject_name(id.cert);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)o->cn, -1, -1, 0);
    X509_set_version(id.cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(id.cert), serial++);
    X509_set_issuer_name(id.cert, o->issuer ? X509_get_subject_name(o->issuer->cert) : name);
    X509_gmtime_adj(X509_getm_notBefore(id.cert), -7200);
    X509_gmtime_adj(X509_getm_notAfter(id.cert), o->expired ? -3600 : 3600);
    X509_set_pubkey(id.cert, id.key);
    add_ext(id.cert, o->issuer ? o->issuer->cert : id.cert, NID_basic_constraints,
            o->ca ? "critical,CA:TRUE" : "CA:FALSE");
    if (o->san)
        add_ext(id.cert, id.cert, NID_subject_alt_name, o->san);
    if (!X509_sign(id.cert, by->key, EVP_sha256()))
        abort();
    return id;
}

static inline void id_done(struct id *id)
{
    EVP_PKEY_free(id->key);
    X509_free(id->cert);
    *id = (struct id){ 0 };
}

/* Writes the certificate to a new file; the caller unlinks and frees. */
static inline char *id_write_cert(const struct id *id)
{
    char *path = mem_strdup("/tmp/sedge-tls-XXXXXX");
    int fd = mkstemp(path);
    FILE *f = fdopen(fd, "w");
    PEM_write_X509(f, id->cert);
    fclose(f);
    return path;
}
