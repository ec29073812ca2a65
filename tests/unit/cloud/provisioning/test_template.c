/* Provisioning templates: what is refused when they are read, what their functions give, and that a small one
 * cannot make a big answer (docs/spec/provisioning.md PV-1..15). */
#include "../../cm.h"
#include "base/mem.h"
#include "cloud/provisioning/template.h"

#include <stdio.h>
#include <string.h>

#define CERTIFICATE                                                       \
    "\"certificate\":{\"Type\":\"AWS::IoT::Certificate\",\"Properties\":" \
    "{\"CertificateId\":{\"Ref\":\"AWS::IoT::Certificate::Id\"}}}"
#define THING(name) "\"thing\":{\"Type\":\"AWS::IoT::Thing\",\"Properties\":{\"ThingName\":" name "}}"

static err_t parse(const char *text, struct template **ret, char why[TEMPLATE_WHY_MAX])
{
    why[0] = 0;
    return template_parse(slice_str(text), ret, why);
}

static const struct {
    const char *what, *text, *why;
} refused[] = {
    { "nothing", "", "not JSON" },
    { "no object", "[]", "JSON object" },
    { "no resources", "{}", "Resources" },
    { "empty resources", "{\"Resources\":{}}", "Resources" },
    { "a member twice", "{\"Resources\":{},\"Resources\":{}}", "not JSON" },
    { "unknown type", "{\"Resources\":{\"a\":{\"Type\":\"AWS::IoT::Rule\",\"Properties\":{}}}}", "Type" },
    { "no properties", "{\"Resources\":{\"a\":{\"Type\":\"AWS::IoT::Thing\"}}}", "Properties" },
    { "no thing name", "{\"Resources\":{\"a\":{\"Type\":\"AWS::IoT::Thing\",\"Properties\":{}}}}",
      "ThingName" },
    { "unknown property",
      "{\"Resources\":{\"a\":{\"Type\":\"AWS::IoT::Thing\",\"Properties\":{\"Name\":\"x\"}}}}",
      "no property 'Name'" },
    { "two sources of a certificate",
      "{\"Resources\":{\"a\":{\"Type\":\"AWS::IoT::Certificate\",\"Properties\":{\"CertificateId\":\"x\","
      "\"CertificatePem\":\"y\"}}}}",
      "one of CertificateId" },
    { "policy without certificate",
      "{\"Resources\":{" THING(
          "\"t\"") ",\"p\":{\"Type\":\"AWS::IoT::Policy\",\"Properties\":{\"PolicyName\":"
                   "\"p\"}}}}",
      "attached" },
    { "name and document",
      "{\"Resources\":{" CERTIFICATE
      ",\"p\":{\"Type\":\"AWS::IoT::Policy\",\"Properties\":{\"PolicyName\":\"p\","
      "\"PolicyDocument\":\"{}\"}}}}",
      "either" },
    { "names nothing", "{\"Resources\":{" THING("{\"Ref\":\"Nobody\"}") "}}", "'Nobody'" },
    { "names a resource", "{\"Resources\":{" THING("{\"Ref\":\"thing\"}") "}}", "'thing'" },
    { "names nothing in a text", "{\"Resources\":{" THING("{\"Fn::Sub\":\"a${Nobody}\"}") "}}", "'Nobody'" },
    { "open text", "{\"Resources\":{" THING("{\"Fn::Sub\":\"a${Nobody\"}") "}}", "'${'" },
    { "unknown function", "{\"Resources\":{" THING("{\"Fn::If\":[]}") "}}", "Fn::If" },
    { "too few arguments", "{\"Resources\":{" THING("{\"Fn::Join\":[\"\"]}") "}}", "2 arguments" },
    { "a map with a function",
      "{\"Mappings\":{\"m\":{\"a\":{\"b\":{\"Ref\":\"x\"}}}},\"Resources\":{" THING("\"t\"") "}}",
      "must be a text" },
    { "parameter without type", "{\"Parameters\":{\"a\":{}},\"Resources\":{" THING("\"t\"") "}}", "Type" },
    { "parameter of another type",
      "{\"Parameters\":{\"a\":{\"Type\":\"List\"}},\"Resources\":{" THING("\"t\"") "}}", "Type" },
    { "default is no number",
      "{\"Parameters\":{\"a\":{\"Type\":\"Number\",\"Default\":\"x\"}},\"Resources\":{" THING("\"t\"") "}}",
      "no number" },
    { "override of nothing",
      "{\"Resources\":{\"a\":{\"Type\":\"AWS::IoT::Thing\",\"Properties\":{\"ThingName\":\"x\"},"
      "\"OverrideSettings\":{\"BillingGroup\":\"FAIL\"}}}}",
      "no setting" },
    { "merge of a type",
      "{\"Resources\":{\"a\":{\"Type\":\"AWS::IoT::Thing\",\"Properties\":{\"ThingName\":\"x\"},"
      "\"OverrideSettings\":{\"ThingTypeName\":\"MERGE\"}}}}",
      "DO_NOTHING" },
    { "two things",
      "{\"Resources\":{" THING("\"t\"") ",\"b\":{\"Type\":\"AWS::IoT::Thing\",\"Properties\":"
                                        "{\"ThingName\":\"x\"}}}}",
      "one AWS::IoT::Thing" },
    { "configuration is a list", "{\"Resources\":{" THING("\"t\"") "},\"DeviceConfiguration\":[]}",
      "object" },
};

static void bad_templates_are_refused_with_a_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        char why[TEMPLATE_WHY_MAX];
        struct template *t = NULL;
        print_message("  %s\n", refused[i].what);
        assert_int_equal(parse(refused[i].text, &t, why), ERR_INVALID);
        assert_null(t);
        if (!strstr(why, refused[i].why))
            fail_msg("%s: %s", refused[i].what, why);
    }
}

static void the_size_is_bounded(void **state)
{
    static const char head[] = "{\"Resources\":{" THING("\"t\"") "}}";
    char text[TEMPLATE_BODY_MAX + 2], why[TEMPLATE_WHY_MAX];
    auto_template *t = NULL;

    (void)state;
    memset(text, ' ', sizeof(text));
    memcpy(text, head, strlen(head));
    text[TEMPLATE_BODY_MAX] = 0;
    assert_int_equal(parse(text, &t, why), ERR_OK);
    text[TEMPLATE_BODY_MAX] = ' ';
    text[TEMPLATE_BODY_MAX + 1] = 0;
    struct template *none = NULL;
    assert_int_equal(parse(text, &none, why), ERR_TOO_BIG);
    assert_null(none);
    assert_non_null(strstr(why, "10240"));
}

static void a_devices_template_is_about_its_certificate(void **state)
{
    char why[TEMPLATE_WHY_MAX];
    auto_template *good = NULL, *bad = NULL, *none = NULL;

    (void)state;
    assert_int_equal(parse("{\"Resources\":{" CERTIFICATE "}}", &good, why), ERR_OK);
    assert_int_equal(template_check_device(good, why), ERR_OK);
    assert_int_equal(parse("{\"Resources\":{" THING("\"t\"") "}}", &none, why), ERR_OK);
    assert_int_equal(template_check_device(none, why), ERR_INVALID);
    assert_int_equal(parse("{\"Resources\":{\"c\":{\"Type\":\"AWS::IoT::Certificate\",\"Properties\":"
                           "{\"CertificateId\":\"abc\"}}}}",
                           &bad, why),
                     ERR_OK);
    assert_int_equal(template_check_device(bad, why), ERR_INVALID);
}

/* ---- functions ---- */

#define PARAMETERS                                                                                           \
    "\"Parameters\":{\"Serial\":{\"Type\":\"String\"},\"Place\":{\"Type\":\"String\",\"Default\":\"here\"}," \
    "\"Size\":{\"Type\":\"Number\",\"Default\":\"1\"}},"
#define MAPPINGS "\"Mappings\":{\"Table\":{\"here\":{\"url\":\"https://here\"}}},"

static const struct {
    const char *expression, *gives; /* NULL: refused */
} functions[] = {
    { "{\"Ref\":\"Serial\"}", "a-b-c" },
    { "{\"Ref\":\"Place\"}", "here" },
    { "{\"Ref\":\"AWS::IoT::Certificate::CommonName\"}", "device" },
    { "{\"Ref\":\"AWS::IoT::Certificate::Country\"}", NULL },
    { "{\"Fn::Join\":[\"-\",[\"x\",{\"Ref\":\"Serial\"},\"y\"]]}", "x-a-b-c-y" },
    { "{\"Fn::Join\":[\"\",{\"Fn::Split\":[\"-\",{\"Ref\":\"Serial\"}]}]}", "abc" },
    { "{\"Fn::Join\":[\"\",[]]}", "" },
    { "{\"Fn::Join\":[\"\",\"x\"]}", NULL },
    { "{\"Fn::Join\":[\"\",[[\"x\"]]]}", NULL },
    { "{\"Fn::Join\":[[],[\"x\"]]}", NULL },
    { "{\"Fn::Select\":[1,{\"Fn::Split\":[\"-\",{\"Ref\":\"Serial\"}]}]}", "b" },
    { "{\"Fn::Select\":[\"2\",{\"Fn::Split\":[\"-\",{\"Ref\":\"Serial\"}]}]}", "c" },
    { "{\"Fn::Select\":[3,{\"Fn::Split\":[\"-\",{\"Ref\":\"Serial\"}]}]}", NULL },
    { "{\"Fn::Select\":[-1,[\"a\"]]}", NULL },
    { "{\"Fn::Select\":[0,[null]]}", NULL },
    { "{\"Fn::Select\":[\"0x1\",[\"a\",\"b\"]]}", NULL },
    { "{\"Fn::Select\":[0,{\"Fn::Split\":[\"\",\"abc\"]}]}", NULL },
    { "{\"Fn::Select\":[1,{\"Fn::Split\":[\",\",\"a,\"]}]}", "" },
    { "{\"Fn::FindInMap\":[\"Table\",{\"Ref\":\"Place\"},\"url\"]}", "https://here" },
    { "{\"Fn::FindInMap\":[\"Table\",\"there\",\"url\"]}", NULL },
    { "{\"Fn::FindInMap\":[\"No\",\"here\",\"url\"]}", NULL },
    { "{\"Fn::Sub\":\"${Serial} at ${Place}\"}", "a-b-c at here" },
    { "{\"Fn::Sub\":[\"${own}/${Serial}/${!literal}$\",{\"own\":{\"Ref\":\"Place\"}}]}",
      "here/a-b-c/${literal}$" },
    { "{\"Fn::Sub\":[\"${own}\",{\"own\":\"${own}\"}]}", "${own}" }, /* not looked at again */
    { "{\"Fn::Base64\":{\"Ref\":\"Serial\"}}", "YS1iLWM=" },
    { "{\"Fn::Base64\":[\"a\"]}", NULL },
};

static void functions_give(void **state)
{
    auto_json *params = json_pack("{s:s,s:s,s:s}", "Serial", "a-b-c", "AWS::IoT::Certificate::CommonName",
                                  "device", "Extra", "x");

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(functions); i++) {
        autofree char *text =
            mem_printf("{" PARAMETERS MAPPINGS "\"Resources\":{" THING("%s") "}}", functions[i].expression);
        char why[TEMPLATE_WHY_MAX];
        auto_template *t = NULL;
        auto_plan plan = { 0 };
        print_message("  %s\n", functions[i].expression);
        assert_int_equal(parse(text, &t, why), ERR_OK);
        assert_int_equal(template_resolve(t, params, &plan, why), functions[i].gives ? ERR_OK : ERR_INVALID);
        if (functions[i].gives) {
            assert_string_equal(json_get_str(plan.thing, "ThingName"), functions[i].gives);
        } else {
            assert_null(plan.thing); /* untouched */
            assert_int_not_equal(why[0], 0);
        }
    }
}

static void parameters_are_checked(void **state)
{
    auto_json *none = json_object(), *number = json_pack("{s:s,s:s}", "Serial", "s", "Size", "big"),
              *type = json_pack("{s:i}", "Serial", 1),
              *good = json_pack("{s:s,s:s}", "Serial", "s", "Size", "2.5");
    char why[TEMPLATE_WHY_MAX];
    auto_template *t = NULL;
    auto_plan plan = { 0 };

    (void)state;
    assert_int_equal(parse("{" PARAMETERS "\"Resources\":{" THING("{\"Ref\":\"Size\"}") "}}", &t, why),
                     ERR_OK);
    assert_int_equal(template_resolve(t, NULL, &plan, why), ERR_INVALID);
    assert_int_equal(template_resolve(t, none, &plan, why), ERR_INVALID);
    assert_non_null(strstr(why, "'Serial' is missing"));
    assert_int_equal(template_resolve(t, number, &plan, why), ERR_INVALID);
    assert_non_null(strstr(why, "must be a number"));
    assert_int_equal(template_resolve(t, type, &plan, why), ERR_INVALID);
    assert_int_equal(template_resolve(t, good, &plan, why), ERR_OK);
    assert_string_equal(json_get_str(plan.thing, "ThingName"), "2.5");
}

static void configuration_is_flat(void **state)
{
    char why[TEMPLATE_WHY_MAX];
    auto_template *good = NULL, *bad = NULL;
    auto_plan plan = { 0 }, none = { 0 };

    (void)state;
    assert_int_equal(parse("{\"Resources\":{" CERTIFICATE
                           "," THING("\"t\"") "},\"DeviceConfiguration\":{\"a\":"
                                              "{\"Fn::Join\":[\"\",[\"b\",\"c\"]]}}}",
                           &good, why),
                     ERR_OK);
    auto_json *id = json_pack("{s:s}", TEMPLATE_CERTIFICATE_ID, "0123");
    assert_int_equal(template_resolve(good, id, &plan, why), ERR_OK);
    assert_string_equal(json_get_str(plan.device_configuration, "a"), "bc");
    assert_string_equal(json_get_str(plan.certificate, "CertificateId"), "0123");
    assert_int_equal(
        parse("{\"Resources\":{" THING("\"t\"") "},\"DeviceConfiguration\":{\"a\":{\"b\":\"c\"}}}", &bad,
              why),
        ERR_OK);
    assert_int_equal(template_resolve(bad, NULL, &none, why), ERR_INVALID);
}

/* ---- templates that explode ---- */

/* A list of `n` times `item`. */
static err_t repeat(struct buf *out, const char *item, unsigned n)
{
    err_t e = buf_add_str(out, "[");

    for (unsigned i = 0; !e && i < n; i++)
        e = buf_printf(out, "%s%s", i ? "," : "", item);
    return e ? e : buf_add_str(out, "]");
}

static void a_small_template_cannot_make_a_big_answer(void **state)
{
    autobuf list = BUF_INIT(65536);
    autofree char *big = mem_calloc(1, 4097);
    auto_json *params = NULL, *fits = json_pack("{s:s}", "a", "x");
    char why[TEMPLATE_WHY_MAX];
    auto_template *t = NULL;
    auto_plan plan = { 0 }, small = { 0 };

    (void)state;
    memset(big, 'x', 4096);
    params = json_pack("{s:s}", "a", big);
    assert_int_equal(repeat(&list, "{\"Ref\":\"a\"}", 700), ERR_OK);
    autofree char *text = mem_printf("{\"Parameters\":{\"a\":{\"Type\":\"String\"}},\"Resources\":{" THING(
                                         "{\"Fn::Join\":[\"\",%s]}") "}}",
                                     buf_str(&list));
    assert_int_equal(parse(text, &t, why), ERR_OK);
    assert_int_equal(template_resolve(t, params, &plan, why), ERR_TOO_BIG);
    assert_non_null(strstr(why, "bytes of text"));
    assert_int_equal(template_resolve(t, fits, &small, why), ERR_OK); /* the control */
}

static void splitting_is_counted(void **state)
{
    autofree char *commas = mem_calloc(1, 60001);
    auto_json *params = NULL;
    char why[TEMPLATE_WHY_MAX];
    auto_template *t = NULL;
    auto_plan plan = { 0 };

    (void)state;
    memset(commas, ',', 60000);
    params = json_pack("{s:s}", "a", commas);
    assert_int_equal(parse("{\"Parameters\":{\"a\":{\"Type\":\"String\"}},\"Resources\":{" THING(
                               "{\"Fn::Select\":[0,{\"Fn::Split\":[\",\",{\"Ref\":\"a\"}]}]}") "}}",
                           &t, why),
                     ERR_OK);
    assert_int_equal(template_resolve(t, params, &plan, why), ERR_TOO_BIG);
}

static void depth_is_bounded(void **state)
{
    autobuf text = BUF_INIT(65536);
    char why[TEMPLATE_WHY_MAX];
    struct template *t = NULL;

    (void)state;
    assert_int_equal(buf_add_str(&text, "{\"Resources\":{\"t\":"), ERR_OK);
    for (int i = 0; i < 4000; i++)
        assert_int_equal(buf_add_str(&text, "["), ERR_OK);
    assert_int_equal(template_parse(buf_slice(&text), &t, why), ERR_INVALID);
    assert_null(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_templates_are_refused_with_a_reason),
        cmocka_unit_test(the_size_is_bounded),
        cmocka_unit_test(a_devices_template_is_about_its_certificate),
        cmocka_unit_test(functions_give),
        cmocka_unit_test(parameters_are_checked),
        cmocka_unit_test(configuration_is_flat),
        cmocka_unit_test(a_small_template_cannot_make_a_big_answer),
        cmocka_unit_test(splitting_is_counted),
        cmocka_unit_test(depth_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
