/* tests/unit/http/test_route.c - which route answers which path. */
#include "http/route.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void nothing(void *ctx, struct http_request *req)
{
    (void)ctx, (void)req;
}

static const struct http_route routes[] = {
    { "GET", "/", nothing, "root" },
    { "GET", "/things", nothing, "list" },
    { "GET", "/things/{thingName}", nothing, "get" },
    { "PUT", "/things/{thingName}", nothing, "put" },
    { "GET", "/things/special", nothing, "special" },
    { "POST", "/topics/{topic}", nothing, "publish" },
    { "GET", "/greengrass/groups/{GroupId}/versions/{GroupVersionId}", nothing, "version" },
    { "PUT", "/greengrass/groups/{GroupId}/deployments/$reset", nothing, "reset" },
    { "PUT", "/greengrass/groups/{GroupId}/deployments/{DeploymentId}", nothing, "other" },
    { "GET", "/a/{x}/c", nothing, "x" },
    { "GET", "/a/b/{y}", nothing, "y" },
    { "GET", "/kept", nothing, "all" },
    { "GET", "/kept/{topic+}", nothing, "one" },
};

static const struct {
    const char *method, *path;
    err_t want;
    const char *arg, *label, *value;
} cases[] = {
    { "GET", "/", ERR_OK, "root", NULL, NULL },
    { "GET", "/things", ERR_OK, "list", NULL, NULL },
    { "GET", "/things/", ERR_NOT_FOUND, NULL, NULL, NULL }, /* a label is never empty */
    { "GET", "/things/t1", ERR_OK, "get", "thingName", "t1" },
    { "GET", "/kept", ERR_OK, "all", NULL, NULL },
    { "GET", "/kept/", ERR_NOT_FOUND, NULL, NULL, NULL },
    { "GET", "/kept/a", ERR_OK, "one", "topic", "a" },
    { "GET", "/kept/a/b%20c", ERR_OK, "one", "topic", "a/b c" },
    { "GET", "/kept/a%2Fb/c", ERR_OK, "one", "topic", "a/b/c" },
    { "GET", "/kept/a//b/", ERR_OK, "one", "topic", "a//b/" }, /* empty levels are levels */
    { "GET", "/kept//a", ERR_OK, "one", "topic", "/a" },
    { "GET", "/kept/a/../b", ERR_INVALID, NULL, NULL, NULL },
    { "PUT", "/kept/a/b", ERR_DENIED, NULL, NULL, NULL },
    { "PUT", "/things/t1", ERR_OK, "put", "thingName", "t1" },
    { "PUT", "/things/special", ERR_OK, "put", "thingName", "special" },
    { "GET", "/things/special", ERR_OK, "special", NULL, NULL },
    { "GET", "/things/a%3Ab", ERR_OK, "get", "thingName", "a:b" },
    { "GET", "/%74hings/t1", ERR_OK, "get", "thingName", "t1" },
    { "DELETE", "/things/t1", ERR_DENIED, NULL, NULL, NULL },
    { "get", "/things/t1", ERR_DENIED, NULL, NULL, NULL }, /* methods are case-sensitive, RFC 9110 §9.1 */
    { "GET", "/things/t1/x", ERR_NOT_FOUND, NULL, NULL, NULL },
    /* As botocore sends it: the topic's slashes are escaped and stay in one label. */
    { "POST", "/topics/%24aws%2Frules%2Fx%2Fa%20b", ERR_OK, "publish", "topic", "$aws/rules/x/a b" },
    { "POST", "/topics/a%252Fb", ERR_OK, "publish", "topic", "a%2Fb" }, /* once */
    { "GET", "/greengrass/groups/g/versions/v", ERR_OK, "version", "GroupVersionId", "v" },
    { "PUT", "/greengrass/groups/g/deployments/$reset", ERR_OK, "reset", "GroupId", "g" },
    { "PUT", "/greengrass/groups/g/deployments/%24reset", ERR_OK, "reset", "GroupId", "g" },
    { "PUT", "/greengrass/groups/g/deployments/$resets", ERR_OK, "other", "DeploymentId", "$resets" },
    { "GET", "/a/b/c", ERR_OK, "y", "y", "c" },
    { "GET", "/things/%", ERR_INVALID, NULL, NULL, NULL },
    { "GET", "/things/%00", ERR_INVALID, NULL, NULL, NULL },
    { "GET", "/things/..", ERR_INVALID, NULL, NULL, NULL }, /* signed as "/" */
    { "GET", "/things/%2e%2E", ERR_INVALID, NULL, NULL, NULL },
    { "GET", "/things/.", ERR_INVALID, NULL, NULL, NULL },
    { "GET", "/./things", ERR_INVALID, NULL, NULL, NULL },
    { "GET", "/x/../things", ERR_INVALID, NULL, NULL, NULL },
    { "GET", "/things/...", ERR_OK, "get", "thingName", "..." },
    { "GET", "/things/.t", ERR_OK, "get", "thingName", ".t" },
    { "GET", "", ERR_NOT_FOUND, NULL, NULL, NULL },
    { "GET", "things", ERR_NOT_FOUND, NULL, NULL, NULL },
    { "GET", "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20/21/22/23/24/25", ERR_NOT_FOUND, NULL, NULL,
      NULL },
};

static void each_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct http_params labels = { 0 };
        const struct http_route *r = NULL;
        print_message("  %s %s\n", cases[i].method, cases[i].path);
        assert_int_equal(http_route_match(routes, ARRAY_LEN(routes), slice_str(cases[i].method),
                                          slice_str(cases[i].path), &r, &labels),
                         cases[i].want);
        if (cases[i].want) {
            assert_null(r);
            assert_int_equal(labels.n, 0);
        } else {
            assert_string_equal(r->arg, cases[i].arg);
        }
        if (cases[i].label)
            assert_string_equal(http_params_get(&labels, cases[i].label), cases[i].value);
        http_params_done(&labels);
    }
}

static void allow_lists_the_methods(void **state)
{
    autobuf out = BUF_INIT(64);
    (void)state;
    assert_int_equal(http_route_allow(routes, ARRAY_LEN(routes), SLICE_LIT("/things/x"), &out), ERR_OK);
    assert_string_equal(buf_str(&out), "GET, PUT");
}

static const struct {
    struct http_route r;
    err_t want;
} rows[] = {
    { { "GET", "/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}", nothing, NULL }, ERR_OK },
    { { "GET", "/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}", nothing, NULL }, ERR_INVALID },
    { { "GET", "/{}", nothing, NULL }, ERR_INVALID },
    { { "GET", "/{a", nothing, NULL }, ERR_INVALID },
    { { "GET", "/x{a}", nothing, NULL }, ERR_INVALID },
    { { "GET", "x", nothing, NULL }, ERR_INVALID },
    { { "", "/", nothing, NULL }, ERR_INVALID },
    { { "GET", "/", NULL, NULL }, ERR_INVALID },
};

static void broken_rows_are_refused(void **state)
{
    (void)state;
    assert_int_equal(http_routes_check(routes, ARRAY_LEN(routes)), ERR_OK);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(http_routes_check(&rows[i].r, 1), rows[i].want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_case),
        cmocka_unit_test(allow_lists_the_methods),
        cmocka_unit_test(broken_rows_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
