#include "../../cm.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "cloud/pki/pki.h"
#include "crypto/cert.h"
#include "crypto/key.h"

#include <string.h>
#include <unistd.h>

#define DAY_MS (24 * 3600 * 1000LL)

struct scene {
    struct crypto_ctx *crypto;
    char dir[64];
};

static int setup(void **state)
{
    struct scene *s = mem_calloc(1, sizeof(*s));

    strcpy(s->dir, "/tmp/sedge-pki-XXXXXX");
    assert_non_null(mkdtemp(s->dir));
    assert_int_equal(crypto_ctx_new(NULL, &s->crypto), ERR_OK);
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct scene *s = *state;

    crypto_ctx_free(s->crypto);
    assert_int_equal(file_remove_tree(s->dir), ERR_OK);
    free(s);
    return 0;
}

static void open_at(struct scene *s, const char *hosts, int64_t now_ms, struct pki **ret)
{
    struct crypto_error why = { .text = "" };
    err_t e = pki_open(s->crypto, &(struct pki_opts){ .dir = s->dir, .hosts = hosts }, now_ms, ret, &why);

    if (e)
        fail_msg("%s", why.text);
}

/* Which certificates differ between two openings: bit 0 CA, 1 server, 2 signing. */
static int changes(struct scene *s, struct pki *before, const char *hosts, int64_t now_ms)
{
    struct pki *after = NULL;
    int bits;

    open_at(s, hosts, now_ms, &after);
    bits = (strcmp(pki_root_sha256(before), pki_root_sha256(after)) != 0) |
           (X509_cmp(pki_server_cert(before), pki_server_cert(after)) != 0) << 1 |
           !slice_eq(pki_signing_pem(before), pki_signing_pem(after)) << 2;
    pki_free(after);
    return bits;
}

static void what_is_made_anew_and_when(void **state)
{
    struct scene *s = *state;
    struct pki *p = NULL;
    int64_t now = clock_wall_ms();

    open_at(s, "localhost", now, &p);
    assert_int_equal(changes(s, p, "localhost", now + DAY_MS), 0);
    assert_int_equal(changes(s, p, "localhost,other", now), 2); /* names of the server only */
    assert_int_equal(changes(s, p, "localhost", now), 2);       /* and back: another certificate again */
    pki_free(p);
    p = NULL;
    open_at(s, "localhost", now, &p);
    assert_int_equal(changes(s, p, "localhost", now + 700 * DAY_MS), 0);
    assert_int_equal(changes(s, p, "localhost", now + 800 * DAY_MS), 6); /* near their end */
    pki_free(p);
}

/* While it is open: the same certificate until 60 days before its end, then another one of the same key. */
static void the_server_is_renewed_in_time(void **state)
{
    struct scene *s = *state;
    struct pki *p = NULL;
    int64_t now = clock_wall_ms(), from_ms, end_ms;
    auto_x509 X509 *first = NULL;

    open_at(s, "localhost", now, &p);
    first = pki_server_cert(p);
    X509_up_ref(first);
    assert_int_equal(crypto_cert_validity(first, &from_ms, &end_ms), ERR_OK);
    assert_int_equal(pki_renew_server(p, end_ms - 61 * DAY_MS, NULL), ERR_OK);
    assert_int_equal(X509_cmp(first, pki_server_cert(p)), 0);
    assert_int_equal(pki_renew_server(p, end_ms - 59 * DAY_MS, NULL), ERR_OK);
    assert_int_not_equal(X509_cmp(first, pki_server_cert(p)), 0);
    assert_int_equal(crypto_cert_matches_key(pki_server_cert(p), pki_server_key(p), NULL), ERR_OK);
    assert_int_equal(crypto_cert_matches_key(first, pki_server_key(p), NULL), ERR_OK);
    assert_int_equal(changes(s, p, "localhost", end_ms - 59 * DAY_MS) & 2, 0); /* it was kept */
    pki_free(p);
}

static void a_ca_without_its_key_is_not_replaced(void **state)
{
    struct scene *s = *state;
    struct pki *p = NULL;
    struct crypto_error why = { .text = "" };
    autofree char *key = mem_printf("%s/ca.key.pem", s->dir);

    open_at(s, "localhost", clock_wall_ms(), &p);
    pki_free(p);
    p = (void *)0x77;
    assert_int_equal(unlink(key), 0);
    assert_int_equal(pki_open(s->crypto, &(struct pki_opts){ .dir = s->dir, .hosts = "localhost" },
                              clock_wall_ms(), &p, &why),
                     ERR_CONFLICT);
    assert_ptr_equal(p, (void *)0x77);
    assert_non_null(strstr(why.text, "ca.key.pem"));
}

/* Keys that are somebody else's to make: a URI. */
static void keys_elsewhere(void **state)
{
    struct scene *s = *state;
    struct pki *p = NULL;
    struct crypto_error why = { .text = "" };
    autofree char *there = mem_printf("%s/ca.key.pem", s->dir), *away = mem_printf("%s/away.pem", s->dir);
    autofree char *uri = mem_printf("file://%s", away),
                  *other = mem_printf("file://%s/signing.key.pem", s->dir);
    struct pki_opts opts = { .dir = s->dir, .hosts = "localhost", .ca_key = uri };

    assert_int_equal(pki_open(s->crypto, &opts, clock_wall_ms(), &p, &why), ERR_NOT_FOUND);
    assert_non_null(strstr(why.text, "away.pem"));
    open_at(s, "localhost", clock_wall_ms(), &p);
    assert_int_equal(rename(there, away), 0);
    pki_free(p);
    assert_int_equal(pki_open(s->crypto, &opts, clock_wall_ms(), &p, &why), ERR_OK);
    pki_free(p);
    opts.ca_key = other;
    assert_int_equal(pki_open(s->crypto, &opts, clock_wall_ms(), &p, &why), ERR_CONFLICT);
    assert_non_null(strstr(why.text, "of another key than the one --ca-key names"));
}

static void bad_hosts(void **state)
{
    struct scene *s = *state;
    struct pki *p = NULL;
    struct crypto_error why = { .text = "" };

    assert_int_equal(
        pki_open(s->crypto, &(struct pki_opts){ .dir = s->dir, .hosts = "a b" }, clock_wall_ms(), &p, &why),
        ERR_INVALID);
    assert_non_null(strstr(why.text, "--host"));
}

/* EC-6, EC-7: verified with the certificate in the envelope, which is a code signer of our CA; the server's
 * is not. */
static void deployments_are_signed_by_a_code_signer(void **state)
{
    struct scene *s = *state;
    struct pki *p = NULL;
    auto_x509 X509 *signer = NULL;
    auto_x509_stack STACK_OF(X509) *roots = NULL;
    auto_pkey EVP_PKEY *key = NULL;
    autobuf signature = BUF_INIT(512);
    int64_t now = clock_wall_ms();

    open_at(s, "localhost", now, &p);
    assert_int_equal(pki_sign_deployment(p, SLICE_LIT("{}"), &signature), ERR_OK);
    assert_int_equal(crypto_cert_parse_pem(s->crypto, pki_signing_pem(p), &signer, NULL), ERR_OK);
    assert_int_equal(crypto_chain_parse_pem(s->crypto, pki_root_pem(p), 1, &roots, NULL), ERR_OK);
    assert_int_equal(crypto_cert_public_key(signer, &key), ERR_OK);
    assert_int_equal(
        crypto_verify(s->crypto, key, SLICE_LIT("sedge-deployment-v1\n{}"), buf_slice(&signature)), ERR_OK);
    assert_int_equal(crypto_verify(s->crypto, key, SLICE_LIT("{}"), buf_slice(&signature)), ERR_AUTH);
    assert_int_equal(crypto_cert_verify(s->crypto, signer, NULL, roots, CRYPTO_EKU_CODE_SIGNING, now, NULL),
                     ERR_OK);
    assert_int_equal(
        crypto_cert_verify(s->crypto, pki_server_cert(p), NULL, roots, CRYPTO_EKU_SERVER_AUTH, now, NULL),
        ERR_OK);
    assert_int_equal(
        crypto_cert_verify(s->crypto, pki_server_cert(p), NULL, roots, CRYPTO_EKU_CODE_SIGNING, now, NULL),
        ERR_AUTH);
    pki_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_made_anew_and_when, setup, teardown),
        cmocka_unit_test_setup_teardown(the_server_is_renewed_in_time, setup, teardown),
        cmocka_unit_test_setup_teardown(a_ca_without_its_key_is_not_replaced, setup, teardown),
        cmocka_unit_test_setup_teardown(keys_elsewhere, setup, teardown),
        cmocka_unit_test_setup_teardown(bad_hosts, setup, teardown),
        cmocka_unit_test_setup_teardown(deployments_are_signed_by_a_code_signer, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
