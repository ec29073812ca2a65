/* Ciphers, MACs, digests, AEAD, derivation, counters, PCRs, export, settings, I2C master, DESFire: each
 * call's command, byte for byte as the reference has it (3.2 to 3.4, 3.9 to 3.13), its answer, and answers
 * that are not what the reference allows: those are ERR_PROTO and leave the outputs as they were. */
#include "../cm.h"
#include "exchange.h"
#include "se/aead.h"
#include "se/cipher.h"
#include "se/counter.h"
#include "se/derive.h"
#include "se/desfire.h"
#include "se/export.h"
#include "se/i2cm.h"
#include "se/mac.h"
#include "se/manage.h"
#include "se/object.h"
#include "se/pake.h"

#define OK "\x90\x00"
#define KEY "\x41\x04\x00\x00\x00\x07"
#define B16 "0123456789abcdef"
#define B32 B16 B16

static struct buf out, out2, out3;
static bool good;
static uint8_t room[64];
static uint64_t number;
static struct se_version version;
static struct se_state state;

static const struct se_aead gcm = { .mode = SE_AEAD_GCM, .iv = SLICE_LIT("iv"), .aad = SLICE_LIT("aad") };
static const struct se_aead own_iv = { .mode = SE_AEAD_GCM, .internal_iv_len = 12 };

#define CALL(name, expr)                 \
    static err_t name(struct se_chip *c) \
    {                                    \
        return expr;                     \
    }

/* clang-format off */
CALL(crypto_create, se_crypto_object_create(c, &(struct se_crypto_object){ 0x0f, SE_CONTEXT_CIPHER, SE_CIPHER_AES_CBC }))
CALL(cipher_once, se_cipher_once(c, 7, SE_CIPHER_AES_CBC, true, SLICE_LIT("iv"), SLICE_LIT("abc"), &out))
CALL(cipher_once_open, se_cipher_once(c, 7, SE_CIPHER_AES_ECB, false, (struct slice){ 0 }, SLICE_LIT("abc"), &out))
CALL(cipher_init, se_cipher_init(c, 0x0f, 7, false, SLICE_LIT("iv")))
CALL(cipher_update, se_cipher_update(c, 0x0f, SLICE_LIT("abc"), &out))
CALL(cipher_final, se_cipher_final(c, 0x0f, SLICE_LIT("abc"), &out))
CALL(cipher_final_empty, se_cipher_final(c, 0x0f, (struct slice){ 0 }, &out))
CALL(mac_once, se_mac_once(c, 7, SE_MAC_CMAC_128, SLICE_LIT("abc"), &out))
CALL(mac_check_once, se_mac_check_once(c, 7, SE_MAC_HMAC_SHA256, SLICE_LIT("abc"), SLICE_LIT("mac"), &good))
CALL(mac_init, se_mac_init(c, 0x15, 7))
CALL(mac_check_init, se_mac_check_init(c, 0x15, 7))
CALL(mac_update, se_mac_update(c, 0x15, SLICE_LIT("abc")))
CALL(mac_final, se_mac_final(c, 0x15, SLICE_LIT("abc"), &out))
CALL(mac_check_final, se_mac_check_final(c, 0x15, (struct slice){ 0 }, SLICE_LIT("mac"), &good))
CALL(digest_once, se_digest_once(c, SE_DIGEST_SHA256, SLICE_LIT("abc"), &out))
CALL(digest_init, se_digest_init(c, 3))
CALL(digest_update, se_digest_update(c, 3, SLICE_LIT("abc")))
CALL(digest_final, se_digest_final(c, 3, (struct slice){ 0 }, &out))
CALL(aead_seal, se_aead_seal(c, 7, &gcm, SLICE_LIT("abc"), 4, &out, &out2, NULL))
CALL(aead_seal_own_iv, se_aead_seal(c, 7, &own_iv, SLICE_LIT("abc"), 4, &out, &out2, &out3))
CALL(aead_open, se_aead_open(c, 7, &gcm, SLICE_LIT("abc"), SLICE_LIT("tag!"), &out))
CALL(aead_init, se_aead_init(c, 0x1a, 7, true, SLICE_LIT("iv")))
CALL(aead_aad, se_aead_aad(c, 0x1a, SLICE_LIT("aad")))
CALL(aead_update, se_aead_update(c, 0x1a, SLICE_LIT("abc"), &out))
CALL(aead_seal_final, se_aead_seal_final(c, 0x1a, 4, &out, &out2))
CALL(aead_open_final, se_aead_open_final(c, 0x1a, SLICE_LIT("tag!"), &out))
CALL(hkdf, se_hkdf(c, 7, &(struct se_hkdf){ .digest = SE_DIGEST_SHA256, .salt = SLICE_LIT("s"), .info = SLICE_LIT("i"), .length = 4 }, &out))
CALL(hkdf_expand, se_hkdf(c, 7, &(struct se_hkdf){ .digest = SE_DIGEST_SHA256, .expand_only = true, .length = 4 }, &out))
CALL(hkdf_target, se_hkdf(c, 7, &(struct se_hkdf){ .digest = SE_DIGEST_SHA256, .length = 4, .target = 9 }, &out))
CALL(hkdf_zero, se_hkdf(c, 7, &(struct se_hkdf){ .digest = SE_DIGEST_SHA256 }, &out))
CALL(pbkdf2, se_pbkdf2(c, 7, &(struct se_pbkdf2){ .salt = SLICE_LIT("salt"), .iterations = 1000, .length = 4 }, &out))
CALL(pbkdf2_long, se_pbkdf2(c, 7, &(struct se_pbkdf2){ .iterations = 1, .length = 513 }, &out))
CALL(tls_random, se_tls_random(c, room))
CALL(tls_pms, se_tls_pre_master(c, &(struct se_tls_pre_master){ .pair = 7, .target = 9, .input = SLICE_LIT("abc"), .client_version = 0x0303 }))
CALL(tls_prf, se_tls_prf(c, 7, &(struct se_tls_prf){ SE_TLS_PRF_SERVER_HELLO, SE_DIGEST_SHA256, SLICE_LIT("key"), SLICE_LIT(B32), 4 }, &out))
CALL(tls_prf_short, se_tls_prf(c, 7, &(struct se_tls_prf){ SE_TLS_PRF_BOTH, SE_DIGEST_SHA256, SLICE_LIT("key"), SLICE_LIT(B32), 4 }, &out))
CALL(counter_set, se_counter_set(c, 7, 2, 0x1234))
CALL(counter_set_big, se_counter_set(c, 7, 1, 256))
CALL(counter_increment, se_counter_increment(c, 7))
CALL(counter_get, se_counter_get(c, 7, &number))
CALL(pcr_extend, se_pcr_extend(c, 7, SLICE_LIT("abc")))
CALL(pcr_extend_none, se_pcr_extend(c, 7, (struct slice){ 0 }))
CALL(pcr_reset, se_pcr_reset(c, 7))
CALL(pcr_get, se_pcr_get(c, 7, room))
CALL(object_export, se_object_export(c, 7, SE_EXPORT_WHOLE, &out))
CALL(object_import, se_object_import(c, 7, SE_EXPORT_WHOLE, SLICE_LIT("blob")))
CALL(object_import_part, se_object_import(c, 7, 3, SLICE_LIT("blob")))
CALL(import_external, se_object_import_external(c, SLICE_LIT("auth"), 7, SLICE_LIT("apdu")))
CALL(manage_version, se_manage_version(c, &version))
CALL(manage_timestamp, se_manage_timestamp(c, room))
CALL(manage_state, se_manage_state(c, &state))
CALL(manage_self_test, se_manage_self_test(c, SE_TEST_FLASH, &good))
CALL(manage_delete_all, se_manage_delete_all(c))
CALL(manage_lock, se_manage_lock(c, true, true))
CALL(manage_unlock, se_manage_lock(c, false, false))
CALL(manage_scp, se_manage_require_scp(c, true))
CALL(manage_features, se_manage_features(c, 0x3fff, (struct slice){ 0 }))
CALL(manage_features_bad, se_manage_features(c, 0x3fff, SLICE_LIT("x")))
CALL(manage_restrict, se_manage_restrict(c, true, SE_RESTRICT_NEW))
CALL(manage_restrict_bad, se_manage_restrict(c, true, 3))
CALL(i2cm_run, se_i2cm_run(c, SLICE_LIT("\x01\x00\x02\x49\x00\x04\x00\x02\x00\x02"), &out))
CALL(diversify, se_desfire_diversify(c, 7, 9, SLICE_LIT("abc")))
CALL(desfire_first1, se_desfire_first_part1(c, 7, (const uint8_t *)B16, room))
CALL(desfire_first2, se_desfire_first_part2(c, (const uint8_t *)B32, room))
CALL(desfire_next1, se_desfire_next_part1(c, 7, (const uint8_t *)B16, room))
CALL(desfire_next2, se_desfire_next_part2(c, (const uint8_t *)B16))
CALL(desfire_dump, se_desfire_dump(c, room))
CALL(desfire_change1, se_desfire_change_part1(c, &(struct se_desfire_change){ 7, 9, 1, 2, 3 }, &out))
CALL(desfire_change2, se_desfire_change_part2(c, (const uint8_t *)"macmacma"))
CALL(pake_configure, se_pake_configure(c, 0x1e, SE_PAKE_DEVICE_A))
CALL(pake_names, se_pake_names(c, 0x1e, SLICE_LIT("c"), (struct slice){ 0 }, SLICE_LIT("v")))
CALL(pake_credentials, se_pake_credentials(c, 0x1e, 7, SE_ID_NONE, 9))
CALL(pake_share, se_pake_share(c, 0x1e, (struct slice){ 0 }, &out))
CALL(pake_keys, se_pake_keys(c, 0x1e, SLICE_LIT("peer"), &out, &out2))
CALL(pake_verify, se_pake_verify(c, 0x1e, SLICE_LIT("conf")))
CALL(pake_state, se_pake_state(c, 0x1e, room))
CALL(pake_device, se_pake_device(c, 0x1e, room))
CALL(desfire_end, se_desfire_end(c))

#define I2CM "\x80\x03\x00\x30\x0c\x41\x0a\x01\x00\x02\x49\x00\x04\x00\x02\x00\x02"
#define SEAL "\x80\x03\x11\x37\x00\x00\x1b" KEY "\x42\x01\xb0\x43\x03" "abc\x44\x03" "aad\x45\x02" "iv\x46\x02\x00\x04\x00\x00"
#define OPEN "\x80\x03\x11\x38\x00\x00\x1d" KEY "\x42\x01\xb0\x43\x03" "abc\x44\x03" "aad\x45\x02" "iv\x46\x04" "tag!\x00\x00"
#define ONCE "\x80\x03\x0e\x37\x00\x00\x12" KEY "\x42\x01\x0d\x43\x03" "abc\x44\x02" "iv\x00\x00"
#define UPDATE "\x80\x03\x0e\x0c\x09\x42\x02\x00\x0f\x43\x03" "abc"
#define MAC "\x80\x03\x0d\x45\x0e" KEY "\x42\x01\x31\x43\x03" "abc"
#define CHECK "\x80\x03\x0d\x46\x13" KEY "\x42\x01\x19\x43\x03" "abc\x45\x03" "mac"
#define HKDF "\x80\x03\x00\x2d\x13" KEY "\x42\x01\x04\x43\x01s\x44\x01i\x45\x02\x00\x04"
#define READ "\x80\x02\x00\x00\x00\x00\x06" KEY "\x00\x00"
#define STATE "\x80\x02\x00\x5b\x00"
#define AEAD_END "\x80\x03\x11\x0d\x00\x00\x0a\x42\x02\x00\x1a\x46\x04" "tag!\x00\x00"

static const struct {
    const char *what;
    err_t (*call)(struct se_chip *c);
    struct slice command, answer; /* empty command: nothing may be sent */
    err_t want;
    size_t n; /* bytes in out afterwards */
} cases[] = {
    { "create a crypto object", crypto_create, SLICE_LIT("\x80\x01\x10\x00\x0a\x41\x02\x00\x0f\x42\x01\x02\x43\x01\x0d"), SLICE_LIT(OK), ERR_OK, 0 },
    { "cipher once", cipher_once, SLICE_LIT(ONCE), SLICE_LIT("\x41\x10" B16 OK), ERR_OK, 16 },
    { "cipher once: too much", cipher_once, SLICE_LIT(ONCE), SLICE_LIT("\x41\x20" B32 OK), ERR_PROTO, 0 },
    { "cipher once: wrong tag", cipher_once, SLICE_LIT(ONCE), SLICE_LIT("\x42\x10" B16 OK), ERR_PROTO, 0 },
    { "cipher once: bytes behind", cipher_once, SLICE_LIT(ONCE), SLICE_LIT("\x41\x01x\x00" OK), ERR_PROTO, 0 },
    { "cipher once: length lies", cipher_once, SLICE_LIT(ONCE), SLICE_LIT("\x41\x05x" OK), ERR_PROTO, 0 },
    { "decrypt once", cipher_once_open, SLICE_LIT("\x80\x03\x0e\x38\x00\x00\x0e" KEY "\x42\x01\x0e\x43\x03" "abc\x00\x00"), SLICE_LIT("\x41\x03xyz" OK), ERR_OK, 3 },
    { "cipher init", cipher_init, SLICE_LIT("\x80\x03\x0e\x43\x0e" KEY "\x42\x02\x00\x0f\x44\x02" "iv"), SLICE_LIT(OK), ERR_OK, 0 },
    { "cipher init: data", cipher_init, SLICE_LIT("\x80\x03\x0e\x43\x0e" KEY "\x42\x02\x00\x0f\x44\x02" "iv"), SLICE_LIT("\x41\x00" OK), ERR_PROTO, 0 },
    { "cipher update", cipher_update, SLICE_LIT(UPDATE), SLICE_LIT("\x41\x03xyz" OK), ERR_OK, 3 },
    { "cipher update: nothing yet", cipher_update, SLICE_LIT(UPDATE), SLICE_LIT(OK), ERR_OK, 0 },
    { "cipher update: empty", cipher_update, SLICE_LIT(UPDATE), SLICE_LIT("\x41\x00" OK), ERR_OK, 0 },
    { "cipher final", cipher_final, SLICE_LIT("\x80\x03\x0e\x0d\x00\x00\x09\x42\x02\x00\x0f\x43\x03" "abc\x00\x00"), SLICE_LIT("\x41\x10" B16 OK), ERR_OK, 16 },
    { "cipher final without data", cipher_final_empty, SLICE_LIT("\x80\x03\x0e\x0d\x00\x00\x04\x42\x02\x00\x0f\x00\x00"), SLICE_LIT("\x41\x00" OK), ERR_OK, 0 },
    { "MAC once", mac_once, SLICE_LIT(MAC), SLICE_LIT("\x41\x10" B16 OK), ERR_OK, 16 },
    { "MAC once: none", mac_once, SLICE_LIT(MAC), SLICE_LIT("\x41\x00" OK), ERR_PROTO, 0 },
    { "check a MAC", mac_check_once, SLICE_LIT(CHECK), SLICE_LIT("\x41\x01\x01" OK), ERR_OK, 0 },
    { "check a MAC: result 3", mac_check_once, SLICE_LIT(CHECK), SLICE_LIT("\x41\x01\x03" OK), ERR_PROTO, 0 },
    { "check a MAC: two bytes", mac_check_once, SLICE_LIT(CHECK), SLICE_LIT("\x41\x02\x01\x01" OK), ERR_PROTO, 0 },
    { "MAC init", mac_init, SLICE_LIT("\x80\x03\x0d\x03\x0a" KEY "\x42\x02\x00\x15"), SLICE_LIT(OK), ERR_OK, 0 },
    { "MAC check init", mac_check_init, SLICE_LIT("\x80\x03\x0d\x44\x0a" KEY "\x42\x02\x00\x15"), SLICE_LIT(OK), ERR_OK, 0 },
    { "MAC update", mac_update, SLICE_LIT("\x80\x03\x0d\x0c\x09\x41\x03" "abc\x42\x02\x00\x15"), SLICE_LIT(OK), ERR_OK, 0 },
    { "MAC final", mac_final, SLICE_LIT("\x80\x03\x0d\x0d\x00\x00\x09\x41\x03" "abc\x42\x02\x00\x15\x00\x00"), SLICE_LIT("\x41\x10" B16 OK), ERR_OK, 16 },
    { "MAC check final", mac_check_final, SLICE_LIT("\x80\x03\x0d\x0d\x00\x00\x09\x42\x02\x00\x15\x43\x03mac\x00\x00"), SLICE_LIT("\x41\x01\x01" OK), ERR_OK, 0 },
    { "digest once", digest_once, SLICE_LIT("\x80\x03\x00\x0e\x08\x41\x01\x04\x42\x03" "abc"), SLICE_LIT("\x41\x20" B32 OK), ERR_OK, 32 },
    { "digest init", digest_init, SLICE_LIT("\x80\x03\x00\x0b\x04\x42\x02\x00\x03"), SLICE_LIT(OK), ERR_OK, 0 },
    { "digest update", digest_update, SLICE_LIT("\x80\x03\x00\x0c\x09\x42\x02\x00\x03\x43\x03" "abc"), SLICE_LIT(OK), ERR_OK, 0 },
    { "digest final", digest_final, SLICE_LIT("\x80\x03\x00\x0d\x04\x42\x02\x00\x03"), SLICE_LIT("\x41\x20" B32 OK), ERR_OK, 32 },
    { "seal", aead_seal, SLICE_LIT(SEAL), SLICE_LIT("\x41\x03xyz\x42\x04" "TAG!" OK), ERR_OK, 3 },
    { "seal: no tag", aead_seal, SLICE_LIT(SEAL), SLICE_LIT("\x41\x03xyz" OK), ERR_PROTO, 0 },
    { "seal: short tag", aead_seal, SLICE_LIT(SEAL), SLICE_LIT("\x41\x03xyz\x42\x03TAG" OK), ERR_PROTO, 0 },
    { "seal: short data", aead_seal, SLICE_LIT(SEAL), SLICE_LIT("\x41\x02xy\x42\x04" "TAG!" OK), ERR_PROTO, 0 },
    { "seal: an IV nobody asked for", aead_seal, SLICE_LIT(SEAL), SLICE_LIT("\x41\x03xyz\x42\x04" "TAG!\x43\x02iv" OK), ERR_PROTO, 0 },
    { "seal with the chip's IV on 3.x", aead_seal_own_iv, { 0 }, { 0 }, ERR_UNSUPPORTED, 0 },
    { "open", aead_open, SLICE_LIT(OPEN), SLICE_LIT("\x41\x03xyz\x42\x01\x01" OK), ERR_OK, 3 },
    { "open: wrong tag, and data all the same", aead_open, SLICE_LIT(OPEN), SLICE_LIT("\x41\x03xyz\x42\x01\x02" OK), ERR_AUTH, 0 },
    { "open: wrong tag", aead_open, SLICE_LIT(OPEN), SLICE_LIT("\x42\x01\x02" OK), ERR_AUTH, 0 },
    { "open: no result", aead_open, SLICE_LIT(OPEN), SLICE_LIT("\x41\x03xyz" OK), ERR_PROTO, 0 },
    { "open: result 0", aead_open, SLICE_LIT(OPEN), SLICE_LIT("\x41\x03xyz\x42\x01\x00" OK), ERR_PROTO, 0 },
    { "open: more than went in", aead_open, SLICE_LIT(OPEN), SLICE_LIT("\x41\x04wxyz\x42\x01\x01" OK), ERR_PROTO, 0 },
    { "AEAD init", aead_init, SLICE_LIT("\x80\x03\x11\x42\x0e" KEY "\x42\x02\x00\x1a\x45\x02" "iv"), SLICE_LIT(OK), ERR_OK, 0 },
    { "AEAD AAD", aead_aad, SLICE_LIT("\x80\x03\x11\x0c\x00\x00\x09\x42\x02\x00\x1a\x44\x03" "aad\x00\x00"), SLICE_LIT(OK), ERR_OK, 0 },
    { "AEAD AAD: data", aead_aad, SLICE_LIT("\x80\x03\x11\x0c\x00\x00\x09\x42\x02\x00\x1a\x44\x03" "aad\x00\x00"), SLICE_LIT("\x41\x01x" OK), ERR_PROTO, 0 },
    { "AEAD update", aead_update, SLICE_LIT("\x80\x03\x11\x0c\x00\x00\x09\x42\x02\x00\x1a\x43\x03" "abc\x00\x00"), SLICE_LIT("\x41\x03xyz" OK), ERR_OK, 3 },
    { "AEAD seal final", aead_seal_final, SLICE_LIT("\x80\x03\x11\x0d\x00\x00\x08\x42\x02\x00\x1a\x46\x02\x00\x04\x00\x00"), SLICE_LIT("\x41\x00\x42\x04" "TAG!" OK), ERR_OK, 0 },
    { "AEAD open final", aead_open_final, SLICE_LIT(AEAD_END), SLICE_LIT("\x41\x03xyz\x42\x01\x01" OK), ERR_OK, 3 },
    { "AEAD open final: wrong tag", aead_open_final, SLICE_LIT(AEAD_END), SLICE_LIT("\x41\x03xyz\x42\x01\x02" OK), ERR_AUTH, 0 },
    { "HKDF", hkdf, SLICE_LIT(HKDF), SLICE_LIT("\x41\x04okm!" OK), ERR_OK, 4 },
    { "HKDF: other length", hkdf, SLICE_LIT(HKDF), SLICE_LIT("\x41\x05okm!!" OK), ERR_PROTO, 0 },
    { "HKDF expand", hkdf_expand, SLICE_LIT("\x80\x03\x00\x2f\x0d" KEY "\x42\x01\x04\x45\x02\x00\x04"), SLICE_LIT("\x41\x04okm!" OK), ERR_OK, 4 },
    { "HKDF of nothing", hkdf_zero, { 0 }, { 0 }, ERR_INVALID, 0 },
    { "HKDF with a target on 3.x", hkdf_target, { 0 }, { 0 }, ERR_UNSUPPORTED, 0 },
    { "PBKDF2", pbkdf2, SLICE_LIT("\x80\x03\x00\x2e\x14" KEY "\x42\x04salt\x43\x02\x03\xe8\x44\x02\x00\x04"), SLICE_LIT("\x41\x04okm!" OK), ERR_OK, 4 },
    { "PBKDF2: too much", pbkdf2_long, { 0 }, { 0 }, ERR_INVALID, 0 },
    { "TLS random", tls_random, SLICE_LIT("\x80\x03\x0f\x49\x00"), SLICE_LIT("\x41\x20" B32 OK), ERR_OK, 0 },
    { "TLS random: short", tls_random, SLICE_LIT("\x80\x03\x0f\x49\x00"), SLICE_LIT("\x41\x10" B16 OK), ERR_PROTO, 0 },
    { "TLS pre-master secret", tls_pms, SLICE_LIT("\x80\x03\x0f\x4a\x15\x42\x04\x00\x00\x00\x07\x43\x04\x00\x00\x00\x09\x44\x03" "abc\x46\x02\x03\x03"), SLICE_LIT(OK), ERR_OK, 0 },
    { "TLS PRF", tls_prf, SLICE_LIT("\x80\x03\x0f\x4c\x00\x00\x34" KEY "\x42\x01\x04\x43\x03key\x44\x20" B32 "\x45\x02\x00\x04\x00\x00"), SLICE_LIT("\x41\x04okm!" OK), ERR_OK, 4 },
    { "TLS PRF with half the randoms", tls_prf_short, { 0 }, { 0 }, ERR_INVALID, 0 },
    { "raise a counter", counter_set, SLICE_LIT("\x80\x01\x08\x00\x0a" KEY "\x43\x02\x12\x34"), SLICE_LIT(OK), ERR_OK, 0 },
    { "raise a counter too far", counter_set_big, { 0 }, { 0 }, ERR_INVALID, 0 },
    { "count", counter_increment, SLICE_LIT("\x80\x01\x08\x00\x06" KEY), SLICE_LIT(OK), ERR_OK, 0 },
    { "read a counter", counter_get, SLICE_LIT(READ), SLICE_LIT("\x41\x02\x12\x34" OK), ERR_OK, 0 },
    { "read a counter of 9 bytes", counter_get, SLICE_LIT(READ), SLICE_LIT("\x41\x09" "123456789" OK), ERR_PROTO, 0 },
    { "extend a PCR", pcr_extend, SLICE_LIT("\x80\x01\x09\x00\x0b" KEY "\x43\x03" "abc"), SLICE_LIT(OK), ERR_OK, 0 },
    { "extend a PCR with nothing", pcr_extend_none, { 0 }, { 0 }, ERR_INVALID, 0 },
    { "reset a PCR", pcr_reset, SLICE_LIT("\x80\x01\x09\x00\x06" KEY), SLICE_LIT(OK), ERR_OK, 0 },
    { "read a PCR", pcr_get, SLICE_LIT(READ), SLICE_LIT("\x41\x20" B32 OK), ERR_OK, 0 },
    { "export", object_export, SLICE_LIT("\x80\x02\x00\x19\x00\x00\x09" KEY "\x42\x01\xff\x00\x00"), SLICE_LIT("\x41\x04" "blob" OK), ERR_OK, 4 },
    { "import", object_import, SLICE_LIT("\x80\x01\x00\x18\x0c" KEY "\x43\x04" "blob"), SLICE_LIT(OK), ERR_OK, 0 },
    { "import a component", object_import_part, SLICE_LIT("\x80\x01\x00\x18\x0f" KEY "\x42\x01\x03\x43\x04" "blob"), SLICE_LIT(OK), ERR_OK, 0 },
    { "import what was signed", import_external, SLICE_LIT("\x80\x06\x00\x00\x12\x13\x04" "auth\x14\x04\x00\x00\x00\x07\x41\x04" "apdu"), SLICE_LIT(OK), ERR_OK, 0 },
    { "version", manage_version, SLICE_LIT("\x80\x04\x00\x20\x00"), SLICE_LIT("\x41\x07\x03\x01\x00\x3f\xff\x01\x0b" OK), ERR_OK, 0 },
    { "version: short", manage_version, SLICE_LIT("\x80\x04\x00\x20\x00"), SLICE_LIT("\x41\x06\x03\x01\x00\x3f\xff\x01" OK), ERR_PROTO, 0 },
    { "timestamp", manage_timestamp, SLICE_LIT("\x80\x04\x00\x3d\x00"), SLICE_LIT("\x41\x0c" "0123456789ab" OK), ERR_OK, 0 },
    { "state", manage_state, SLICE_LIT(STATE), SLICE_LIT("\x41\x03\x01\x02\x02" OK), ERR_OK, 0 },
    { "state: restriction 3", manage_state, SLICE_LIT(STATE), SLICE_LIT("\x41\x03\x01\x03\x02" OK), ERR_PROTO, 0 },
    { "state: request 0", manage_state, SLICE_LIT(STATE), SLICE_LIT("\x41\x03\x01\x02\x00" OK), ERR_PROTO, 0 },
    { "self-test", manage_self_test, SLICE_LIT("\x80\x04\x00\x58\x04\x41\x02\xfd\x02"), SLICE_LIT("\x41\x01\x01" OK), ERR_OK, 0 },
    { "delete all", manage_delete_all, SLICE_LIT("\x80\x04\x00\x2a\x00"), SLICE_LIT("\x69\x85"), ERR_NOT_FOUND, 0 },
    { "lock for good", manage_lock, SLICE_LIT("\x80\x04\x00\x3e\x06\x41\x01\x02\x42\x01\x01"), SLICE_LIT(OK), ERR_OK, 0 },
    { "unlock until a reset", manage_unlock, SLICE_LIT("\x80\x04\x00\x3e\x06\x41\x01\x01\x42\x01\x02"), SLICE_LIT(OK), ERR_OK, 0 },
    { "require the channel", manage_scp, SLICE_LIT("\x80\x04\x00\x52\x03\x41\x01\x01"), SLICE_LIT("\x69\x82"), ERR_DENIED, 0 },
    { "features", manage_features, SLICE_LIT("\x80\x04\x00\x3f\x04\x41\x02\x3f\xff"), SLICE_LIT(OK), ERR_OK, 0 },
    { "features: odd length", manage_features_bad, { 0 }, { 0 }, ERR_INVALID, 0 },
    { "no new objects", manage_restrict, SLICE_LIT("\x80\x04\x00\x57\x06\x41\x01\x02\x42\x01\x01"), SLICE_LIT(OK), ERR_OK, 0 },
    { "no such restriction", manage_restrict_bad, { 0 }, { 0 }, ERR_INVALID, 0 },
    { "I2C", i2cm_run, SLICE_LIT(I2CM), SLICE_LIT("\x41\x0a\x01\x00\x01\xa5\x04\x00\x03\xa5xy" OK), ERR_OK, 10 },
    { "I2C: nobody answers", i2cm_run, SLICE_LIT(I2CM), SLICE_LIT("\x41\x08\x01\x00\x01\xa5\x04\x00\x01\x96" OK), ERR_OK, 8 },
    { "I2C: too few results", i2cm_run, SLICE_LIT(I2CM), SLICE_LIT("\x41\x04\x01\x00\x01\xa5" OK), ERR_PROTO, 0 },
    { "I2C: too many results", i2cm_run, SLICE_LIT(I2CM), SLICE_LIT("\x41\x0e\x01\x00\x01\xa5\x04\x00\x03\xa5xy\x01\x00\x01\xa5" OK), ERR_PROTO, 0 },
    { "I2C: other order", i2cm_run, SLICE_LIT(I2CM), SLICE_LIT("\x41\x0a\x04\x00\x03\xa5xy\x01\x00\x01\xa5" OK), ERR_PROTO, 0 },
    { "I2C: less than asked", i2cm_run, SLICE_LIT(I2CM), SLICE_LIT("\x41\x09\x01\x00\x01\xa5\x04\x00\x02\xa5x" OK), ERR_PROTO, 0 },
    { "I2C: another result byte", i2cm_run, SLICE_LIT(I2CM), SLICE_LIT("\x41\x0a\x01\x00\x01\x5a\x04\x00\x03\xa5xy" OK), ERR_PROTO, 0 },
    { "I2C: length lies", i2cm_run, SLICE_LIT(I2CM), SLICE_LIT("\x41\x0a\x01\x00\x01\xa5\x04\x00\x04\xa5xy" OK), ERR_PROTO, 0 },
    { "diversify", diversify, SLICE_LIT("\x80\x03\x00\x10\x11" KEY "\x42\x04\x00\x00\x00\x09\x43\x03" "abc"), SLICE_LIT(OK), ERR_OK, 0 },
    { "DESFire first 1", desfire_first1, SLICE_LIT("\x80\x03\x00\x53\x18" KEY "\x42\x10" B16), SLICE_LIT("\x41\x20" B32 OK), ERR_OK, 0 },
    { "DESFire first 2", desfire_first2, SLICE_LIT("\x80\x03\x00\x12\x22\x41\x20" B32), SLICE_LIT("\x41\x0c" "0123456789ab" OK), ERR_OK, 0 },
    { "DESFire first 2: wrong", desfire_first2, SLICE_LIT("\x80\x03\x00\x12\x22\x41\x20" B32), SLICE_LIT("\x69\x82"), ERR_DENIED, 0 },
    { "DESFire next 1", desfire_next1, SLICE_LIT("\x80\x03\x00\x54\x18" KEY "\x42\x10" B16), SLICE_LIT("\x41\x20" B32 OK), ERR_OK, 0 },
    { "DESFire next 2", desfire_next2, SLICE_LIT("\x80\x03\x00\x13\x12\x41\x10" B16), SLICE_LIT(OK), ERR_OK, 0 },
    { "DESFire dump", desfire_dump, SLICE_LIT("\x80\x03\x00\x14\x00"), SLICE_LIT("\x41\x26" B32 "012345" OK), ERR_OK, 0 },
    { "DESFire change 1", desfire_change1, SLICE_LIT("\x80\x03\x00\x15\x15" KEY "\x42\x04\x00\x00\x00\x09\x43\x01\x01\x44\x01\x02\x45\x01\x03"), SLICE_LIT("\x41\x28" B32 "01234567" OK), ERR_OK, 40 },
    { "DESFire change 2", desfire_change2, SLICE_LIT("\x80\x03\x00\x16\x0a\x41\x08macmacma"), SLICE_LIT("\x41\x01\x02" OK), ERR_AUTH, 0 },
    { "DESFire end", desfire_end, SLICE_LIT("\x80\x03\x00\x17\x00"), SLICE_LIT(OK), ERR_OK, 0 },
    { "SPAKE2+ on 3.x", pake_configure, { 0 }, { 0 }, ERR_UNSUPPORTED, 0 },
    { "SPAKE2+ names", pake_names, SLICE_LIT("\x80\x03\x12\x36\x0a\x42\x02\x00\x1e\x43\x01" "c\x45\x01v"), SLICE_LIT(OK), ERR_OK, 0 },
    { "SPAKE2+ credentials", pake_credentials, SLICE_LIT("\x80\x03\x12\x40\x10\x42\x02\x00\x1e\x43\x04\x00\x00\x00\x07\x45\x04\x00\x00\x00\x09"), SLICE_LIT(OK), ERR_OK, 0 },
    { "SPAKE2+ share", pake_share, SLICE_LIT("\x80\x03\x12\x0c\x04\x42\x02\x00\x1e"), SLICE_LIT("\x41\x05share" OK), ERR_OK, 5 },
    { "SPAKE2+ share: none", pake_share, SLICE_LIT("\x80\x03\x12\x0c\x04\x42\x02\x00\x1e"), SLICE_LIT("\x41\x00" OK), ERR_PROTO, 0 },
    { "SPAKE2+ keys", pake_keys, SLICE_LIT("\x80\x03\x12\x03\x0a\x42\x02\x00\x1e\x43\x04peer"), SLICE_LIT("\x41\x03key\x42\x04" "conf" OK), ERR_OK, 3 },
    { "SPAKE2+ keys: no confirmation", pake_keys, SLICE_LIT("\x80\x03\x12\x03\x0a\x42\x02\x00\x1e\x43\x04peer"), SLICE_LIT("\x41\x03key" OK), ERR_PROTO, 0 },
    { "SPAKE2+ verify", pake_verify, SLICE_LIT("\x80\x03\x12\x0a\x0a\x42\x02\x00\x1e\x43\x04" "conf"), SLICE_LIT("\x41\x01\x01" OK), ERR_OK, 0 },
    { "SPAKE2+ verify: wrong", pake_verify, SLICE_LIT("\x80\x03\x12\x0a\x0a\x42\x02\x00\x1e\x43\x04" "conf"), SLICE_LIT("\x41\x01\x02" OK), ERR_AUTH, 0 },
    { "SPAKE2+ state", pake_state, SLICE_LIT("\x80\x02\x12\x5b\x04\x42\x02\x00\x1e"), SLICE_LIT("\x41\x01\xa5" OK), ERR_OK, 0 },
    { "SPAKE2+ device", pake_device, SLICE_LIT("\x80\x02\x12\x00\x04\x42\x02\x00\x1e"), SLICE_LIT("\x41\x01\x02" OK), ERR_OK, 0 },
};
/* clang-format on */

static void each_call(void **state_)
{
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct exchange step = { cases[i].command, cases[i].answer };
        struct se_chip *chip = chip_with(&step, cases[i].command.n != 0);

        print_message("  %s\n", cases[i].what);
        out = BUF_INIT(100);
        out2 = BUF_INIT(100);
        out3 = BUF_INIT(100);
        memset(room, 0xee, sizeof(room));
        assert_int_equal(cases[i].call(chip), cases[i].want);
        assert_int_equal(out.n, cases[i].n);
        if (cases[i].want) {
            assert_int_equal(out2.n, 0);
            assert_int_equal(room[0], 0xee);
        }
        buf_done(&out);
        buf_done(&out2);
        buf_done(&out3);
        FINISH();
    }
}

/* Every call, with each answer cut short: never success but where the whole answer may be missing. */
static void answers_cut_short(void **state_)
{
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (cases[i].want != ERR_OK || cases[i].answer.n < 4)
            continue;
        for (size_t n = 1; n < cases[i].answer.n - 2; n++) {
            autobuf cut = BUF_INIT(200);
            struct exchange step = { cases[i].command, { 0 } };
            struct se_chip *chip;

            (void)buf_add(&cut, slice_head(cases[i].answer, n));
            (void)buf_add(&cut, SLICE_LIT(OK));
            step.answer = buf_slice(&cut);
            chip = chip_with(&step, 1);
            out = BUF_INIT(100);
            out2 = BUF_INIT(100);
            out3 = BUF_INIT(100);
            assert_int_equal(cases[i].call(chip), ERR_PROTO);
            assert_int_equal(out.n + out2.n, 0);
            buf_done(&out);
            buf_done(&out2);
            buf_done(&out3);
            FINISH();
        }
    }
}

static void what_came_back(void **state_)
{
    BEGIN({ SLICE_LIT(READ), SLICE_LIT("\x41\x02\x12\x34" OK) },
          { SLICE_LIT("\x80\x04\x00\x20\x00"), SLICE_LIT("\x41\x07\x07\x02\x01\x6f\xff\x01\x0b" OK) },
          { SLICE_LIT(STATE), SLICE_LIT("\x41\x03\x01\x02\x02" OK) },
          { SLICE_LIT(CHECK), SLICE_LIT("\x41\x01\x02" OK) });
    struct slice results = SLICE_LIT("\x01\x00\x01\xa5\x04\x00\x03\xa5xy\x03\x00\x01\x96");
    struct se_i2cm_result r;

    assert_int_equal(se_counter_get(chip, 7, &number), ERR_OK);
    assert_int_equal(number, 0x1234);
    assert_int_equal(se_manage_version(chip, &version), ERR_OK);
    assert_int_equal(version.major * 100 + version.minor * 10 + version.patch, 721);
    assert_int_equal(version.config, 0x6fff);
    assert_int_equal(se_manage_state(chip, &state), ERR_OK);
    assert_true(state.locked && state.restricted == SE_RESTRICT_ALL && !state.scp_required);
    good = true;
    assert_int_equal(mac_check_once(chip), ERR_OK);
    assert_false(good);

    assert_int_equal(se_i2cm_next(&results, &r), ERR_OK);
    assert_true(r.kind == SE_I2CM_CONFIGURE && r.done && r.data.n == 0);
    assert_int_equal(se_i2cm_next(&results, &r), ERR_OK);
    assert_true(r.kind == SE_I2CM_READ && slice_eq(r.data, SLICE_LIT("xy")));
    assert_int_equal(se_i2cm_next(&results, &r), ERR_OK);
    assert_true(r.kind == SE_I2CM_WRITE && !r.done);
    assert_int_equal(se_i2cm_next(&results, &r), ERR_MORE);
    FINISH();
}

static void i2c_lists(void **state_)
{
    static const uint8_t zeros[256];
    autobuf list = BUF_INIT(SE_I2CM_COMMAND_MAX);

    assert_int_equal(se_i2cm_configure(&list, 0x49, 0), ERR_OK);
    assert_int_equal(se_i2cm_write(&list, SLICE_LIT("\x0f")), ERR_OK);
    assert_int_equal(se_i2cm_read(&list, 2), ERR_OK);
    assert_true(
        slice_eq(buf_slice(&list), SLICE_LIT("\x01\x00\x02\x49\x00\x03\x00\x01\x0f\x04\x00\x02\x00\x02")));
    assert_int_equal(se_i2cm_write(&list, slice_of(zeros, 240)), ERR_TOO_BIG);
    assert_int_equal(se_i2cm_write(&list, slice_of(zeros, 256)), ERR_TOO_BIG);
    assert_int_equal(list.n, 14);
}

#define EXISTS "\x80\x04\x00\x27\x06" KEY

static void counters_and_pcrs_are_made(void **state_)
{
    BEGIN({ SLICE_LIT(EXISTS), SLICE_LIT("\x41\x01\x02" OK) },
          { SLICE_LIT("\x80\x01\x08\x00\x0a" KEY "\x42\x02\x00\x04"), SLICE_LIT(OK) },
          { SLICE_LIT(EXISTS), SLICE_LIT("\x41\x01\x02" OK) },
          { SLICE_LIT("\x80\x01\x08\x00\x0e" KEY "\x42\x02\x00\x02\x43\x02\x00\x05"), SLICE_LIT(OK) },
          { SLICE_LIT(EXISTS), SLICE_LIT("\x41\x01\x01" OK) },
          { SLICE_LIT(EXISTS), SLICE_LIT("\x41\x01\x02" OK) },
          { SLICE_LIT("\x80\x01\x09\x00\x28" KEY "\x42\x20" B32), SLICE_LIT(OK) },
          { SLICE_LIT(EXISTS), SLICE_LIT("\x41\x01\x01" OK) });

    assert_int_equal(se_counter_create(chip, 7, 4, 0, NULL), ERR_OK);
    assert_int_equal(se_counter_create(chip, 7, 2, 5, NULL), ERR_OK);
    assert_int_equal(se_counter_create(chip, 7, 4, 0, NULL), ERR_EXISTS);
    assert_int_equal(se_pcr_create(chip, 7, (const uint8_t *)B32, NULL), ERR_OK);
    assert_int_equal(se_pcr_create(chip, 7, (const uint8_t *)B32, NULL), ERR_EXISTS);
    assert_int_equal(se_counter_create(chip, 7, 0, 0, NULL), ERR_INVALID);
    assert_int_equal(se_counter_create(chip, 7, 9, 0, NULL), ERR_INVALID);
    assert_int_equal(se_counter_create(chip, 7, 1, 256, NULL), ERR_INVALID);
    FINISH();
}

#define LIST "\x80\x02\x10\x25\x00"

static void crypto_objects_on_demand(void **state_)
{
    const struct se_crypto_object want = { 0x0f, SE_CONTEXT_CIPHER, SE_CIPHER_AES_CBC };
    BEGIN({ SLICE_LIT(LIST), SLICE_LIT("\x41\x04\x00\x0e\x02\x0e" OK) },
          { SLICE_LIT("\x80\x01\x10\x00\x0a\x41\x02\x00\x0f\x42\x01\x02\x43\x01\x0d"), SLICE_LIT(OK) },
          { SLICE_LIT(LIST), SLICE_LIT("\x41\x08\x00\x0e\x02\x0e\x00\x0f\x02\x0d" OK) },
          { SLICE_LIT(LIST), SLICE_LIT("\x41\x04\x00\x0f\x02\x0e" OK) });

    assert_int_equal(se_crypto_object_ensure(chip, &want), ERR_OK);
    assert_int_equal(se_crypto_object_ensure(chip, &want), ERR_OK);
    assert_int_equal(se_crypto_object_ensure(chip, &want), ERR_EXISTS);
    FINISH();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_call),
        cmocka_unit_test(answers_cut_short),
        cmocka_unit_test(what_came_back),
        cmocka_unit_test(i2c_lists),
        cmocka_unit_test(counters_and_pcrs_are_made),
        cmocka_unit_test(crypto_objects_on_demand),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
