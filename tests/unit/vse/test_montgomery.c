/* RFC 7748 through the wire's byte order is in tests/integration/test_vse_curves.py; here is what a command
 * does not reach. */
#include "../cm.h"
#include "base/mem.h"
#include "vse/montgomery.h"

static const struct {
    uint8_t curve;
    size_t n;
} curves[] = { { SE_CURVE_X25519, VSE_X25519_KEY }, { SE_CURVE_X448, VSE_X448_KEY } };

static struct vse_object *pair(uint8_t curve)
{
    struct vse_object *o = vse_object_new(1, SE_TYPE_EC_PAIR);

    assert_non_null(o);
    o->curve = curve;
    assert_int_equal(vse_montgomery_generate(o), ERR_OK);
    return o;
}

static void two_sides_agree(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(curves); i++) {
        auto_object *a = pair(curves[i].curve), *b = pair(curves[i].curve);
        autobuf ab = BUF_INIT(56), ba = BUF_INIT(56);

        assert_int_equal(vse_montgomery_check(a), ERR_OK);
        assert_int_equal(vse_montgomery_shared(a, vse_object_part(b, VSE_EC_PUBLIC), &ab), ERR_OK);
        assert_int_equal(vse_montgomery_shared(b, vse_object_part(a, VSE_EC_PUBLIC), &ba), ERR_OK);
        assert_int_equal(ab.n, curves[i].n);
        assert_true(slice_eq(buf_slice(&ab), buf_slice(&ba)));
    }
}

static void refused(void **state)
{
    static const uint8_t zeros[VSE_X448_KEY + 1];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(curves); i++) {
        auto_object *o = pair(curves[i].curve), *empty = vse_object_new(2, SE_TYPE_EC_PAIR);
        autobuf out = BUF_INIT(56);

        empty->curve = curves[i].curve;
        assert_int_equal(vse_montgomery_shared(empty, slice_of(zeros, curves[i].n), &out), ERR_WRONG_STATE);
        assert_int_equal(vse_montgomery_check(empty), ERR_WRONG_STATE);
        assert_int_equal(vse_montgomery_shared(o, slice_of(zeros, curves[i].n), &out), ERR_INVALID);
        assert_int_equal(vse_montgomery_shared(o, slice_of(zeros, curves[i].n - 1), &out), ERR_INVALID);
        assert_int_equal(vse_montgomery_shared(o, slice_of(zeros, curves[i].n + 1), &out), ERR_INVALID);
        assert_int_equal(out.n, 0);
        o->part[VSE_EC_PUBLIC].p[3] ^= 1;
        assert_int_equal(vse_montgomery_check(o), ERR_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_sides_agree),
        cmocka_unit_test(refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
