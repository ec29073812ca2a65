#include "../cm.h"
#include "base/buf.h"

static void cap_is_met_and_contents_stay(void **state)
{
    autobuf b = BUF_INIT(5);

    assert_int_equal(buf_add_str(&b, "12345"), ERR_OK);
    assert_int_equal(buf_add_u8(&b, '6'), ERR_TOO_BIG);
    assert_int_equal(buf_printf(&b, "%d", 1), ERR_TOO_BIG);
    assert_string_equal(buf_str(&b), "12345");
    assert_int_equal(buf_reserve(&b, SIZE_MAX), ERR_TOO_BIG);
}

static void integers_are_big_endian(void **state)
{
    autobuf b = BUF_INIT(100);

    assert_int_equal(buf_add_be16(&b, 0x0102), ERR_OK);
    assert_int_equal(buf_add_be32(&b, 0x03040506), ERR_OK);
    assert_int_equal(buf_add_be64(&b, 0x0708090a0b0c0d0e), ERR_OK);
    for (uint8_t i = 0; i < 14; i++)
        assert_int_equal(b.p[i], i + 1);
}

static void drop_and_cut(void **state)
{
    autobuf b = BUF_SECRET(100);

    assert_int_equal(buf_add_str(&b, "abcdef"), ERR_OK);
    buf_drop(&b, 2);
    assert_string_equal(buf_str(&b), "cdef");
    buf_cut(&b, 1);
    assert_string_equal(buf_str(&b), "c");
    assert_int_equal(b.p[1], 0); /* the cut tail of a secret is wiped */
    assert_int_equal(b.p[2], 0);
    buf_clear(&b);
    assert_int_equal(b.n, 0);
    for (size_t i = 0; i < b.room; i++)
        assert_int_equal(b.p[i], 0);
}

static void grows_past_its_first_room(void **state)
{
    autobuf b = BUF_SECRET(100000);

    for (int i = 0; i < 10000; i++)
        assert_int_equal(buf_add_u8(&b, (uint8_t)i), ERR_OK);
    for (int i = 0; i < 10000; i++)
        assert_int_equal(b.p[i], (uint8_t)i);
    assert_int_equal(b.p[b.n], 0);
}

static void steals_a_string(void **state)
{
    autobuf b = BUF_INIT(10);
    autofree char *empty = buf_steal_str(&b);
    assert_string_equal(empty, "");
    assert_int_equal(buf_add_str(&b, "x"), ERR_OK);
    autofree char *x = buf_steal_str(&b);
    assert_string_equal(x, "x");
    assert_null(b.p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cap_is_met_and_contents_stay),
        cmocka_unit_test(integers_are_big_endian),
        cmocka_unit_test(drop_and_cut),
        cmocka_unit_test(grows_past_its_first_room),
        cmocka_unit_test(steals_a_string),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
