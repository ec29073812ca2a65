/* Objects: their stored form, their table. */
#include "../cm.h"
#include "base/mem.h"
#include "vse/object.h"

enum { LATER = 2 + 4 + 2 + 2 }; /* bytes of the fields that came later */

static struct vse_object *sample(void)
{
    struct vse_object *o = vse_object_new(7, SE_TYPE_BINARY);

    assert_non_null(o);
    o->size = 5;
    o->version = 0x01020304;
    o->max_attempts = 3;
    o->auth = true;
    o->attempts = 2;
    o->owner = 0x7da00001;
    o->min_tag = 12;
    o->min_output = 8;
    assert_int_equal(buf_add(&o->policy, SLICE_LIT("\x08\x00\x00\x00\x00\x10\x00\x00\x00")), ERR_OK);
    assert_int_equal(vse_object_set(o, VSE_DATA, SLICE_LIT("hello")), ERR_OK);
    return o;
}

static void stored_and_read_back(void **state)
{
    auto_object *o = sample(), *copy = vse_object_copy(o), *back = NULL;
    autobuf bytes = BUF_INIT(1000), again = BUF_INIT(1000);
    (void)state;

    assert_int_equal(vse_object_encode(copy, &bytes), ERR_OK);
    assert_int_equal(vse_object_decode(7, buf_slice(&bytes), &back), ERR_OK);
    assert_int_equal(vse_object_encode(back, &again), ERR_OK);
    assert_true(slice_eq(buf_slice(&bytes), buf_slice(&again)));
    assert_true(vse_object_sound(back) && back->auth && back->version == 0x01020304 &&
                back->max_attempts == 3);
    assert_true(back->attempts == 2 && back->owner == 0x7da00001 && back->min_tag == 12 &&
                back->min_output == 8);
    for (size_t n = 0; n < bytes.n; n++) { /* every prefix is refused, and the output untouched */
        if (n == bytes.n - LATER)
            continue; /* but for the form of old, below */
        autofree uint8_t *cut = mem_dup(bytes.p, n);
        struct vse_object *never = (struct vse_object *)1;
        assert_int_equal(vse_object_decode(7, slice_of(cut, n), &never), ERR_CORRUPT);
        assert_ptr_equal(never, (struct vse_object *)1);
    }
    assert_int_equal(buf_add_u8(&bytes, 0), ERR_OK);
    assert_int_equal(vse_object_decode(7, buf_slice(&bytes), &back), ERR_CORRUPT);
}

/* What was written before attempts, owner and the minima were known. */
static void an_older_form_is_read(void **state)
{
    auto_object *o = sample(), *back = NULL;
    autobuf bytes = BUF_INIT(1000);
    (void)state;

    assert_int_equal(vse_object_encode(o, &bytes), ERR_OK);
    assert_int_equal(vse_object_decode(7, slice_head(buf_slice(&bytes), bytes.n - LATER), &back), ERR_OK);
    assert_true(vse_object_sound(back) && back->max_attempts == 3);
    assert_true(back->attempts == 0 && back->owner == 0 && back->min_tag == 0 && back->min_output == 0);
}

static void of_a_transient_one_only_the_entry_is_stored(void **state)
{
    auto_object *o = sample(), *back = NULL;
    autobuf bytes = BUF_INIT(1000);
    (void)state;

    o->transient = true;
    assert_int_equal(vse_object_encode(o, &bytes), ERR_OK);
    assert_null(memmem(bytes.p, bytes.n, "hello", 5));
    assert_int_equal(vse_object_decode(7, buf_slice(&bytes), &back), ERR_OK);
    assert_true(vse_object_sound(back) && back->transient && back->size == 5);
    assert_true(vse_object_size(o) < VSE_OBJECT_OVERHEAD + 5 + 9);
}

static void numbers_have_a_width(void **state)
{
    auto_object *o = vse_object_new(1, SE_TYPE_EC_PAIR);
    (void)state;

    assert_int_equal(vse_object_set_number(o, 0, SLICE_LIT("\x00\x00\x01\x02"), 3), ERR_OK);
    assert_true(slice_eq(vse_object_part(o, 0), SLICE_LIT("\x00\x01\x02")));
    assert_int_equal(vse_object_set_number(o, 0, SLICE_LIT("\x01\x02\x03\x04"), 3), ERR_TOO_BIG);
    assert_true(slice_eq(vse_object_part(o, 0), SLICE_LIT("\x00\x01\x02")));
    assert_int_equal(vse_object_set_number(o, 0, SLICE_LIT(""), 2), ERR_OK);
    assert_true(slice_eq(vse_object_part(o, 0), SLICE_LIT("\x00\x00")));
}

static void soundness(void **state)
{
    static const struct {
        uint8_t type, curve;
        uint16_t size;
        bool sound;
    } cases[] = {
        { SE_TYPE_EC_PAIR, SE_CURVE_P256, 0, true },
        { SE_TYPE_EC_PAIR, 0, 0, false },
        { SE_TYPE_EC_PUBLIC, SE_CURVE_WEIERSTRASS_COUNT + 1, 0, false },
        { SE_TYPE_RSA_PAIR, 0, 2048, true },
        { SE_TYPE_RSA_PAIR, 0, 2047, false },
        { SE_TYPE_RSA_PAIR, SE_CURVE_P256, 2048, false },
        { SE_TYPE_BINARY, 0, 0, true },
        { SE_TYPE_BINARY, 0, 1, false }, /* a size and no bytes */
        { SE_TYPE_AES, 0, 0, false },
        { 0, 0, 0, false },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        auto_object *o = vse_object_new(1, cases[i].type);
        o->curve = cases[i].curve;
        o->size = cases[i].size;
        assert_int_equal(vse_object_sound(o), cases[i].sound);
    }
}

static void value_sizes(void **state)
{
    static const struct {
        uint8_t type;
        size_t bytes;
        bool valid;
    } cases[] = {
        { SE_TYPE_AES, 15, false },
        { SE_TYPE_AES, 16, true },
        { SE_TYPE_AES, 20, false },
        { SE_TYPE_AES, 24, true },
        { SE_TYPE_AES, 32, true },
        { SE_TYPE_AES, 40, false },
        { SE_TYPE_DES, 0, false },
        { SE_TYPE_DES, 8, true },
        { SE_TYPE_DES, 24, true },
        { SE_TYPE_DES, 32, false },
        { SE_TYPE_HMAC, 0, false },
        { SE_TYPE_HMAC, 256, true },
        { SE_TYPE_HMAC, 257, false },
        { SE_TYPE_USERID, 3, false },
        { SE_TYPE_USERID, 4, true },
        { SE_TYPE_USERID, 16, true },
        { SE_TYPE_USERID, 17, false },
        { SE_TYPE_COUNTER, 8, true },
        { SE_TYPE_COUNTER, 9, false },
        { SE_TYPE_PCR, 32, true },
        { SE_TYPE_PCR, 31, false },
        { SE_TYPE_BINARY, 32767, true },
        { SE_TYPE_BINARY, 32768, false },
        { SE_TYPE_EC_PAIR, 32, false },
        { 0, 1, false },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(vse_object_size_valid(cases[i].type, cases[i].bytes), cases[i].valid);
}

static void the_table(void **state)
{
    struct vse_objects t = { 0 };
    (void)state;

    for (uint32_t id = 1; id <= 100; id++) {
        assert_int_equal(vse_objects_reserve(&t), ERR_OK);
        vse_objects_put(&t, vse_object_new(id, SE_TYPE_BINARY));
    }
    vse_objects_put(&t, vse_object_new(50, SE_TYPE_RSA_PAIR)); /* in the place of the old one */
    assert_int_equal(t.n, 100);
    assert_int_equal(t.v[49]->type, SE_TYPE_RSA_PAIR);
    vse_objects_remove(&t, 1);
    vse_objects_remove(&t, 1);
    assert_int_equal(t.n, 99);
    assert_int_equal(t.v[0]->id, 2);
    assert_null(vse_objects_find(&t, 1));
    assert_int_equal(vse_objects_find(&t, 100)->id, 100);
    vse_objects_done(&t);
    assert_null(vse_objects_find(&t, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stored_and_read_back),
        cmocka_unit_test(an_older_form_is_read),
        cmocka_unit_test(value_sizes),
        cmocka_unit_test(of_a_transient_one_only_the_entry_is_stored),
        cmocka_unit_test(numbers_have_a_width),
        cmocka_unit_test(soundness),
        cmocka_unit_test(the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
