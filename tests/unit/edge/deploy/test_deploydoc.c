/* The deployment document: whose signature counts, and every way a document can be wrong. EC-5..EC-9. */
#include "../../cm.h"
#include "base/hex.h"
#include "base/mem.h"
#include "crypto/digest.h"
#include "crypto/issue.h"
#include "crypto/random.h"
#include "edge/deploy/deploydoc.h"

#include <openssl/x509.h>
#include <stdio.h>
#include <time.h>

#define NOW ((int64_t)1800000000000)
#define DAY ((int64_t)86400000)
#define ARN "arn:aws:iot:r:1:thing/C"

static struct crypto_ctx *ctx;
static EVP_PKEY *ca_key, *other_ca_key, *signer_key, *other_key, *rsa_key;
static X509 *ca, *other_ca;
static STACK_OF(X509) *roots;
static const struct gda_ref ref = { "d1", "g1", "v1", "NewDeployment" };

static X509 *issue(enum crypto_cert_kind kind, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key,
                   int64_t from, int64_t until)
{
    struct crypto_cert_spec spec = {
        .kind = kind, .common_name = "test", .not_before_ms = from, .not_after_ms = until
    };
    struct crypto_error why = { 0 };
    X509 *cert = NULL;

    if (crypto_cert_issue(ctx, &spec, key, issuer, issuer_key, &cert, &why))
        fail_msg("%s", why.text);
    return cert;
}

static EVP_PKEY *generate(enum crypto_key_type type)
{
    EVP_PKEY *key = NULL;

    assert_int_equal(crypto_key_generate(ctx, type, &key), ERR_OK);
    return key;
}

static int setup(void **state)
{
    (void)state;
    if (crypto_ctx_new(NULL, &ctx))
        return -1;
    ca_key = generate(CRYPTO_KEY_EC_P256);
    other_ca_key = generate(CRYPTO_KEY_EC_P256);
    signer_key = generate(CRYPTO_KEY_EC_P256);
    other_key = generate(CRYPTO_KEY_EC_P256);
    rsa_key = generate(CRYPTO_KEY_RSA_2048);
    ca = issue(CRYPTO_CERT_CA, ca_key, NULL, ca_key, NOW - DAY, NOW + DAY);
    other_ca = issue(CRYPTO_CERT_CA, other_ca_key, NULL, other_ca_key, NOW - DAY, NOW + DAY);
    roots = sk_X509_new_null();
    return sk_X509_push(roots, ca) > 0 ? 0 : -1;
}

static int teardown(void **state)
{
    EVP_PKEY *keys[] = { ca_key, other_ca_key, signer_key, other_key, rsa_key };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        EVP_PKEY_free(keys[i]);
    sk_X509_free(roots);
    X509_free(ca);
    X509_free(other_ca);
    crypto_ctx_free(ctx);
    return 0;
}

#define ARTIFACT(name, size, sha) "{\"name\":\"" name "\",\"size\":" size ",\"sha256\":\"" sha "\"}"
#define SHA "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define PAYLOAD_OF(v, d, g, gv, arn, artifacts)                                              \
    "{" v "\"deploymentId\":\"" d "\",\"deploymentType\":\"NewDeployment\",\"groupId\":\"" g \
    "\",\"groupVersionId\":\"" gv "\",\"coreThingArn\":\"" arn                               \
    "\",\"createdAt\":\"2026-11-22T00:00:00Z\",\"new member\":1,\"artifacts\":[" artifacts "]}"
#define V1 "\"v\":1,"
#define GOOD_ARTIFACT ARTIFACT("group.json", "0", SHA)
#define GOOD PAYLOAD_OF(V1, "d1", "g1", "v1", ARN, GOOD_ARTIFACT)

/* How an envelope is made; the defaults make a good one. */
struct recipe {
    const char *payload;
    enum crypto_cert_kind kind;
    bool foreign_ca, foreign_key, rsa, expired, future, flip_payload, flip_signature, no_prefix;
    const char *v, *algorithm;
};

static void add_base64(struct buf *out, struct slice s)
{
    assert_int_equal(base64_encode(out, s), ERR_OK);
}

static void sign(const struct recipe *r, struct buf *signature, EVP_PKEY *key)
{
    autobuf bytes = BUF_INIT(100000);
    struct crypto_error why;

    if (!r->no_prefix)
        assert_int_equal(buf_add_str(&bytes, "sedge-deployment-v1\n"), ERR_OK);
    assert_int_equal(buf_add_str(&bytes, r->payload), ERR_OK);
    assert_int_equal(crypto_sign(ctx, key, buf_slice(&bytes), signature, &why), ERR_OK);
}

static void make(const struct recipe *r, struct buf *out)
{
    EVP_PKEY *key = r->rsa ? rsa_key : signer_key;
    autobuf signature = BUF_INIT(1000), pem = BUF_INIT(10000), payload = BUF_INIT(100000);
    auto_x509 X509 *cert =
        issue(r->kind, key, r->foreign_ca ? other_ca : ca, r->foreign_ca ? other_ca_key : ca_key,
              r->future ? NOW + 1000 : NOW - DAY, r->expired ? NOW - 1000 : NOW + DAY);

    sign(r, &signature, r->foreign_key ? other_key : key);
    assert_int_equal(buf_add_str(&payload, r->payload), ERR_OK);
    if (r->flip_signature)
        signature.p[signature.n - 1] ^= 1;
    if (r->flip_payload)
        payload.p[payload.n - 3] ^= 1;
    assert_int_equal(crypto_cert_pem(cert, &pem), ERR_OK);
    assert_int_equal(buf_printf(out, "{%s\"algorithm\":\"%s\",\"payload\":\"", r->v ? r->v : V1,
                                r->algorithm ? r->algorithm : "ES256"),
                     ERR_OK);
    add_base64(out, buf_slice(&payload));
    assert_int_equal(buf_add_str(out, "\",\"signature\":\""), ERR_OK);
    add_base64(out, buf_slice(&signature));
    assert_int_equal(buf_add_str(out, "\",\"certificate\":\""), ERR_OK);
    for (size_t i = 0; i < pem.n; i++)
        assert_int_equal(pem.p[i] == '\n' ? buf_add_str(out, "\\n") : buf_add_u8(out, pem.p[i]), ERR_OK);
    assert_int_equal(buf_add_str(out, "\"}"), ERR_OK);
}

static err_t open_it(struct slice text, struct deploydoc **ret, struct problem *why)
{
    struct deploydoc_expect x = { ctx, roots, NOW, &ref, ARN };

    return deploydoc_open(text, &x, ret, why);
}

#define CODE .kind = CRYPTO_CERT_CODE_SIGNING

static const struct {
    const char *what;
    struct recipe r;
    err_t want;
    const char *says;
} cases[] = {
    { "good", { GOOD, CODE }, ERR_OK, "" },
    { "EC-1: version 2 outside",
      { GOOD, CODE, .v = "\"v\":2," },
      ERR_INVALID,
      "version 2, this core knows version 1" },
    { "EC-1: no version outside", { GOOD, CODE, .v = "" }, ERR_INVALID, "has no version" },
    { "EC-1: version 2 inside",
      { PAYLOAD_OF("\"v\":2,", "d1", "g1", "v1", ARN, GOOD_ARTIFACT), CODE },
      ERR_INVALID,
      "version 2" },
    { "EC-5: another algorithm", { GOOD, CODE, .algorithm = "none" }, ERR_INVALID, "ES256" },
    { "EC-6: payload altered", { GOOD, CODE, .flip_payload = true }, ERR_AUTH, "was altered on the way" },
    { "EC-6: signature altered", { GOOD, CODE, .flip_signature = true }, ERR_AUTH, "signature does not fit" },
    { "EC-6: signed without the prefix",
      { GOOD, CODE, .no_prefix = true },
      ERR_AUTH,
      "signature does not fit" },
    { "EC-6: signed with another key",
      { GOOD, CODE, .foreign_key = true },
      ERR_AUTH,
      "signature does not fit" },
    { "EC-6: RSA signer", { GOOD, CODE, .rsa = true }, ERR_AUTH, "no P-256 key" },
    { "EC-7: signer of another CA",
      { GOOD, CODE, .foreign_ca = true },
      ERR_AUTH,
      "certificate is not accepted" },
    { "EC-7: a TLS server's certificate",
      { GOOD, .kind = CRYPTO_CERT_SERVER },
      ERR_AUTH,
      "certificate is not accepted" },
    { "EC-7: a device's certificate",
      { GOOD, .kind = CRYPTO_CERT_CLIENT },
      ERR_AUTH,
      "certificate is not accepted" },
    { "EC-7: expired", { GOOD, CODE, .expired = true }, ERR_AUTH, "certificate is not accepted" },
    { "EC-7: not yet valid", { GOOD, CODE, .future = true }, ERR_AUTH, "certificate is not accepted" },
    { "EC-8: another deployment",
      { PAYLOAD_OF(V1, "d2", "g1", "v1", ARN, GOOD_ARTIFACT), CODE },
      ERR_INVALID,
      "another deploymentId" },
    { "EC-8: another type",
      { "{\"v\":1,\"deploymentId\":\"d1\",\"deploymentType\":\"Redeployment\",\"groupId\":\"g1\","
        "\"groupVersionId\":\"v1\",\"coreThingArn\":\"" ARN "\",\"artifacts\":[" GOOD_ARTIFACT "]}",
        CODE },
      ERR_INVALID,
      "another deploymentType" },
    { "EC-8: another group",
      { PAYLOAD_OF(V1, "d1", "g2", "v1", ARN, GOOD_ARTIFACT), CODE },
      ERR_INVALID,
      "another groupId" },
    { "EC-8: another version",
      { PAYLOAD_OF(V1, "d1", "g1", "v2", ARN, GOOD_ARTIFACT), CODE },
      ERR_INVALID,
      "another groupVersionId" },
    { "EC-8: another core",
      { PAYLOAD_OF(V1, "d1", "g1", "v1", ARN "2", GOOD_ARTIFACT), CODE },
      ERR_INVALID,
      "another coreThingArn" },
    { "EC-8: no artifacts",
      { PAYLOAD_OF(V1, "d1", "g1", "v1", ARN, ""), CODE },
      ERR_INVALID,
      "lists no group.json" },
    { "EC-8: group.json twice",
      { PAYLOAD_OF(V1, "d1", "g1", "v1", ARN, GOOD_ARTIFACT "," GOOD_ARTIFACT), CODE },
      ERR_INVALID,
      "twice" },
    { "EC-8: a path as name",
      { PAYLOAD_OF(V1, "d1", "g1", "v1", ARN, GOOD_ARTIFACT "," ARTIFACT("../x", "0", SHA)), CODE },
      ERR_INVALID,
      "name is not" },
    { "EC-8: a hidden name",
      { PAYLOAD_OF(V1, "d1", "g1", "v1", ARN, GOOD_ARTIFACT "," ARTIFACT(".x", "0", SHA)), CODE },
      ERR_INVALID,
      "name is not" },
    { "EC-8: negative size",
      { PAYLOAD_OF(V1, "d1", "g1", "v1", ARN, ARTIFACT("group.json", "-1", SHA)), CODE },
      ERR_INVALID,
      "valid size" },
    { "EC-8: size is text",
      { PAYLOAD_OF(V1, "d1", "g1", "v1", ARN, ARTIFACT("group.json", "\"1\"", SHA)), CODE },
      ERR_INVALID,
      "valid size" },
    { "largest size",
      { PAYLOAD_OF(V1, "d1", "g1", "v1", ARN, ARTIFACT("group.json", "268435456", SHA)), CODE },
      ERR_OK,
      "" },
    { "one byte more",
      { PAYLOAD_OF(V1, "d1", "g1", "v1", ARN, ARTIFACT("group.json", "268435457", SHA)), CODE },
      ERR_TOO_BIG,
      "at most" },
    { "short digest",
      { PAYLOAD_OF(V1, "d1", "g1", "v1", ARN, ARTIFACT("group.json", "1", "ab")), CODE },
      ERR_INVALID,
      "sha256" },
    { "payload no object", { "[]", CODE }, ERR_INVALID, "payload is not a JSON object" },
};

static void each_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        autobuf text = BUF_INIT(200000);
        struct deploydoc *doc = NULL;
        struct problem why = { "" };
        print_message("  %s\n", cases[i].what);
        make(&cases[i].r, &text);
        err_t e = open_it(buf_slice(&text), &doc, &why);
        if (e != cases[i].want || !strstr(why.text, cases[i].says))
            fail_msg("%d: %s", (int)e, why.text);
        if (e)
            assert_null(doc); /* untouched on failure */
        else
            assert_string_equal(doc->artifacts[0].name, "group.json");
        deploydoc_free(doc);
    }
}

static void every_prefix_is_refused(void **state)
{
    struct recipe good = { GOOD, CODE };
    autobuf text = BUF_INIT(200000);

    (void)state;
    make(&good, &text);
    for (size_t n = 0; n < text.n; n += 7) {
        autofree uint8_t *copy = mem_dup(text.p, n);
        struct deploydoc *doc = NULL;
        struct problem why;
        assert_int_equal(open_it(slice_of(copy, n), &doc, &why), ERR_INVALID);
        assert_null(doc);
    }
}

/* Every single bit of the payload is under the signature. */
static void any_changed_byte_is_refused(void **state)
{
    static const char good[] = GOOD;

    (void)state;
    for (size_t i = 0; i < sizeof(good) - 1; i += 11) {
        struct recipe r = { good, CODE };
        autobuf text = BUF_INIT(200000);
        char changed[sizeof(good)];
        struct deploydoc *doc = NULL;
        struct problem why;
        memcpy(changed, good, sizeof(good));
        changed[i] ^= 0x01;
        make(&r, &text);
        /* the same envelope with another payload in the place of the good one */
        autobuf a = BUF_INIT(10000), b = BUF_INIT(10000);
        add_base64(&a, slice_of(good, sizeof(good) - 1));
        add_base64(&b, slice_of(changed, sizeof(good) - 1));
        char *at = strstr((char *)text.p, (char *)a.p);
        assert_non_null(at);
        memcpy(at, b.p, b.n);
        assert_int_equal(open_it(buf_slice(&text), &doc, &why), ERR_AUTH);
        assert_null(doc);
    }
}

static void names(void **state)
{
    char longest[200];

    (void)state;
    assert_true(deploydoc_name_ok("group.json"));
    assert_true(deploydoc_name_ok("A-b_9."));
    assert_false(deploydoc_name_ok(""));
    assert_false(deploydoc_name_ok(".x"));
    assert_false(deploydoc_name_ok("a/b"));
    assert_false(deploydoc_name_ok("a b"));
    memset(longest, 'a', sizeof(longest));
    longest[128] = '\0';
    assert_true(deploydoc_name_ok(longest));
    longest[128] = 'a';
    longest[129] = '\0';
    assert_false(deploydoc_name_ok(longest));
}

static void artifact_bytes(void **state)
{
    struct deploydoc_artifact a = { .name = "group.json", .size = 2 };
    struct problem why;

    (void)state;
    assert_int_equal(crypto_sha256_hex(ctx, SLICE_LIT("{}"), a.sha256), ERR_OK);
    assert_int_equal(deploydoc_check_artifact(ctx, &a, SLICE_LIT("{}"), &why), ERR_OK);
    assert_int_equal(deploydoc_check_artifact(ctx, &a, SLICE_LIT("{"), &why), ERR_CORRUPT);
    assert_int_equal(deploydoc_check_artifact(ctx, &a, SLICE_LIT("{} "), &why), ERR_CORRUPT);
    assert_non_null(strstr(why.text, "3 bytes instead of 2"));
    assert_int_equal(deploydoc_check_artifact(ctx, &a, SLICE_LIT("[]"), &why), ERR_CORRUPT);
    assert_non_null(strstr(why.text, "altered"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_case),
        cmocka_unit_test(every_prefix_is_refused),
        cmocka_unit_test(any_changed_byte_is_refused),
        cmocka_unit_test(names),
        cmocka_unit_test(artifact_bytes),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
