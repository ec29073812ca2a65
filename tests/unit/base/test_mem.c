#include "../cm.h"
#include "base/mem.h"

static void grow_doubles_to_the_cap(void **state)
{
    uint32_t *v = NULL;
    size_t cap = 0;

    assert_int_equal(mem_grow(&v, &cap, 1, 20, sizeof(*v)), ERR_OK);
    assert_true(cap >= 1);
    v[0] = 7;
    assert_int_equal(mem_grow(&v, &cap, 20, 20, sizeof(*v)), ERR_OK);
    assert_int_equal(cap, 20);
    assert_int_equal(v[0], 7);
    assert_int_equal(v[19], 0);
    assert_int_equal(mem_grow(&v, &cap, 21, 20, sizeof(*v)), ERR_TOO_BIG);
    assert_int_equal(cap, 20);
    free(v);
}

static void strings(void **state)
{
    autofree char *a = mem_str(SLICE_LIT("abc"));
    autofree char *nul = mem_str(SLICE_LIT("a\0c"));
    autofree char *p = mem_printf("%d-%s", 1, "x");

    assert_string_equal(a, "abc");
    assert_null(nul);
    assert_string_equal(p, "1-x");
    assert_true(mem_eq_ct("abc", "abc", 3));
    assert_false(mem_eq_ct("abc", "abd", 3));
}

static void steal_moves(void **state)
{
    char *p = mem_strdup("x");
    autofree char *q = steal(&p);
    assert_null(p);
    assert_string_equal(q, "x");
    int fd = 5;
    assert_int_equal(steal_fd(&fd), 5);
    assert_int_equal(fd, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(grow_doubles_to_the_cap), cmocka_unit_test(strings),
                                        cmocka_unit_test(steal_moves) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
