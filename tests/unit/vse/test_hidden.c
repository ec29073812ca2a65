/* What the part keeps and shows nobody: sound when loaded, durable before it is used, timestamps that only go
 * up. */
#include "../cm.h"
#include "base/mem.h"
#include "vse/applet.h"

static struct vse_applet a;
static err_t nvm_says;
static unsigned nvm_calls;
static struct vse_nvm_op last;
static uint8_t last_value[64];

static err_t nvm(void *ctx, const struct vse_nvm_op *ops, size_t n)
{
    (void)ctx;
    nvm_calls++;
    assert_int_equal(n, 1);
    last = ops[0];
    assert_true(last.value.n <= sizeof(last_value));
    memcpy(last_value, last.value.p, last.value.n);
    return nvm_says;
}

static int setup(void **state)
{
    (void)state;
    nvm_says = ERR_OK;
    nvm_calls = 0;
    vse_applet_init(&a, &vse_personality_3_1, (struct vse_nvm){ NULL, nvm });
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    vse_applet_done(&a);
    return 0;
}

static void what_is_loaded_is_checked(void **state)
{
    static const uint8_t long_value[5000];
    static const struct {
        uint32_t id;
        size_t n;
        err_t want;
    } cases[] = {
        { 0, 4, ERR_CORRUPT },
        { VSE_HIDDEN_END, 4, ERR_CORRUPT },
        { UINT32_MAX, 4, ERR_CORRUPT },
        { VSE_HIDDEN_EPOCH, 3, ERR_CORRUPT },
        { VSE_HIDDEN_EPOCH, 5, ERR_CORRUPT },
        { VSE_HIDDEN_EPOCH, 4, ERR_OK },
        { VSE_HIDDEN_EXPORT_KEY, 31, ERR_CORRUPT },
        { VSE_HIDDEN_EXPORT_KEY, 33, ERR_CORRUPT },
        { VSE_HIDDEN_EXPORT_KEY, 32, ERR_OK },
        { VSE_HIDDEN_CA_KEY, 0, ERR_CORRUPT },
        { VSE_HIDDEN_CA_KEY, sizeof(long_value), ERR_CORRUPT },
        { VSE_HIDDEN_CA_KEY, 200, ERR_OK },
        { VSE_HIDDEN_CA_CERT, 400, ERR_OK },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(vse_applet_load(&a, VSE_NVM_HIDDEN, cases[i].id, slice_of(long_value, cases[i].n)),
                         cases[i].want);
}

static void timestamps_go_up(void **state)
{
    uint8_t before[VSE_TIMESTAMP], now[VSE_TIMESTAMP];

    (void)state;
    assert_int_equal(vse_timestamp_next(&a, before), ERR_OK);
    assert_int_equal(nvm_calls, 1);
    assert_int_equal(last.id, VSE_HIDDEN_EPOCH);
    assert_memory_equal(last_value, before, 4);
    for (int i = 0; i < 1000; i++) { /* many in one millisecond */
        assert_int_equal(vse_timestamp_next(&a, now), ERR_OK);
        assert_true(memcmp(now, before, sizeof(now)) > 0);
        memcpy(before, now, sizeof(now));
    }
    assert_int_equal(nvm_calls, 1); /* memory wears out */

    vse_applet_done(&a); /* the next start, with what was kept */
    (void)setup(NULL);
    assert_int_equal(vse_applet_load(&a, VSE_NVM_HIDDEN, VSE_HIDDEN_EPOCH, slice_of(last_value, 4)), ERR_OK);
    assert_int_equal(vse_timestamp_next(&a, now), ERR_OK);
    assert_true(memcmp(now, before, sizeof(now)) > 0);
    assert_int_equal(nvm_calls, 1);
}

static void nothing_is_told_that_is_not_kept(void **state)
{
    uint8_t timestamp[VSE_TIMESTAMP] = { 0xee };
    struct slice key = SLICE_LIT("untouched");

    (void)state;
    nvm_says = ERR_NO_SPACE;
    assert_int_equal(vse_timestamp_next(&a, timestamp), ERR_NO_SPACE);
    assert_int_equal(timestamp[0], 0xee);
    assert_int_equal(vse_hidden_export_key(&a, &key), ERR_NO_SPACE);
    assert_int_equal(key.n, 9);
    nvm_says = ERR_OK;
    assert_int_equal(vse_timestamp_next(&a, timestamp), ERR_OK);
    assert_int_equal(timestamp[3], 1); /* the first epoch, after all */
}

static void the_export_key_is_made_once(void **state)
{
    struct slice one, two;

    (void)state;
    assert_int_equal(vse_hidden_export_key(&a, &one), ERR_OK);
    assert_int_equal(one.n, VSE_EXPORT_KEY);
    assert_int_equal(last.id, VSE_HIDDEN_EXPORT_KEY);
    assert_memory_equal(last_value, one.p, one.n);
    assert_int_equal(vse_hidden_export_key(&a, &two), ERR_OK);
    assert_ptr_equal(one.p, two.p);
    assert_int_equal(nvm_calls, 1);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_loaded_is_checked, setup, teardown),
        cmocka_unit_test_setup_teardown(timestamps_go_up, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_is_told_that_is_not_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(the_export_key_is_made_once, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
