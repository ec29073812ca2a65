/* Keys under keys: the vectors of RFC 3394 section 4, and blobs that open for one key and one object only. */
#include "../cm.h"
#include "base/hex.h"
#include "base/mem.h"
#include "vse/keywrap.h"

static const struct {
    const char *what, *kek, *wrapped;
    err_t want;
    const char *key;
} vectors[] = {
    { "4.1: 128 bits under 128", "000102030405060708090a0b0c0d0e0f",
      "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5", ERR_OK, "00112233445566778899aabbccddeeff" },
    { "4.2: 128 under 192", "000102030405060708090a0b0c0d0e0f1011121314151617",
      "96778b25ae6ca435f92b5b97c050aed2468ab8a17ad84e5d", ERR_OK, "00112233445566778899aabbccddeeff" },
    { "4.3: 128 under 256", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
      "64e8c3f9ce0f5ba263e9777905818a2a93c8191e7d6e8ae7", ERR_OK, "00112233445566778899aabbccddeeff" },
    { "4.6: 256 under 256", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
      "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21", ERR_OK,
      "00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f" },
    { "a bit wrong", "000102030405060708090a0b0c0d0e0f", "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe4",
      ERR_AUTH, "" },
    { "another key", "000102030405060708090a0b0c0d0e00", "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5",
      ERR_AUTH, "" },
    { "not in steps of eight", "000102030405060708090a0b0c0d0e0f",
      "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cf", ERR_INVALID, "" },
    { "too short", "000102030405060708090a0b0c0d0e0f", "1fa68b0a8112b447aef34bd8fb5a7b82", ERR_INVALID, "" },
    { "nothing", "000102030405060708090a0b0c0d0e0f", "", ERR_INVALID, "" },
    { "no AES key", "0001020304050607", "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5", ERR_INVALID, "" },
};

static void unwrap(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        autobuf kek = BUF_INIT(32), wrapped = BUF_INIT(64), out = BUF_SECRET(64);
        char hex[129] = "";

        print_message("  %s\n", vectors[i].what);
        assert_int_equal(hex_decode(&kek, slice_str(vectors[i].kek)), ERR_OK);
        assert_int_equal(hex_decode(&wrapped, slice_str(vectors[i].wrapped)), ERR_OK);
        assert_int_equal(vse_key_unwrap(buf_slice(&kek), buf_slice(&wrapped), &out), vectors[i].want);
        hex_str(hex, buf_slice(&out));
        assert_string_equal(hex, vectors[i].key);
    }
}

static void blobs(void **state)
{
    uint8_t key[32] = { 1 }, other[32] = { 2 };
    struct slice about = SLICE_LIT("object 1"), plain = SLICE_LIT("the value");
    autobuf blob = BUF_INIT(100), again = BUF_INIT(100), out = BUF_SECRET(100);

    (void)state;
    assert_int_equal(vse_blob_seal(SLICE_ARRAY(key), about, plain, &blob), ERR_OK);
    assert_int_equal(blob.n, VSE_BLOB_NONCE + plain.n + VSE_BLOB_TAG);
    assert_int_equal(vse_blob_seal(SLICE_ARRAY(key), about, plain, &again), ERR_OK);
    assert_false(slice_eq(buf_slice(&blob), buf_slice(&again)));
    assert_int_equal(vse_blob_open(SLICE_ARRAY(other), about, buf_slice(&blob), &out), ERR_AUTH);
    assert_int_equal(vse_blob_open(SLICE_ARRAY(key), SLICE_LIT("object 2"), buf_slice(&blob), &out),
                     ERR_AUTH);
    for (size_t n = 0; n < blob.n; n++) /* every prefix */
        assert_int_equal(vse_blob_open(SLICE_ARRAY(key), about, slice_head(buf_slice(&blob), n), &out),
                         ERR_AUTH);
    for (size_t i = 0; i < blob.n; i++) { /* every byte */
        blob.p[i] ^= 1;
        assert_int_equal(vse_blob_open(SLICE_ARRAY(key), about, buf_slice(&blob), &out), ERR_AUTH);
        blob.p[i] ^= 1;
    }
    assert_int_equal(out.n, 0);
    assert_int_equal(vse_blob_open(SLICE_ARRAY(key), about, buf_slice(&blob), &out), ERR_OK);
    assert_true(slice_eq(buf_slice(&out), plain));
}

static void no_room(void **state)
{
    uint8_t key[32] = { 1 };
    autobuf small = BUF_INIT(8);

    (void)state;
    assert_int_equal(vse_blob_seal(SLICE_ARRAY(key), SLICE_LIT("a"), SLICE_LIT("b"), &small), ERR_TOO_BIG);
    assert_int_equal(small.n, 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(unwrap),
        cmocka_unit_test(blobs),
        cmocka_unit_test(no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
