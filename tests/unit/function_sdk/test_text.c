#include "../cm.h"

#include "arn.h"
#include "text.h"

static void arns(void **state)
{
    static const struct {
        const char *arn, *qualifier;
        bool valid;
    } cases[] = {
        { "arn:aws:lambda:us-east-1:123456789012:function:Hello", NULL, true },
        { "arn:aws:lambda:us-east-1:123456789012:function:Hello:7", "7", true },
        { "arn:aws:lambda:us-east-1:123456789012:function:Hello:$LATEST", "$LATEST", true },
        { "arn:aws:lambda:::function:GGRouter", NULL, true },
        { "arn:aws-cn:lambda:::function:GGSecretManager:1", "1", true },
        { "arn:aws:lambda:us-east-1:123456789012:function:", NULL, false },
        { "arn:aws:lambda:us-east-1:123456789012:function:Hello:", NULL, false },
        { "arn:aws:lambda:us-east-1:123456789012:function:Hello:7:8", NULL, false },
        { "arn:aws:lambda:us-east-1:123456789012:function", NULL, false },
        { "arn:aws:s3:us-east-1:123456789012:function:Hello", NULL, false },
        { "arn:aws:lambda:us-east-1:123456789012:layer:Hello", NULL, false },
        { "arn::lambda:us-east-1:123456789012:function:Hello", NULL, false },
        { "arn:aws:lambda:us-east-1:123456789012:function:He llo", NULL, false },
        { "arn:aws:lambda:us-east-1:123456789012:function:Hello\r\nX: y", NULL, false },
        { "arn:aws:lambda:us-east-1:123456789012:function:../Hello", NULL, false },
        { "", NULL, false },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        print_message("  %s\n", cases[i].arn);
        assert_int_equal(arn_valid(cases[i].arn), cases[i].valid);
        if (!cases[i].valid)
            continue;
        const char *q = arn_qualifier(cases[i].arn);
        assert_int_equal(q != NULL, cases[i].qualifier != NULL);
        if (q)
            assert_string_equal(q, cases[i].qualifier);
    }
}

static void qualifiers(void **state)
{
    (void)state;
    assert_true(arn_qualifier_valid("7"));
    assert_true(arn_qualifier_valid("PROD_1-a"));
    assert_false(arn_qualifier_valid(""));
    assert_false(arn_qualifier_valid("1:2"));
    assert_false(arn_qualifier_valid("a b"));
}

static void json_strings(void **state)
{
    autobuf b = BUF_INIT(1000);
    (void)state;
    assert_int_equal(text_add_json(&b, "a\"b\\c\n\x01\xc3\xbc/"), ERR_OK);
    assert_string_equal(buf_str(&b), "\"a\\\"b\\\\c\\u000a\\u0001\xc3\xbc/\"");
    assert_int_equal(text_add_json(&b, "\xff"), ERR_INVALID);
}

static void members(void **state)
{
    autobuf b = BUF_INIT(1000);
    (void)state;
    assert_int_equal(buf_add_str(&b, "{"), ERR_OK);
    assert_int_equal(text_add_member(&b, "a", NULL), ERR_OK);
    assert_int_equal(text_add_member(&b, "b", "1"), ERR_OK);
    assert_int_equal(text_add_member(&b, "c", ""), ERR_OK);
    assert_string_equal(buf_str(&b), "{\"b\":\"1\",\"c\":\"\"");
}

static void contexts(void **state)
{
    static const struct {
        const char *header, *text; /* NULL: refused */
    } cases[] = {
        { "", "{}" },
        { "e30=", "{}" },
        { "eyJhIjoxfQ==", "{\"a\":1}" },
        { "IHsiYSI6MX0K", " {\"a\":1}\n" },
        { "!!!", NULL },
        { "e30", NULL },
        { "WzFd", NULL }, /* [1] */
        { "Mw==", NULL }, /* 3 */
        { "IA==", NULL }, /* a blank */
        { "ew==", NULL }, /* { */
        { "ewB9", NULL }, /* a NUL within */
        { "e/99", NULL }, /* no UTF-8 */
        { "e30=\r\n", NULL },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        autobuf b = BUF_INIT(1000);
        print_message("  %s\n", cases[i].header);
        assert_int_equal(text_client_context(slice_str(cases[i].header), &b),
                         cases[i].text ? ERR_OK : ERR_INVALID);
        assert_string_equal(buf_str(&b), cases[i].text ? cases[i].text : "");
    }
}

static void base64(void **state)
{
    (void)state;
    assert_true(text_is_base64(""));
    assert_true(text_is_base64("e30="));
    assert_false(text_is_base64("e30"));
    assert_false(text_is_base64("e30=\r\nX: y"));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(arns),         cmocka_unit_test(qualifiers),
                                        cmocka_unit_test(json_strings), cmocka_unit_test(members),
                                        cmocka_unit_test(contexts),     cmocka_unit_test(base64) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
