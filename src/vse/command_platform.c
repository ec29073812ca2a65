/* What the part is set to (reference 3.2): lock, features, platform SCP, its keys, object creation, and
 * emptying it. Each has its own authentication object, and without a session opened with that is 6985. */
#include "base/mem.h"
#include "vse/curve.h"
#include "vse/dispatch.h"

#include <openssl/evp.h>

static bool opened_with(const struct vse_call *c, uint32_t id)
{
    return c->session->auth_id == id;
}

/* ---- SetLockState ---- */

static uint16_t lock_for_good(struct vse_applet *a, bool locked)
{
    uint8_t value = locked;
    err_t e = vse_setting_keep(a, VSE_SETTING_LOCK, slice_of(&value, 1));

    if (!e)
        a->settings.locked = locked;
    return vse_sw_from_err(e);
}

static uint16_t cmd_set_lock(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    uint8_t which = vse_arg_u8(&c->args, SE_TAG_1, 0), state = vse_arg_u8(&c->args, SE_TAG_2, 0);

    (void)out;
    if (!opened_with(c, SE_ID_TRANSPORT))
        return SE_SW_CONDITIONS;
    if (c->args.bad || (which != SE_LOCK_TRANSIENT && which != SE_LOCK_PERSISTENT))
        return SE_SW_WRONG_DATA;
    if (which == SE_LOCK_PERSISTENT)
        return lock_for_good(a, state == SE_LOCKED);
    a->settings.locked_transient = state == SE_LOCKED;
    return SE_SW_OK;
}

/* ---- SetPlatformSCPRequest ---- */

static uint16_t cmd_set_scp_request(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    uint8_t request = vse_arg_u8(&c->args, SE_TAG_1, 0), value = request == SE_SCP_REQUIRED;
    err_t e;

    (void)out;
    if (!opened_with(c, SE_ID_PLATFORM_SCP))
        return SE_SW_CONDITIONS;
    if (c->args.bad || (request != SE_SCP_REQUIRED && request != SE_SCP_NOT_REQUIRED))
        return SE_SW_WRONG_DATA;
    e = vse_setting_keep(a, VSE_SETTING_SCP_REQUEST, slice_of(&value, 1));
    if (!e)
        a->settings.scp_required = value;
    return vse_sw_from_err(e);
}

/* ---- SetAppletFeatures ---- */

enum { FEATURES_LEN = 2, FEATURES_LEN_EXT = 32 };

static uint16_t cmd_set_features(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    struct slice word = vse_arg_bytes(&c->args, SE_TAG_1);
    err_t e;

    (void)out;
    if (!opened_with(c, SE_ID_FEATURE))
        return SE_SW_CONDITIONS;
    if (word.n != FEATURES_LEN && word.n != FEATURES_LEN_EXT)
        return SE_SW_WRONG_DATA;
    word = slice_head(word, FEATURES_LEN); /* no feature of the further bytes can be switched off here */
    e = vse_setting_keep(a, VSE_SETTING_FEATURES, word);
    if (!e)
        a->settings.features = (uint16_t)((word.p[0] << 8 | word.p[1]) & a->part->features);
    return vse_sw_from_err(e);
}

/* ---- DisableObjectCreation ---- */

/* There is no way back but a reset, and none at all from the persistent form. */
static uint16_t cmd_restrict(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    uint8_t which = vse_arg_u8(&c->args, SE_TAG_1, 0), mode = vse_arg_u8(&c->args, SE_TAG_2, 0);
    struct vse_settings *s = &a->settings;
    uint8_t *now = which == SE_LOCK_PERSISTENT ? &s->restricted : &s->restricted_transient;
    err_t e = ERR_OK;

    (void)out;
    if (!opened_with(c, SE_ID_RESTRICT))
        return SE_SW_CONDITIONS;
    if (c->args.bad || (which != SE_LOCK_TRANSIENT && which != SE_LOCK_PERSISTENT) ||
        (mode != SE_RESTRICT_NEW && mode != SE_RESTRICT_ALL))
        return SE_SW_WRONG_DATA;
    if (mode < *now)
        return SE_SW_CONDITIONS;
    if (which == SE_LOCK_PERSISTENT)
        e = vse_setting_keep(a, VSE_SETTING_RESTRICT, slice_of(&mode, 1));
    if (!e)
        *now = mode;
    return vse_sw_from_err(e);
}

/* ---- DeleteAll ---- */

static bool stays(const struct vse_object *o)
{
    return vse_id_reserved(o->id) || o->origin == VSE_ORIGIN_PROVISIONED;
}

static bool curve_stays(const struct vse_applet *a, uint8_t id)
{
    for (size_t i = 0; i < a->objects.n; i++)
        if (a->objects.v[i]->curve == id && stays(a->objects.v[i]))
            return true;
    return false;
}

/* What is to be deleted. `ops` has room for all there is. */
static size_t list_deletions(struct vse_applet *a, struct vse_nvm_op *ops)
{
    size_t n = 0;

    for (size_t i = 0; i < a->objects.n; i++)
        if (!stays(a->objects.v[i]))
            ops[n++] = (struct vse_nvm_op){ .kind = VSE_NVM_OBJECT, .id = a->objects.v[i]->id };
    for (unsigned i = 1; i <= SE_CURVE_WEIERSTRASS_COUNT; i++)
        if (a->curves[i] && !curve_stays(a, (uint8_t)i))
            ops[n++] = (struct vse_nvm_op){ .kind = VSE_NVM_CURVE, .id = i };
    for (size_t i = 0; i < a->crypto.n; i++)
        ops[n++] = (struct vse_nvm_op){ .kind = VSE_NVM_CRYPTO_OBJECT, .id = a->crypto.v[i].id };
    return n;
}

static void carry_out(struct vse_applet *a, const struct vse_nvm_op *op)
{
    if (op->kind == VSE_NVM_CURVE) {
        a->curves[op->id] = 0;
    } else if (op->kind == VSE_NVM_CRYPTO_OBJECT) {
        vse_crypto_object_remove(&a->crypto, (uint16_t)op->id);
    } else {
        vse_sessions_close_of(a, op->id);
        vse_objects_remove(&a->objects, op->id);
    }
}

/* One set of changes: after a power cut all of it is done or none. */
static uint16_t cmd_delete_all(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    autofree struct vse_nvm_op *ops = NULL;
    size_t n;
    err_t e = ERR_OK;

    (void)out;
    if (!opened_with(c, SE_ID_FACTORY_RESET))
        return SE_SW_CONDITIONS;
    ops = mem_calloc(a->objects.n + SE_CURVE_WEIERSTRASS_COUNT + a->crypto.n, sizeof(*ops));
    if (!ops)
        return SE_SW_NO_MEMORY;
    n = list_deletions(a, ops);
    if (n)
        e = a->nvm.apply(a->nvm.ctx, ops, n);
    for (size_t i = 0; i < n && !e; i++)
        carry_out(a, &ops[i]);
    return vse_sw_from_err(e);
}

/* ---- PUT KEY: the platform's keys (GlobalPlatform 2.3 §11.8, amendment D §7.2) ---- */

enum {
    PUT_KEY_THREE = 0x81, /* P2: the first of several keys */
    KEY_TYPE_AES = 0x88,
    CHECK_VALUE_LEN = 3,
    KEYS = 3,
};

static err_t aes_block(bool encrypt, const uint8_t key[VSE_SCP_KEY], const uint8_t in[VSE_SCP_KEY],
                       uint8_t out[VSE_SCP_KEY])
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0;
    bool good = ctx && EVP_CipherInit_ex(ctx, EVP_aes_128_ecb(), NULL, key, NULL, encrypt) == 1 &&
                EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
                EVP_CipherUpdate(ctx, out, &n, in, VSE_SCP_KEY) == 1 && n == VSE_SCP_KEY;

    EVP_CIPHER_CTX_free(ctx);
    return good ? ERR_OK : ERR_CRYPTO;
}

/* One key: type, length, length of the value, value encrypted with DEK, length of the check value, check
 * value. */
static err_t get_key(struct reader *r, const uint8_t dek[VSE_SCP_KEY], uint8_t ret_key[VSE_SCP_KEY],
                     struct slice *ret_check)
{
    static const uint8_t head[] = { KEY_TYPE_AES, VSE_SCP_KEY + 1, VSE_SCP_KEY };
    uint8_t ones[VSE_SCP_KEY], check[VSE_SCP_KEY];
    struct slice start = reader_bytes(r, sizeof(head)), value = reader_bytes(r, VSE_SCP_KEY);
    uint8_t check_len = reader_u8(r);
    err_t e;

    *ret_check = reader_bytes(r, CHECK_VALUE_LEN);
    if (reader_ok(r) || !slice_eq(start, SLICE_ARRAY(head)) || check_len != CHECK_VALUE_LEN)
        return ERR_INVALID;
    memset(ones, 1, sizeof(ones));
    e = aes_block(false, dek, value.p, ret_key);
    if (!e)
        e = aes_block(true, ret_key, ones, check);
    if (!e && !mem_eq_ct(check, ret_check->p, CHECK_VALUE_LEN))
        e = ERR_INVALID;
    return e;
}

static err_t get_keys(struct slice in, const uint8_t dek[VSE_SCP_KEY], struct vse_scp_keys *ret,
                      struct slice checks[KEYS])
{
    uint8_t *const keys[KEYS] = { ret->enc, ret->mac, ret->dek };
    struct reader r = reader_of(in);
    err_t e = ERR_OK;

    for (size_t i = 0; i < KEYS && !e; i++)
        e = get_key(&r, dek, keys[i], &checks[i]);
    ret->has_dek = true;
    return !e && reader_done(&r) ? ERR_INVALID : e;
}

static uint16_t put_keys(struct vse_applet *a, struct slice in, struct writer *out)
{
    struct slice checks[KEYS];
    struct vse_scp_keys fresh;
    err_t e = get_keys(in, a->settings.scp_keys.dek, &fresh, checks);

    if (!e)
        e = vse_setting_keep_keys(a, &fresh);
    if (!e) {
        a->settings.scp_keys = fresh;
        writer_u8(out, VSE_SCP_KEY_VERSION);
    }
    for (size_t i = 0; i < KEYS && !e; i++)
        writer_bytes(out, checks[i]);
    mem_wipe(&fresh, sizeof(fresh));
    return vse_sw_from_err(e);
}

/* In the platform's channel only. The channel goes on with the keys it has; the next one needs the new. */
static uint16_t cmd_put_key(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    if (c->session->kind != VSE_SESSION_DEFAULT || a->platform.state != VSE_SCP_OPEN)
        return SE_SW_CONDITIONS;
    if (c->p1 != VSE_SCP_KEY_VERSION)
        return SE_SW_REFERENCED_DATA;
    if (!a->settings.scp_keys.has_dek)
        return SE_SW_CONDITIONS;
    if (c->data.n == 0 || c->data.p[0] != VSE_SCP_KEY_VERSION) /* there is one set, and it keeps its number */
        return SE_SW_WRONG_DATA;
    return put_keys(a, slice_skip(c->data, 1), out);
}

/* ---- ---- */

enum { OWN_SESSION = VSE_CMD_IN_SESSION, EVEN_LOCKED = VSE_CMD_IN_SESSION | VSE_CMD_WHEN_LOCKED };

const struct vse_command vse_commands_platform[] = {
    { .name = "DeleteAll",
      .ins = SE_INS_MGMT,
      .p2 = SE_P2_DELETE_ALL,
      .on = VSE_ON_ALL,
      .flags = OWN_SESSION,
      .run = cmd_delete_all },
    { .name = "SetLockState",
      .ins = SE_INS_MGMT,
      .p2 = SE_P2_TRANSPORT,
      .on = VSE_ON_ALL,
      .flags = EVEN_LOCKED,
      .must = VSE_T(1) | VSE_T(2),
      .run = cmd_set_lock },
    { .name = "SetPlatformSCPRequest",
      .ins = SE_INS_MGMT,
      .p2 = SE_P2_SCP,
      .on = VSE_ON_ALL,
      .flags = EVEN_LOCKED,
      .must = VSE_T(1),
      .run = cmd_set_scp_request },
    { .name = "SetAppletFeatures",
      .ins = SE_INS_MGMT,
      .p2 = SE_P2_VARIANT,
      .on = VSE_ON_ALL,
      .flags = OWN_SESSION,
      .must = VSE_T(1),
      .run = cmd_set_features },
    { .name = "DisableObjectCreation",
      .ins = SE_INS_MGMT,
      .p2 = SE_P2_RESTRICT,
      .on = VSE_ON_ALL,
      .flags = OWN_SESSION,
      .must = VSE_T(1) | VSE_T(2),
      .run = cmd_restrict },
    { .name = "PutKey",
      .ins = SE_INS_PUT_KEY,
      .p1_free = 0xff,
      .p2 = PUT_KEY_THREE,
      .on = VSE_ON_ALL,
      .flags = VSE_CMD_OUTSIDE | VSE_CMD_RAW,
      .run = cmd_put_key },
    VSE_COMMANDS_END,
};
