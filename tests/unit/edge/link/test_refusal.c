/* The cloud's word on why it closes: EC-17. */
#include "../../cm.h"
#include "base/mem.h"
#include "edge/link/refusal.h"

static const struct {
    const char *text;
    err_t want;
} cases[] = {
    { "{\"v\":1,\"certificateId\":\"x\",\"status\":\"INACTIVE\",\"connect\":\"refused\",\"message\":\"it is "
      "INACTIVE\"}",
      ERR_OK },
    { "{\"v\":1,\"status\":\"ACTIVE\",\"connect\":\"allowed\",\"message\":\"\"}", ERR_NOT_FOUND },
    { "{\"v\":1,\"connect\":\"refused\",\"message\":\"\"}", ERR_NOT_FOUND },
    { "{\"v\":1,\"connect\":\"refused\"}", ERR_NOT_FOUND },
    { "{\"v\":1}", ERR_NOT_FOUND },
    { "{\"v\":2,\"connect\":\"refused\",\"message\":\"it is INACTIVE\"}", ERR_INVALID },
    { "{\"connect\":\"refused\",\"message\":\"it is INACTIVE\"}", ERR_INVALID },
    { "[]", ERR_INVALID },
    { "<html>", ERR_INVALID },
    { "", ERR_INVALID },
};

static void each_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct problem p = { "untouched" };
        print_message("  %s\n", cases[i].text);
        assert_int_equal(refusal_parse(slice_str(cases[i].text), &p), cases[i].want);
        assert_string_equal(p.text, cases[i].want ? "untouched" : "it is INACTIVE");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(each_case) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
