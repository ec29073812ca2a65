/* RFC 8032 through the wire's byte order is in tests/integration/test_vse_curves.py; here is what a command
 * does not reach. */
#include "../cm.h"
#include "base/mem.h"
#include "vse/edwards.h"

static struct vse_object *pair(void)
{
    struct vse_object *o = vse_object_new(1, SE_TYPE_EC_PAIR);

    assert_non_null(o);
    o->curve = SE_CURVE_ED25519;
    assert_int_equal(vse_ed25519_generate(o), ERR_OK);
    return o;
}

static void both_halves_belong_together(void **state)
{
    auto_object *o = pair();

    (void)state;
    assert_int_equal(vse_ed25519_check(o), ERR_OK);
    o->part[VSE_EC_PUBLIC].p[0] ^= 1;
    assert_int_equal(vse_ed25519_check(o), ERR_INVALID);
    assert_int_equal(vse_object_set(o, VSE_EC_PUBLIC, slice_of(o->part[VSE_EC_PUBLIC].p, 31)), ERR_OK);
    assert_int_equal(vse_ed25519_check(o), ERR_INVALID);
}

static void without_a_component(void **state)
{
    auto_object *o = vse_object_new(1, SE_TYPE_EC_PAIR);
    autobuf out = BUF_INIT(64);
    bool good = true;

    (void)state;
    assert_int_equal(vse_ed25519_sign(o, SLICE_LIT("m"), &out), ERR_WRONG_STATE);
    assert_int_equal(vse_ed25519_verify(o, SLICE_LIT("m"), SLICE_LIT("s"), &good), ERR_WRONG_STATE);
    assert_int_equal(vse_ed25519_check(o), ERR_WRONG_STATE);
    assert_int_equal(out.n, 0);
    assert_true(good);
}

static void any_changed_bit_is_no_signature(void **state)
{
    auto_object *o = pair();
    autobuf out = BUF_INIT(64);
    bool good = false;

    (void)state;
    assert_int_equal(vse_ed25519_sign(o, SLICE_LIT("m"), &out), ERR_OK);
    assert_int_equal(vse_ed25519_verify(o, SLICE_LIT("m"), buf_slice(&out), &good), ERR_OK);
    assert_true(good);
    for (size_t i = 0; i < 64; i++) {
        out.p[i] ^= 0x40;
        assert_int_equal(vse_ed25519_verify(o, SLICE_LIT("m"), buf_slice(&out), &good), ERR_OK);
        assert_false(good);
        out.p[i] ^= 0x40;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_halves_belong_together),
        cmocka_unit_test(without_a_component),
        cmocka_unit_test(any_changed_bit_is_no_signature),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
