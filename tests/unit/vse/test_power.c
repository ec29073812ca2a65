/* The power switch: how many bytes get through. */
#include "../cm.h"
#include "vse/power.h"

#include <sys/wait.h>
#include <unistd.h>

static void without_a_limit_everything_is_counted(void **state)
{
    bool cut = true;
    (void)state;

    assert_int_equal(vse_power_storage(100, &cut), 100);
    assert_false(cut);
    assert_int_equal(vse_power_storage_bytes(), 100);
    assert_int_equal(vse_power_bus_bytes(), 0);
}

static void the_limit(void **state)
{
    bool cut = true;
    (void)state;

    vse_power_cut_bus(10);
    assert_int_equal(vse_power_bus(0, &cut), 0);
    assert_false(cut);
    assert_int_equal(vse_power_bus(9, &cut), 9);
    assert_false(cut);
    assert_int_equal(vse_power_bus(5, &cut), 1);
    assert_true(cut);
    assert_int_equal(vse_power_bus_bytes(), 10);
    vse_power_cut_storage(20); /* from now on */
    assert_int_equal(vse_power_storage(20, &cut), 20);
    assert_true(cut); /* after the last of them */
}

static void off_is_off(void **state)
{
    int status = 0;
    pid_t child = fork();
    (void)state;

    if (child == 0)
        vse_power_off();
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), VSE_POWER_EXIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_limit_everything_is_counted),
        cmocka_unit_test(the_limit),
        cmocka_unit_test(off_is_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
