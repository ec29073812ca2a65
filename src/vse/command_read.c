/* Reading secure objects (AN12413; reference 3.4, 3.5): values, attributes, types, sizes, lists; attested. */
#include "base/mem.h"
#include "vse/attest.h"
#include "vse/curve.h"
#include "vse/dispatch.h"

enum { LIST_OVERHEAD = 3 + 4 }; /* T1 with one byte, T2 with a three-byte length */

/* ---- values ---- */

static uint16_t rsa_part(struct vse_call *c, unsigned *ret)
{
    uint8_t component = vse_arg_u8(&c->args, SE_TAG_4, SE_RSA_MODULUS);

    if (!vse_arg_has(&c->args, SE_TAG_4))
        return SE_SW_CONDITIONS;
    if (c->args.bad || component > SE_RSA_EXPONENT)
        return SE_SW_WRONG_DATA;
    *ret = component == SE_RSA_MODULUS ? VSE_RSA_N : VSE_RSA_E;
    return SE_SW_OK;
}

/* The part of an object that may be read, if any: never a private one. */
static uint16_t readable_part(const struct vse_object *o, struct vse_call *c, unsigned *ret)
{
    if (vse_object_is_rsa(o))
        return rsa_part(c, ret);
    if (vse_arg_has(&c->args, SE_TAG_4))
        return SE_SW_WRONG_DATA;
    if (vse_object_is_ec(o) && o->type != SE_TYPE_EC_PRIVATE)
        *ret = VSE_EC_PUBLIC;
    else if (o->type == SE_TYPE_BINARY || o->type == SE_TYPE_COUNTER || o->type == SE_TYPE_PCR)
        *ret = VSE_DATA;
    else
        return SE_SW_CONDITIONS; /* secrets: symmetric keys, UserIDs, private keys */
    return SE_SW_OK;
}

/* What is read of T1: from T2 on, T3 bytes or all of the rest. Borrowed. */
static uint16_t read_value(struct vse_applet *a, struct vse_call *c, struct vse_object **ret_object,
                           struct slice *ret)
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
    *ret = length ? slice_head(value, length) : value;
    *ret_object = o;
    return SE_SW_OK;
}

static uint16_t cmd_read(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    struct vse_object *o;
    struct slice value;
    uint16_t sw = read_value(a, c, &o, &value);

    if (sw == SE_SW_OK)
        tlv_put(out, SE_TAG_1, value);
    return sw;
}

static uint16_t cmd_read_attested(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    struct vse_attested what = { .key_tag = SE_TAG_5, .algorithm_tag = SE_TAG_6 };
    struct vse_object *o;
    struct slice value;
    uint16_t sw = read_value(a, c, &o, &value);

    if (sw != SE_SW_OK)
        return sw;
    what.data = &value;
    what.about = o;
    what.size = vse_object_bytes(o);
    return vse_attest(a, c, &what, out);
}

/* ---- attributes ---- */

static uint16_t cmd_attributes(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    autobuf attributes = BUF_INIT(SE_ANSWER_MAX);
    struct writer w = writer_of(&attributes);
    struct vse_object *o;
    uint16_t sw = vse_object_for(a, c, 0, &o);

    if (sw != SE_SW_OK)
        return sw;
    vse_attributes_put(a, o, &w);
    if (writer_done(&w))
        return vse_sw_from_err(writer_done(&w));
    tlv_put(out, vse_is_7x(a) ? SE_TAG_3 : SE_TAG_2, buf_slice(&attributes));
    return SE_SW_OK;
}

static uint16_t cmd_attributes_attested(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    struct vse_attested what = { .key_tag = SE_TAG_5, .algorithm_tag = SE_TAG_6 };
    struct vse_object *o;
    uint16_t sw = vse_object_for(a, c, 0, &o);

    if (sw == SE_SW_OK)
        sw = vse_object_ripe(a, &o); /* 7.x tells the size, too */
    if (sw != SE_SW_OK)
        return sw;
    what.about = o;
    what.size = vse_object_bytes(o);
    return vse_attest(a, c, &what, out);
}

/* ---- types, sizes, lists ---- */

uint8_t vse_type_told(const struct vse_applet *a, const struct vse_object *o)
{
    if (!vse_is_7x(a) || !vse_object_is_ec(o))
        return o->type;
    return (uint8_t)(vse_curve_find(o->curve)->type_7x + (o->type - SE_TYPE_EC_PAIR));
}

static uint16_t cmd_read_type(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    struct vse_object *o;
    uint16_t sw = vse_object_for(a, c, 0, &o);

    if (sw != SE_SW_OK)
        return sw;
    tlv_put_u8(out, SE_TAG_1, vse_type_told(a, o));
    tlv_put_u8(out, SE_TAG_2, o->transient ? SE_TRANSIENT : SE_PERSISTENT);
    return SE_SW_OK;
}

static uint16_t cmd_read_size(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    struct vse_object *o;
    uint16_t sw = vse_object_for(a, c, 0, &o);

    if (sw == SE_SW_OK && o->size == 0 && !vse_object_is_ec(o)) /* a certificate that is not made yet */
        sw = vse_object_ripe(a, &o);
    if (sw == SE_SW_OK)
        tlv_put_be16(out, SE_TAG_1, vse_object_bytes(o));
    return sw;
}

static bool listed(const struct vse_applet *a, const struct vse_object *o, uint8_t filter)
{
    return filter == SE_TYPE_ALL || filter == o->type || filter == vse_type_told(a, o);
}

/* The offset counts objects. Past the end there is an empty T2: NXP's PKCS#11 module steps by one and
 * waits for it. */
static uint16_t cmd_read_id_list(struct vse_applet *a, struct vse_call *c, struct writer *out)
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

enum { ATTESTED = VSE_T(5) | VSE_T(6) | VSE_T(7) };

const struct vse_command vse_commands_read[] = {
    { .name = "ReadObject",
      .ins = SE_INS_READ,
      .p1 = SE_P1_DEFAULT,
      .p2 = SE_P2_DEFAULT,
      .on = VSE_ON_ALL,
      .must = VSE_T(1),
      .may = VSE_T(2) | VSE_T(3) | VSE_T(4),
      .run = cmd_read },
    { .name = "ReadObjectAttested",
      .ins = SE_INS_READ | SE_INS_ATTEST,
      .p1 = SE_P1_DEFAULT,
      .p2 = SE_P2_DEFAULT,
      .on = VSE_ON_ALL,
      .must = VSE_T(1) | ATTESTED,
      .may = VSE_T(2) | VSE_T(3) | VSE_T(4),
      .run = cmd_read_attested },
    { .name = "ReadAttributes",
      .ins = SE_INS_READ,
      .p1 = SE_P1_DEFAULT,
      .p2 = SE_P2_ATTRIBUTES,
      .on = VSE_ON_ALL,
      .flags = VSE_CMD_WHEN_LOCKED,
      .must = VSE_T(1),
      .run = cmd_attributes },
    { .name = "ReadAttributesAttested",
      .ins = SE_INS_READ | SE_INS_ATTEST,
      .p1 = SE_P1_DEFAULT,
      .p2 = SE_P2_ATTRIBUTES,
      .on = VSE_ON_ALL,
      .must = VSE_T(1) | ATTESTED,
      .run = cmd_attributes_attested },
    { .name = "ReadType",
      .ins = SE_INS_READ,
      .p1 = SE_P1_DEFAULT,
      .p2 = SE_P2_TYPE,
      .on = VSE_ON_ALL,
      .flags = VSE_CMD_WHEN_LOCKED,
      .must = VSE_T(1),
      .run = cmd_read_type },
    { .name = "ReadSize",
      .ins = SE_INS_READ,
      .p1 = SE_P1_DEFAULT,
      .p2 = SE_P2_SIZE,
      .on = VSE_ON_ALL,
      .flags = VSE_CMD_WHEN_LOCKED,
      .must = VSE_T(1),
      .run = cmd_read_size },
    { .name = "ReadIDList",
      .ins = SE_INS_READ,
      .p1 = SE_P1_DEFAULT,
      .p2 = SE_P2_LIST,
      .on = VSE_ON_ALL,
      .flags = VSE_CMD_WHEN_LOCKED,
      .must = VSE_T(1) | VSE_T(2),
      .run = cmd_read_id_list },
    VSE_COMMANDS_END,
};
