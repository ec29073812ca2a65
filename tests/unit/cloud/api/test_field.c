#include "../fixture.h"
#include "base/mem.h"
#include "cloud/api/field.h"

static bool no_blank(const char *s)
{
    return !strchr(s, ' ');
}

static const char *const colours[] = { "RED", "BLUE", NULL };
static const struct api_field fields[] = {
    { "text", API_TEXT, 1, 3, .ok = no_blank, .required = true },
    { "number", API_INT, -1, 1 },
    { "colour", API_ENUM, .values = colours },
    { "flag", API_BOOL },
    { "object", API_OBJECT },
    { "list", API_LIST },
};

/* The members that were taken from `body`, as text; "refused" for an InvalidRequestException. */
static void taken(const char *body, bool creation, const char *want)
{
    struct api_call c = { 0 };
    auto_json *in = NULL, *out = json_object();
    autobuf text = BUF_INIT(1024);

    assert_int_equal(json_parse(slice_str(body), 4, &in, NULL), ERR_OK);
    if (api_fields_take(&c, in, fields, ARRAY_LEN(fields), creation, out)) {
        assert_int_equal(c.error, API_INVALID_REQUEST);
        assert_string_equal(want, "refused");
        return;
    }
    assert_int_equal(json_write(&text, out, 0), ERR_OK);
    assert_string_equal(buf_str(&text), want);
}

static void what_is_right_is_taken(void **state)
{
    (void)state;
    taken("{\"text\":\"\xc3\xa4\xc3\xb6\xc3\xbc\",\"other\":1}", true,
          "{\"text\":\"\xc3\xa4\xc3\xb6\xc3\xbc\"}");
    taken("{\"number\":-1}", false, "{\"number\":-1}");
    taken("{\"colour\":\"BLUE\",\"flag\":null}", false, "{\"colour\":\"BLUE\"}");
    taken("{\"flag\":false,\"object\":{},\"list\":[]}", false, "{\"flag\":false,\"object\":{},\"list\":[]}");
    taken("{}", false, "{}");
}

static void what_is_wrong_is_refused(void **state)
{
    static const char *const wrong[] = { "{\"text\":\"\"}",  "{\"text\":\"abcd\"}", "{\"text\":\"a b\"}",
                                         "{\"text\":1}",     "{\"number\":2}",      "{\"number\":-2}",
                                         "{\"number\":1.0}", "{\"number\":\"1\"}",  "{\"colour\":\"red\"}",
                                         "{\"colour\":1}",   "{\"flag\":\"true\"}", "{\"object\":[]}",
                                         "{\"list\":{}}",    "{\"object\":\"\"}" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        taken(wrong[i], false, "refused");
    taken("{}", true, "refused");
    taken("{\"text\":null}", true, "refused");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_right_is_taken),
        cmocka_unit_test(what_is_wrong_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
