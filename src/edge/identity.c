/* src/edge/identity.c */
#include "edge/identity.h"

#include "base/clock.h"
#include "base/mem.h"

#include <openssl/evp.h>

#define MAX_CHAIN 10
#define MAX_ROOTS 200

void identity_done(struct identity *id)
{
    crypto_x509_stack_free_ptr(&id->certs);
    crypto_x509_stack_free_ptr(&id->roots);
    EVP_PKEY_free(id->key);
    EVP_PKEY_free(id->secret_key);
    EVP_PKEY_free(id->mqtt_key);
    *id = (struct identity){ 0 };
}

X509 *identity_cert(const struct identity *id)
{
    return sk_X509_value(id->certs, 0);
}

/* The guide asks of a token PKCS#1 v1.5 signatures and no more; TLS 1.3 has only PSS for RSA. The ECDSA
 * entries are for the server's signature. */
const char *identity_sigalgs(const struct identity *id)
{
    if (!crypto_key_token(id->key) || !crypto_key_is_rsa(id->key))
        return NULL;
    return "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:RSA+SHA256:RSA+SHA384:RSA+SHA512";
}

/* ---- certificates ---- */

static err_t load_certs(const struct crypto_ctx *ctx, const char *path, const char *what, int max,
                        STACK_OF(X509) **ret, struct problem *why)
{
    struct crypto_error ce = { 0 };
    err_t e = crypto_chain_load(ctx, path, max, ret, &ce);

    return e ? problem_set(why, e, "cannot load %s: %s", what, ce.text) : ERR_OK;
}

static err_t check_dates(const struct identity *id, const struct config *c, int64_t now_ms,
                         struct problem *why)
{
    char from[CLOCK_ISO_MAX] = "?", until[CLOCK_ISO_MAX] = "?", now[CLOCK_ISO_MAX];
    int64_t not_before, not_after;

    if (crypto_cert_validity(identity_cert(id), &not_before, &not_after) == ERR_OK) {
        clock_iso(from, not_before);
        clock_iso(until, not_after);
    }
    clock_iso(now, now_ms);
    switch (crypto_cert_time_check(identity_cert(id), now_ms)) {
    case CRYPTO_TIME_EXPIRED:
        return problem_set(why, ERR_INVALID,
                           "the certificate %s expired at %s, it is %s: have a new one issued for the same "
                           "key and put it there",
                           c->cert_file, until, now);
    case CRYPTO_TIME_NOT_YET:
        return problem_set(why, ERR_UNAVAILABLE,
                           "the certificate %s is valid from %s on, this machine's clock says %s: set the "
                           "clock (the core goes on when it is right)",
                           c->cert_file, from, now);
    case CRYPTO_TIME_OK:
        break;
    }
    return ERR_OK;
}

/* ---- keys ---- */

struct loader {
    const struct crypto_ctx *ctx;
    const struct config *c;
    struct problem *why;
};

static err_t load_key(struct loader *l, const struct keyref *k, const char *principal, EVP_PKEY **ret)
{
    const struct secret *pin = k->pin ? k->pin : l->c->pin;
    struct crypto_token token = { l->c->p11_module, l->c->slot_label,
                                  pin ? (const char *)secret_expose_bytes(pin).p : NULL };
    struct crypto_error ce = { 0 };
    err_t e = crypto_key_load(l->ctx, k->uri, k->kind == KEYREF_TOKEN ? &token : NULL, ret, &ce);

    return e ? problem_set(l->why, e, "cannot load the private key of crypto.principals.%s: %s", principal,
                           ce.text)
             : ERR_OK;
}

/* One object serves several principals in most configurations: ask the token for it once. */
static err_t load_or_share(struct loader *l, const struct keyref *k, const struct identity *id,
                           const char *principal, EVP_PKEY **ret)
{
    if (k->kind != KEYREF_NONE && strcmp(k->uri, l->c->iot_key.uri) != 0)
        return load_key(l, k, principal, ret);
    if (!EVP_PKEY_up_ref(id->key))
        return problem_set(l->why, ERR_NOMEM, "out of memory");
    *ret = id->key;
    return ERR_OK;
}

/* RSA of 2048 bits or more; P-256 or P-384. */
static bool key_kind_ok(const EVP_PKEY *key)
{
    int bits = crypto_key_bits(key);

    return (crypto_key_is_rsa(key) && bits >= 2048) ||
           (crypto_key_is_ec(key) && (bits == 256 || bits == 384));
}

static err_t check_key_kind(struct loader *l, const EVP_PKEY *key, const char *principal)
{
    if (key_kind_ok(key))
        return ERR_OK;
    return problem_set(
        l->why, ERR_INVALID,
        "the private key of crypto.principals.%s must be RSA with 2048 bits or more, or EC on P-256 or P-384",
        principal);
}

static err_t check_pair(struct loader *l, const struct identity *id)
{
    struct crypto_error ce = { 0 };
    err_t e = crypto_cert_matches_key(identity_cert(id), id->key, &ce);

    if (!e)
        return ERR_OK;
    return problem_set(
        l->why, ERR_CONFLICT,
        "the private key %s and the certificate %s do not match (%s): the certificate was issued for another "
        "key. With a token: is this the right one, and the right object in it?",
        l->c->iot_key.label, l->c->cert_file, ce.text);
}

static err_t load_keys(struct loader *l, struct identity *id)
{
    err_t e = load_key(l, &l->c->iot_key, "IoTCertificate", &id->key);

    e = e ? e : check_key_kind(l, id->key, "IoTCertificate");
    e = e ? e : check_pair(l, id);
    e = e ? e : load_or_share(l, &l->c->secret_key, id, "SecretsManager", &id->secret_key);
    if (!e && l->c->mqtt_key.kind != KEYREF_NONE) {
        e = load_or_share(l, &l->c->mqtt_key, id, "MQTTServerCertificate", &id->mqtt_key);
        e = e ? e : check_key_kind(l, id->mqtt_key, "MQTTServerCertificate");
    }
    return e;
}

err_t identity_load(const struct crypto_ctx *ctx, const struct config *c, int64_t now_ms,
                    struct identity *ret, struct problem *why)
{
    struct identity id = { 0 };
    struct loader l = { ctx, c, why };
    err_t e = load_certs(ctx, c->ca_file, "the CA file (caPath)", MAX_ROOTS, &id.roots, why);

    e = e ? e : load_certs(ctx, c->cert_file, "the certificate (certificatePath)", MAX_CHAIN, &id.certs, why);
    e = e ? e : check_dates(&id, c, now_ms, why);
    e = e ? e : load_keys(&l, &id);
    if (!e && crypto_cert_id(ctx, identity_cert(&id), id.fingerprint))
        e = problem_set(why, ERR_CRYPTO, "cannot compute the certificate's fingerprint");
    if (e) {
        identity_done(&id);
        return e;
    }
    *ret = id;
    return ERR_OK;
}
