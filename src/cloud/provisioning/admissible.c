#include "cloud/provisioning/admissible.h"

#include "cloud/registry/caconfig.h"
#include "cloud/registry/certrow.h"
#include "crypto/key.h"

#include <openssl/x509.h>
#include <stdio.h>

#define SECURITY_BITS_MIN 112 /* SHA-224 and better; SHA-1 has less */

void admissible_done(struct admissible *a)
{
    json_decref_ptr(&a->config);
}

__attribute__((format(printf, 2, 3))) static err_t refuse(char why[ADMISSIBLE_WHY_MAX], const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(why, ADMISSIBLE_WHY_MAX, fmt, ap);
    va_end(ap);
    return ERR_DENIED;
}

/* ---- the certificate ---- */

static bool key_ok(const X509 *cert)
{
    auto_pkey EVP_PKEY *key = NULL;

    return !crypto_cert_public_key(cert, &key) && crypto_key_acceptable(key);
}

static bool signature_ok(const X509 *cert)
{
    int bits = 0;

    return X509_get_signature_info((X509 *)(uintptr_t)cert, NULL, NULL, &bits, NULL) == 1 &&
           bits >= SECURITY_BITS_MIN;
}

err_t admissible_certificate(const X509 *cert, int64_t now_ms, char why[ADMISSIBLE_WHY_MAX])
{
    autobuf der = BUF_INIT(ADMISSIBLE_DER_MAX);
    enum crypto_time_check when = crypto_cert_time_check(cert, now_ms);
    err_t e = crypto_cert_der(cert, &der);

    if (e == ERR_TOO_BIG)
        return refuse(why, "the certificate has more than %u bytes: give the device a smaller one",
                      ADMISSIBLE_DER_MAX);
    if (e)
        return refuse(why, "the certificate cannot be read");
    if (when != CRYPTO_TIME_OK)
        return refuse(why, "the certificate is %s",
                      when == CRYPTO_TIME_EXPIRED ? "expired: give the device a new one"
                                                  : "not yet valid: check the clocks");
    if (crypto_cert_is_ca(cert))
        return refuse(why, "it is a CA's certificate: give the device one of its own, signed by the CA");
    if (!key_ok(cert))
        return refuse(why, "the certificate's key must be RSA of 2048 bits or more, P-256, P-384 or P-521");
    if (!signature_ok(cert))
        return refuse(why, "the certificate's signature is too weak: have it signed with SHA-256 or better");
    return ERR_OK;
}

/* ---- its CA ---- */

static err_t check_issuer(const struct issuer *i, int64_t now_ms, char why[ADMISSIBLE_WHY_MAX])
{
    if (strcmp(i->status, "ACTIVE") != 0)
        return refuse(why, "its CA %s is %s: activate that (UpdateCACertificate newStatus=ACTIVE)", i->ca_id,
                      i->status);
    if (strcmp(i->auto_registration, "ENABLE") != 0)
        return refuse(
            why,
            "its CA %s registers nothing by itself: register the certificate (RegisterCertificate) or"
            " switch that on (UpdateCACertificate newAutoRegistrationStatus=ENABLE)",
            i->ca_id);
    if (now_ms < i->not_before_ms || now_ms > i->not_after_ms)
        return refuse(why, "its CA %s is not within its dates: register the CA's successor", i->ca_id);
    return ERR_OK;
}

static err_t find_issuer(const struct cloud_env *env, struct db *db, const X509 *cert, struct issuer *ret,
                         char why[ADMISSIBLE_WHY_MAX])
{
    err_t e = issuer_find(env, db, cert, ret);

    return e == ERR_NOT_FOUND
               ? refuse(why, "no registered CA signed it: register the certificate (RegisterCertificate,"
                             " RegisterCertificateWithoutCA) or its CA (RegisterCACertificate)")
               : e;
}

/* ---- what the registry has of it ---- */

static err_t look_up(struct db *db, const char *id, struct admissible *ret, char why[ADMISSIBLE_WHY_MAX])
{
    auto_cert_row row = { 0 };
    err_t e = cert_row_load(db, id, &row);

    if (e == ERR_NOT_FOUND)
        return ERR_OK;
    if (e)
        return e;
    if (strcmp(row.status, "ACTIVE") == 0)
        return refuse(why, "it has become ACTIVE meanwhile: the device is to connect again");
    if (strcmp(row.status, "PENDING_ACTIVATION") != 0 || !row.ca_id[0])
        return refuse(why, "it is %s: activate it (UpdateCertificate newStatus=ACTIVE)", row.status);
    ret->registered = true;
    ret->registered_ms = row.created_ms;
    return ERR_OK;
}

static err_t find(const struct cloud_env *env, struct db *db, const X509 *cert, int64_t now_ms,
                  struct admissible *ret, char why[ADMISSIBLE_WHY_MAX])
{
    err_t e;

    if ((e = find_issuer(env, db, cert, &ret->issuer, why)) ||
        (e = check_issuer(&ret->issuer, now_ms, why)) || (e = admissible_certificate(cert, now_ms, why)))
        return e;
    return ca_config_load(db, ret->issuer.ca_id, &ret->config);
}

err_t admissible_find(const struct cloud_env *env, struct db *db, const X509 *cert, const char *id,
                      int64_t now_ms, struct admissible *ret, char why[ADMISSIBLE_WHY_MAX])
{
    auto_admissible found = { .registered_ms = now_ms };
    char reason[ADMISSIBLE_WHY_MAX] = "";
    err_t e;

    if ((e = look_up(db, id, &found, why)))
        return e;
    if ((e = find(env, db, cert, now_ms, &found, reason))) {
        if (e == ERR_DENIED)
            (void)refuse(why, "it is %s, and %.400s",
                         found.registered ? "PENDING_ACTIVATION" : "not registered here", reason);
        return e;
    }
    *ret = found;
    found = (struct admissible){ 0 };
    return ERR_OK;
}
