/* Reading secure objects (AN12413): values, types, sizes, lists. */
#include "base/mem.h"
#include "vse/command.h"
#include "vse/curve.h"

enum { LIST_OVERHEAD = 3 + 4 }; /* T1 with one byte, T2 with a three-byte length */

/* The part of an object that may be read, if any: never a private one. */
static uint16_t readable_part(const struct vse_object *o, struct vse_call *c, unsigned *ret)
{
    uint8_t component = vse_arg_u8(&c->args, SE_TAG_4, SE_RSA_MODULUS);

    if (c->args.bad || component > SE_RSA_EXPONENT ||
        (vse_arg_has(&c->args, SE_TAG_4) && !vse_object_is_rsa(o)))
        return SE_SW_WRONG_DATA;
    if (vse_object_is_rsa(o) && !vse_arg_has(&c->args, SE_TAG_4))
        return SE_SW_CONDITIONS;
    if (vse_object_is_rsa(o))
        *ret = component == SE_RSA_MODULUS ? VSE_RSA_N : VSE_RSA_E;
    else if (vse_object_is_ec(o) && o->type != SE_TYPE_EC_PRIVATE)
        *ret = VSE_EC_PUBLIC;
    else if (o->type == SE_TYPE_BINARY)
        *ret = VSE_DATA;
    else
        return SE_SW_CONDITIONS;
    return SE_SW_OK;
}

uint16_t vse_cmd_read(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    uint16_t offset = vse_arg_u16(&c->args, SE_TAG_2, 0);
    uint16_t length = vse_arg_u16(&c->args, SE_TAG_3, 0);
    struct vse_object *o;
    struct slice value;
    unsigned part;
    uint16_t sw = vse_object_for(a, c, SE_POLICY_READ, &o);

    if (sw == SE_SW_OK)
        sw = readable_part(o, c, &part);
    if (sw != SE_SW_OK)
        return sw;
    value = vse_object_part(o, part);
    /* an absent component, or a transient value that is gone */
    if (value.n == 0 || offset > value.n || length > value.n - offset)
        return SE_SW_CONDITIONS;
    value = slice_skip(value, offset);
    tlv_put(out, SE_TAG_1, length ? slice_head(value, length) : value);
    return SE_SW_OK;
}

static uint8_t type_told(const struct vse_applet *a, const struct vse_object *o)
{
    if (a->version < SE_APPLET_VERSION_7_2 || !vse_object_is_ec(o))
        return o->type;
    return (uint8_t)(vse_curve_find(o->curve)->type_7x + (o->type - SE_TYPE_EC_PAIR));
}

uint16_t vse_cmd_read_type(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    struct vse_object *o;
    uint16_t sw = vse_object_for(a, c, 0, &o);

    if (sw != SE_SW_OK)
        return sw;
    tlv_put_u8(out, SE_TAG_1, type_told(a, o));
    tlv_put_u8(out, SE_TAG_2, o->transient ? SE_TRANSIENT : SE_PERSISTENT);
    return SE_SW_OK;
}

uint16_t vse_cmd_read_size(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    struct vse_object *o;
    uint16_t sw = vse_object_for(a, c, 0, &o);
    size_t n;

    if (sw != SE_SW_OK)
        return sw;
    if (vse_object_is_ec(o))
        n = vse_curve_find(o->curve)->bytes;
    else if (vse_object_is_rsa(o))
        n = o->size / 8;
    else
        n = o->size;
    tlv_put_be16(out, SE_TAG_1, (uint16_t)n);
    return SE_SW_OK;
}

static bool listed(const struct vse_applet *a, const struct vse_object *o, uint8_t filter)
{
    return filter == SE_TYPE_ALL || filter == o->type || filter == type_told(a, o);
}

/* The offset counts objects. Past the end there is an empty T2: NXP's PKCS#11 module steps by one and
 * waits for it. */
uint16_t vse_cmd_read_id_list(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    uint16_t skip = vse_arg_u16(&c->args, SE_TAG_1, 0);
    uint8_t filter = vse_arg_u8(&c->args, SE_TAG_2, SE_TYPE_ALL);
    autobuf ids = BUF_INIT((vse_applet_data_max(a) - LIST_OVERHEAD) / sizeof(uint32_t) * sizeof(uint32_t));
    err_t e = ERR_OK;

    if (c->args.bad)
        return SE_SW_WRONG_DATA;
    for (size_t i = 0; i < a->objects.n && !e; i++) {
        if (!listed(a, a->objects.v[i], filter))
            continue;
        if (skip)
            skip--;
        else
            e = buf_add_be32(&ids, a->objects.v[i]->id);
    }
    if (e && e != ERR_TOO_BIG)
        return vse_sw_from_err(e);
    tlv_put_u8(out, SE_TAG_1, e ? SE_MORE_YES : SE_MORE_NO);
    tlv_put(out, SE_TAG_2, buf_slice(&ids));
    return SE_SW_OK;
}

/* No crypto object can be made yet, so there is none to list. */
uint16_t vse_cmd_crypto_list(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    (void)a;
    (void)c;
    tlv_put(out, SE_TAG_1, (struct slice){ 0 });
    return SE_SW_OK;
}
