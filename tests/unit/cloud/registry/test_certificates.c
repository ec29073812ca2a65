#include "../fixture.h"

#include "base/mem.h"
#include "crypto/key.h"

static char *with_id(const char *id)
{
    return mem_printf("certificateId=%s", id);
}

static void status_and_effects(void **state)
{
    static const struct {
        const char *status;
        enum api_error want;
    } cases[] = {
        { "newStatus=INACTIVE", API_OK },
        { "newStatus=REVOKED", API_OK },
        { "newStatus=ACTIVE", API_OK },
        { "newStatus=PENDING_TRANSFER", API_INVALID_REQUEST },
        { "newStatus=active", API_INVALID_REQUEST },
        { "newStatus=", API_INVALID_REQUEST },
        { "other=1", API_INVALID_REQUEST },
    };
    struct fixture *f = *state;
    char id[65], arn[160];

    fixture_certificate(f, id, arn);
    autofree char *label = with_id(id);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        print_message("  %s\n", cases[i].status);
        assert_int_equal(CALL(f, "UpdateCertificate", NULL, label, cases[i].status), cases[i].want);
        assert_int_equal(f->call.effects.n, cases[i].want == API_OK); /* connections are judged again */
    }
}

static void delete_needs_inactive(void **state)
{
    struct fixture *f = *state;
    char id[65], arn[160];

    fixture_certificate(f, id, arn);
    autofree char *label = with_id(id);
    assert_int_equal(CALL(f, "DeleteCertificate", NULL, label), API_CERTIFICATE_STATE);
    assert_int_equal(CALL(f, "UpdateCertificate", NULL, label, "newStatus=INACTIVE"), API_OK);
    assert_int_equal(CALL(f, "DeleteCertificate", NULL, label, "forceDelete=perhaps"), API_INVALID_REQUEST);
    assert_int_equal(CALL(f, "DeleteCertificate", NULL, label), API_OK);
    assert_int_equal(CALL(f, "DescribeCertificate", NULL, label), API_NOT_FOUND);
    assert_int_equal(CALL(f, "DescribeCertificate", NULL, "certificateId=x"), API_INVALID_REQUEST);
}

/* The handler gets the pair from the child; its answer is text in wiped memory, never a jansson value. */
static void keys_are_not_in_jansson(void **state)
{
    struct fixture *f = *state;
    auto_pkey EVP_PKEY *key = NULL;
    auto_json *answer = NULL;
    autobuf private_pem = BUF_SECRET(8192), public_pem = BUF_INIT(8192);

    assert_int_equal(crypto_key_generate(f->crypto, CRYPTO_KEY_RSA_2048, &key), ERR_OK);
    assert_int_equal(crypto_key_private_pem(key, &private_pem), ERR_OK);
    assert_int_equal(crypto_key_public_pem(key, &public_pem), ERR_OK);
    assert_int_equal(CALL(f, "CreateKeysAndCertificate", NULL), API_INTERNAL); /* no key came */
    assert_int_equal(buf_add(&f->call.key_private, buf_slice(&private_pem)), ERR_OK);
    assert_int_equal(buf_add(&f->call.key_public, buf_slice(&public_pem)), ERR_OK);
    assert_int_equal(api_call_run(&f->call, f->db), ERR_OK);
    assert_true(f->call.text.secret);
    assert_null(f->call.reply);
    assert_int_equal(json_parse(buf_slice(&f->call.text), 4, &answer, NULL), ERR_OK);
    assert_string_equal(json_get_str(json_get_obj(answer, "keyPair"), "PrivateKey"), buf_str(&private_pem));
    assert_string_equal(json_get_str(json_get_obj(answer, "keyPair"), "PublicKey"), buf_str(&public_pem));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(status_and_effects, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(delete_needs_inactive, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(keys_are_not_in_jansson, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
