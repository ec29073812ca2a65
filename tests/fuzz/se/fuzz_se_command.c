/* A hostile applet against every call of the object API: whatever it answers, no memory is harmed, and a call
 * that fails has changed nothing.
 *
 * Input: `which(1)` (its top bit: the part says 7.2 at SELECT), then answers `length(2) bytes`; when they run
 * out the part answers 6985. */
#include "../../unit/se/fake_part.h"
#include "base/mem.h"
#include "base/reader.h"
#include "se/aead.h"
#include "se/agree.h"
#include "se/attest.h"
#include "se/cipher.h"
#include "se/counter.h"
#include "se/derive.h"
#include "se/desfire.h"
#include "se/export.h"
#include "se/i2cm.h"
#include "se/key.h"
#include "se/mac.h"
#include "se/manage.h"
#include "se/object.h"
#include "se/pake.h"
#include "se/symmetric.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SEVEN = 0x80, CANARY = 0xee, ROOM = 64 };

static struct reader input;
static struct buf out, out2, out3;
static uint8_t room[ROOM];
static bool flag;

static void answer_from_input(struct slice apdu, struct buf *answer)
{
    size_t n = reader_be16(&input);

    n = n > input.rest.n ? input.rest.n : n;
    if (n == 0)
        (void)buf_add(answer, SLICE_LIT("\x69\x85"));
    else
        (void)buf_add(answer, reader_bytes(&input, n > 3000 ? 3000 : n));
}

#define NONE ((struct slice){ 0 })
#define V16 SLICE_LIT("vvvvvvvvvvvvvvvv")
#define V32 SLICE_LIT("vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv")
#define V64 SLICE_LIT("vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv")
#define V65 SLICE_LIT("\x04vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv")
#define LIST SLICE_LIT("\x01\x00\x02\x49\x00\x04\x00\x02\x00\x02")

static const struct se_aead gcm = { .mode = SE_AEAD_GCM, .iv = SLICE_LIT("iv"), .aad = SLICE_LIT("aad") };
static const struct se_aead own_iv = { .mode = SE_AEAD_GCM, .internal_iv_len = 12 };
static const struct se_symmetric aes = { .type = SE_TYPE_AES, .value = V16 };
static const struct se_rsa_pair rsa = { V64, V32, V32, V32, V32, V32, V32, { 0 } };
static const struct se_rsa_pair plain = { .n = V64, .e = V32, .d = V64 };

typedef err_t call(struct se_chip *c);
/* clang-format off */
#define CALL(name, expr) static err_t name(struct se_chip *c) { return expr; }

CALL(aead_open, se_aead_open(c, 7, &gcm, V32, V16, &out))
CALL(aead_open_final, se_aead_open_final(c, 1, V16, &out))
CALL(aead_own_iv, se_aead_init_internal_iv(c, 1, 7, 12, &out))
CALL(aead_seal, se_aead_seal(c, 7, &gcm, V32, 16, &out, &out2, NULL))
CALL(aead_seal_final, se_aead_seal_final(c, 1, 16, &out, &out2))
CALL(aead_seal_own_iv, se_aead_seal(c, 7, &own_iv, V32, 16, &out, &out2, &out3))
CALL(aead_update, se_aead_update(c, 1, V64, &out))
CALL(agree, se_ec_agree(c, 7, SE_CURVE_P256, V65, SE_AGREE_X, &out))
CALL(agree_into, se_ec_agree_into(c, 7, SE_CURVE_X25519, V32, 8))
CALL(agree_sha1, se_ec_agree(c, 7, SE_CURVE_X25519, V32, SE_AGREE_X_SHA1, &out))
CALL(binary_create, se_object_create_binary(c, 7, 100, NULL))
CALL(binary_read, se_object_read_at(c, 7, 3, 700, &out))
CALL(binary_write, se_object_write_binary(c, 7, V64, NULL))
CALL(cipher_final, se_cipher_final(c, 1, V16, &out))
CALL(cipher_once, se_cipher_once(c, 7, SE_CIPHER_AES_CBC, true, V16, V64, &out))
CALL(cipher_own_iv, se_cipher_once_internal_iv(c, 7, 16, V64, &out, &out2))
CALL(cipher_start_own_iv, se_cipher_init_internal_iv(c, 1, 7, 16, &out))
CALL(cipher_update, se_cipher_update(c, 1, V64, &out))
CALL(counter_create, se_counter_create(c, 7, 4, 9, NULL))
CALL(crypto_ensure, se_crypto_object_ensure(c, &(struct se_crypto_object){ 1, 2, 3 }))
CALL(curve_ensure, se_curve_ensure(c, SE_CURVE_P256))
CALL(desfire_change1, se_desfire_change_part1(c, &(struct se_desfire_change){ 7, 9, 1, 2, 3 }, &out))
CALL(desfire_change2, se_desfire_change_part2(c, V16.p))
CALL(desfire_dump, se_desfire_dump(c, room))
CALL(desfire_first1, se_desfire_first_part1(c, 7, V16.p, room))
CALL(desfire_first2, se_desfire_first_part2(c, V32.p, room))
CALL(digest, se_digest_once(c, SE_DIGEST_SHA256, V32, &out))
CALL(ec_curve, se_ec_curve(c, 7, room))
CALL(ec_generate, se_ec_generate(c, 7, SE_CURVE_P256, NULL))
CALL(ec_public, se_ec_public(c, 7, &out))
CALL(ec_sign, se_ec_sign(c, 7, V32, &out))
CALL(ec_verify, se_ec_verify(c, 7, V32, V64, &flag))
CALL(ecdaa, se_ec_sign_ecdaa(c, 7, V32, V32, &out))
CALL(ed_sign, se_ed_sign(c, 7, V32, room))
CALL(ed_verify, se_ed_verify(c, 7, V32, V64.p, &flag))
CALL(export, se_object_export(c, 7, SE_EXPORT_WHOLE, &out))
CALL(hkdf, se_hkdf(c, 7, &(struct se_hkdf){ .digest = 4, .length = 32 }, &out))
CALL(i2cm, se_i2cm_run(c, LIST, &out))
CALL(mac, se_mac_once(c, 7, SE_MAC_CMAC_128, V64, &out))
CALL(mac_check, se_mac_check_once(c, 7, SE_MAC_CMAC_128, V64, V16, &flag))
CALL(mac_final, se_mac_final(c, 1, V16, &out))
CALL(multiply, se_ec_multiply(c, 7, &(struct se_multiply){ .point = V65, .algorithm = 6 }, &out))
CALL(pake_keys, se_pake_keys(c, 1, V65, &out, &out2))
CALL(pake_share, se_pake_share(c, 1, NONE, &out))
CALL(pake_verify, se_pake_verify(c, 1, V32))
CALL(pbkdf2, se_pbkdf2(c, 7, &(struct se_pbkdf2){ .iterations = 9, .length = 32 }, &out))
CALL(pcr_create, se_pcr_create(c, 7, V32.p, NULL))
CALL(pcr_get, se_pcr_get(c, 7, room))
CALL(proof_i2cm, se_attest_i2cm(c, LIST, NULL, &out))
CALL(proof_self_test, se_attest_self_test(c, SE_TEST_FIPS, NULL, &flag))
CALL(rsa_decrypt, se_rsa_decrypt(c, 7, SE_RSA_OAEP_SHA1, V64, &out))
CALL(rsa_encrypt, se_rsa_encrypt(c, 7, SE_RSA_PKCS1, V32, &out))
CALL(rsa_generate, se_rsa_generate(c, 7, 512, NULL))
CALL(rsa_plain, se_rsa_write_pair(c, 7, &plain, NULL))
CALL(rsa_public, se_rsa_public(c, 7, &out, &out2))
CALL(rsa_sign, se_rsa_sign(c, 7, SE_RSA_PSS_SHA256, V32, &out))
CALL(rsa_verify, se_rsa_verify(c, 7, SE_RSA_PSS_SHA256, V32, V64, &flag))
CALL(rsa_write, se_rsa_write_pair(c, 7, &rsa, NULL))
CALL(secret_generate, se_symmetric_generate(c, 7, SE_TYPE_AES, 16, NULL))
CALL(secret_write, se_symmetric_write(c, 7, &aes, NULL))
CALL(self_test, se_manage_self_test(c, SE_TEST_FIPS, &flag))
CALL(timestamp, se_manage_timestamp(c, room))
CALL(tls_prf, se_tls_prf(c, 7, &(struct se_tls_prf){ SE_TLS_PRF_BOTH, 4, V16, V64, 32 }, &out))
CALL(tls_random, se_tls_random(c, room))
CALL(uid, se_chip_uid(c, room))
CALL(userid, se_userid_write(c, 7, V16, NULL))
CALL(version_ext, se_manage_version_ext(c, room))
/* clang-format on */

static err_t attributes(struct se_chip *c)
{
    struct se_attributes a = { .id = 77 };
    err_t e = se_object_attributes(c, 7, &a);

    assert(e ? a.id == 77 : a.policy.n <= SE_POLICY_RULES_MAX);
    return e;
}

static err_t counter_get(struct se_chip *c)
{
    uint64_t n = 77;
    err_t e = se_counter_get(c, 7, &n);

    assert(!e || n == 77);
    return e;
}

static err_t curve_list(struct se_chip *c)
{
    bool set[SE_CURVE_WEIERSTRASS_COUNT + 1] = { false };

    return se_curve_list(c, set);
}

static err_t crypto_list(struct se_chip *c)
{
    struct se_crypto_object found[SE_CRYPTO_OBJECTS_MAX];
    size_t n = 77;
    err_t e = se_crypto_object_list(c, found, &n);

    assert(e ? n == 77 : n <= SE_CRYPTO_OBJECTS_MAX);
    return e;
}

static err_t proof(struct se_chip *c)
{
    struct se_proof p = { .attributes.id = 77 };
    err_t e = se_attest_read(c, 7, &(struct se_attest){ .point = V65 }, &out, &p);

    assert(!e || p.attributes.id == 77);
    return e;
}

static err_t state(struct se_chip *c)
{
    struct se_state s = { .restricted = 77 };
    err_t e = se_manage_state(c, &s);

    assert(e ? s.restricted == 77 : s.restricted <= SE_RESTRICT_ALL);
    return e;
}

static err_t version(struct se_chip *c)
{
    struct se_version v;

    return se_manage_version(c, &v);
}

static call *const calls[] = {
    aead_open,
    aead_open_final,
    aead_own_iv,
    aead_seal,
    aead_seal_final,
    aead_seal_own_iv,
    aead_update,
    agree,
    agree_into,
    agree_sha1,
    attributes,
    binary_create,
    binary_read,
    binary_write,
    cipher_final,
    cipher_once,
    cipher_own_iv,
    cipher_start_own_iv,
    cipher_update,
    counter_create,
    counter_get,
    crypto_ensure,
    crypto_list,
    curve_ensure,
    curve_list,
    desfire_change1,
    desfire_change2,
    desfire_dump,
    desfire_first1,
    desfire_first2,
    digest,
    ec_curve,
    ec_generate,
    ec_public,
    ec_sign,
    ec_verify,
    ecdaa,
    ed_sign,
    ed_verify,
    export,
    hkdf,
    i2cm,
    mac,
    mac_check,
    mac_final,
    multiply,
    pake_keys,
    pake_share,
    pake_verify,
    pbkdf2,
    pcr_create,
    pcr_get,
    proof,
    proof_i2cm,
    proof_self_test,
    rsa_decrypt,
    rsa_encrypt,
    rsa_generate,
    rsa_plain,
    rsa_public,
    rsa_sign,
    rsa_verify,
    rsa_write,
    secret_generate,
    secret_write,
    self_test,
    state,
    timestamp,
    tls_prf,
    tls_random,
    uid,
    userid,
    version,
    version_ext,
};

static void untouched(void)
{
    assert(out.n == 0 && out2.n == 0 && out3.n == 0 && !flag);
    for (size_t i = 0; i < ROOM; i++)
        assert(room[i] == CANARY);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct se_chip *chip = NULL;
    uint8_t which;

    input = reader_of(slice_of(data, size));
    which = reader_u8(&input);
    fake_part_generation = which & SEVEN ? 7 : 3;
    out = out2 = out3 = BUF_INIT(4000);
    memset(room, CANARY, sizeof(room));
    flag = false;
    if (fake_part_open(answer_from_input, &chip))
        abort();
    if (calls[(which & ~SEVEN) % ARRAY_LEN(calls)](chip))
        untouched();
    se_chip_close(chip);
    buf_done(&out);
    buf_done(&out2);
    buf_done(&out3);
    return 0;
}
