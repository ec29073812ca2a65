/* src/edge/deploy/deploydoc.c */
#include "edge/deploy/deploydoc.h"

#include "base/hex.h"
#include "base/json.h"
#include "base/mem.h"
#include "crypto/cert.h"
#include "crypto/digest.h"
#include "crypto/key.h"

#include <openssl/evp.h>

#define MAX_DEPTH 8
#define WHAT "the deployment document"

void deploydoc_free(struct deploydoc *d)
{
    if (!d)
        return;
    free(d->artifacts);
    free(d);
}

void deploydoc_free_ptr(struct deploydoc **d)
{
    deploydoc_free(*d);
}

bool deploydoc_name_ok(const char *name)
{
    size_t n = strlen(name);

    return n >= 1 && n < DEPLOYDOC_NAME_MAX && name[0] != '.' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == n;
}

/* ---- envelope ---- */

struct envelope {
    struct buf payload, signature;
    char *certificate;
};

static void envelope_done(struct envelope *v)
{
    buf_done(&v->payload);
    buf_done(&v->signature);
    free(v->certificate);
}

static err_t decode_member(const json_t *doc, const char *key, struct buf *out, struct problem *why)
{
    const char *text = json_get_str(doc, key);

    if (!text || base64_decode(out, slice_str(text)))
        return problem_set(why, ERR_INVALID, WHAT "'s %s is missing or not base64", key);
    return ERR_OK;
}

static err_t read_envelope(struct slice text, struct envelope *v, struct problem *why)
{
    auto_json *doc = NULL;
    struct json_where at = { 0 };
    const char *algorithm, *certificate;
    err_t e;

    if (text.n > DEPLOYDOC_MAX_BYTES)
        return problem_set(why, ERR_TOO_BIG, WHAT " has over %d bytes", DEPLOYDOC_MAX_BYTES);
    if (json_parse(text, MAX_DEPTH, &doc, &at) || !json_is_object(doc))
        return problem_set(why, ERR_INVALID, WHAT " is not a JSON object: line %d, column %d: %s", at.line,
                           at.column, at.text);
    e = gda_check_version(doc, WHAT, why);
    if (e)
        return e;
    algorithm = json_get_str(doc, "algorithm");
    certificate = json_get_str(doc, "certificate");
    if (!algorithm || strcmp(algorithm, "ES256") != 0)
        return problem_set(why, ERR_INVALID,
                           WHAT " is not signed with ES256, the one algorithm this core knows");
    if (!certificate)
        return problem_set(why, ERR_INVALID, WHAT " carries no signer's certificate");
    v->certificate = mem_strdup(certificate);
    e = v->certificate ? decode_member(doc, "payload", &v->payload, why) : ERR_NOMEM;
    return e ? e : decode_member(doc, "signature", &v->signature, why);
}

/* EC-7: whose key may sign deployments. */
static err_t trusted_signer(const struct envelope *v, const struct deploydoc_expect *x, EVP_PKEY **ret,
                            struct problem *why)
{
    struct crypto_error ce = { 0 };
    auto_x509 X509 *cert = NULL;
    auto_pkey EVP_PKEY *key = NULL;
    err_t e = crypto_cert_parse_pem(x->crypto, slice_str(v->certificate), &cert, &ce);

    e = e ? e : crypto_cert_verify(x->crypto, cert, NULL, x->roots, CRYPTO_EKU_CODE_SIGNING, x->now_ms, &ce);
    if (e == ERR_NOMEM)
        return problem_set(why, e, "out of memory");
    if (e)
        return problem_set(why, ERR_AUTH,
                           WHAT " is not from our cloud: its signer's certificate is not accepted: %s; look "
                                "at crypto.caPath and at who answers on ggHost",
                           ce.text);
    if (crypto_cert_public_key(cert, &key))
        return problem_set(why, ERR_AUTH, WHAT "'s signer has an unreadable public key");
    if (!crypto_key_is_ec(key) || crypto_key_bits(key) != 256)
        return problem_set(why, ERR_AUTH, WHAT "'s signer has no P-256 key, which ES256 needs");
    *ret = steal(&key);
    return ERR_OK;
}

/* EC-6. */
static err_t check_signature(const struct envelope *v, const struct deploydoc_expect *x, struct problem *why)
{
    autobuf bytes = BUF_INIT(DEPLOYDOC_MAX_BYTES + sizeof(DEPLOYDOC_SIGNED_PREFIX));
    auto_pkey EVP_PKEY *key = NULL;
    err_t e = trusted_signer(v, x, &key, why);

    if (e)
        return e;
    if (buf_add_str(&bytes, DEPLOYDOC_SIGNED_PREFIX) || buf_add(&bytes, buf_slice(&v->payload)))
        return problem_set(why, ERR_NOMEM, "out of memory");
    if (crypto_verify(x->crypto, key, buf_slice(&bytes), buf_slice(&v->signature)))
        return problem_set(why, ERR_AUTH,
                           WHAT "'s signature does not fit: it was altered on the way, or the signature was; "
                                "deploy again, and if it happens again look for who changes it");
    return ERR_OK;
}

/* ---- payload ---- */

static bool is_sha256_hex(const char *s)
{
    return s && strlen(s) == 64 && strspn(s, "0123456789abcdef") == 64;
}

static err_t read_artifact(const json_t *o, struct deploydoc_artifact *ret, struct problem *why)
{
    const char *name = json_get_str(o, "name"), *sha = json_get_str(o, "sha256");
    int64_t size = json_get_int(o, "size", -1);

    if (!name || !deploydoc_name_ok(name))
        return problem_set(why, ERR_INVALID,
                           WHAT " lists an artifact whose name is not [A-Za-z0-9._-]{1,128}");
    if (!is_sha256_hex(sha) || size < 0)
        return problem_set(why, ERR_INVALID, WHAT " lists %s without a valid size and sha256", name);
    if ((uint64_t)size > DEPLOYDOC_MAX_ARTIFACT_BYTES)
        return problem_set(why, ERR_TOO_BIG, WHAT ": %s has %lld bytes, at most %u are allowed", name,
                           (long long)size, DEPLOYDOC_MAX_ARTIFACT_BYTES);
    memcpy(ret->name, name, strlen(name) + 1);
    memcpy(ret->sha256, sha, 65);
    ret->size = (uint64_t)size;
    return ERR_OK;
}

static bool name_seen(const struct deploydoc *d, const char *name)
{
    for (size_t i = 0; i < d->count; i++)
        if (strcmp(d->artifacts[i].name, name) == 0)
            return true;
    return false;
}

static err_t read_artifacts(struct deploydoc *d, const json_t *doc, struct problem *why)
{
    const json_t *list = json_get_arr(doc, "artifacts");
    size_t n = json_array_size(list), i;
    json_t *o;

    if (!list || n > DEPLOYDOC_MAX_ARTIFACTS)
        return problem_set(why, ERR_INVALID, WHAT " has no list of artifacts or over %d of them",
                           DEPLOYDOC_MAX_ARTIFACTS);
    d->artifacts = mem_calloc(n ? n : 1, sizeof(*d->artifacts));
    if (!d->artifacts)
        return ERR_NOMEM;
    json_array_foreach(list, i, o)
    {
        struct deploydoc_artifact a = { 0 };
        err_t e = read_artifact(o, &a, why);
        if (e)
            return e;
        if (name_seen(d, a.name))
            return problem_set(why, ERR_INVALID, WHAT " lists %s twice", a.name);
        d->artifacts[d->count++] = a;
    }
    if (!name_seen(d, "group.json"))
        return problem_set(why, ERR_INVALID, WHAT " lists no group.json");
    return ERR_OK;
}

static err_t check_member(const json_t *doc, const char *key, const char *want, struct problem *why)
{
    const char *have = json_get_str(doc, key);

    if (have && strcmp(have, want) == 0)
        return ERR_OK;
    return problem_set(why, ERR_INVALID, WHAT " is for another %s: %.128s instead of %.128s", key,
                       have ? have : "(none)", want);
}

static err_t read_payload(const json_t *doc, const char *thing_arn, struct deploydoc *d, struct problem *why)
{
    err_t e = gda_check_version(doc, WHAT "'s payload", why);

    e = e ? e : check_member(doc, "deploymentId", d->ref.deployment_id, why);
    e = e ? e : check_member(doc, "deploymentType", d->ref.type, why);
    e = e ? e : check_member(doc, "groupId", d->ref.group_id, why);
    e = e ? e : check_member(doc, "groupVersionId", d->ref.version_id, why);
    e = e ? e : check_member(doc, "coreThingArn", thing_arn, why);
    return e ? e : read_artifacts(d, doc, why);
}

err_t deploydoc_parse_payload(struct slice payload, const struct gda_ref *ref, const char *thing_arn,
                              struct deploydoc **ret, struct problem *why)
{
    auto_deploydoc *d = mem_calloc(1, sizeof(*d));
    auto_json *doc = NULL;
    struct json_where at = { 0 };
    err_t e;

    if (!d)
        return problem_set(why, ERR_NOMEM, "out of memory");
    if (json_parse(payload, MAX_DEPTH, &doc, &at) || !json_is_object(doc))
        return problem_set(why, ERR_INVALID, WHAT "'s payload is not a JSON object: line %d, column %d: %s",
                           at.line, at.column, at.text);
    d->ref = *ref;
    e = read_payload(doc, thing_arn, d, why);
    if (e)
        return e == ERR_NOMEM ? problem_set(why, e, "out of memory") : e;
    *ret = steal(&d);
    return ERR_OK;
}

/* ---- the whole ---- */

err_t deploydoc_open(struct slice envelope, const struct deploydoc_expect *expect, struct deploydoc **ret,
                     struct problem *why)
{
    struct envelope v = { .payload = BUF_INIT(DEPLOYDOC_MAX_BYTES), .signature = BUF_INIT(1024) };
    err_t e = read_envelope(envelope, &v, why);

    e = e ? e : check_signature(&v, expect, why);
    if (e == ERR_NOMEM)
        (void)problem_set(why, e, "out of memory");
    e = e ? e : deploydoc_parse_payload(buf_slice(&v.payload), expect->ref, expect->thing_arn, ret, why);
    envelope_done(&v);
    return e;
}

const struct deploydoc_artifact *deploydoc_find(const struct deploydoc *d, const char *name)
{
    for (size_t i = 0; i < d->count; i++)
        if (strcmp(d->artifacts[i].name, name) == 0)
            return &d->artifacts[i];
    return NULL;
}

err_t deploydoc_check_artifact(const struct crypto_ctx *crypto, const struct deploydoc_artifact *a,
                               struct slice bytes, struct problem *why)
{
    char have[CRYPTO_SHA256_HEX];

    if (bytes.n != a->size)
        return problem_set(why, ERR_CORRUPT, "%s has %zu bytes instead of %llu", a->name, bytes.n,
                           (unsigned long long)a->size);
    if (crypto_sha256_hex(crypto, bytes, have))
        return problem_set(why, ERR_CRYPTO, "the SHA-256 of %s could not be computed", a->name);
    if (strcmp(have, a->sha256) != 0)
        return problem_set(why, ERR_CORRUPT, "%s was altered on the way: its SHA-256 is %s instead of %s",
                           a->name, have, a->sha256);
    return ERR_OK;
}
