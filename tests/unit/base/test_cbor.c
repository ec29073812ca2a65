/* base/cbor.c: the examples of RFC 8949 appendix A, what is refused, every prefix, every cap. */
#include "../cm.h"
#include "base/cbor.h"
#include "base/hex.h"

static const struct cbor_limits wide = { CBOR_DEPTH_MAX, 1000 };

/* clang-format off */
/* RFC 8949 appendix A, in its order: bytes, and what they are in JSON (NULL: JSON has no word for it). The
 * simple values (f0, f8ff) are not well formed for libcbor. `again`: we write the same bytes. */
static const struct {
    const char *hex, *json;
    bool again;
} appendix_a[] = {
    { "00", "0", true }, { "01", "1", true }, { "0a", "10", true }, { "17", "23", true }, { "1818", "24", true },
    { "1819", "25", true }, { "1864", "100", true }, { "1903e8", "1000", true }, { "1a000f4240", "1000000", true },
    { "1b000000e8d4a51000", "1000000000000", true }, { "1bffffffffffffffff", NULL }, { "c249010000000000000000", NULL },
    { "3bffffffffffffffff", NULL }, { "c349010000000000000000", NULL }, { "20", "-1", true }, { "29", "-10", true },
    { "3863", "-100", true }, { "3903e7", "-1000", true }, { "f90000", "0.0" }, { "f98000", "-0.0" }, { "f93c00", "1.0" },
    { "fb3ff199999999999a", "1.1", true }, { "f93e00", "1.5" }, { "f97bff", "65504.0" }, { "fa47c35000", "100000.0" },
    { "fa7f7fffff", "3.4028234663852886e+38" }, { "fb7e37e43c8800759c", "1.0e+300", true }, { "f90001", "5.960464477539063e-8" },
    { "f90400", "6.103515625e-05" }, { "f9c400", "-4.0" }, { "fbc010666666666666", "-4.1", true }, { "f97c00", NULL },
    { "f97e00", NULL }, { "f9fc00", NULL }, { "fa7f800000", NULL }, { "fb7ff8000000000000", NULL }, { "f4", "false", true },
    { "f5", "true", true }, { "f6", "null", true }, { "f7", NULL },
    { "c074323031332d30332d32315432303a30343a30305a", "\"2013-03-21T20:04:00Z\"" }, { "c11a514b67b0", "1363896240" },
    { "c1fb41d452d9ec200000", "1363896240.5" }, { "d74401020304", NULL }, { "d818456449455446", NULL },
    { "d82076687474703a2f2f7777772e6578616d706c652e636f6d", "\"http://www.example.com\"" }, { "40", NULL }, { "4401020304", NULL },
    { "60", "\"\"", true }, { "6161", "\"a\"", true }, { "6449455446", "\"IETF\"", true }, { "62225c", "\"\\\"\\\\\"", true },
    { "62c3bc", "\"\xc3\xbc\"", true }, { "63e6b0b4", "\"\xe6\xb0\xb4\"", true }, { "64f0908591", "\"\xf0\x90\x85\x91\"", true },
    { "80", "[]", true }, { "83010203", "[1,2,3]", true }, { "8301820203820405", "[1,[2,3],[4,5]]", true },
    { "98190102030405060708090a0b0c0d0e0f101112131415161718181819",
      "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25]", true },
    { "a0", "{}", true }, { "a201020304", NULL }, { "a26161016162820203", "{\"a\":1,\"b\":[2,3]}", true },
    { "826161a161626163", "[\"a\",{\"b\":\"c\"}]", true },
    { "a56161614161626142616361436164614461656145", "{\"a\":\"A\",\"b\":\"B\",\"c\":\"C\",\"d\":\"D\",\"e\":\"E\"}", true },
    { "5f42010243030405ff", NULL }, { "7f657374726561646d696e67ff", "\"streaming\"" }, { "9fff", "[]" },
    { "9f018202039f0405ffff", "[1,[2,3],[4,5]]" }, { "9f01820203820405ff", "[1,[2,3],[4,5]]" }, { "83018202039f0405ff", "[1,[2,3],[4,5]]" },
    { "83019f0203ff820405", "[1,[2,3],[4,5]]" },
    { "9f0102030405060708090a0b0c0d0e0f101112131415161718181819ff",
      "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25]" },
    { "bf61610161629f0203ffff", "{\"a\":1,\"b\":[2,3]}" }, { "826161bf61626163ff", "[\"a\",{\"b\":\"c\"}]" },
    { "bf6346756ef563416d7421ff", "{\"Fun\":true,\"Amt\":-2}" },
};

/* What is not well formed (RFC 8949 appendix F among it), not allowed, or over a cap. */
static const struct {
    const char *what, *hex;
    err_t want;
    struct cbor_limits limits;
} refused[] = {
    { "nothing", "", ERR_INVALID, { 8, 100 } },
    { "bytes behind it", "0000", ERR_INVALID, { 8, 100 } },
    { "reserved head", "1c", ERR_INVALID, { 8, 100 } },
    { "simple value in two bytes", "f800", ERR_INVALID, { 8, 100 } },
    { "a break alone", "ff", ERR_INVALID, { 8, 100 } },
    { "a break in a definite array", "82ff00", ERR_INVALID, { 8, 100 } },
    { "a break between key and value", "bf6161ff", ERR_INVALID, { 8, 100 } },
    { "a break as a value of a definite map", "a16161ff", ERR_INVALID, { 8, 100 } },
    { "a tag before a break", "9fc1ff", ERR_INVALID, { 8, 100 } },
    { "a tag on a chunk", "7fc16161ff", ERR_INVALID, { 8, 100 } },
    { "a number as a chunk", "7f00ff", ERR_INVALID, { 8, 100 } },
    { "chunks in chunks", "7f7f6161ffff", ERR_INVALID, { 8, 100 } },
    { "an array as a chunk", "7f80ff", ERR_INVALID, { 8, 100 } },
    { "bytes as a chunk of a text", "7f4161ff", ERR_UNSUPPORTED, { 8, 100 } },
    { "not UTF-8", "61ff", ERR_INVALID, { 8, 100 } },
    { "a character cut by chunks", "7f61c361bcff", ERR_INVALID, { 8, 100 } },
    { "U+0000", "6100", ERR_INVALID, { 8, 100 } },
    { "a key twice", "a2616101616102", ERR_INVALID, { 8, 100 } },
    { "a key twice, once in chunks", "a26161017f6161ff02", ERR_INVALID, { 8, 100 } },
    { "a number as a key", "a10102", ERR_UNSUPPORTED, { 8, 100 } },
    { "an array as a key", "a18001", ERR_UNSUPPORTED, { 8, 100 } },
    { "a map as a key", "a1a001", ERR_UNSUPPORTED, { 8, 100 } },
    { "a text of 2^63 bytes", "7b8000000000000000", ERR_INVALID, { 8, 100 } },
    { "a text of 2^64-1 bytes", "7bffffffffffffffff", ERR_INVALID, { 8, 100 } },
    { "an array of 2^63 values", "9b8000000000000000", ERR_TOO_BIG, { 8, 100 } },
    { "a map of 2^63 members", "bb8000000000000000", ERR_TOO_BIG, { 8, 100 } },
    { "a map of 2^64-1 members", "bbffffffffffffffff", ERR_TOO_BIG, { 8, 100 } },
    { "one array too deep", "818100", ERR_TOO_BIG, { 1, 100 } },
    { "text in chunks one too deep", "817f6161ff", ERR_TOO_BIG, { 1, 100 } },
    { "deeper than ever", "8181818181818181818181818181818181" "00", ERR_TOO_BIG, { 1000, 100 } },
    { "one value too many", "9f000000ff", ERR_TOO_BIG, { 8, 4 } },
    { "tags count", "c1c1c1c100", ERR_TOO_BIG, { 8, 4 } },
};
/* clang-format on */

static size_t bytes_of(const char *hex, uint8_t out[256])
{
    autobuf b = BUF_INIT(256);
    size_t n;

    assert_int_equal(hex_decode(&b, slice_str(hex)), ERR_OK);
    n = b.n;
    if (n)
        memcpy(out, b.p, n);
    return n;
}

static void examples_of_the_rfc(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(appendix_a); i++) {
        uint8_t bytes[256];
        size_t n = bytes_of(appendix_a[i].hex, bytes);
        auto_json *got = NULL, *want = NULL;
        autobuf again = BUF_INIT(256);

        if (!appendix_a[i].json) {
            assert_int_equal(cbor_to_json(slice_of(bytes, n), &wide, &got), ERR_UNSUPPORTED);
            assert_null(got);
            continue;
        }
        print_message("  %s\n", appendix_a[i].hex);
        assert_int_equal(cbor_to_json(slice_of(bytes, n), &wide, &got), ERR_OK);
        assert_int_equal(json_parse(slice_str(appendix_a[i].json), 8, &want, NULL), ERR_OK);
        assert_true(json_equal(got, want));
        assert_int_equal(cbor_write(&again, got), ERR_OK);
        if (appendix_a[i].again)
            assert_true(slice_eq(buf_slice(&again), slice_of(bytes, n)));
    }
}

/* The copy is exactly n bytes long, so AddressSanitizer catches a read of byte n. */
static void every_prefix_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(appendix_a); i++) {
        uint8_t bytes[256];
        size_t whole = bytes_of(appendix_a[i].hex, bytes);

        for (size_t n = 0; n < whole && appendix_a[i].json; n++) {
            autofree uint8_t *copy = mem_dup(bytes, n);
            json_t *j = (json_t *)&whole;
            assert_int_equal(cbor_to_json(slice_of(copy, n), &wide, &j), ERR_INVALID);
            assert_ptr_equal(j, &whole); /* untouched */
        }
    }
}

static void what_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        uint8_t bytes[256];
        size_t n = bytes_of(refused[i].hex, bytes);
        json_t *j = (json_t *)&n;

        print_message("  %s\n", refused[i].what);
        assert_int_equal(cbor_to_json(slice_of(bytes, n), &refused[i].limits, &j), refused[i].want);
        assert_ptr_equal(j, &n);
    }
}

static void a_provisioning_answer(void **state)
{
    autobuf out = BUF_INIT(4096), whole = BUF_INIT(4096);
    struct writer w = writer_of(&out);
    auto_json *j = NULL, *want = json_pack("{s:s,s:s}", "certificateId", "ab", "empty", "");

    (void)state;
    cbor_put_map(&w, 2);
    cbor_put_text(&w, SLICE_LIT("certificateId"));
    cbor_put_text(&w, SLICE_LIT("ab"));
    cbor_put_text(&w, SLICE_LIT("empty"));
    cbor_put_text(&w, SLICE_LIT(""));
    assert_int_equal(writer_done(&w), ERR_OK);
    assert_int_equal(cbor_to_json(buf_slice(&out), &wide, &j), ERR_OK);
    assert_true(json_equal(j, want));
    assert_int_equal(cbor_write(&whole, want), ERR_OK);
    assert_true(slice_eq(buf_slice(&out), buf_slice(&whole)));
}

static void writing_is_capped(void **state)
{
    autobuf small = BUF_INIT(3), out = BUF_INIT(4096);
    auto_json *deep = json_integer(1), *text = json_string("abcd");

    (void)state;
    for (unsigned i = 0; i < CBOR_DEPTH_MAX; i++) {
        json_t *outer = json_array();
        assert_int_equal(json_array_append_new(outer, deep), 0);
        deep = outer;
    }
    assert_int_equal(cbor_write(&out, deep), ERR_TOO_BIG);
    assert_int_equal(cbor_write(&small, text), ERR_TOO_BIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples_of_the_rfc), cmocka_unit_test(every_prefix_is_refused),
        cmocka_unit_test(what_is_refused),     cmocka_unit_test(a_provisioning_answer),
        cmocka_unit_test(writing_is_capped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
