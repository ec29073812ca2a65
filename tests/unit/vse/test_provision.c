/* The factory: whole or not at all, once, and never over what a user has. What the keys and certificates are
 * good for is checked from outside (tests/integration/test_vse_factory.py). */
#include "../cm.h"
#include "base/mem.h"
#include "vse/provision.h"

enum { EC_OBJECTS = 13, FULL_OBJECTS = EC_OBJECTS + 8, CA_AND_CURVE = 3 };

static struct vse_applet a;
static err_t nvm_says;
static unsigned nvm_calls;
static size_t nvm_ops;

static err_t nvm(void *ctx, const struct vse_nvm_op *ops, size_t n)
{
    (void)ctx;
    (void)ops;
    nvm_calls++;
    nvm_ops = n;
    return nvm_says;
}

static int setup(void **state)
{
    (void)state;
    nvm_says = ERR_OK;
    nvm_calls = 0;
    nvm_ops = 0;
    vse_applet_init(&a, &vse_personality_3_1, (struct vse_nvm){ NULL, nvm });
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    vse_applet_done(&a);
    return 0;
}

static void all_sound(void)
{
    for (size_t i = 0; i < a.objects.n; i++) {
        assert_true(vse_object_sound(a.objects.v[i]));
        assert_int_equal(a.objects.v[i]->origin, VSE_ORIGIN_PROVISIONED);
        assert_true(a.objects.v[i]->policy.n != 0);
    }
}

static void one_set_of_changes(void **state)
{
    (void)state;
    assert_int_equal(vse_applet_provision(&a, VSE_FACTORY_EC), ERR_OK);
    assert_int_equal(nvm_calls, 1);
    assert_int_equal(nvm_ops, EC_OBJECTS + CA_AND_CURVE);
    assert_int_equal(a.objects.n, EC_OBJECTS);
    assert_int_equal(a.curves[SE_CURVE_P256], VSE_CURVE_CREATED | SE_CURVE_PARAM_ALL);
    all_sound();
    assert_int_equal(vse_applet_provision(&a, VSE_FACTORY_EC), ERR_OK);
    assert_int_equal(nvm_calls, 1);
}

static void more_may_come_later(void **state)
{
    (void)state;
    assert_int_equal(vse_applet_provision(&a, VSE_FACTORY_EC), ERR_OK);
    assert_int_equal(vse_applet_provision(&a, VSE_FACTORY_FULL), ERR_OK);
    assert_int_equal(nvm_ops, FULL_OBJECTS - EC_OBJECTS); /* the CA is that of before */
    assert_int_equal(a.objects.n, FULL_OBJECTS);
    all_sound();
}

static void nothing_when_memory_fails(void **state)
{
    static const err_t fails[] = { ERR_NO_SPACE, ERR_IO, ERR_NOMEM };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(fails); i++) {
        nvm_says = fails[i];
        assert_int_equal(vse_applet_provision(&a, VSE_FACTORY_FULL), fails[i]);
        assert_int_equal(a.objects.n, 0);
        assert_int_equal(a.curves[SE_CURVE_P256], 0);
        assert_int_equal(a.hidden.kept[VSE_HIDDEN_CA_KEY].n, 0);
    }
}

static void the_users_objects_stay_his(void **state)
{
    struct vse_object *mine = vse_object_new(0xf0000100, SE_TYPE_BINARY);

    (void)state;
    mine->size = 1;
    assert_int_equal(vse_object_set(mine, VSE_DATA, SLICE_LIT("x")), ERR_OK);
    assert_int_equal(vse_objects_reserve(&a.objects), ERR_OK);
    vse_objects_put(&a.objects, mine);
    assert_int_equal(vse_applet_provision(&a, VSE_FACTORY_EC), ERR_OK);
    assert_ptr_equal(vse_objects_find(&a.objects, 0xf0000100), mine);
    assert_null(vse_objects_find(&a.objects, 0xf0000101)); /* no certificate for it */
    assert_non_null(vse_objects_find(&a.objects, 0xf0000103));
    assert_int_equal(a.objects.n, EC_OBJECTS - 1);
}

static void ripening(void **state)
{
    (void)state;
    assert_int_equal(vse_applet_provision(&a, VSE_FACTORY_FULL), ERR_OK);
    assert_int_equal(vse_provision_ripen(&a, SE_ID_UNIQUE_ID), ERR_OK);
    assert_int_equal(vse_provision_ripen(&a, 0xf0000101), ERR_OK);
    assert_int_equal(vse_provision_ripen(&a, 0x12345678), ERR_OK);
    assert_int_equal(nvm_calls, 1); /* nothing to do for these */
    nvm_says = ERR_NO_SPACE;
    assert_int_equal(vse_provision_ripen(&a, 0xf0000111), ERR_NO_SPACE);
    assert_int_equal(vse_objects_find(&a.objects, 0xf0000111)->size, 0);
    nvm_says = ERR_OK;
    assert_int_equal(vse_provision_ripen(&a, 0xf0000111), ERR_OK); /* by the certificate's id */
    assert_int_equal(nvm_ops, 2);
    assert_int_equal(vse_object_part(vse_objects_find(&a.objects, 0xf0000110), VSE_RSA_N).n, 256);
    assert_true(vse_objects_find(&a.objects, 0xf0000111)->size > 300);
    assert_int_equal(vse_provision_ripen(&a, 0xf0000110), ERR_OK);
    assert_int_equal(nvm_calls, 3); /* once is enough */
    all_sound();
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_set_of_changes, setup, teardown),
        cmocka_unit_test_setup_teardown(more_may_come_later, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_when_memory_fails, setup, teardown),
        cmocka_unit_test_setup_teardown(the_users_objects_stay_his, setup, teardown),
        cmocka_unit_test_setup_teardown(ripening, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
