/* Failures in words: fit for a terminal and for JSON, whatever they quote. */
#include "../cm.h"
#include "base/utf8.h"
#include "edge/problem.h"

#include <string.h>

static void text_is_clean(void **state)
{
    struct problem p;

    (void)state;
    assert_int_equal(problem_set(&p, ERR_IO, "a\n\tb\x1b[31m %s", "gr\xc3\xbcn"), ERR_IO);
    assert_string_equal(p.text, "a  b [31m gr\xc3\xbcn");
    assert_int_equal(problem_set(&p, ERR_OK, "bad \xff%s", "!"), ERR_OK);
    assert_string_equal(p.text, "bad ?!");
    assert_int_equal(problem_set(NULL, ERR_AUTH, "nobody reads this"), ERR_AUTH);
}

/* Cut in the middle of a character it must still be UTF-8: it goes into JSON. */
static void cut_text_is_utf8(void **state)
{
    char long_text[2 * PROBLEM_MAX];
    struct problem p;

    (void)state;
    for (size_t lead = 0; lead < 2; lead++) {
        memset(long_text, 'x', lead);
        for (size_t i = lead; i + 2 < sizeof(long_text); i += 2)
            memcpy(long_text + i, "\xc3\xbc", 3);
        assert_int_equal(problem_set(&p, ERR_IO, "%s", long_text), ERR_IO);
        assert_int_equal(strlen(p.text), PROBLEM_MAX - 1);
        assert_true(utf8_valid(slice_str(p.text)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(text_is_clean), cmocka_unit_test(cut_text_is_utf8) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
