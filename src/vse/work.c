#include "vse/work.h"

#include "base/mem.h"

#include <openssl/rand.h>

static uint16_t feature_of_ec(const struct vse_object *o)
{
    if (o->curve == SE_CURVE_ED25519)
        return SE_CONFIG_EDDSA;
    return o->curve == SE_CURVE_X25519 || o->curve == SE_CURVE_X448 ? SE_CONFIG_DH_MONT
                                                                    : SE_CONFIG_ECDSA_ECDH;
}

/* Any of these will do; 0: none is needed. */
static uint16_t features_of(const struct vse_object *o)
{
    if (vse_object_is_ec(o))
        return feature_of_ec(o);
    switch (o->type) {
    case SE_TYPE_RSA_PAIR_CRT:
    case SE_TYPE_RSA_PRIVATE_CRT:
        return SE_CONFIG_RSA_CRT;
    case SE_TYPE_RSA_PAIR:
    case SE_TYPE_RSA_PRIVATE:
        return SE_CONFIG_RSA_PLAIN;
    case SE_TYPE_RSA_PUBLIC:
        return SE_CONFIG_RSA_CRT | SE_CONFIG_RSA_PLAIN;
    case SE_TYPE_AES:
        return SE_CONFIG_AES;
    case SE_TYPE_DES:
        return SE_CONFIG_DES;
    case SE_TYPE_HMAC:
        return SE_CONFIG_HMAC;
    default:
        return 0;
    }
}

bool vse_key_featured(const struct vse_applet *a, const struct vse_object *o)
{
    uint16_t any = features_of(o);

    return any == 0 || (any & a->settings.features);
}

uint16_t vse_key_at(struct vse_applet *a, struct vse_call *c, uint8_t tag, uint8_t type, uint32_t right,
                    const struct vse_object **ret)
{
    uint32_t id = vse_arg_u32(&c->args, tag, SE_ID_NONE);

    return c->args.bad ? SE_SW_WRONG_DATA : vse_key_by_id(a, c, id, type, right, ret);
}

uint16_t vse_key_by_id(struct vse_applet *a, struct vse_call *c, uint32_t id, uint8_t type, uint32_t right,
                       const struct vse_object **ret)
{
    struct vse_object *o;
    uint16_t sw = vse_object_by_id(a, c, id, 0, &o);

    if (sw != SE_SW_OK)
        return sw;
    if (o->type != type || o->auth || !vse_key_featured(a, o))
        return SE_SW_CONDITIONS;
    sw = vse_policy_check(a, c, o, right);
    if (sw != SE_SW_OK)
        return sw;
    if (vse_object_part(o, VSE_DATA).n == 0) /* transient, and the power was off */
        return SE_SW_CONDITIONS;
    *ret = o;
    return SE_SW_OK;
}

bool vse_policy_says(const struct vse_applet *a, const struct vse_call *c, const struct vse_object *o,
                     uint32_t bit)
{
    struct vse_policy_who who = vse_call_who(a, c);

    return vse_policy_restricts(buf_slice(&o->policy), bit, &who);
}

/* ---- crypto objects ---- */

uint16_t vse_crypto_object_for(struct vse_applet *a, struct vse_call *c, uint8_t context,
                               struct vse_crypto_object **ret)
{
    uint16_t id = vse_arg_u16(&c->args, SE_TAG_2, 0);
    struct vse_crypto_object *o = c->args.bad ? NULL : vse_crypto_object_find(&a->crypto, id);

    if (c->args.bad)
        return SE_SW_WRONG_DATA;
    if (!o || o->context != context)
        return SE_SW_CONDITIONS;
    *ret = o;
    return SE_SW_OK;
}

uint16_t vse_work_for(struct vse_applet *a, struct vse_call *c, uint8_t context, enum vse_task work,
                      struct vse_crypto_object **ret)
{
    struct vse_crypto_object *o;
    uint16_t sw = vse_crypto_object_for(a, c, context, &o);

    if (sw != SE_SW_OK)
        return sw;
    if (o->work != work || o->session != c->session->id)
        return SE_SW_CONDITIONS;
    *ret = o;
    return SE_SW_OK;
}

void vse_work_begin(struct vse_crypto_object *o, const struct vse_call *c, enum vse_task work)
{
    vse_crypto_object_stop(o);
    o->work = work;
    o->session = c->session->id;
}

/* ---- what ciphers begin with ---- */

uint16_t vse_start_key(struct vse_applet *a, struct vse_call *c, uint8_t type, struct vse_start *s)
{
    return vse_key_at(a, c, SE_TAG_1, type, s->encrypt ? SE_POLICY_ENCRYPT : SE_POLICY_DECRYPT, &s->key);
}

uint16_t vse_start_iv(struct vse_applet *a, struct vse_call *c, uint8_t tag, struct vse_start *s)
{
    s->iv = vse_arg_bytes(&c->args, tag);
    if (vse_is_7x(a) && s->encrypt && s->iv.n && vse_policy_says(a, c, s->key, SE_POLICY_FORBID_EXTERNAL_IV))
        return SE_SW_COMMAND_NOT_ALLOWED;
    return SE_SW_OK;
}

uint16_t vse_start_own_iv(struct vse_call *c, uint8_t tag, size_t max, struct vse_start *s)
{
    uint16_t n = vse_arg_u16(&c->args, tag, 0);

    if (c->args.bad || n == 0 || n > max || n > sizeof(s->room))
        return SE_SW_WRONG_DATA;
    if (RAND_bytes(s->room, n) != 1)
        return vse_sw_from_err(ERR_CRYPTO);
    s->iv = slice_of(s->room, n);
    s->made_here = true;
    return SE_SW_OK;
}

/* ---- results ---- */

/* An existing target keeps its type; only an HMAC key may become longer or shorter. */
static uint16_t fill(struct vse_object *o, uint8_t type, struct slice value)
{
    bool is_new = o->type == 0;
    err_t e;

    if (is_new)
        o->type = type;
    if (o->auth || !(vse_object_is_symmetric(o) || (o->type == SE_TYPE_BINARY && type == SE_TYPE_BINARY)))
        return SE_SW_CONDITIONS;
    if (!is_new && o->type != SE_TYPE_HMAC && o->size != value.n)
        return SE_SW_CONDITIONS;
    if (!vse_object_size_valid(o->type, value.n))
        return SE_SW_WRONG_DATA;
    o->size = (uint16_t)value.n;
    o->origin = VSE_ORIGIN_INTERNAL;
    e = vse_object_set(o, VSE_DATA, value);
    return vse_sw_from_err(e);
}

/* Into one that is there: the right to write, or the one to be derived from that key. */
static uint16_t may_take(struct vse_applet *a, struct vse_call *c, const struct vse_object *o,
                         const struct vse_object *from)
{
    struct vse_policy_who who = vse_call_who(a, c);

    if (vse_is_7x(a) && from && vse_policy_takes_from(buf_slice(&o->policy), from->id, &who))
        return SE_SW_OK;
    return vse_write_need(a, c, o, o->type == 0, SE_POLICY_WRITE);
}

uint16_t vse_keep_derived(struct vse_applet *a, struct vse_call *c, uint8_t tag,
                          const struct vse_object *from, uint8_t type, struct slice value)
{
    /* as a write of that object with nothing but its id */
    struct vse_call write = { .ins = SE_INS_WRITE, .session = c->session, .secured = c->secured };
    auto_object *o = NULL;
    uint16_t sw;

    write.args.present = VSE_ARG_BIT(SE_TAG_1);
    write.args.v[VSE_ARG_INDEX(SE_TAG_1)] = vse_arg_bytes(&c->args, tag);
    sw = vse_write_begin(a, &write, &o);
    if (sw == SE_SW_OK)
        sw = may_take(a, &write, o, from);
    if (sw == SE_SW_OK)
        sw = fill(o, type, value);
    return sw == SE_SW_OK ? vse_applet_commit(a, steal(&o)) : sw;
}

uint16_t vse_put_derived(struct vse_applet *a, struct vse_call *c, const struct vse_object *from,
                         uint8_t type, struct slice value, struct writer *out)
{
    bool hidden = vse_is_7x(a) && vse_policy_says(a, c, from, SE_POLICY_FORBID_DERIVED_OUTPUT);

    if (vse_arg_has(&c->args, SE_TAG_7))
        return vse_keep_derived(a, c, SE_TAG_7, from, hidden ? SE_TYPE_HMAC : type, value);
    if (hidden)
        return SE_SW_COMMAND_NOT_ALLOWED;
    tlv_put(out, SE_TAG_1, value);
    return SE_SW_OK;
}
