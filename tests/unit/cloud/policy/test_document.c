#include "../../cm.h"

#include "base/buf.h"
#include "base/mem.h"
#include "cloud/policy/document.h"

#include <string.h>

#define DOC(statement) "{\"Version\":\"2012-10-17\",\"Statement\":" statement "}"
#define GOOD "{\"Effect\":\"Allow\",\"Action\":\"iot:*\",\"Resource\":\"*\"}"

static void good_documents(void **state)
{
    static const struct {
        const char *text;
        size_t statements;
    } cases[] = {
        { DOC(GOOD), 1 },
        { DOC("[" GOOD "]"), 1 },
        { DOC("[" GOOD "," GOOD "]"), 2 },
        { "{\"Version\":\"2012-10-17\",\"Id\":\"x\",\"Statement\":[" GOOD "]}", 1 },
        { DOC("{\"Sid\":\"s\",\"Effect\":\"Deny\",\"NotAction\":[\"iot:Publish\"],\"NotResource\":[\"arn:aws:"
              "iot:*\"]}"),
          1 },
        { DOC("{\"Effect\":\"Allow\",\"Action\":\"greengrass:Get?eployment\",\"Resource\":\"*x\"}"), 1 },
        { DOC("{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{}}"), 1 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        auto_policy_doc *doc = NULL;
        char why[POLICY_WHY_MAX] = "";
        print_message("  %s\n", cases[i].text);
        assert_int_equal(policy_doc_parse(slice_str(cases[i].text), &doc, why), ERR_OK);
        assert_int_equal(doc->n, cases[i].statements);
    }
}

static void malformed_documents(void **state)
{
    static const char *const cases[] = {
        "",
        "nonsense",
        "[]",
        "{}",
        "{\"Statement\":" GOOD "}",
        "{\"Version\":\"2008-10-17\",\"Statement\":" GOOD "}",
        "{\"Version\":2012,\"Statement\":" GOOD "}",
        "{\"Version\":\"2012-10-17\"}",
        "{\"Version\":\"2012-10-17\",\"Statement\":" GOOD ",\"Extra\":1}",
        "{\"Version\":\"2012-10-17\",\"Version\":\"2012-10-17\",\"Statement\":" GOOD "}",
        DOC("[]"),
        DOC("1"),
        DOC("[1]"),
        DOC("{\"Action\":\"iot:*\",\"Resource\":\"*\"}"),
        DOC("{\"Effect\":\"allow\",\"Action\":\"iot:*\",\"Resource\":\"*\"}"),
        DOC("{\"Effect\":\"Allow\",\"Resource\":\"*\"}"),
        DOC("{\"Effect\":\"Allow\",\"Action\":\"iot:*\"}"),
        DOC("{\"Effect\":\"Allow\",\"Action\":\"iot:*\",\"NotAction\":\"iot:*\",\"Resource\":\"*\"}"),
        DOC("{\"Effect\":\"Allow\",\"Action\":\"iot:*\",\"Resource\":\"*\",\"NotResource\":\"*\"}"),
        DOC("{\"Effect\":\"Allow\",\"Action\":[],\"Resource\":\"*\"}"),
        DOC("{\"Effect\":\"Allow\",\"Action\":1,\"Resource\":\"*\"}"),
        DOC("{\"Effect\":\"Allow\",\"Action\":[1],\"Resource\":\"*\"}"),
        DOC("{\"Effect\":\"Allow\",\"Action\":\"Publish\",\"Resource\":\"*\"}"),
        DOC("{\"Effect\":\"Allow\",\"Action\":\":Publish\",\"Resource\":\"*\"}"),
        DOC("{\"Effect\":\"Allow\",\"Action\":\"iot:\",\"Resource\":\"*\"}"),
        DOC("{\"Effect\":\"Allow\",\"Action\":\"iot:a:b\",\"Resource\":\"*\"}"),
        DOC("{\"Effect\":\"Allow\",\"Action\":\"iot:*\",\"Resource\":\"topic/x\"}"),
        DOC("{\"Effect\":\"Allow\",\"Action\":\"iot:*\",\"Resource\":\"\"}"),
        DOC("{\"Effect\":\"Allow\",\"Action\":\"iot:*\",\"Resource\":\"arn:${x\"}"),
        DOC("{\"Effect\":\"Allow\",\"Action\":\"iot:*\",\"Resource\":\"*\",\"Principal\":\"*\"}"),
        DOC("{\"Effect\":\"Allow\",\"Action\":\"iot:*\",\"Resource\":\"*\",\"Sid\":1}"),
        DOC("{\"Effect\":\"Allow\",\"Action\":\"iot:*\",\"Resource\":\"*\",\"Condition\":[]}"),
        DOC("{\"Effect\":\"Allow\",\"Action\":\"iot:*\",\"Resource\":\"*\",\"Condition\":{\"X\":{\"a\":\"b\"}"
            "}}"),
        DOC(GOOD) "x",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct policy_doc *doc = (void *)0x77;
        char why[POLICY_WHY_MAX] = "";
        print_message("  %s\n", cases[i]);
        assert_int_equal(policy_doc_parse(slice_str(cases[i]), &doc, why), ERR_INVALID);
        assert_ptr_equal(doc, (void *)0x77); /* untouched */
        assert_true(why[0]);
    }
}

static void every_prefix_is_malformed(void **state)
{
    static const char text[] =
        DOC("[{\"Sid\":\"s\",\"Effect\":\"Deny\",\"Action\":[\"iot:Publish\"],\"Resource\":[\"arn:aws:iot:"
            "*:*:topic/${iot:ClientId}\"],\"Condition\":{\"Bool\":{\"a\":\"true\"}}}]");
    char why[POLICY_WHY_MAX];

    (void)state;
    for (size_t n = 0; n + 1 < sizeof(text); n++) {
        autofree uint8_t *copy = mem_dup(text, n);
        struct policy_doc *doc = NULL;
        assert_int_equal(policy_doc_parse(slice_of(copy, n), &doc, why), ERR_INVALID);
        assert_null(doc);
    }
}

/* 2048 characters count, white space does not, and characters are not bytes. */
static void limit(void **state)
{
    static const char head[] = "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":"
                               "\"iot:*\",\"Resource\":\"*";
    const char tail[] = "\"}}";
    size_t fill = POLICY_DOC_MAX - (sizeof(head) - 1) - (sizeof(tail) - 1);
    char why[POLICY_WHY_MAX];

    (void)state;
    for (int over = 0; over < 2; over++) {
        auto_policy_doc *doc = NULL;
        autobuf text = BUF_INIT(16384);
        assert_int_equal(buf_add_str(&text, " \n\t "), ERR_OK);
        assert_int_equal(buf_add_str(&text, head), ERR_OK);
        for (size_t i = 0; i < fill + (size_t)over; i++)
            assert_int_equal(buf_add_str(&text, "\xc3\xa9"), ERR_OK);
        assert_int_equal(buf_add_str(&text, tail), ERR_OK);
        assert_int_equal(policy_doc_parse(buf_slice(&text), &doc, why), over ? ERR_INVALID : ERR_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_documents),
        cmocka_unit_test(malformed_documents),
        cmocka_unit_test(every_prefix_is_malformed),
        cmocka_unit_test(limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
