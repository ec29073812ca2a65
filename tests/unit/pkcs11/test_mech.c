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
        { CKM_RSA_PKCS_OAEP, CKF_ENCRYPT | CKF_DECRYPT | CKF_HW },
        { CKM_EDDSA, CKF_SIGN | CKF_VERIFY | CKF_HW },
        { CKM_ECDH1_DERIVE, CKF_DERIVE | CKF_HW },
        { CKM_AES_CBC_PAD, CKF_ENCRYPT | CKF_DECRYPT | CKF_HW },
        { CKM_AES_GCM, CKF_ENCRYPT | CKF_DECRYPT | CKF_HW },
        { CKM_AES_CMAC, CKF_SIGN | CKF_VERIFY | CKF_HW },
        { CKM_SHA512_HMAC, CKF_SIGN | CKF_VERIFY | CKF_HW },
        { CKM_AES_KEY_WRAP, CKF_UNWRAP },
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
    assert_in_range(n, 40, ARRAY_LEN(list));
    assert_int_equal(p11_mech_list(list, &room), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(room, n);
    assert_int_equal(p11_mech_list(list, &n), CKR_OK);
    for (CK_ULONG i = 0; i < n; i++) {
        assert_int_equal(p11_mech_find(list[i], 0, &m), CKR_OK);
        assert_int_equal(m.type, list[i]);
        for (CK_ULONG k = 0; k < i; k++)
            assert_int_not_equal(list[k], list[i]);
    }
    assert_int_equal(p11_mech_find(CKM_DES3_CBC, 0, &m), CKR_MECHANISM_INVALID);
    assert_int_equal(p11_mech_find(CKM_ECDSA, CKF_DECRYPT, &m), CKR_MECHANISM_INVALID);
    assert_int_equal(p11_mech_find(CKM_SHA256, CKF_SIGN, &m), CKR_MECHANISM_INVALID);
}

static void mechanisms_without_a_parameter_refuse_one(void **state)
{
    CK_MECHANISM bare = { CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0 },
                 extra = { CKM_RSA_PKCS_KEY_PAIR_GEN, &bare, 1 };

    assert_int_equal(p11_mech_bare(&bare), CKR_OK);
    assert_int_equal(p11_mech_bare(&extra), CKR_MECHANISM_PARAM_INVALID);
}

static void sizes_are_in_the_unit_of_the_standard(void **state)
{
    static const struct {
        CK_MECHANISM_TYPE type;
        CK_ULONG min, max;
    } want[] = {
        { CKM_RSA_PKCS, 1024, 4096 },            /* bits */
        { CKM_ECDSA, 160, 521 },                 /* bits */
        { CKM_EDDSA, 255, 255 },                 /* bits */
        { CKM_AES_GCM, 16, 32 },                 /* bytes */
        { CKM_GENERIC_SECRET_KEY_GEN, 8, 2048 }, /* bits */
        { CKM_SHA256_HMAC, 1, 256 },             /* bytes */
        { CKM_SHA256, 0, 0 },
    };
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        struct p11_mech m;
        assert_int_equal(p11_mech_find(want[i].type, 0, &m), CKR_OK);
        assert_int_equal(m.info.ulMinKeySize, want[i].min);
        assert_int_equal(m.info.ulMaxKeySize, want[i].max);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_walk_has_its_mechanisms),
        cmocka_unit_test(the_list_and_the_lookups_agree),
        cmocka_unit_test(mechanisms_without_a_parameter_refuse_one),
        cmocka_unit_test(sizes_are_in_the_unit_of_the_standard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
