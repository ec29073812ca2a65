/* The functions of group.json: what is read, what each broken member says. EC-18. */
#include "../../cm.h"
#include "base/mem.h"
#include "edge/deploy/group.h"

#include <stdio.h>

#define ARN "arn:aws:lambda:us-east-1:123456789012:function:hello:7"
#define LAMBDAS(x) "{\"GroupDefinitions\":{\"Lambdas\":{\"Content\":[" x "]}}}"
#define ITEM(arn, conf) "{\"Id\":\"f1\",\"FunctionArn\":\"" arn "\",\"DeploymentConfiguration\":{" conf "}}"
#define CODE "\"Artifact\":\"lambda-00.zip\",\"Handler\":\"index.handler\",\"Runtime\":\"nodejs12.x\""
#define PLAIN CODE ",\"IsolationMode\":\"NoContainer\""
#define FUNCTION(more) LAMBDAS(ITEM(ARN, PLAIN more))
#define SPOOLER(vars) LAMBDAS(ITEM("arn:aws:lambda:::function:GGCloudSpooler:1", "\"Variables\":{" vars "}"))

static struct group *parse(const char *text)
{
    struct group *g = NULL;
    struct problem why = { "" };

    if (group_parse(slice_str(text), &g, &why))
        fail_msg("%s: %s", text, why.text);
    return g;
}

static void every_member(void **state)
{
    auto_group *g =
        parse(FUNCTION(",\"Pinned\":true,\"Timeout\":25,\"MemorySize\":16384,\"EncodingType\":\"binary\","
                       "\"Executable\":\"x\",\"ExecArgs\":\"-v\",\"RunAs\":{\"Uid\":1001,\"Gid\":1002},"
                       "\"Variables\":{\"A\":\"b c\",\"N\":7}"));
    const struct group_function *f = group_find_function(g, ARN);

    (void)state;
    assert_non_null(f);
    assert_string_equal(f->id, "f1");
    assert_string_equal(f->artifact, "lambda-00.zip");
    assert_string_equal(f->handler, "index.handler");
    assert_string_equal(f->runtime, "nodejs12.x");
    assert_string_equal(f->executable, "x");
    assert_string_equal(f->exec_args, "-v");
    assert_true(f->pinned);
    assert_int_equal(f->timeout_ms, 25000);
    assert_int_equal(f->memory_kb, 16384);
    assert_int_equal(f->encoding, GROUP_BINARY);
    assert_int_equal(f->uid, 1001);
    assert_int_equal(f->gid, 1002);
    assert_int_equal(f->variable_count, 2);
    assert_string_equal(f->variables[0].value, "b c");
    assert_string_equal(f->variables[1].value, "7");
}

/* Reference 4.1: on demand, 3 s, json, the default user. */
static void defaults(void **state)
{
    auto_group *g = parse(FUNCTION(""));
    const struct group_function *f = &g->functions[0];

    (void)state;
    assert_int_equal(g->function_count, 1);
    assert_false(f->pinned);
    assert_int_equal(f->timeout_ms, 3000);
    assert_int_equal(f->memory_kb, -1);
    assert_int_equal(f->encoding, GROUP_JSON);
    assert_int_equal(f->uid, -1);
    assert_int_equal(f->gid, -1);
    assert_null(f->executable);
    assert_null(f->exec_args);
    assert_int_equal(f->variable_count, 0);
    assert_null(group_find_function(g, "arn:aws:lambda:us-east-1:123456789012:function:hello:8"));
    assert_int_equal(g->spool_bytes, 2621440);
    assert_int_equal(g->lambda_level, ELOG_INFO);
    assert_int_equal(g->lambda_space_kb, 128);
}

static const struct {
    const char *text;
    err_t want;
    const char *says;
} refused[] = {
    { LAMBDAS("{}"), ERR_INVALID, "(none) is not the ARN" },
    { LAMBDAS(ITEM("arn:aws:lambda:r:1:function:hello", PLAIN)), ERR_INVALID, "is not the ARN" },
    { LAMBDAS(ITEM("arn:aws:lambda:r:1:function:../hello:1", PLAIN)), ERR_INVALID, "is not the ARN" },
    { LAMBDAS(ITEM("arn:aws:lambda:r:1:function:a b:1", PLAIN)), ERR_INVALID, "is not the ARN" },
    { LAMBDAS(ITEM("arn:aws:lambda:r:1:function:hello:prod", PLAIN)), ERR_INVALID,
      "a version number, not prod" },
    { LAMBDAS(ITEM("arn:aws:lambda:r:1:function:hello:", PLAIN)), ERR_INVALID, "a version number" },
    { LAMBDAS("{\"FunctionArn\":\"" ARN "\"}"), ERR_INVALID, "no DeploymentConfiguration" },
    { LAMBDAS(ITEM(ARN, PLAIN) "," ITEM(ARN, PLAIN)), ERR_INVALID, "is there twice" },
    { LAMBDAS(ITEM(ARN, "\"IsolationMode\":\"NoContainer\"")), ERR_INVALID, "it has no Artifact" },
    { LAMBDAS(ITEM(ARN, CODE)), ERR_UNSUPPORTED, "hello:7 is to run in a Greengrass container" },
    { LAMBDAS(ITEM(ARN, CODE ",\"IsolationMode\":\"GreengrassContainer\"")), ERR_UNSUPPORTED,
      "DefaultConfig, to NoContainer and deploy again" },
    { LAMBDAS(ITEM(ARN, CODE ",\"IsolationMode\":\"Jail\"")), ERR_INVALID, "'IsolationMode' configuration" },
    { FUNCTION(",\"Timeout\":0"), ERR_INVALID, "Timeout must be a number from 1" },
    { FUNCTION(",\"Timeout\":\"3\""), ERR_INVALID, "Timeout must be a number" },
    { FUNCTION(",\"MemorySize\":-1"), ERR_INVALID, "MemorySize must be a number" },
    { FUNCTION(",\"EncodingType\":\"xml\""), ERR_INVALID, "json or binary" },
    { FUNCTION(",\"RunAs\":{\"Uid\":-1}"), ERR_INVALID, "Uid must be a number from 0" },
    { FUNCTION(",\"RunAs\":7"), ERR_INVALID, "RunAs must be an object" },
    { FUNCTION(",\"Variables\":[]"), ERR_INVALID, "Variables must be an object" },
    { FUNCTION(",\"Variables\":{\"A=B\":\"c\"}"), ERR_INVALID, "A=B is not a name and a text" },
    { FUNCTION(",\"Variables\":{\"\":\"c\"}"), ERR_INVALID, "is not a name and a text" },
    { FUNCTION(",\"Variables\":{\"A\":null}"), ERR_INVALID, "A is not a name and a text" },
    { FUNCTION(",\"Executable\":7"), ERR_INVALID, "Executable must be a text" },
    { LAMBDAS("{\"FunctionArn\":\"" ARN "\",\"DeploymentConfiguration\":{" PLAIN
              "},\"ResourceAccessPolicies\":[{\"ResourceId\":\"r\"}]}"),
      ERR_UNSUPPORTED, "uses resources" },
    { LAMBDAS(ITEM("arn:aws:lambda:::function:GGIPDetector:1", "")), ERR_UNSUPPORTED, "GGIPDetector:1" },
    { SPOOLER("\"GG_CONFIG_MAX_SIZE_BYTES\":\"262143\""), ERR_INVALID,
      "Spool size should be at least 262144 bytes" },
    { SPOOLER("\"GG_CONFIG_MAX_SIZE_BYTES\":\"many\""), ERR_INVALID, "Spool size should be" },
    { SPOOLER("\"GG_CONFIG_MAX_SIZE_BYTES\":\"9999999999999\""), ERR_INVALID, "Spool size should be" },
    { SPOOLER("\"GG_CONFIG_STORAGE_TYPE\":\"FileSystem\""), ERR_UNSUPPORTED, "has Memory only" },
    { SPOOLER("\"GG_CONFIG_SUBSCRIPTION_QUALITY\":\"AtLeastOncePersistent\""), ERR_UNSUPPORTED,
      "has AtMostOnce only" },
};

static void each_refusal(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        struct group *g = NULL;
        struct problem why = { "" };
        err_t e = group_parse(slice_str(refused[i].text), &g, &why);
        print_message("  %s\n", refused[i].text);
        if (e != refused[i].want || !strstr(why.text, refused[i].says))
            fail_msg("%d: %s", (int)e, why.text);
        assert_null(g);
    }
}

static void spooler_sizes(void **state)
{
    static const struct {
        const char *text;
        int64_t want;
    } sizes[] = {
        { SPOOLER(""), 2621440 },
        { SPOOLER("\"GG_CONFIG_MAX_SIZE_BYTES\":\"262144\",\"GG_CONFIG_STORAGE_TYPE\":\"Memory\""), 262144 },
        { SPOOLER("\"GG_CONFIG_MAX_SIZE_BYTES\":1000000"), 1000000 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        auto_group *g = parse(sizes[i].text);
        assert_int_equal(g->spool_bytes, sizes[i].want);
        assert_int_equal(g->function_count, 0);
    }
}

static void lambda_logger(void **state)
{
    auto_group *g = parse("{\"GroupDefinitions\":{\"Logging\":{\"Content\":[{\"Type\":\"FileSystem\","
                          "\"Component\":\"Lambda\",\"Level\":\"DEBUG\",\"Space\":25600}]}}}");

    (void)state;
    assert_int_equal(g->lambda_level, ELOG_DEBUG);
    assert_int_equal(g->lambda_space_kb, 25600);
    assert_int_equal(g->level, ELOG_INFO);
    assert_int_equal(g->space_kb, 128);
}

/* 200 functions and 64 KiB of environment are allowed, one more is not. */
static void limits(void **state)
{
    autobuf text = BUF_INIT(1 << 20);
    autofree char *value = mem_calloc(1, GROUP_MAX_ENVIRONMENT + 1);
    struct group *g = NULL;
    struct problem why;

    (void)state;
    for (int n = 200; n <= 201; n++) {
        buf_clear(&text);
        assert_int_equal(buf_add_str(&text, "{\"GroupDefinitions\":{\"Lambdas\":{\"Content\":["), ERR_OK);
        for (int i = 0; i < n; i++)
            assert_int_equal(
                buf_printf(&text, "%s" ITEM("arn:aws:lambda:r:1:function:f%d:1", PLAIN), i ? "," : "", i),
                ERR_OK);
        assert_int_equal(buf_add_str(&text, "]}}}"), ERR_OK);
        assert_int_equal(group_parse(buf_slice(&text), &g, &why), n == 200 ? ERR_OK : ERR_INVALID);
        group_free(g);
        g = NULL;
    }
    memset(value, 'v', GROUP_MAX_ENVIRONMENT);
    for (int n = 1; n <= 2; n++) { /* the name's bytes count too */
        buf_clear(&text);
        value[GROUP_MAX_ENVIRONMENT - 2 + n] = '\0';
        assert_int_equal(buf_printf(&text, FUNCTION(",\"Variables\":{\"A\":\"%s\"}"), value), ERR_OK);
        value[GROUP_MAX_ENVIRONMENT - 2 + n] = 'v';
        assert_int_equal(group_parse(buf_slice(&text), &g, &why), n == 1 ? ERR_OK : ERR_INVALID);
        group_free(g);
        g = NULL;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_member),  cmocka_unit_test(defaults),      cmocka_unit_test(each_refusal),
        cmocka_unit_test(spooler_sizes), cmocka_unit_test(lambda_logger), cmocka_unit_test(limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
