/* src/se/manage.h - the applet itself: what it is, what it is set to, and the settings that cannot be undone.
 *
 * Blocking I/O over a handle; thread and error rules in se/chip.h. AN12413 module management; reference 3.2.
 * Settings want a session opened with their reserved object (SE_ID_TRANSPORT, _PLATFORM_SCP, _FEATURE,
 * _FACTORY_RESET, _RESTRICT): ERR_NOT_FOUND or ERR_DENIED in any other.
 */
#pragma once
#include "se/chip.h"

/* As SELECT told it; this asks again. */
err_t se_manage_version(struct se_chip *chip, struct se_version *ret);
/* 7.x: the seven bytes of the version and thirty of features. */
err_t se_manage_version_ext(struct se_chip *chip, uint8_t ret[SE_VERSION_EXT_LEN]);
/* A counter that only goes up; not a time of day. */
err_t se_manage_timestamp(struct se_chip *chip, uint8_t ret[SE_TIMESTAMP_LEN]);

struct se_state { /* 7.x */
    bool locked;
    uint8_t restricted; /* 0, SE_RESTRICT_NEW, SE_RESTRICT_ALL */
    bool scp_required;
};
err_t se_manage_state(struct se_chip *chip, struct se_state *ret);
/* 7.x: SE_TEST_*. A test that fails is *ret_passed = false. */
err_t se_manage_self_test(struct se_chip *chip, uint16_t test, bool *ret_passed);

/* Everything but reserved and provisioned objects. */
err_t se_manage_delete_all(struct se_chip *chip);
/* While locked only queries and sessions work. Not persistent: until the next reset. */
err_t se_manage_lock(struct se_chip *chip, bool persistent, bool locked);
/* Refuse every command outside the platform's secure channel. */
err_t se_manage_require_scp(struct se_chip *chip, bool required);
/* SE_CONFIG_* bits; `more`: empty, or the 30 bytes that follow them on 7.x (ERR_INVALID). */
err_t se_manage_features(struct se_chip *chip, uint16_t config, struct slice more);
/* For good, or until the next reset: SE_RESTRICT_NEW, SE_RESTRICT_ALL. */
err_t se_manage_restrict(struct se_chip *chip, bool persistent, uint8_t mode);
