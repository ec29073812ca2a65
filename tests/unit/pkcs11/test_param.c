#include "../cm.h"
#include "base/mem.h"
#include "pkcs11/param.h"

static const struct {
    const char *what;
    CK_MECHANISM_TYPE type, hash, mgf;
    CK_ULONG salt;
    size_t cut; /* bytes missing from the parameter */
    CK_RV want;
} pss[] = {
    { "TLS", CKM_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA256, 32, 0, CKR_OK },
    { "empty salt", CKM_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA256, 0, 0, CKR_OK },
    { "MGF of another hash", CKM_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA1, 32, 0, CKR_OK },
    { "hashing mechanism", CKM_SHA384_RSA_PKCS_PSS, CKM_SHA384, CKG_MGF1_SHA384, 48, 0, CKR_OK },
    { "hashing mechanism, another hash", CKM_SHA384_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA384, 48, 0,
      CKR_MECHANISM_PARAM_INVALID },
    { "unknown hash", CKM_RSA_PKCS_PSS, CKM_MD5, CKG_MGF1_SHA256, 32, 0, CKR_MECHANISM_PARAM_INVALID },
    { "unknown MGF", CKM_RSA_PKCS_PSS, CKM_SHA256, 99, 32, 0, CKR_MECHANISM_PARAM_INVALID },
    { "salt longer than any modulus", CKM_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA256, 513, 0,
      CKR_MECHANISM_PARAM_INVALID },
    { "one byte short", CKM_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA256, 32, 1, CKR_MECHANISM_PARAM_INVALID },
    { "missing", CKM_RSA_PKCS_PSS, 0, 0, 0, sizeof(CK_RSA_PKCS_PSS_PARAMS), CKR_MECHANISM_PARAM_INVALID },
};

static void each_pss_parameter(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(pss); i++) {
        CK_RSA_PKCS_PSS_PARAMS p = { pss[i].hash, pss[i].mgf, pss[i].salt };
        size_t n = sizeof(p) - pss[i].cut;
        autofree void *exact = mem_dup(&p, n); /* the sanitizer sees a read past its end */
        CK_MECHANISM given = { pss[i].type, n ? exact : NULL, n };
        struct p11_params got = { .pss = { .salt_len = 777 } };
        struct p11_mech m;

        print_message("  %s\n", pss[i].what);
        assert_int_equal(p11_mech_find(pss[i].type, CKF_SIGN, &m), CKR_OK);
        assert_int_equal(p11_params_read(&m, &given, &got), pss[i].want);
        assert_int_equal(got.pss.salt_len, pss[i].want ? 777 : pss[i].salt);
        if (!pss[i].want) {
            assert_int_equal(got.pss.hash->ckm, pss[i].hash);
            assert_int_equal(got.pss.mgf->mgf, pss[i].mgf);
        }
    }
}

static void others_take_no_parameter(void **state)
{
    struct p11_mech m;
    struct p11_params none;
    CK_MECHANISM bare = { CKM_ECDSA, NULL, 0 }, extra = { CKM_ECDSA, &none, 1 };

    assert_int_equal(p11_mech_find(CKM_ECDSA, CKF_SIGN, &m), CKR_OK);
    assert_int_equal(p11_params_read(&m, &bare, &none), CKR_OK);
    assert_int_equal(p11_params_read(&m, &extra, &none), CKR_MECHANISM_PARAM_INVALID);
}

static CK_RV read(CK_MECHANISM_TYPE type, const void *param, size_t n, struct p11_params *ret)
{
    autofree void *exact = n ? mem_dup(param, n) : NULL;
    CK_MECHANISM given = { type, exact, n };
    struct p11_mech m;

    assert_int_equal(p11_mech_find(type, 0, &m), CKR_OK);
    return p11_params_read(&m, &given, ret);
}

static void oaep_takes_any_hash_and_a_label(void **state)
{
    static uint8_t label[] = "label";
    CK_RSA_PKCS_OAEP_PARAMS p = { CKM_SHA256, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, label, 5 };
    struct p11_params got;

    assert_int_equal(read(CKM_RSA_PKCS_OAEP, &p, sizeof(p), &got), CKR_OK);
    assert_int_equal(got.oaep.hash->ckm, CKM_SHA256);
    assert_int_equal(got.oaep.mgf->ckm, CKM_SHA_1);
    assert_true(slice_eq(buf_slice(&got.extra), SLICE_LIT("label")));
    p11_params_done(&got);
    p = (CK_RSA_PKCS_OAEP_PARAMS){ CKM_SHA_1, CKG_MGF1_SHA1, 0, NULL, 0 }; /* as libp11 gives it */
    assert_int_equal(read(CKM_RSA_PKCS_OAEP, &p, sizeof(p), &got), CKR_OK);
    p11_params_done(&got);
}

static void oaep_that_makes_no_sense_is_refused(void **state)
{
    static uint8_t label[] = "label";
    const CK_RSA_PKCS_OAEP_PARAMS bad[] = {
        { CKM_MD5, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, NULL, 0 },
        { CKM_SHA_1, 77, CKZ_DATA_SPECIFIED, NULL, 0 },
        { CKM_SHA_1, CKG_MGF1_SHA1, 7, NULL, 0 },
        { CKM_SHA_1, CKG_MGF1_SHA1, 0, label, 5 },
        { CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, NULL, 5 },
        { CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, label, P11_EXTRA_MAX + 1 },
    };
    struct p11_params got;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(read(CKM_RSA_PKCS_OAEP, &bad[i], sizeof(bad[i]), &got), CKR_MECHANISM_PARAM_INVALID);
    assert_int_equal(read(CKM_RSA_PKCS_OAEP, &bad[0], sizeof(bad[0]) - 1, &got), CKR_MECHANISM_PARAM_INVALID);
}

static void aes_takes_what_belongs_to_the_mode(void **state)
{
    uint8_t iv[17] = "0123456789abcdef";
    CK_AES_CTR_PARAMS ctr = { .ulCounterBits = 32 };
    struct p11_params got;

    assert_int_equal(read(CKM_AES_ECB, NULL, 0, &got), CKR_OK);
    assert_int_equal(read(CKM_AES_ECB, iv, 16, &got), CKR_MECHANISM_PARAM_INVALID);
    assert_int_equal(read(CKM_AES_CBC, iv, 16, &got), CKR_OK);
    assert_memory_equal(got.iv, iv, 16);
    for (size_t n = 0; n < sizeof(iv); n++)
        assert_int_equal(read(CKM_AES_CBC_PAD, iv, n, &got), n == 16 ? CKR_OK : CKR_MECHANISM_PARAM_INVALID);
    assert_int_equal(read(CKM_AES_CTR, &ctr, sizeof(ctr), &got), CKR_OK);
    assert_int_equal(got.counter_bits, 32);
    for (size_t i = 0; i < 2; i++) {
        ctr.ulCounterBits = i ? 129 : 0;
        assert_int_equal(read(CKM_AES_CTR, &ctr, sizeof(ctr), &got), CKR_MECHANISM_PARAM_INVALID);
    }
}

static void gcm_takes_the_tags_of_the_standard(void **state)
{
    uint8_t iv[P11_GCM_IV_MAX + 1] = { 0 };

    for (CK_ULONG bits = 0; bits <= 136; bits++) {
        CK_GCM_PARAMS p = { .pIv = iv, .ulIvLen = 12, .ulTagBits = bits, .pAAD = iv, .ulAADLen = 5 };
        bool good = bits == 32 || bits == 64 || (bits >= 96 && bits <= 128 && bits % 8 == 0);
        struct p11_params got = { 0 };
        assert_int_equal(read(CKM_AES_GCM, &p, sizeof(p), &got), good ? CKR_OK : CKR_MECHANISM_PARAM_INVALID);
        if (good) {
            assert_int_equal(got.extra.n, 5);
            p11_params_done(&got);
        }
    }
    for (CK_ULONG n = 0; n <= sizeof(iv); n += sizeof(iv)) { /* no IV, one too long */
        CK_GCM_PARAMS p = { .pIv = iv, .ulIvLen = n, .ulTagBits = 128 };
        struct p11_params got;
        assert_int_equal(read(CKM_AES_GCM, &p, sizeof(p), &got), CKR_MECHANISM_PARAM_INVALID);
    }
}

static void ecdh_takes_null_and_the_sha_kdfs(void **state)
{
    static uint8_t point[65] = { 4 }, shared[] = "info";
    static const struct {
        CK_ULONG kdf;
        CK_ULONG shared_n;
        CK_MECHANISM_TYPE hash;
        CK_RV want;
    } cases[] = {
        { CKD_NULL, 0, 0, CKR_OK },
        { CKD_NULL, 4, 0, CKR_MECHANISM_PARAM_INVALID },
        { CKD_SHA1_KDF, 4, CKM_SHA_1, CKR_OK },
        { CKD_SHA224_KDF, 0, CKM_SHA224, CKR_OK },
        { CKD_SHA256_KDF, 4, CKM_SHA256, CKR_OK },
        { CKD_SHA384_KDF, 4, CKM_SHA384, CKR_OK },
        { CKD_SHA512_KDF, 4, CKM_SHA512, CKR_OK },
        { CKD_SHA1_KDF_ASN1, 0, 0, CKR_MECHANISM_PARAM_INVALID },
        { 0, 0, 0, CKR_MECHANISM_PARAM_INVALID },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CK_ECDH1_DERIVE_PARAMS p = { .kdf = cases[i].kdf,
                                     .ulSharedDataLen = cases[i].shared_n,
                                     .pSharedData = shared,
                                     .ulPublicDataLen = 65,
                                     .pPublicData = point };
        CK_MECHANISM given = { CKM_ECDH1_DERIVE, &p, sizeof(p) };
        struct p11_ecdh got = { 0 };
        assert_int_equal(p11_params_ecdh(&given, &got), cases[i].want);
        assert_int_equal(got.kdf ? got.kdf->ckm : 0, cases[i].want ? 0 : cases[i].hash);
        given.ulParameterLen--;
        assert_int_equal(p11_params_ecdh(&given, &got), CKR_MECHANISM_PARAM_INVALID);
        given.ulParameterLen++;
        p.ulPublicDataLen = 0;
        assert_int_equal(p11_params_ecdh(&given, &got), CKR_MECHANISM_PARAM_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_pss_parameter),
        cmocka_unit_test(others_take_no_parameter),
        cmocka_unit_test(oaep_takes_any_hash_and_a_label),
        cmocka_unit_test(oaep_that_makes_no_sense_is_refused),
        cmocka_unit_test(aes_takes_what_belongs_to_the_mode),
        cmocka_unit_test(gcm_takes_the_tags_of_the_standard),
        cmocka_unit_test(ecdh_takes_null_and_the_sha_kdfs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
