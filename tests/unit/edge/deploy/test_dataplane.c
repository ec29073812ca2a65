/* What an answer of the cloud means for a deployment. */
#include "../../cm.h"
#include "base/mem.h"
#include "edge/deploy/dataplane.h"

static const struct {
    err_t err;
    int status;
    err_t want;
    bool again;
    const char *says;
} cases[] = {
    { ERR_OK, 200, ERR_OK, false, "" },
    { ERR_OK, 299, ERR_OK, false, "" },
    { ERR_OK, 199, ERR_PROTO, false, "status 199" },
    { ERR_OK, 300, ERR_PROTO, false, "status 300" },
    { ERR_OK, 400, ERR_PROTO, false, "status 400" },
    { ERR_OK, 403, ERR_DENIED, false, "greengrass:GetDeployment" },
    { ERR_OK, 404, ERR_NOT_FOUND, false, "no such deployment" },
    { ERR_OK, 409, ERR_CONFLICT, false, "another final status" },
    { ERR_OK, 429, ERR_UNAVAILABLE, true, "come back later" },
    { ERR_OK, 500, ERR_UNAVAILABLE, true, "status 500" },
    { ERR_OK, 503, ERR_UNAVAILABLE, true, "status 503" },
    { ERR_UNAVAILABLE, 0, ERR_UNAVAILABLE, true, "the client's words" },
    { ERR_TIMEOUT, 0, ERR_TIMEOUT, true, "the client's words" },
    { ERR_CRYPTO, 0, ERR_CRYPTO, true, "the client's words" }, /* the token did not sign: it may be back */
    { ERR_AUTH, 0, ERR_AUTH, false, "the client's words" },
    { ERR_TOO_BIG, 200, ERR_TOO_BIG, false, "the client's words" },
    { ERR_NO_SPACE, 200, ERR_NO_SPACE, false, "the client's words; free some space on the disk" },
    { ERR_CANCELLED, 0, ERR_CANCELLED, false, "the client's words" },
};

static void each_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char words[] = "the client's words";
        struct http_answer a = { .err = cases[i].err, .status = cases[i].status, .why = words };
        struct problem why = { "" };
        err_t e = dataplane_judge(&a, &why);
        assert_int_equal(e, cases[i].want);
        if (!strstr(why.text, cases[i].says))
            fail_msg("%s", why.text);
        assert_int_equal(dataplane_transient(e), cases[i].again);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(each_case) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
