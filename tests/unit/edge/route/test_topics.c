/* Limits of topics and filters: what is allowed, and the value one past each limit. */
#include "../../cm.h"
#include "base/mem.h"
#include "edge/route/topics.h"

#define X16 "xxxxxxxxxxxxxxxx"
#define X64 X16 X16 X16 X16
#define X255 X64 X64 X64 X16 X16 X16 "xxxxxxxxxxxxxxx"

static const struct {
    const char *text;
    err_t topic, filter;
} cases[] = {
    { "a", ERR_OK, ERR_OK },
    { "/", ERR_OK, ERR_OK },
    { "", ERR_INVALID, ERR_INVALID },
    { "a/+", ERR_INVALID, ERR_OK },
    { "a/#", ERR_INVALID, ERR_OK },
    { "#", ERR_INVALID, ERR_OK },
    { "a#", ERR_INVALID, ERR_INVALID },
    { "a/#/b", ERR_INVALID, ERR_INVALID },
    { "\xff", ERR_INVALID, ERR_INVALID },
    { "1/2/3/4/5/6/7/8", ERR_OK, ERR_OK },
    { "1/2/3/4/5/6/7/8/9", ERR_TOO_BIG, ERR_TOO_BIG },
    { X255 "x", ERR_OK, ERR_OK },
    { X255 "xx", ERR_TOO_BIG, ERR_TOO_BIG },
    { X255 "\xc3\xa9", ERR_TOO_BIG, ERR_TOO_BIG }, /* bytes, not characters */
    { "$aws/things/t/shadow/name/n/update/accepted", ERR_OK, ERR_OK },
    { "$aws/rules/r/1/2/3/4/5/6/7/8", ERR_OK, ERR_OK }, /* basic ingest: the rest counts */
    { "$aws/rules/r/1/2/3/4/5/6/7/8/9", ERR_TOO_BIG, ERR_TOO_BIG },
    { "$aws/rules/r/" X255 "x", ERR_OK, ERR_OK },
    { "$aws/rules/r/" X255 "xx", ERR_TOO_BIG, ERR_TOO_BIG },
    { "$aws/rules/" X255 X64, ERR_TOO_BIG, ERR_TOO_BIG },
    { "$aws/rules/" X255 X255 "/x", ERR_TOO_BIG, ERR_TOO_BIG },
    { "$share/g/a", ERR_OK, ERR_INVALID },
};

static void each_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct problem p = { "" };
        err_t topic = route_topic_check(slice_str(cases[i].text), &p);
        assert_int_equal(topic != ERR_OK, p.text[0] != '\0');
        if (topic != cases[i].topic || route_filter_check(slice_str(cases[i].text), NULL) != cases[i].filter)
            fail_msg("%s: %s", cases[i].text, err_str(topic));
    }
}

static void a_nul_inside(void **state)
{
    (void)state;
    assert_int_equal(route_topic_check(SLICE_LIT("a\0b"), NULL), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(each_case), cmocka_unit_test(a_nul_inside) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
