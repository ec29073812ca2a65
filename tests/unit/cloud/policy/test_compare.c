#include "../../cm.h"

#include "base/mem.h"
#include "cloud/policy/compare.h"

static const struct {
    compare_fn fn;
    const char *have, *want;
    bool holds;
} cases[] = {
    { compare_equal, "a", "a", true },
    { compare_equal, "a", "A", false },
    { compare_equal_fold, "a", "A", true },
    { compare_num_eq, "1.0", "1", true },
    { compare_num_eq, "1", "x", false },
    { compare_num_eq, "", "", false },
    { compare_num_eq, "1x", "1", false },
    { compare_num_lt, "1", "2", true },
    { compare_num_lt, "2", "2", false },
    { compare_num_le, "2", "2", true },
    { compare_num_gt, "3", "2", true },
    { compare_num_ge, "1", "2", false },
    { compare_num_lt, "x", "2", false },
    { compare_date_lt, "2021-01-28", "2021-01-28T00:00:01Z", true },
    { compare_date_eq, "1970-01-01T00:01:00Z", "60", true },
    { compare_date_gt, "2021-02-01", "2021-01-28", true },
    { compare_date_ge, "2021-01-28", "2021-01-28", true },
    { compare_date_le, "2021-01-28x", "2021-01-28", false },
    { compare_ip, "10.0.0.1", "10.0.0.1", true },
    { compare_ip, "10.0.0.1", "10.0.0.0/8", true },
    { compare_ip, "11.0.0.1", "10.0.0.0/8", false },
    { compare_ip, "10.0.0.127", "10.0.0.0/25", true },
    { compare_ip, "10.0.0.128", "10.0.0.0/25", false },
    { compare_ip, "10.0.0.1", "0.0.0.0/0", true },
    { compare_ip, "10.0.0.1", "10.0.0.0/33", false },
    { compare_ip, "10.0.0.1", "10.0.0.0/", false },
    { compare_ip, "10.0.0.1", "10.0.0.0/-1", false },
    { compare_ip, "::1", "::/127", true },
    { compare_ip, "::2", "::/127", false },
    { compare_ip, "10.0.0.1", "::/0", false },
    { compare_ip, "x", "10.0.0.0/8", false },
};

static void each_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        print_message("  %s, %s\n", cases[i].have, cases[i].want);
        assert_int_equal(cases[i].fn(cases[i].have, cases[i].want), cases[i].holds);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(each_case) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
