#include "vse/settings.h"

#include "base/mem.h"
#include "vse/applet.h"

#include <string.h>

enum { KEYS_LEN = 3 * VSE_SCP_KEY };

static bool load_bool(struct slice value, bool *ret)
{
    if (value.n != 1 || value.p[0] > 1)
        return false;
    *ret = value.p[0];
    return true;
}

static bool load_mode(struct slice value, uint8_t *ret)
{
    if (value.n != 1 || value.p[0] > SE_RESTRICT_ALL)
        return false;
    *ret = value.p[0];
    return true;
}

static bool load_features(const struct vse_personality *part, struct slice value, uint16_t *ret)
{
    if (value.n != sizeof(uint16_t))
        return false;
    *ret = (uint16_t)((value.p[0] << 8 | value.p[1]) & part->features);
    return true;
}

static bool load_keys(struct slice value, struct vse_scp_keys *ret)
{
    if (value.n != KEYS_LEN)
        return false;
    memcpy(ret->enc, value.p, VSE_SCP_KEY);
    memcpy(ret->mac, value.p + VSE_SCP_KEY, VSE_SCP_KEY);
    memcpy(ret->dek, value.p + 2 * VSE_SCP_KEY, VSE_SCP_KEY);
    ret->has_dek = true; /* only PUT KEY keeps keys, and it needs all three */
    return true;
}

err_t vse_setting_load(struct vse_applet *a, uint32_t which, struct slice value)
{
    struct vse_settings *s = &a->settings;
    bool good = false;

    if (which == VSE_SETTING_LOCK)
        good = load_bool(value, &s->locked);
    else if (which == VSE_SETTING_SCP_REQUEST)
        good = load_bool(value, &s->scp_required);
    else if (which == VSE_SETTING_RESTRICT)
        good = load_mode(value, &s->restricted);
    else if (which == VSE_SETTING_FEATURES)
        good = load_features(a->part, value, &s->features);
    else if (which == VSE_SETTING_SCP_KEYS)
        good = load_keys(value, &s->scp_keys);
    return good ? ERR_OK : ERR_CORRUPT;
}

err_t vse_setting_keep(struct vse_applet *a, enum vse_setting which, struct slice value)
{
    struct vse_nvm_op op = { .put = true, .kind = VSE_NVM_SETTING, .id = which, .value = value };

    return a->nvm.apply(a->nvm.ctx, &op, 1);
}

err_t vse_setting_keep_keys(struct vse_applet *a, const struct vse_scp_keys *keys)
{
    uint8_t value[KEYS_LEN];
    err_t e;

    memcpy(value, keys->enc, VSE_SCP_KEY);
    memcpy(value + VSE_SCP_KEY, keys->mac, VSE_SCP_KEY);
    memcpy(value + 2 * VSE_SCP_KEY, keys->dek, VSE_SCP_KEY);
    e = vse_setting_keep(a, VSE_SETTING_SCP_KEYS, SLICE_ARRAY(value));
    mem_wipe(value, sizeof(value));
    return e;
}
