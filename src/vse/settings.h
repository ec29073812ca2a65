/* src/vse/settings.h - what the part is set to, apart from its objects. Kept in non-volatile memory,
 * VSE_NVM_SETTING by enum vse_setting. */
#pragma once
#include "base/err.h"
#include "vse/scp.h"

enum vse_setting {
    VSE_SETTING_LOCK = 1,    /* one byte: 1 locked */
    VSE_SETTING_SCP_REQUEST, /* one byte: 1 required */
    VSE_SETTING_FEATURES,    /* two bytes: SE_CONFIG_* */
    VSE_SETTING_RESTRICT,    /* one byte: SE_RESTRICT_* */
    VSE_SETTING_SCP_KEYS,    /* 48 bytes: ENC MAC DEK */
};

struct vse_settings {
    bool locked, locked_transient; /* SetLockState: for good, until the next reset */
    bool scp_required;
    uint16_t features;                        /* what is left of the personality's */
    uint8_t restricted, restricted_transient; /* DisableObjectCreation: 0, or SE_RESTRICT_* */
    struct vse_scp_keys scp_keys;
};

struct vse_applet;

/* Take over one setting at start. ERR_CORRUPT. */
err_t vse_setting_load(struct vse_applet *a, uint32_t which, struct slice value);
/* Make one durable; the caller changes struct vse_settings when it is. */
err_t vse_setting_keep(struct vse_applet *a, enum vse_setting which, struct slice value);
err_t vse_setting_keep_keys(struct vse_applet *a, const struct vse_scp_keys *keys);
