/* Certificate, key and CA file, and what is wrong with each. Keys in files; a token is
 * tests/integration/test_edge_hsi.py's. */
#include "../cm.h"
#include "base/file.h"
#include "base/mem.h"
#include "crypto/issue.h"
#include "edge/identity.h"

#include <openssl/rsa.h>
#include <stdio.h>
#include <unistd.h>

#define NOW ((int64_t)1800000000000)
#define DAY ((int64_t)86400000)

static char dir[] = "/tmp/sedge-identity-XXXXXX";
static struct crypto_ctx *ctx;
static EVP_PKEY *p256, *other, *rsa2048, *rsa1024, *p521;

static void put_pem(const char *name, const struct buf *pem)
{
    autofree char *path = mem_printf("%s/%s", dir, name);

    assert_int_equal(file_write_durable(path, buf_slice(pem), 0600), ERR_OK);
}

static void put_key(const char *name, EVP_PKEY *key)
{
    autobuf pem = BUF_SECRET(10000);

    assert_int_equal(crypto_key_private_pem(key, &pem), ERR_OK);
    put_pem(name, &pem);
}

static void put_cert(const char *name, EVP_PKEY *key, int64_t from, int64_t until)
{
    struct crypto_cert_spec spec = {
        .kind = CRYPTO_CERT_CLIENT, .common_name = "core", .not_before_ms = from, .not_after_ms = until
    };
    autobuf pem = BUF_INIT(10000);
    auto_x509 X509 *cert = NULL;

    assert_int_equal(crypto_cert_issue(ctx, &spec, key, NULL, key, &cert, NULL), ERR_OK);
    assert_int_equal(crypto_cert_pem(cert, &pem), ERR_OK);
    put_pem(name, &pem);
}

static int setup(void **state)
{
    (void)state;
    if (!mkdtemp(dir) || crypto_ctx_new(NULL, &ctx))
        return -1;
    assert_int_equal(crypto_key_generate(ctx, CRYPTO_KEY_EC_P256, &p256), ERR_OK);
    assert_int_equal(crypto_key_generate(ctx, CRYPTO_KEY_EC_P256, &other), ERR_OK);
    assert_int_equal(crypto_key_generate(ctx, CRYPTO_KEY_RSA_2048, &rsa2048), ERR_OK);
    rsa1024 = EVP_RSA_gen(1024);
    p521 = EVP_EC_gen("P-521");
    put_key("p256", p256);
    put_key("other", other);
    put_key("rsa2048", rsa2048);
    put_key("rsa1024", rsa1024);
    put_key("p521", p521);
    put_cert("p256.crt", p256, NOW - DAY, NOW + DAY);
    put_cert("rsa2048.crt", rsa2048, NOW - DAY, NOW + DAY);
    put_cert("rsa1024.crt", rsa1024, NOW - DAY, NOW + DAY);
    put_cert("p521.crt", p521, NOW - DAY, NOW + DAY);
    put_cert("old.crt", p256, NOW - 2 * DAY, NOW - DAY);
    put_cert("young.crt", p256, NOW + DAY, NOW + 2 * DAY);
    return 0;
}

static int teardown(void **state)
{
    EVP_PKEY *keys[] = { p256, other, rsa2048, rsa1024, p521 };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        EVP_PKEY_free(keys[i]);
    crypto_ctx_free(ctx);
    return file_remove_tree(dir) ? -1 : 0;
}

static const struct {
    const char *what, *ca, *cert, *key, *secret;
    err_t want;
    const char *says;
} cases[] = {
    { "EC", "p256.crt", "p256.crt", "p256", NULL, ERR_OK, "" },
    { "RSA", "p256.crt", "rsa2048.crt", "rsa2048", NULL, ERR_OK, "" },
    { "EC with an RSA key for secrets", "p256.crt", "p256.crt", "p256", "rsa2048", ERR_OK, "" },
    { "no CA file", "none.crt", "p256.crt", "p256", NULL, ERR_NOT_FOUND, "CA file (caPath)" },
    { "no certificate", "p256.crt", "none.crt", "p256", NULL, ERR_NOT_FOUND,
      "the certificate (certificatePath)" },
    { "a key as certificate", "p256.crt", "p256", "p256", NULL, ERR_INVALID, "certificatePath" },
    { "no key", "p256.crt", "p256.crt", "none", NULL, ERR_NOT_FOUND, "crypto.principals.IoTCertificate" },
    { "a certificate as key", "p256.crt", "p256.crt", "p256.crt", NULL, ERR_INVALID,
      "crypto.principals.IoTCertificate" },
    { "not a pair", "p256.crt", "p256.crt", "other", NULL, ERR_CONFLICT, "do not match" },
    { "not even of one kind", "p256.crt", "p256.crt", "rsa2048", NULL, ERR_CONFLICT, "do not match" },
    { "expired", "p256.crt", "old.crt", "p256", NULL, ERR_INVALID, "expired at 2027-01-14T" },
    { "not yet valid: may heal", "p256.crt", "young.crt", "p256", NULL, ERR_UNAVAILABLE, "set the clock" },
    { "RSA of 1024 bits", "p256.crt", "rsa1024.crt", "rsa1024", NULL, ERR_INVALID,
      "RSA with 2048 bits or more" },
    { "P-521, which V1 does not take", "p256.crt", "p521.crt", "p521", NULL, ERR_INVALID, "P-256 or P-384" },
    { "no key for secrets", "p256.crt", "p256.crt", "p256", "none", ERR_NOT_FOUND,
      "crypto.principals.SecretsManager" },
};

static err_t load(size_t i, struct identity *id, struct problem *why)
{
    struct config c = { 0 };
    autofree char *ca = mem_printf("%s/%s", dir, cases[i].ca);
    autofree char *cert = mem_printf("%s/%s", dir, cases[i].cert);
    autofree char *key = mem_printf("%s/%s", dir, cases[i].key);
    autofree char *secret = mem_printf("%s/%s", dir, cases[i].secret ? cases[i].secret : "");
    err_t e;

    c.ca_file = ca;
    c.cert_file = cert;
    assert_int_equal(keyref_from_path(key, &c.iot_key), ERR_OK);
    if (cases[i].secret)
        assert_int_equal(keyref_from_path(secret, &c.secret_key), ERR_OK);
    e = identity_load(ctx, &c, NOW, id, why);
    keyref_done(&c.iot_key);
    keyref_done(&c.secret_key);
    return e;
}

static void each_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct identity id = { 0 };
        struct problem why = { "" };
        err_t e = load(i, &id, &why);
        print_message("  %s\n", cases[i].what);
        if (e != cases[i].want || !strstr(why.text, cases[i].says))
            fail_msg("%d: %s", (int)e, why.text);
        if (e) {
            assert_null(id.key); /* untouched on failure */
            continue;
        }
        assert_non_null(identity_cert(&id));
        assert_null(identity_sigalgs(&id)); /* a key in a file can do everything */
        assert_int_equal(strlen(id.fingerprint), 64);
        assert_int_equal(crypto_key_is_rsa(id.secret_key), cases[i].secret || crypto_key_is_rsa(id.key));
        identity_done(&id);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(each_case) };
    return cmocka_run_group_tests(tests, setup, teardown);
}
