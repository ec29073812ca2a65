/* sedge/se_manage.h - the applet's settings, the chip's own I2C bus, MIFARE DESFire.
 */
#ifndef SEDGE_SE_MANAGE_H
#define SEDGE_SE_MANAGE_H

#include <sedge/se.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Settings want a session opened with their reserved object: SEDGE_ERR_NOT_FOUND or _DENIED in any other. */

/* 7.x: version and features. */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_version_ext(sedge_se *se,
                                                          uint8_t ret[SEDGE_SE_VERSION_EXT_LEN]);

/* A counter that only goes up. */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_timestamp(sedge_se *se, uint8_t ret[SEDGE_SE_TIMESTAMP_LEN]);

/* 7.x: is it locked, are new objects refused (0, SEDGE_SE_RESTRICT_*), is the secure channel required? */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_state(sedge_se *se, bool *ret_locked, uint8_t *ret_restricted,
                                                    bool *ret_scp_required);

/* 7.x: SEDGE_SE_TEST_*. */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_self_test(sedge_se *se, uint16_t test, bool *ret_passed);

/* Everything but reserved and provisioned objects. */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_delete_all(sedge_se *se);

SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_lock(sedge_se *se, bool persistent, bool locked);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_require_scp(sedge_se *se, bool required);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_set_features(sedge_se *se, uint16_t config, sedge_bytes more);

/* This cannot be undone when it is persistent. */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_restrict(sedge_se *se, bool persistent, uint8_t mode);

enum sedge_se_i2cm_kind { SEDGE_SE_I2CM_CONFIGURE = 1, SEDGE_SE_I2CM_WRITE = 3, SEDGE_SE_I2CM_READ = 4 };

/* One step on the chip's own bus, and how it went. */
struct sedge_se_i2cm {
    enum sedge_se_i2cm_kind kind;
    uint8_t address, frequency; /* configure */
    sedge_bytes data;           /* write */
    sedge_out read;             /* read: room says how many bytes */
    bool done;                  /* out: false when the device did not answer */
};

/* At most 255 bytes of commands in all. */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_i2cm(sedge_se *se, struct sedge_se_i2cm *steps, size_t n);

/* DESFire EV2: diversify a key, authenticate, change keys. See AN12413 and AN12343. */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_desfire_diversify(sedge_se *se, uint32_t master,
                                                                uint32_t target, sedge_bytes input);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_desfire_first_part1(sedge_se *se, uint32_t key,
                                                                  const uint8_t challenge[16],
                                                                  uint8_t ret[32]);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_desfire_first_part2(sedge_se *se, const uint8_t card[32],
                                                                  uint8_t ret[12]);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_desfire_next_part1(sedge_se *se, uint32_t key,
                                                                 const uint8_t challenge[16],
                                                                 uint8_t ret[32]);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_desfire_next_part2(sedge_se *se, const uint8_t card[16]);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_desfire_dump(sedge_se *se, uint8_t ret[38]);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_desfire_change_part1(sedge_se *se, uint32_t old_key,
                                                                   uint32_t new_key, uint8_t set,
                                                                   uint8_t number, uint8_t version,
                                                                   sedge_out *ret);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_desfire_change_part2(sedge_se *se, const uint8_t mac[8]);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_desfire_end(sedge_se *se);

/* SPAKE2+ (RFC 9383), 7.x, in a crypto object; in this order, between sedge_se_begin and sedge_se_end. w0
 * with w1 (A, SEDGE_SE_PAKE_DEVICE_A, proves) or with the point L (B verifies), HMAC objects. */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_pake_configure(sedge_se *se, uint16_t object, uint8_t device);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_pake_names(sedge_se *se, uint16_t object, sedge_bytes context,
                                                         sedge_bytes prover, sedge_bytes verifier);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_pake_credentials(sedge_se *se, uint16_t object, uint32_t w0,
                                                               uint32_t w1, uint32_t l);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_pake_share(sedge_se *se, uint16_t object, sedge_bytes peer,
                                                         sedge_out *ret);
/* The secret must not be used before sedge_se_pake_verify; SEDGE_ERR_AUTH: the peer does not know the
 * password. */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_pake_keys(sedge_se *se, uint16_t object, sedge_bytes peer,
                                                        sedge_out *ret_secret, sedge_out *ret_confirmation);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_pake_verify(sedge_se *se, uint16_t object,
                                                          sedge_bytes confirmation);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_pake_device(sedge_se *se, uint16_t object, uint8_t *ret);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_pake_state(sedge_se *se, uint16_t object, uint8_t *ret);

/* New keys for the platform's secure channel, in which the handle has to be. `now` and `next` are named as in
 * struct sedge_se_options, one set each, with DEK. Close the handle afterwards and open the chip with the new
 * keys. SEDGE_ERR_INVALID, _NOT_FOUND, _DENIED: of the key files; SEDGE_ERR_AUTH: the chip took other keys
 * than these. */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_rotate_scp(sedge_se *se, const char *now, const char *next);

#ifdef __cplusplus
}
#endif
#endif
