#include "cloud/pki/pki.h"

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "cloud/pki/hosts.h"
#include "crypto/issue.h"

#include <string.h>

#define DAY_MS (24 * 3600 * 1000LL)
#define CA_END_MS 2524607999000LL /* 2049-12-31T23:59:59Z, the last second of UTCTime */
#define SERVER_DAYS 825
#define RENEW_DAYS 60         /* what ends sooner is made anew */
#define CLOCK_SLACK_MS DAY_MS /* devices without a battery-backed clock lag behind */
#define DEPLOYMENT_TAG "sedge-deployment-v1\n"

struct pair {
    X509 *cert;
    EVP_PKEY *key;
};

struct pki {
    const struct crypto_ctx *crypto;
    struct pair ca, server, signing;
    struct buf root_pem, signing_pem;
    char root_sha256[CRYPTO_SHA256_HEX];
    char *dir, *hosts;
};

struct place {      /* where one pair lives */
    char *key;      /* a URI */
    char *key_path; /* that, of a file of ours; NULL: the key is somebody else's to make */
    char *cert_path;
    const char *option; /* that names the key; for messages */
};

static void place_done(struct place *at)
{
    free(at->key);
    free(at->key_path);
    free(at->cert_path);
    *at = (struct place){ 0 };
}

static err_t place_init(struct place *at, const char *dir, const char *name, const char *option,
                        const char *key)
{
    *at = (struct place){ .cert_path = mem_printf("%s/%s.cert.pem", dir, name), .option = option };
    if (!key)
        at->key_path = mem_printf("%s/%s.key.pem", dir, name);
    at->key = key ? mem_strdup(key) : at->key_path ? mem_printf("file://%s", at->key_path) : NULL;
    if (at->key && at->cert_path)
        return ERR_OK;
    place_done(at);
    return ERR_NOMEM;
}

static void pair_done(struct pair *pair)
{
    X509_free(pair->cert);
    EVP_PKEY_free(pair->key);
    *pair = (struct pair){ 0 };
}

void pki_free(struct pki *p)
{
    if (!p)
        return;
    pair_done(&p->ca);
    pair_done(&p->server);
    pair_done(&p->signing);
    buf_done(&p->root_pem);
    buf_done(&p->signing_pem);
    free(p->dir);
    free(p->hosts);
    free(p);
}

static void pki_free_ptr(struct pki **p)
{
    pki_free(*p);
}

static err_t load_key(const struct pki *p, const struct place *at, EVP_PKEY **ret, struct crypto_error *why)
{
    err_t e = crypto_key_load(p->crypto, at->key, NULL, ret, why);

    if (!e && why && why->warning[0])
        log_warn("%s: %s", at->option, why->warning);
    return e;
}

static err_t make_key(const struct pki *p, const char *path, EVP_PKEY **ret, struct crypto_error *why)
{
    auto_pkey EVP_PKEY *key = NULL;
    autobuf pem = BUF_SECRET(CRYPTO_CERT_MAX);
    err_t e;

    if ((e = crypto_key_generate(p->crypto, CRYPTO_KEY_EC_P256, &key)) ||
        (e = crypto_key_private_pem(key, &pem)))
        return e;
    if ((e = file_write_durable(path, buf_slice(&pem), 0600)))
        return crypto_fail(why, e, "cannot write the key %s: %s", path, err_str(e));
    *ret = steal(&key);
    return ERR_OK;
}

static err_t key_load_or_make(const struct pki *p, const struct place *at, EVP_PKEY **ret,
                              struct crypto_error *why)
{
    err_t e = load_key(p, at, ret, why);

    return e == ERR_NOT_FOUND && at->key_path ? make_key(p, at->key_path, ret, why) : e;
}

static err_t save_cert(const struct place *at, X509 *cert, struct crypto_error *why)
{
    autobuf pem = BUF_INIT(CRYPTO_CERT_MAX);
    err_t e = crypto_cert_pem(cert, &pem);

    if (!e && (e = file_write_durable(at->cert_path, buf_slice(&pem), 0644)))
        return crypto_fail(why, e, "cannot write the certificate %s: %s", at->cert_path, err_str(e));
    return e;
}

/* A certificate without its key cannot be repaired by us: devices trust that one. */
static err_t ca_load(struct pki *p, const struct place *at, struct crypto_error *why)
{
    err_t e = crypto_cert_load(p->crypto, at->cert_path, &p->ca.cert, why);

    if (e)
        return e;
    if ((e = load_key(p, at, &p->ca.key, why)) == ERR_NOT_FOUND && at->key_path)
        return crypto_fail(
            why, ERR_CONFLICT,
            "the CA certificate %s is there but its key %s is not: restore the key from a backup, or "
            "move the whole data folder away to start with a new CA",
            at->cert_path, at->key_path);
    if (e)
        return e;
    if (crypto_cert_matches_key(p->ca.cert, p->ca.key, NULL))
        return crypto_fail(
            why, ERR_CONFLICT,
            "the CA certificate %s is of another key than the one %s names: devices trust that "
            "certificate, so give its key, or start with an empty data folder",
            at->cert_path, at->key_path ? at->key_path : at->option);
    return ERR_OK;
}

static err_t ca_make(struct pki *p, const struct place *at, int64_t now_ms, struct crypto_error *why)
{
    struct crypto_cert_spec spec = { .kind = CRYPTO_CERT_CA,
                                     .common_name = "Sedge device CA",
                                     .organization = "Sedge",
                                     .not_before_ms = now_ms - CLOCK_SLACK_MS,
                                     .not_after_ms = CA_END_MS };
    err_t e = key_load_or_make(p, at, &p->ca.key, why);

    if (e)
        return e;
    if (!crypto_key_acceptable(p->ca.key))
        return crypto_fail(why, ERR_INVALID,
                           "%s: a CA's key is RSA of 2048 bits or more, P-256, P-384 or P-521", at->option);
    if ((e = crypto_cert_issue(p->crypto, &spec, p->ca.key, NULL, p->ca.key, &p->ca.cert, why)))
        return e;
    return save_cert(at, p->ca.cert, why);
}

static err_t open_ca(struct pki *p, const char *key, int64_t now_ms, struct crypto_error *why)
{
    struct place at;
    err_t e = place_init(&at, p->dir, "ca", "--ca-key", key);

    if (e)
        return e;
    e = ca_load(p, &at, why);
    if (e == ERR_NOT_FOUND)
        e = ca_make(p, &at, now_ms, why);
    place_done(&at);
    return e;
}

/* Can the stored leaf go on serving? Ours, of this key, of this CA, and not near its end. */
static bool leaf_usable(const struct pki *p, const struct pair *leaf, int64_t now_ms)
{
    return crypto_cert_matches_key(leaf->cert, leaf->key, NULL) == ERR_OK &&
           crypto_cert_issued_by(leaf->cert, p->ca.cert) == ERR_OK &&
           crypto_cert_time_check(leaf->cert, now_ms) == CRYPTO_TIME_OK &&
           crypto_cert_time_check(leaf->cert, now_ms + RENEW_DAYS * DAY_MS) == CRYPTO_TIME_OK;
}

static err_t leaf_make(const struct pki *p, struct pair *leaf, const struct place *at,
                       struct crypto_cert_spec *spec, int64_t now_ms, struct crypto_error *why)
{
    auto_x509 X509 *cert = NULL;
    err_t e;

    spec->not_before_ms = now_ms - CLOCK_SLACK_MS;
    spec->not_after_ms = now_ms + SERVER_DAYS * DAY_MS;
    if (spec->not_after_ms > CA_END_MS)
        spec->not_after_ms = CA_END_MS;
    if ((e = crypto_cert_issue(p->crypto, spec, leaf->key, p->ca.cert, p->ca.key, &cert, why)) ||
        (e = save_cert(at, cert, why)))
        return e;
    X509_free(leaf->cert);
    leaf->cert = steal(&cert);
    return ERR_OK;
}

static err_t open_leaf(const struct pki *p, struct pair *leaf, const struct place *at, bool renew,
                       struct crypto_cert_spec *spec, int64_t now_ms, struct crypto_error *why)
{
    err_t e = key_load_or_make(p, at, &leaf->key, why);

    if (e)
        return e;
    e = crypto_cert_load(p->crypto, at->cert_path, &leaf->cert, why);
    if (e == ERR_NOT_FOUND || (!e && (renew || !leaf_usable(p, leaf, now_ms))))
        e = leaf_make(p, leaf, at, spec, now_ms, why);
    return e;
}

static err_t open_server(const struct pki *p, int64_t now_ms, struct pair *server, struct crypto_error *why)
{
    struct hosts names = { 0 };
    bool changed = false;
    err_t e = hosts_parse(p->hosts, &names);

    if (e)
        return crypto_fail(why, e, "--host %s: not a list of host names with commas between", p->hosts);
    if (!(e = hosts_changed(p->dir, &names, &changed))) {
        struct crypto_cert_spec spec = { .kind = CRYPTO_CERT_SERVER,
                                         .common_name = names.list[0],
                                         .organization = "Sedge",
                                         .san = (const char *const *)names.list,
                                         .san_count = names.n };
        struct place at;
        if (!(e = place_init(&at, p->dir, "server", NULL, NULL)))
            e = open_leaf(p, server, &at, changed, &spec, now_ms, why);
        place_done(&at);
    }
    if (!e && changed)
        e = hosts_remember(p->dir, &names);
    hosts_done(&names);
    return e;
}

err_t pki_renew_server(struct pki *p, int64_t now_ms, struct crypto_error *why)
{
    struct pair fresh = { 0 }, old = p->server;
    err_t e = open_server(p, now_ms, &fresh, why);

    if (!e)
        p->server = fresh;
    pair_done(e ? &fresh : &old);
    return e;
}

static err_t open_signing(struct pki *p, const char *key, int64_t now_ms, struct crypto_error *why)
{
    struct crypto_cert_spec spec = { .kind = CRYPTO_CERT_CODE_SIGNING,
                                     .common_name = "Sedge deployments",
                                     .organization = "Sedge" };
    struct place at;
    err_t e = place_init(&at, p->dir, "signing", "--signing-key", key);

    if (e)
        return e;
    e = open_leaf(p, &p->signing, &at, false, &spec, now_ms, why);
    place_done(&at);
    if (!e && (!crypto_key_is_ec(p->signing.key) || crypto_key_bits(p->signing.key) != 256))
        e = crypto_fail(why, ERR_INVALID, "--signing-key: cores expect an EC key on P-256");
    return e;
}

static err_t keep_texts(struct pki *p)
{
    autobuf der = BUF_INIT(CRYPTO_CERT_MAX);
    err_t e;

    if ((e = crypto_cert_pem(p->ca.cert, &p->root_pem)) ||
        (e = crypto_cert_pem(p->signing.cert, &p->signing_pem)) || (e = crypto_cert_der(p->ca.cert, &der)))
        return e;
    return crypto_sha256_hex(p->crypto, buf_slice(&der), p->root_sha256);
}

err_t pki_open(const struct crypto_ctx *crypto, const struct pki_opts *opts, int64_t now_ms, struct pki **ret,
               struct crypto_error *why)
{
    __attribute__((cleanup(pki_free_ptr))) struct pki *p = mem_calloc(1, sizeof(*p));
    err_t e;

    if (!p)
        return ERR_NOMEM;
    p->crypto = crypto;
    if (!(p->dir = mem_strdup(opts->dir)) || !(p->hosts = mem_strdup(opts->hosts)))
        return ERR_NOMEM;
    buf_init(&p->root_pem, CRYPTO_CERT_MAX);
    buf_init(&p->signing_pem, CRYPTO_CERT_MAX);
    if ((e = file_mkdirs(p->dir, 0700)))
        return crypto_fail(why, e, "cannot make the folder %s: %s", p->dir, err_str(e));
    if ((e = open_ca(p, opts->ca_key, now_ms, why)) || (e = open_server(p, now_ms, &p->server, why)) ||
        (e = open_signing(p, opts->signing_key, now_ms, why)) || (e = keep_texts(p)))
        return e;
    *ret = steal(&p);
    return ERR_OK;
}

struct slice pki_root_pem(const struct pki *p)
{
    return buf_slice(&p->root_pem);
}

const char *pki_root_sha256(const struct pki *p)
{
    return p->root_sha256;
}

X509 *pki_server_cert(const struct pki *p)
{
    return p->server.cert;
}

EVP_PKEY *pki_server_key(const struct pki *p)
{
    return p->server.key;
}

struct slice pki_signing_pem(const struct pki *p)
{
    return buf_slice(&p->signing_pem);
}

static err_t issue_client(const struct pki *p, EVP_PKEY *subject_key, X509_REQ *csr, int64_t now_ms,
                          int64_t end_ms, X509 **ret, struct crypto_error *why)
{
    struct crypto_cert_spec spec = { .kind = CRYPTO_CERT_CLIENT,
                                     .common_name = "AWS IoT Certificate", /* what tools look for */
                                     .subject_from = csr,
                                     .not_before_ms = now_ms - CLOCK_SLACK_MS,
                                     .not_after_ms = end_ms };

    return crypto_cert_issue(p->crypto, &spec, subject_key, p->ca.cert, p->ca.key, ret, why);
}

err_t pki_issue_device(const struct pki *p, EVP_PKEY *subject_key, X509_REQ *csr, int64_t now_ms, X509 **ret,
                       struct crypto_error *why)
{
    return issue_client(p, subject_key, csr, now_ms, CA_END_MS, ret, why);
}

err_t pki_issue_claim(const struct pki *p, EVP_PKEY *subject_key, int64_t now_ms, int64_t end_ms, X509 **ret,
                      struct crypto_error *why)
{
    return issue_client(p, subject_key, NULL, now_ms, end_ms, ret, why);
}

err_t pki_sign_deployment(const struct pki *p, struct slice payload, struct buf *signature)
{
    autobuf text = BUF_INIT(payload.n + sizeof(DEPLOYMENT_TAG));
    err_t e;

    if ((e = buf_add_str(&text, DEPLOYMENT_TAG)) || (e = buf_add(&text, payload)))
        return e;
    return crypto_sign(p->crypto, p->signing.key, buf_slice(&text), signature, NULL);
}
