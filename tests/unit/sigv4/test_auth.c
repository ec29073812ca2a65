#include "../cm.h"

#include "base/mem.h"
#include "sigv4/sigv4.h"

#include <string.h>

#define SIG "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define GOOD                                                                                                \
    "AWS4-HMAC-SHA256 Credential=AKID/20150830/us-east-1/iot/aws4_request, SignedHeaders=host;x-amz-date, " \
    "Signature=" SIG
#define DATE "20150830T123600Z"

static struct sigv4_request request(struct sigv4_header h[3], const char *authorization, const char *date)
{
    h[0] = (struct sigv4_header){ SLICE_LIT("host"), SLICE_LIT("localhost") };
    h[1] = (struct sigv4_header){ SLICE_LIT("authorization"), slice_str(authorization) };
    h[2] = (struct sigv4_header){ SLICE_LIT("X-AMZ-Date"), slice_str(date) };
    return (struct sigv4_request){ SLICE_LIT("GET"), SLICE_LIT("/"), { 0 }, h, date ? 3 : 2, { 0 } };
}

static void header_form(void **state)
{
    static const char *const forms[] = {
        GOOD,
        "  " GOOD "  ",
        "AWS4-HMAC-SHA256 Signature=" SIG
        ",SignedHeaders=host;x-amz-date,Credential=AKID/20150830/us-east-1/iot/aws4_request",
        "AWS4-HMAC-SHA256   Credential = AKID/20150830/us-east-1/iot/aws4_request "
        ",SignedHeaders=host;x-amz-date,Signature=" SIG ",",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        struct sigv4_header h[3];
        struct sigv4_request req = request(h, forms[i], DATE);
        struct sigv4_auth a;
        char why[SIGV4_WHY_MAX] = "";
        assert_int_equal(sigv4_auth_parse(&req, &a, why), ERR_OK);
        assert_int_equal(a.form, SIGV4_IN_HEADER);
        assert_string_equal(a.access_key_id, "AKID");
        assert_string_equal(a.date, "20150830");
        assert_string_equal(a.region, "us-east-1");
        assert_string_equal(a.service, "iot");
        assert_string_equal(a.amz_date, DATE);
        assert_string_equal(a.signed_headers, "host;x-amz-date");
        assert_string_equal(a.signature, SIG);
        assert_int_equal(a.security_token.n, 0);
        assert_int_equal(a.expires_s, 0);
    }
}

#define CRED "Credential=AKID/20150830/us-east-1/iot/aws4_request"
#define HEADERS "SignedHeaders=host"
#define SIGNATURE "Signature=" SIG
#define A "AWS4-HMAC-SHA256 "

static const struct {
    const char *authorization, *date, *says;
} bad[] = {
    { "Basic dTpw", DATE, "AWS4-HMAC-SHA256" },
    { "", DATE, "AWS4-HMAC-SHA256" },
    { "AWS4-HMAC-SHA256", DATE, "AWS4-HMAC-SHA256" },
    { "AWS4-HMAC-SHA512 " CRED, DATE, "AWS4-HMAC-SHA256" },
    { A HEADERS "," SIGNATURE, DATE, "'Credential'" },
    { A CRED "," SIGNATURE, DATE, "'SignedHeaders'" },
    { A CRED "," HEADERS, DATE, "'Signature'" },
    { A CRED "," CRED "," HEADERS "," SIGNATURE, DATE, "twice" },
    { A CRED "," HEADERS "," SIGNATURE ",More=1", DATE, "unknown" },
    { A CRED "," HEADERS "," SIGNATURE ",More", DATE, "'='" },
    { A "Credential=AKID/20150830/us-east-1/iot," HEADERS "," SIGNATURE, DATE, "Credential" },
    { A "Credential=AKID/20150830/us-east-1/iot/aws4_requestx," HEADERS "," SIGNATURE, DATE, "Credential" },
    { A "Credential=AKID/2015083/us-east-1/iot/aws4_request," HEADERS "," SIGNATURE, DATE, "Credential" },
    { A "Credential=AKID/2015083x/us-east-1/iot/aws4_request," HEADERS "," SIGNATURE, DATE, "Credential" },
    { A "Credential=/20150830/us-east-1/iot/aws4_request," HEADERS "," SIGNATURE, DATE, "Credential" },
    { A "Credential=AK ID/20150830/us-east-1/iot/aws4_request," HEADERS "," SIGNATURE, DATE, "Credential" },
    { A CRED ",SignedHeaders=," SIGNATURE, DATE, "SignedHeaders" },
    { A CRED ",SignedHeaders=host;Host," SIGNATURE, DATE, "SignedHeaders" },
    { A CRED ",SignedHeaders=b;a," SIGNATURE, DATE, "SignedHeaders" },
    { A CRED ",SignedHeaders=a;a," SIGNATURE, DATE, "SignedHeaders" },
    { A CRED ",SignedHeaders=ab;a," SIGNATURE, DATE, "SignedHeaders" },
    { A CRED ",SignedHeaders=a;," SIGNATURE, DATE, "SignedHeaders" },
    { A CRED ",SignedHeaders=;a," SIGNATURE, DATE, "SignedHeaders" },
    { A CRED "," HEADERS ",Signature=0123", DATE, "Signature" },
    { A CRED "," HEADERS "," SIGNATURE "0", DATE, "Signature" },
    { A CRED "," HEADERS ",Signature=0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef", DATE,
      "Signature" },
    { GOOD, NULL, "X-Amz-Date" },
    { GOOD, "20150830", "X-Amz-Date" },
    { GOOD, "Sun, 30 Aug 2015 12:36:00 GMT", "X-Amz-Date" },
};

static void header_form_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct sigv4_header h[3];
        struct sigv4_request req = request(h, bad[i].authorization, bad[i].date);
        struct sigv4_auth a, before;
        char why[SIGV4_WHY_MAX] = "";
        memset(&a, 0xee, sizeof(a));
        before = a;
        print_message("  %s\n", bad[i].authorization);
        assert_int_equal(sigv4_auth_parse(&req, &a, why), ERR_INVALID);
        assert_memory_equal(&a, &before, sizeof(a));
        assert_non_null(strstr(why, bad[i].says));
        assert_int_equal(sigv4_auth_parse(&req, &a, NULL), ERR_INVALID);
    }
}

static void every_prefix_is_refused(void **state)
{
    struct slice whole = SLICE_LIT(GOOD);

    (void)state;
    for (size_t n = 0; n < whole.n; n++) {
        autofree uint8_t *copy = malloc(n ? n : 1); /* exactly n bytes: ASan sees a read of byte n */
        struct sigv4_header h[3];
        struct sigv4_request req = request(h, "", DATE);
        struct sigv4_auth a;
        memcpy(copy, whole.p, n);
        h[1].value = slice_of(copy, n);
        assert_int_equal(sigv4_auth_parse(&req, &a, NULL), ERR_INVALID);
    }
}

static void limits(void **state)
{
    struct sigv4_header h[3];
    struct sigv4_auth a;
    autobuf text = BUF_INIT(10000);

    (void)state;
    for (int extra = 0; extra < 2; extra++) { /* access key ids of 128 and 129 characters */
        buf_clear(&text);
        assert_int_equal(buf_printf(&text,
                                    A "Credential=%0*d/20150830/r/s/aws4_request," HEADERS "," SIGNATURE,
                                    128 + extra, 0),
                         ERR_OK);
        struct sigv4_request req = request(h, buf_str(&text), DATE);
        assert_int_equal(sigv4_auth_parse(&req, &a, NULL), extra ? ERR_INVALID : ERR_OK);
    }
    for (int extra = 0; extra < 2; extra++) { /* 128 and 129 signed headers */
        buf_clear(&text);
        assert_int_equal(buf_add_str(&text, A CRED "," SIGNATURE ",SignedHeaders=a000"), ERR_OK);
        for (int i = 1; i < 128 + extra; i++)
            assert_int_equal(buf_printf(&text, ";a%03d", i), ERR_OK);
        struct sigv4_request req = request(h, buf_str(&text), DATE);
        assert_int_equal(sigv4_auth_parse(&req, &a, NULL), extra ? ERR_INVALID : ERR_OK);
    }
}

static void token_header(void **state)
{
    const struct sigv4_header h[] = { { SLICE_LIT("Authorization"), SLICE_LIT(GOOD) },
                                      { SLICE_LIT("x-amz-date"), SLICE_LIT(DATE) },
                                      { SLICE_LIT("X-Amz-Security-Token"), SLICE_LIT(" tok ") } };
    const struct sigv4_request req = { SLICE_LIT("GET"), SLICE_LIT("/"), { 0 }, h, 3, { 0 } };
    struct sigv4_auth a;

    (void)state;
    assert_int_equal(sigv4_auth_parse(&req, &a, NULL), ERR_OK);
    assert_true(slice_eq(a.security_token, SLICE_LIT("tok")));
}

static void nothing_at_all(void **state)
{
    const struct sigv4_request req = {
        SLICE_LIT("GET"), SLICE_LIT("/"), SLICE_LIT("a=b&X-Amz-Date=1"), NULL, 0, { 0 }
    };
    struct sigv4_auth a;
    char why[SIGV4_WHY_MAX];

    (void)state;
    assert_int_equal(sigv4_auth_parse(&req, &a, why), ERR_NOT_FOUND);
    assert_string_equal(why, "Missing Authentication Token");
}

static void two_signatures(void **state)
{
    const struct sigv4_header h[] = { { SLICE_LIT("Authorization"), SLICE_LIT(GOOD) },
                                      { SLICE_LIT("authorization"), SLICE_LIT(GOOD) },
                                      { SLICE_LIT("x-amz-date"), SLICE_LIT(DATE) } };
    struct sigv4_request req = { SLICE_LIT("GET"), SLICE_LIT("/"), { 0 }, h, 3, { 0 } };
    struct sigv4_auth a;

    (void)state;
    assert_int_equal(sigv4_auth_parse(&req, &a, NULL), ERR_INVALID);
    req.headers = h + 1;
    req.header_count = 2;
    assert_int_equal(sigv4_auth_parse(&req, &a, NULL), ERR_OK);
    req.query = SLICE_LIT("X-Amz-Signature=" SIG);
    assert_int_equal(sigv4_auth_parse(&req, &a, NULL), ERR_INVALID);
}

#define Q_START                                                                                         \
    "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20150830%2Fus-east-1%2Fiotdevicegateway%" \
    "2Faws4_request"
#define Q_REST "&X-Amz-SignedHeaders=content-type%3Bhost&X-Amz-Signature=" SIG
#define Q Q_START "&X-Amz-Date=" DATE Q_REST

static const struct {
    const char *query;
    err_t want;
    int64_t expires;
    const char *token;
} queries[] = {
    { Q, ERR_OK, 0, "" },
    { "a=1&" Q "&X-Amz-Expires=1&z", ERR_OK, 1, "" },
    { Q "&X-Amz-Expires=604800&X-Amz-Security-Token=a%2Bb", ERR_OK, 604800, "a%2Bb" },
    { Q "&X-Amz-Expires=604801", ERR_INVALID, 0, NULL },
    { Q "&X-Amz-Expires=0", ERR_INVALID, 0, NULL },
    { Q "&X-Amz-Expires=", ERR_INVALID, 0, NULL },
    { Q "&X-Amz-Expires=-5", ERR_INVALID, 0, NULL },
    { Q "&X-Amz-Expires=9999999999999999999", ERR_INVALID, 0, NULL },
    { Q "&X-Amz-Date=" DATE, ERR_INVALID, 0, NULL },
    { Q_START Q_REST, ERR_INVALID, 0, NULL },
    { Q_START "&X-Amz-Date=2015%083", ERR_INVALID, 0, NULL },
    { Q_START "&X-Amz-Date=" DATE "&X-Amz-SignedHeaders=host&X-Amz-Signature=%", ERR_INVALID, 0, NULL },
    { "X-Amz-Algorithm=AWS4-ECDSA-P256-SHA256&" Q_REST, ERR_INVALID, 0, NULL },
    { "X-Amz-Signature=" SIG, ERR_INVALID, 0, NULL },
};

static void query_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(queries); i++) {
        struct sigv4_request req = { .method = SLICE_LIT("GET"),
                                     .path = SLICE_LIT("/mqtt"),
                                     .query = slice_str(queries[i].query) };
        struct sigv4_auth a;
        char why[SIGV4_WHY_MAX] = "";
        print_message("  %s\n", queries[i].query);
        assert_int_equal(sigv4_auth_parse(&req, &a, why), queries[i].want);
        if (queries[i].want) {
            assert_true(why[0]);
            continue;
        }
        assert_int_equal(a.form, SIGV4_IN_QUERY);
        assert_string_equal(a.service, "iotdevicegateway");
        assert_string_equal(a.signed_headers, "content-type;host");
        assert_int_equal(a.expires_s, queries[i].expires);
        assert_true(slice_eq(a.security_token, slice_str(queries[i].token)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_form),
        cmocka_unit_test(header_form_refused),
        cmocka_unit_test(every_prefix_is_refused),
        cmocka_unit_test(limits),
        cmocka_unit_test(token_header),
        cmocka_unit_test(nothing_at_all),
        cmocka_unit_test(two_signatures),
        cmocka_unit_test(query_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
