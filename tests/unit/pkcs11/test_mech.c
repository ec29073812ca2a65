#include "../cm.h"
#include "base/mem.h"
#include "pkcs11/mech.h"

/* consumers §3: what libp11 and GnuTLS need for TLS, and pkcs11-tool for --sign. */
static void the_walk_has_its_mechanisms(void **state)
{
    static const struct {
        CK_MECHANISM_TYPE type;
        CK_FLAGS flags;
    } needed[] = {
        { CKM_RSA_PKCS, CKF_SIGN | CKF_DECRYPT | CKF_HW },
        { CKM_RSA_PKCS_PSS, CKF_SIGN | CKF_HW },
        { CKM_RSA_X_509, CKF_SIGN | CKF_DECRYPT },
        { CKM_SHA256_RSA_PKCS, CKF_SIGN | CKF_VERIFY },
        { CKM_SHA256_RSA_PKCS_PSS, CKF_SIGN },
        { CKM_ECDSA, CKF_SIGN | CKF_VERIFY | CKF_HW },
        { CKM_ECDSA_SHA256, CKF_SIGN },
        { CKM_SHA256, CKF_DIGEST },
        { CKM_RSA_PKCS_KEY_PAIR_GEN, CKF_GENERATE_KEY_PAIR },
        { CKM_EC_KEY_PAIR_GEN, CKF_GENERATE_KEY_PAIR },
    };
    for (size_t i = 0; i < ARRAY_LEN(needed); i++) {
        struct p11_mech m;
        assert_int_equal(p11_mech_find(needed[i].type, needed[i].flags, &m), CKR_OK);
        assert_int_equal(m.info.flags & needed[i].flags, needed[i].flags);
    }
}

static void the_list_and_the_lookups_agree(void **state)
{
    CK_MECHANISM_TYPE list[64];
    CK_ULONG n = 0, room = 1;
    struct p11_mech m;

    assert_int_equal(p11_mech_list(NULL, &n), CKR_OK);
    assert_in_range(n, 20, ARRAY_LEN(list));
    assert_int_equal(p11_mech_list(list, &room), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(room, n);
    assert_int_equal(p11_mech_list(list, &n), CKR_OK);
    for (CK_ULONG i = 0; i < n; i++) {
        assert_int_equal(p11_mech_find(list[i], 0, &m), CKR_OK);
        assert_int_equal(m.type, list[i]);
        for (CK_ULONG k = 0; k < i; k++)
            assert_int_not_equal(list[k], list[i]);
    }
    assert_int_equal(p11_mech_find(CKM_AES_CBC, 0, &m), CKR_MECHANISM_INVALID);
    assert_int_equal(p11_mech_find(CKM_ECDSA, CKF_DECRYPT, &m), CKR_MECHANISM_INVALID);
    assert_int_equal(p11_mech_find(CKM_SHA256, CKF_SIGN, &m), CKR_MECHANISM_INVALID);
}

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
        struct p11_pss got = { .salt_len = 777 };
        struct p11_mech m;

        print_message("  %s\n", pss[i].what);
        assert_int_equal(p11_mech_find(pss[i].type, CKF_SIGN, &m), CKR_OK);
        assert_int_equal(p11_mech_params(&m, &given, &got), pss[i].want);
        assert_int_equal(got.salt_len, pss[i].want ? 777 : pss[i].salt);
        if (!pss[i].want) {
            assert_int_equal(got.hash->ckm, pss[i].hash);
            assert_int_equal(got.mgf->mgf, pss[i].mgf);
        }
    }
}

static void others_take_no_parameter(void **state)
{
    struct p11_mech m;
    struct p11_pss none;
    CK_MECHANISM bare = { CKM_ECDSA, NULL, 0 }, extra = { CKM_ECDSA, &none, 1 };

    assert_int_equal(p11_mech_find(CKM_ECDSA, CKF_SIGN, &m), CKR_OK);
    assert_int_equal(p11_mech_params(&m, &bare, &none), CKR_OK);
    assert_int_equal(p11_mech_params(&m, &extra, &none), CKR_MECHANISM_PARAM_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_walk_has_its_mechanisms),
        cmocka_unit_test(the_list_and_the_lookups_agree),
        cmocka_unit_test(each_pss_parameter),
        cmocka_unit_test(others_take_no_parameter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
