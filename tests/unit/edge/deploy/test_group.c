/* group.json: what is read, what is refused, what this release cannot run. */
#include "../../cm.h"
#include "base/mem.h"
#include "edge/deploy/group.h"

#include <stdio.h>

#define DEFS(x) "{\"GroupDefinitions\":{" x "}}"
#define LOGGERS(x) DEFS("\"Logging\":{\"Content\":[" x "]}")
#define LOGGER(type, component, level, more) \
    "{\"Id\":\"1\",\"Type\":\"" type "\",\"Component\":\"" component "\",\"Level\":\"" level "\"" more "}"
#define SUBS(x) DEFS("\"Subscriptions\":{\"Content\":[" x "]}")
#define SUB(source, subject, target) \
    "{\"Id\":\"s\",\"Source\":\"" source "\",\"Subject\":\"" subject "\",\"Target\":\"" target "\"}"

static const struct {
    const char *text;
    err_t want;
    const char *says;
    enum elog_level level;
    int64_t space;
    size_t subscriptions;
} cases[] = {
    { "{}", ERR_OK, NULL, ELOG_INFO, 128, 0 },
    { DEFS(""), ERR_OK, NULL, ELOG_INFO, 128, 0 },
    { DEFS("\"Lambdas\":{\"Content\":[]},\"Resources\":null,\"Logging\":{\"Content\":null}"), ERR_OK, NULL,
      ELOG_INFO, 128, 0 },
    { LOGGERS(LOGGER("FileSystem", "GreengrassSystem", "DEBUG", ",\"Space\":25600")), ERR_OK, NULL,
      ELOG_DEBUG, 25600, 0 },
    { LOGGERS(LOGGER("FileSystem", "Lambda", "DEBUG", ",\"Space\":25600")), ERR_OK, NULL, ELOG_INFO, 128, 0 },
    { LOGGERS(LOGGER("FileSystem", "GreengrassSystem", "FATAL", "")), ERR_OK, NULL, ELOG_FATAL, 128, 0 },
    { LOGGERS(LOGGER("FileSystem", "GreengrassSystem", "TRACE", "")), ERR_INVALID, "Level must be", 0, 0, 0 },
    { LOGGERS(LOGGER("FileSystem", "Kernel", "INFO", "")), ERR_INVALID, "Component must be", 0, 0, 0 },
    { LOGGERS(LOGGER("Tape", "Lambda", "INFO", "")), ERR_INVALID, "Type must be", 0, 0, 0 },
    { LOGGERS(LOGGER("FileSystem", "Lambda", "INFO", ",\"Space\":0")), ERR_INVALID, "Space must be", 0, 0,
      0 },
    { LOGGERS(LOGGER("AWSCloudWatch", "Lambda", "INFO", "")), ERR_UNSUPPORTED, "AWSCloudWatch", 0, 0, 0 },
    { LOGGERS(LOGGER("FileSystem", "Lambda", "INFO", "") "," LOGGER("FileSystem", "Lambda", "WARN", "")),
      ERR_INVALID, "two FileSystem loggers for the component Lambda", 0, 0, 0 },
    { SUBS(SUB("cloud", "a/+/#", "GGShadowService")), ERR_OK, NULL, ELOG_INFO, 128, 1 },
    { SUBS(SUB("arn:aws:iot:r:1:thing/a", "t", "cloud") "," SUB("cloud", "t", "arn:aws:iot:r:1:thing/a")),
      ERR_OK, NULL, ELOG_INFO, 128, 2 },
    { SUBS(SUB("cloud", "a/1/2/3/4/5/6/7", "GGShadowService")), ERR_OK, NULL, ELOG_INFO, 128, 1 },
    { SUBS(SUB("cloud", "a/1/2/3/4/5/6/7/8", "GGShadowService")), ERR_INVALID, "over 7 slashes", 0, 0, 0 },
    { SUBS(SUB("cloud", "a/#/b", "GGShadowService")), ERR_INVALID, "not a topic filter", 0, 0, 0 },
    { SUBS(SUB("cloud", "", "GGShadowService")), ERR_INVALID, "not a topic filter", 0, 0, 0 },
    { SUBS(SUB("nobody", "a", "cloud")), ERR_INVALID, "Source and Target must be", 0, 0, 0 },
    { SUBS("{\"Source\":\"cloud\"}"), ERR_INVALID, "has no Id", 0, 0, 0 },
    { SUBS("7"), ERR_INVALID, "has no Id", 0, 0, 0 },
    { DEFS("\"Connectors\":{\"Content\":[{},{}]},\"Resources\":{\"Content\":[{}]}"), ERR_UNSUPPORTED,
      "cannot run yet: 1 resource, 2 connectors;", 0, 0, 0 },
    { DEFS("\"Connectors\":{\"Content\":[{}]}"), ERR_UNSUPPORTED, "1 connector", 0, 0, 0 },
    { "{\"Devices\":[{}]}", ERR_UNSUPPORTED, "1 local device", 0, 0, 0 },
    { DEFS("\"Logging\":[]"), ERR_INVALID, "GroupDefinitions.Logging must be", 0, 0, 0 },
    { DEFS("\"Logging\":{\"Content\":7}"), ERR_INVALID, "GroupDefinitions.Logging must be", 0, 0, 0 },
    { "{\"GroupDefinitions\":[]}", ERR_INVALID, "must be an object", 0, 0, 0 },
    { "{\"Arn\":\"arn:aws:greengrass:r:1:/greengrass/groups/g-1/versions/v-1\"}", ERR_OK, NULL, ELOG_INFO,
      128, 0 },
    { "{\"Arn\":\"arn:aws:greengrass:r:1:/greengrass/groups/g-1\"}", ERR_INVALID, "Arn is not", 0, 0, 0 },
    { "{\"Arn\":7}", ERR_INVALID, "Arn is not", 0, 0, 0 },
    { "[]", ERR_INVALID, "not an object", 0, 0, 0 },
    { "{", ERR_INVALID, "line 1", 0, 0, 0 },
    { "", ERR_INVALID, "line 1", 0, 0, 0 },
};

static void each_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct group *g = NULL;
        struct problem why = { "" };
        err_t e = group_parse(slice_str(cases[i].text), &g, &why);
        print_message("  %s\n", cases[i].text);
        if (e != cases[i].want || (e && !strstr(why.text, cases[i].says)))
            fail_msg("%d: %s", (int)e, why.text);
        if (e) {
            assert_null(g);
            continue;
        }
        assert_int_equal(g->level, cases[i].level);
        assert_int_equal(g->space_kb, cases[i].space);
        assert_int_equal(g->subscription_count, cases[i].subscriptions);
        group_free(g);
    }
}

static void names_of_a_group(void **state)
{
    struct group *g = NULL;
    struct problem why;

    (void)state;
    assert_int_equal(
        group_parse(SLICE_LIT("{\"Arn\":\"arn:aws:greengrass:r:1:/greengrass/groups/g-1/versions/v-1\"}"), &g,
                    &why),
        ERR_OK);
    assert_string_equal(g->group_id, "g-1");
    assert_string_equal(g->version_id, "v-1");
    group_free(g);
}

/* 256 bytes of Subject are allowed, 257 are not. */
static void subject_length(void **state)
{
    (void)state;
    for (size_t n = 256; n <= 257; n++) {
        char subject[300] = { 0 }, text[600];
        struct group *g = NULL;
        struct problem why;
        memset(subject, 't', n);
        (void)snprintf(text, sizeof(text),
                       SUBS("{\"Id\":\"s\",\"Source\":\"cloud\",\"Target\":\"cloud\",\"Subject\":\"%s\"}"),
                       subject);
        assert_int_equal(group_parse(slice_str(text), &g, &why), n == 256 ? ERR_OK : ERR_INVALID);
        group_free(g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_case),
        cmocka_unit_test(names_of_a_group),
        cmocka_unit_test(subject_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
