/* The shadow of CORE-gda and the status documents: EC-1..EC-4, EC-14, EC-15. */
#include "../../cm.h"
#include "base/json.h"
#include "base/mem.h"
#include "edge/deploy/gda.h"

#define REF(d)              \
    "\"deploymentId\":\"" d \
    "\",\"deploymentType\":\"NewDeployment\",\"groupId\":\"g\",\"groupVersionId\":\"v\""
#define STATE(x) "{\"state\":{" x "},\"version\":3}"

static const struct {
    const char *what, *text;
    err_t want;
    const char *desired;
    enum gda_status status;
    bool start;
} gets[] = {
    { "nothing desired", STATE(""), ERR_OK, "", GDA_NONE, false },
    { "desired, nothing reported", STATE("\"desired\":{\"v\":1," REF("d1") "}"), ERR_OK, "d1", GDA_NONE,
      true },
    { "in progress for it",
      STATE("\"desired\":{\"v\":1," REF("d1") "},\"reported\":{\"v\":1," REF(
          "d1") ",\"status\":\"InProgress\"}"),
      ERR_OK, "d1", GDA_IN_PROGRESS, true },
    { "success for it",
      STATE(
          "\"desired\":{\"v\":1," REF("d1") "},\"reported\":{\"v\":1," REF("d1") ",\"status\":\"Success\"}"),
      ERR_OK, "d1", GDA_SUCCESS, false },
    { "failure for it",
      STATE(
          "\"desired\":{\"v\":1," REF("d1") "},\"reported\":{\"v\":1," REF("d1") ",\"status\":\"Failure\"}"),
      ERR_OK, "d1", GDA_FAILURE, false },
    { "success for another",
      STATE(
          "\"desired\":{\"v\":1," REF("d2") "},\"reported\":{\"v\":1," REF("d1") ",\"status\":\"Success\"}"),
      ERR_OK, "d2", GDA_SUCCESS, true },
    { "members we do not know (EC-1)", STATE("\"desired\":{\"v\":1,\"new\":{}," REF("d1") "}"), ERR_OK, "d1",
      GDA_NONE, true },
    { "a broken reported state counts as none",
      STATE("\"desired\":{\"v\":1," REF("d1") "},\"reported\":{\"v\":7}"), ERR_OK, "d1", GDA_NONE, true },
    { "version 2 (EC-1)", STATE("\"desired\":{\"v\":2," REF("d1") "}"), ERR_INVALID, NULL, GDA_NONE, false },
    { "version 0", STATE("\"desired\":{\"v\":0," REF("d1") "}"), ERR_INVALID, NULL, GDA_NONE, false },
    { "no version (EC-1)", STATE("\"desired\":{" REF("d1") "}"), ERR_INVALID, NULL, GDA_NONE, false },
    { "version is text", STATE("\"desired\":{\"v\":\"1\"," REF("d1") "}"), ERR_INVALID, NULL, GDA_NONE,
      false },
    { "an id that is a path", STATE("\"desired\":{\"v\":1," REF("../x") "}"), ERR_INVALID, NULL, GDA_NONE,
      false },
    { "an empty id", STATE("\"desired\":{\"v\":1," REF("") "}"), ERR_INVALID, NULL, GDA_NONE, false },
    { "no state", "{}", ERR_INVALID, NULL, GDA_NONE, false },
    { "no JSON", "state", ERR_INVALID, NULL, GDA_NONE, false },
};

static void each_get(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(gets); i++) {
        struct gda_ref desired = { .deployment_id = "untouched" };
        struct gda_report reported = { .status = GDA_FAILURE };
        struct problem why = { "" };
        err_t e = gda_parse_get(slice_str(gets[i].text), &desired, &reported, &why);
        print_message("  %s\n", gets[i].what);
        assert_int_equal(e, gets[i].want);
        assert_string_equal(desired.deployment_id, e ? "untouched" : gets[i].desired);
        assert_int_equal(reported.status, e ? GDA_FAILURE : gets[i].status);
        if (!e)
            assert_int_equal(gda_should_start(&desired, &reported), gets[i].start);
        else
            assert_true(why.text[0] != '\0');
    }
}

static struct gda_report a_report(enum gda_status s)
{
    struct gda_report r = { .ref = { "d1", "g1", "v1", "NewDeployment" },
                            .status = s,
                            .message = "disk \"full\"" };

    return r;
}

static void written_documents(void **state)
{
    struct gda_report ok = a_report(GDA_SUCCESS), bad = a_report(GDA_FAILURE);
    autobuf a = BUF_INIT(2000), b = BUF_INIT(2000), c = BUF_INIT(2000);

    (void)state;
    assert_int_equal(gda_write_status(&a, &ok), ERR_OK);
    assert_string_equal(buf_str(&a), "{\"v\":1,\"status\":\"Success\"}");
    assert_int_equal(gda_write_status(&b, &bad), ERR_OK);
    assert_string_equal(buf_str(&b),
                        "{\"v\":1,\"status\":\"Failure\",\"errorMessage\":\"disk \\\"full\\\"\"}");
    assert_int_equal(gda_write_reported(&c, &ok, "tok"), ERR_OK);
    /* errorMessage of an earlier failure is deleted: a shadow merges */
    assert_string_equal(
        buf_str(&c),
        "{\"state\":{\"reported\":{\"v\":1,\"deploymentId\":\"d1\",\"deploymentType\":\"NewDeployment\","
        "\"groupId\":\"g1\",\"groupVersionId\":\"v1\",\"status\":\"Success\",\"errorMessage\":null}},"
        "\"clientToken\":\"tok\"}");
}

static void saved_comes_back(void **state)
{
    (void)state;
    for (int s = GDA_IN_PROGRESS; s <= GDA_FAILURE; s++) {
        struct gda_report in = a_report((enum gda_status)s), out = { 0 };
        autobuf text = BUF_INIT(2000);
        assert_int_equal(gda_write_saved(&text, &in), ERR_OK);
        assert_int_equal(gda_parse_saved(buf_slice(&text), &out), ERR_OK);
        assert_int_equal(out.status, in.status);
        assert_memory_equal(&out.ref, &in.ref, sizeof(in.ref));
        assert_string_equal(out.message, s == GDA_FAILURE ? in.message : "");
        for (size_t n = 0; n < text.n; n++) {
            struct gda_report untouched = { .status = GDA_NONE };
            assert_int_equal(gda_parse_saved(slice_of(text.p, n), &untouched), ERR_INVALID);
            assert_int_equal(untouched.status, GDA_NONE);
        }
    }
}

static void answers(void **state)
{
    char token[GDA_ID_MAX], message[GDA_MESSAGE_MAX];
    int64_t code = -1;

    (void)state;
    assert_int_equal(
        gda_parse_answer(SLICE_LIT("{\"code\":404,\"message\":\"No shadow\",\"clientToken\":\"t\"}"), token,
                         &code, message),
        ERR_OK);
    assert_int_equal(code, 404);
    assert_string_equal(token, "t");
    assert_string_equal(message, "No shadow");
    assert_int_equal(gda_parse_answer(SLICE_LIT("[]"), token, &code, message), ERR_INVALID);
    assert_int_equal(code, 404);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_get),
        cmocka_unit_test(written_documents),
        cmocka_unit_test(saved_comes_back),
        cmocka_unit_test(answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
