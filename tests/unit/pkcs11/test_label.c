#include "../cm.h"
#include "pkcs11/label.h"

static const struct {
    const char *label;
    bool is_id;
    uint32_t id;
} cases[] = {
    { "sss:20181001", true, 0x20181001 },
    { "sss:0x20181001", true, 0x20181001 },
    { "SSS:0X2018ABCD", true, 0x2018abcd },
    { "sss:ef000001", true, 0xef000001 },
    { "sss:1", true, 1 },
    { "sss:ffffffff", true, 0xffffffff },
    { "sss:", false, 0 },
    { "sss:0x", false, 0 },
    { "sss:123456789", false, 0 },
    { "sss:0x123456789", false, 0 },
    { "sss:2018100g", false, 0 },
    { "sss: 2018100", false, 0 },
    { "sss20181001", false, 0 },
    { "20181001", false, 0 },
    { "", false, 0 },
};

static void each_label(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint32_t id = 0xeeeeeeee;
        print_message("  \"%s\"\n", cases[i].label);
        assert_int_equal(p11_label_is_id(slice_str(cases[i].label), &id), cases[i].is_id);
        assert_int_equal(id, cases[i].is_id ? cases[i].id : 0xeeeeeeee);
    }
}

static void labels_read_back(void **state)
{
    static const uint32_t ids[] = { 1, 0x20181001, 0xffffffff };

    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        char text[P11_LABEL_LEN + 1];
        uint32_t id = 0;
        p11_label_of(ids[i], text);
        assert_int_equal(strlen(text), P11_LABEL_LEN);
        assert_true(p11_label_is_id(slice_str(text), &id));
        assert_int_equal(id, ids[i]);
    }
}

/* se050.md 7.2: the last four bytes of SHA-512("iotkey"), by sha512sum. */
static void other_labels_are_hashed(void **state)
{
    struct p11_ossl *o = p11_ossl_new();
    uint32_t id = 0;

    assert_int_equal(p11_label_to_id(o, SLICE_LIT("iotkey"), &id), ERR_OK);
    assert_int_equal(id, 0xc702dbc7);
    assert_int_equal(p11_label_to_id(o, SLICE_LIT("sss:20181001"), &id), ERR_OK);
    assert_int_equal(id, 0x20181001);
    assert_int_equal(p11_label_to_id(o, SLICE_LIT(""), &id), ERR_INVALID);
    assert_int_equal(id, 0x20181001);
    p11_ossl_free(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_label),
        cmocka_unit_test(labels_read_back),
        cmocka_unit_test(other_labels_are_hashed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
