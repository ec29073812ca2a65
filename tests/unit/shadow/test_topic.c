#include "../cm.h"
#include "base/mem.h"
#include "shadow/topic.h"

static const struct {
    const char *topic;
    err_t want;
    const char *thing, *name;
    enum shadow_op op;
    enum shadow_kind kind;
} cases[] = {
    { "$aws/things/SE050_Core-gda/shadow/get", ERR_OK, "SE050_Core-gda", "", SHADOW_GET, SHADOW_REQUEST },
    { "$aws/things/t/shadow/get/accepted", ERR_OK, "t", "", SHADOW_GET, SHADOW_ACCEPTED },
    { "$aws/things/t/shadow/update", ERR_OK, "t", "", SHADOW_UPDATE, SHADOW_REQUEST },
    { "$aws/things/t/shadow/update/rejected", ERR_OK, "t", "", SHADOW_UPDATE, SHADOW_REJECTED },
    { "$aws/things/t/shadow/update/delta", ERR_OK, "t", "", SHADOW_UPDATE, SHADOW_DELTA },
    { "$aws/things/t/shadow/update/documents", ERR_OK, "t", "", SHADOW_UPDATE, SHADOW_DOCUMENTS },
    { "$aws/things/t/shadow/delete/accepted", ERR_OK, "t", "", SHADOW_DELETE, SHADOW_ACCEPTED },
    { "$aws/things/t/shadow/name/$package/delete", ERR_OK, "t", "$package", SHADOW_DELETE, SHADOW_REQUEST },
    { "$aws/things/t/shadow/name/n:1_-/update/delta", ERR_OK, "t", "n:1_-", SHADOW_UPDATE, SHADOW_DELTA },
    { "$aws/things/t/shadow/get/delta", ERR_NOT_FOUND, 0, 0, 0, 0 },
    { "$aws/things/t/shadow/delete/documents", ERR_NOT_FOUND, 0, 0, 0, 0 },
    { "$aws/things/t/shadow/get/", ERR_NOT_FOUND, 0, 0, 0, 0 },
    { "$aws/things/t/shadow/getx", ERR_NOT_FOUND, 0, 0, 0, 0 },
    { "$aws/things/t/shadow", ERR_NOT_FOUND, 0, 0, 0, 0 },
    { "$aws/things//shadow/get", ERR_NOT_FOUND, 0, 0, 0, 0 },
    { "$aws/things/a b/shadow/get", ERR_NOT_FOUND, 0, 0, 0, 0 },
    { "$aws/things/$t/shadow/get", ERR_NOT_FOUND, 0, 0, 0, 0 },
    { "$aws/things/+/shadow/get", ERR_NOT_FOUND, 0, 0, 0, 0 },
    { "$aws/things/t/shadow/name//get", ERR_NOT_FOUND, 0, 0, 0, 0 },
    { "$aws/things/t/shadow/name/n", ERR_NOT_FOUND, 0, 0, 0, 0 },
    { "$aws/things/t/jobs/get", ERR_NOT_FOUND, 0, 0, 0, 0 },
    { "x$aws/things/t/shadow/get", ERR_NOT_FOUND, 0, 0, 0, 0 },
    { "", ERR_NOT_FOUND, 0, 0, 0, 0 },
};

static void parse_and_build(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct shadow_topic t = { .op = 77 };
        autobuf out = BUF_INIT(256);

        print_message("  %s\n", cases[i].topic);
        assert_int_equal(shadow_topic_parse(slice_str(cases[i].topic), &t), cases[i].want);
        if (cases[i].want) {
            assert_int_equal(t.op, 77); /* untouched */
            continue;
        }
        assert_true(slice_eq(t.thing, slice_str(cases[i].thing)) &&
                    slice_eq(t.name, slice_str(cases[i].name)));
        assert_int_equal(t.op, cases[i].op);
        assert_int_equal(t.kind, cases[i].kind);
        assert_int_equal(shadow_topic_build(&out, &t), ERR_OK);
        assert_string_equal(buf_str(&out), cases[i].topic);
    }
}

/* No strict prefix of the longest form is a topic, but for .../update itself. */
static void every_prefix(void **state)
{
    struct slice whole = SLICE_LIT("$aws/things/t/shadow/name/n/update/documents");
    (void)state;
    for (size_t n = 0; n < whole.n; n++) {
        autofree uint8_t *copy = mem_dup(whole.p, n);
        struct shadow_topic t;
        err_t want = n == strlen("$aws/things/t/shadow/name/n/update") ? ERR_OK : ERR_NOT_FOUND;
        assert_int_equal(shadow_topic_parse(slice_of(copy, n), &t), want);
    }
}

static void name_limits(void **state)
{
    uint8_t long_name[129];
    (void)state;
    memset(long_name, 'n', sizeof(long_name));
    assert_true(shadow_thing_valid(slice_of(long_name, 128)));
    assert_false(shadow_thing_valid(slice_of(long_name, 129)));
    assert_true(shadow_name_valid(slice_of(long_name, 64)));
    assert_false(shadow_name_valid(slice_of(long_name, 65)));
    assert_false(shadow_thing_valid(SLICE_LIT("")));
    assert_false(shadow_name_valid(SLICE_LIT("")));
}

static void build_refuses(void **state)
{
    autobuf out = BUF_INIT(20);
    const struct shadow_topic bad = { .thing = SLICE_LIT("a/b") },
                              no_delta = { .thing = SLICE_LIT("t"), .op = SHADOW_GET, .kind = SHADOW_DELTA },
                              too_long = { .thing = SLICE_LIT("t") };
    (void)state;
    assert_int_equal(shadow_topic_build(&out, &bad), ERR_INVALID);
    assert_int_equal(shadow_topic_build(&out, &no_delta), ERR_INVALID);
    assert_int_equal(shadow_topic_build(&out, &too_long), ERR_TOO_BIG);
    assert_int_equal(out.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(parse_and_build), cmocka_unit_test(every_prefix),
                                        cmocka_unit_test(name_limits), cmocka_unit_test(build_refuses) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
