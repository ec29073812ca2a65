#include "../cm.h"
#include "base/hex.h"
#include "pkcs11/ossl.h"

/* Known answers of the standards, so that a wrong mode, order or length is seen. */

static struct slice from_hex(struct buf *b, const char *text)
{
    buf_init(b, 256);
    assert_int_equal(hex_decode(b, slice_str(text)), ERR_OK);
    return buf_slice(b);
}

struct bytes {
    struct buf b[8];
    size_t n;
};

static struct slice hex(struct bytes *s, const char *text)
{
    assert_in_range(s->n, 0, ARRAY_LEN(s->b) - 1);
    return from_hex(&s->b[s->n++], text);
}

static void bytes_done(struct bytes *s)
{
    for (size_t i = 0; i < s->n; i++)
        buf_done(&s->b[i]);
}
#define autobytes __attribute__((cleanup(bytes_done))) struct bytes

static struct p11_ossl *ossl;

static int open_ossl(void **state)
{
    ossl = p11_ossl_new();
    return ossl ? 0 : -1;
}

static int close_ossl(void **state)
{
    p11_ossl_free(ossl);
    return 0;
}

/* NIST SP 800-38A F.1.1, F.2.1, F.5.5. */
static const struct {
    enum p11_block_mode mode;
    const char *key, *iv, *plain, *cipher;
} aes[] = {
    { P11_MODE_ECB, "2b7e151628aed2a6abf7158809cf4f3c", "", "6bc1bee22e409f96e93d7e117393172a",
      "3ad77bb40d7a3660a89ecaf32466ef97" },
    { P11_MODE_CBC, "2b7e151628aed2a6abf7158809cf4f3c", "000102030405060708090a0b0c0d0e0f",
      "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51",
      "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2" },
    { P11_MODE_CTR, "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
      "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff", "6bc1bee22e409f96e93d7e117393172aae2d8a",
      "601ec313775789a5b7a7f504bbf3d228f443e3" },
};

static void aes_modes(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(aes); i++) {
        autobytes s = { 0 };
        struct slice key = hex(&s, aes[i].key), iv = hex(&s, aes[i].iv), plain = hex(&s, aes[i].plain),
                     cipher = hex(&s, aes[i].cipher);
        for (int encrypt = 0; encrypt < 2; encrypt++) {
            autobuf out = BUF_SECRET(64);
            assert_int_equal(
                p11_ossl_aes(ossl, aes[i].mode, encrypt, key, iv.p, encrypt ? plain : cipher, &out), ERR_OK);
            assert_true(slice_eq(buf_slice(&out), encrypt ? cipher : plain));
        }
        autobuf out = BUF_SECRET(64);
        assert_int_equal(p11_ossl_aes(ossl, aes[i].mode, true, slice_head(key, 15), iv.p, plain, &out),
                         ERR_INVALID);
    }
}

/* The GCM specification's test case 4, tags of 16 and of 4 bytes. */
static void gcm(void **state)
{
    autobytes s = { 0 };
    struct slice key = hex(&s, "feffe9928665731c6d6a8f9467308308"), iv = hex(&s, "cafebabefacedbaddecaf888"),
                 aad = hex(&s, "feedfacedeadbeeffeedfacedeadbeefabaddad2"),
                 plain = hex(&s, "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
                                 "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"),
                 cipher = hex(&s, "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
                                  "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091"),
                 tag = hex(&s, "5bc94fbc3221a5db94fae95ae7121a47");

    for (size_t n = 4; n <= 16; n += 12) {
        autobuf sealed = BUF_SECRET(128), opened = BUF_SECRET(128);
        assert_int_equal(p11_ossl_gcm_seal(ossl, key, iv, aad, n, plain, &sealed), ERR_OK);
        assert_int_equal(sealed.n, cipher.n + n);
        assert_memory_equal(sealed.p, cipher.p, cipher.n);
        assert_memory_equal(sealed.p + cipher.n, tag.p, n);
        assert_int_equal(p11_ossl_gcm_open(ossl, key, iv, aad, slice_head(tag, n), cipher, &opened), ERR_OK);
        assert_true(slice_eq(buf_slice(&opened), plain));
        buf_clear(&opened);
        assert_int_equal(
            p11_ossl_gcm_open(ossl, key, iv, slice_head(aad, 19), slice_head(tag, n), cipher, &opened),
            ERR_AUTH);
        assert_int_equal(opened.n, 0);
    }
}

/* RFC 4493 §4 examples 1 and 3, RFC 4231 test case 2. */
static void macs(void **state)
{
    autobytes s = { 0 };
    autobuf out = BUF_SECRET(P11_HASH_MAX);
    struct slice key = hex(&s, "2b7e151628aed2a6abf7158809cf4f3c");

    assert_int_equal(p11_ossl_cmac(ossl, key, (struct slice){ 0 }, &out), ERR_OK);
    assert_true(slice_eq(buf_slice(&out), hex(&s, "bb1d6929e95937287fa37d129b756746")));
    buf_clear(&out);
    assert_int_equal(p11_ossl_cmac(ossl, key,
                                   hex(&s, "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
                                           "30c81c46a35ce411"),
                                   &out),
                     ERR_OK);
    assert_true(slice_eq(buf_slice(&out), hex(&s, "dfa66747de9ae63030ca32611497c827")));
    assert_int_equal(p11_ossl_cmac(ossl, slice_head(key, 8), key, &out), ERR_INVALID);
    buf_clear(&out);
    assert_int_equal(p11_ossl_hmac(ossl, p11_hash_by_ckm(CKM_SHA256), SLICE_LIT("Jefe"),
                                   SLICE_LIT("what do ya want for nothing?"), &out),
                     ERR_OK);
    assert_true(slice_eq(buf_slice(&out),
                         hex(&s, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")));
}

/* RFC 3394 §4.1 and §4.3. */
static void unwrapping(void **state)
{
    autobytes s = { 0 };
    autobuf out = BUF_SECRET(64);
    struct slice kek = hex(&s, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"),
                 wrapped = hex(&s, "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5"),
                 wrapped256 = hex(&s, "64e8c3f9ce0f5ba263e9777905818a2a93c8191e7d6e8ae7"),
                 key = hex(&s, "00112233445566778899aabbccddeeff");

    assert_int_equal(p11_ossl_unwrap(ossl, slice_head(kek, 16), wrapped, &out), ERR_OK);
    assert_true(slice_eq(buf_slice(&out), key));
    buf_clear(&out);
    assert_int_equal(p11_ossl_unwrap(ossl, kek, wrapped256, &out), ERR_OK);
    assert_true(slice_eq(buf_slice(&out), key));
    buf_clear(&out);
    assert_int_equal(p11_ossl_unwrap(ossl, kek, wrapped, &out), ERR_AUTH);
    assert_int_equal(out.n, 0);
}

/* NIST CAVP ansx963_2001: SHA-256, no shared information; SHA-1 with it is SEC 1's form of the same. */
static void x963(void **state)
{
    autobytes s = { 0 };
    autobuf out = BUF_SECRET(64);

    assert_int_equal(p11_ossl_x963(ossl, p11_hash_by_ckm(CKM_SHA256),
                                   hex(&s, "96c05619d56c328ab95fe84b18264b08725b85e33fd34f08"),
                                   (struct slice){ 0 }, 16, &out),
                     ERR_OK);
    assert_true(slice_eq(buf_slice(&out), hex(&s, "443024c3dae66b95e6f5670601558f71")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aes_modes),  cmocka_unit_test(gcm),  cmocka_unit_test(macs),
        cmocka_unit_test(unwrapping), cmocka_unit_test(x963),
    };
    return cmocka_run_group_tests(tests, open_ossl, close_ossl);
}
