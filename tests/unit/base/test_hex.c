#include "../cm.h"
#include "base/hex.h"

/* RFC 4648 section 10. */
static const struct {
    const char *plain, *b64, *hex;
} vectors[] = {
    { "", "", "" },
    { "f", "Zg==", "66" },
    { "fo", "Zm8=", "666f" },
    { "foo", "Zm9v", "666f6f" },
    { "foob", "Zm9vYg==", "666f6f62" },
    { "fooba", "Zm9vYmE=", "666f6f6261" },
    { "foobar", "Zm9vYmFy", "666f6f626172" },
};

static void rfc4648(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        autobuf b = BUF_INIT(100), h = BUF_INIT(100), db = BUF_INIT(100), dh = BUF_INIT(100);
        assert_int_equal(base64_encode(&b, slice_str(vectors[i].plain)), ERR_OK);
        assert_string_equal(buf_str(&b), vectors[i].b64);
        assert_int_equal(base64_decode(&db, slice_str(vectors[i].b64)), ERR_OK);
        assert_string_equal(buf_str(&db), vectors[i].plain);
        assert_int_equal(hex_encode(&h, slice_str(vectors[i].plain)), ERR_OK);
        assert_string_equal(buf_str(&h), vectors[i].hex);
        assert_int_equal(hex_decode(&dh, slice_str(vectors[i].hex)), ERR_OK);
        assert_string_equal(buf_str(&dh), vectors[i].plain);
    }
}

static void refused_and_untouched(void **state)
{
    static const char *const bad64[] = { "Z",    "Zg",    "Zg=",  "Zg===",    "Zh==", "Zm9=",
                                         "Zm 9", "Zm9v=", "====", "Zg==Zg==", "Zm9\n" };
    static const char *const badhex[] = { "0", "0g", "0x00", " 00", "00 " };
    autobuf b = BUF_INIT(100);

    assert_int_equal(buf_add_str(&b, "keep"), ERR_OK);
    for (size_t i = 0; i < ARRAY_LEN(bad64); i++)
        assert_int_equal(base64_decode(&b, slice_str(bad64[i])), ERR_INVALID);
    for (size_t i = 0; i < ARRAY_LEN(badhex); i++)
        assert_int_equal(hex_decode(&b, slice_str(badhex[i])), ERR_INVALID);
    assert_string_equal(buf_str(&b), "keep");
}

static void upper_case(void **state)
{
    autobuf b = BUF_INIT(100);
    assert_int_equal(hex_encode_upper(&b, SLICE_LIT("\xab\xcd")), ERR_OK);
    assert_string_equal(buf_str(&b), "ABCD");
    char out[5];
    hex_str(out, SLICE_LIT("\xab\xcd"));
    assert_string_equal(out, "abcd");
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(rfc4648), cmocka_unit_test(refused_and_untouched),
                                        cmocka_unit_test(upper_case) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
