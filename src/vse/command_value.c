/* Writing keys, UserIDs, counters and PCRs (AN12413; reference 3.3). */
#include "vse/dispatch.h"
#include "vse/keywrap.h"
#include "vse/value.h"

#include <string.h>

/* ---- symmetric keys ---- */

enum { GCM_TAG_MIN = 4, GCM_TAG_MAX = 16, AES_AUTH_KEY = 16 };

/* T3, or what is inside it when T2 names a key it is wrapped with. */
static uint16_t key_value(struct vse_applet *a, struct vse_call *c, struct buf *out)
{
    struct slice given = vse_arg_bytes(&c->args, SE_TAG_3);
    struct vse_object *kek;
    uint16_t sw;
    err_t e;

    if (!vse_arg_has(&c->args, SE_TAG_2))
        return vse_sw_from_err(buf_add(out, given));
    sw = vse_object_at(a, c, SE_TAG_2, SE_POLICY_WRAP, &kek);
    if (sw != SE_SW_OK)
        return sw;
    if (kek->type != SE_TYPE_AES || kek->auth || vse_object_part(kek, VSE_DATA).n == 0)
        return SE_SW_CONDITIONS;
    e = vse_key_unwrap(vse_object_part(kek, VSE_DATA), given, out);
    return e == ERR_AUTH ? SE_SW_WRONG_DATA : vse_sw_from_err(e);
}

static uint8_t type_of(uint8_t p1)
{
    switch (p1 & SE_P1_TYPE_MASK) {
    case SE_P1_AES:
        return SE_TYPE_AES;
    case SE_P1_DES:
        return SE_TYPE_DES;
    default:
        return SE_TYPE_HMAC;
    }
}

static uint16_t symm_create(struct vse_applet *a, struct vse_call *c, struct vse_object *o)
{
    o->type = type_of(c->p1);
    o->min_tag = vse_arg_u16(&c->args, SE_TAG_4, 0);
    o->min_output = vse_arg_u16(&c->args, SE_TAG_5, 0);
    if (c->args.bad)
        return SE_SW_WRONG_DATA;
    if (vse_arg_has(&c->args, SE_TAG_4) &&
        (o->type != SE_TYPE_AES || o->min_tag < GCM_TAG_MIN || o->min_tag > GCM_TAG_MAX))
        return SE_SW_WRONG_DATA;
    return SE_SW_OK;
}

static uint16_t symm_same(struct vse_applet *a, struct vse_call *c, struct vse_object *o)
{
    bool same = o->type == type_of(c->p1) && vse_arg_u16(&c->args, SE_TAG_4, o->min_tag) == o->min_tag &&
                vse_arg_u16(&c->args, SE_TAG_5, o->min_output) == o->min_output;

    if (c->args.bad)
        return SE_SW_WRONG_DATA;
    return same ? SE_SW_OK : SE_SW_CONDITIONS;
}

/* A new key is as long as its value; one that is there keeps its length. */
static uint16_t symm_size(struct vse_object *o, size_t n)
{
    if (o->size)
        return o->size == n ? SE_SW_OK : SE_SW_CONDITIONS;
    if (!vse_object_size_valid(o->type, n) || (o->auth && n != AES_AUTH_KEY))
        return SE_SW_WRONG_DATA;
    o->size = (uint16_t)n;
    return SE_SW_OK;
}

static uint16_t symm_change(struct vse_applet *a, struct vse_call *c, struct vse_object *o)
{
    autobuf value = BUF_SECRET(SE_APDU_DATA_MAX_7X);
    uint16_t sw = key_value(a, c, &value);

    if (sw == SE_SW_OK)
        sw = symm_size(o, value.n);
    return sw == SE_SW_OK ? vse_sw_from_err(vse_object_set(o, VSE_DATA, buf_slice(&value))) : sw;
}

static uint16_t write_symm(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    static const struct vse_write how = { symm_create, symm_same, SE_POLICY_WRITE, symm_change };

    (void)out;
    return vse_write_object(a, c, &how);
}

/* ---- UserID: never updated ---- */

static uint16_t userid_create(struct vse_applet *a, struct vse_call *c, struct vse_object *o)
{
    o->type = SE_TYPE_USERID;
    return SE_SW_OK;
}

static uint16_t userid_same(struct vse_applet *a, struct vse_call *c, struct vse_object *o)
{
    return SE_SW_CONDITIONS;
}

static uint16_t userid_change(struct vse_applet *a, struct vse_call *c, struct vse_object *o)
{
    struct slice value = vse_arg_bytes(&c->args, SE_TAG_2);

    if (!vse_object_size_valid(SE_TYPE_USERID, value.n))
        return SE_SW_WRONG_DATA;
    o->size = (uint16_t)value.n;
    return vse_sw_from_err(vse_object_set(o, VSE_DATA, value));
}

static uint16_t write_userid(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    static const struct vse_write how = { userid_create, userid_same, SE_POLICY_WRITE, userid_change };

    (void)out;
    return vse_write_object(a, c, &how);
}

/* ---- counters: upward only ---- */

/* T2; hosts write it with one byte or two. */
static uint16_t counter_size(struct vse_call *c, uint16_t def)
{
    return vse_arg_bytes(&c->args, SE_TAG_2).n == 1 ? vse_arg_u8(&c->args, SE_TAG_2, 0)
                                                    : vse_arg_u16(&c->args, SE_TAG_2, def);
}

static uint16_t counter_create(struct vse_applet *a, struct vse_call *c, struct vse_object *o)
{
    o->type = SE_TYPE_COUNTER;
    o->size = counter_size(c, 0);
    if (!vse_arg_has(&c->args, SE_TAG_2))
        return SE_SW_CONDITIONS; /* there is none to set or count up */
    return c->args.bad || !vse_object_size_valid(SE_TYPE_COUNTER, o->size) ? SE_SW_WRONG_DATA : SE_SW_OK;
}

static uint16_t counter_same(struct vse_applet *a, struct vse_call *c, struct vse_object *o)
{
    bool same = o->type == SE_TYPE_COUNTER && counter_size(c, o->size) == o->size;

    if (c->args.bad)
        return SE_SW_WRONG_DATA;
    return same ? SE_SW_OK : SE_SW_CONDITIONS;
}

static uint16_t counter_move(struct vse_applet *a, struct vse_call *c, struct vse_object *o)
{
    struct slice to = vse_arg_bytes(&c->args, SE_TAG_3);
    bool fresh = o->part[VSE_DATA].n == 0; /* new, or a transient one after a reset */
    err_t e = ERR_OK;

    if (fresh && !vse_arg_has(&c->args, SE_TAG_2))
        return SE_SW_CONDITIONS;
    if (fresh)
        e = vse_object_set_number(o, VSE_DATA, (struct slice){ 0 }, o->size);
    if (e)
        return vse_sw_from_err(e);
    if (vse_arg_has(&c->args, SE_TAG_3)) {
        if (to.n == 0 || to.n > SE_COUNTER_MAX)
            return SE_SW_WRONG_DATA;
        e = vse_counter_raise(o->part[VSE_DATA].p, o->size, to);
        if (e == ERR_CONFLICT && fresh) /* begins at zero */
            e = ERR_OK;
    } else if (!vse_arg_has(&c->args, SE_TAG_2)) {
        e = vse_counter_step(o->part[VSE_DATA].p, o->size);
        if (e)
            return SE_SW_CONDITIONS; /* it has counted all it can */
    }
    return vse_sw_from_err(e);
}

static uint16_t write_counter(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    static const struct vse_write how = { counter_create, counter_same, SE_POLICY_WRITE, counter_move };

    (void)out;
    return vse_write_object(a, c, &how);
}

/* ---- PCRs ---- */

/* T2 is for a new one; a transient one that lost its value at a reset counts as new. */
static uint16_t pcr_begin(struct vse_applet *a, struct vse_call *c, struct vse_object *o)
{
    struct slice initial = vse_arg_bytes(&c->args, SE_TAG_2);
    err_t e;

    if (o->type != 0 && o->type != SE_TYPE_PCR)
        return SE_SW_CONDITIONS;
    o->type = SE_TYPE_PCR;
    o->size = SE_PCR_LEN;
    if (vse_arg_has(&c->args, SE_TAG_2) != (o->part[VSE_DATA].n == 0))
        return SE_SW_CONDITIONS;
    if (!vse_arg_has(&c->args, SE_TAG_2))
        return SE_SW_OK;
    if (initial.n != SE_PCR_LEN)
        return SE_SW_WRONG_DATA;
    e = vse_object_set(o, VSE_PCR_INITIAL, initial);
    return vse_sw_from_err(e ? e : vse_object_set(o, VSE_DATA, initial));
}

static uint16_t pcr_move(struct vse_applet *a, struct vse_call *c, struct vse_object *o)
{
    if (vse_arg_has(&c->args, SE_TAG_3))
        return vse_sw_from_err(vse_pcr_extend(o->part[VSE_DATA].p, vse_arg_bytes(&c->args, SE_TAG_3)));
    if (!vse_arg_has(&c->args, SE_TAG_2))
        memcpy(o->part[VSE_DATA].p, o->part[VSE_PCR_INITIAL].p, SE_PCR_LEN);
    return SE_SW_OK;
}

static uint16_t write_pcr(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    static const struct vse_write how = { pcr_begin, pcr_begin, SE_POLICY_WRITE, pcr_move };

    (void)out;
    return vse_write_object(a, c, &how);
}

/* ---- the table ---- */

enum { TRANSIENT = SE_INS_TRANSIENT, ANY_OBJECT = SE_INS_TRANSIENT | SE_INS_AUTH_OBJECT };

const struct vse_command vse_commands_value[] = {
    { .name = "WriteSymmKey",
      .ins = SE_INS_WRITE,
      .ins_free = ANY_OBJECT,
      .p1 = SE_P1_AES,
      .p2 = SE_P2_DEFAULT,
      .on = VSE_ON_ALL,
      .feature = SE_CONFIG_AES,
      .must = VSE_T(1) | VSE_T(3),
      .may = VSE_NEW_AUTH | VSE_T(2) | VSE_T(4),
      .may_7x = VSE_WRITE_7X | VSE_T(5),
      .run = write_symm },
    { .name = "WriteSymmKey",
      .ins = SE_INS_WRITE,
      .ins_free = TRANSIENT,
      .p1 = SE_P1_DES,
      .p2 = SE_P2_DEFAULT,
      .on = VSE_ON_ALL,
      .feature = SE_CONFIG_DES,
      .must = VSE_T(1) | VSE_T(3),
      .may = VSE_NEW | VSE_T(2),
      .may_7x = VSE_WRITE_7X | VSE_T(5),
      .run = write_symm },
    { .name = "WriteSymmKey",
      .ins = SE_INS_WRITE,
      .ins_free = TRANSIENT,
      .p1 = SE_P1_HMAC,
      .p2 = SE_P2_DEFAULT,
      .on = VSE_ON_ALL,
      .feature = SE_CONFIG_HMAC,
      .must = VSE_T(1) | VSE_T(3),
      .may = VSE_NEW | VSE_T(2),
      .may_7x = VSE_WRITE_7X | VSE_T(5),
      .run = write_symm },
    { .name = "WriteUserID",
      .ins = SE_INS_WRITE | SE_INS_AUTH_OBJECT,
      .p1 = SE_P1_USERID,
      .p2 = SE_P2_DEFAULT,
      .on = VSE_ON_ALL,
      .must = VSE_T(1) | VSE_T(2),
      .may = VSE_NEW_AUTH,
      .may_7x = VSE_WRITE_7X,
      .run = write_userid },
    { .name = "WriteCounter",
      .ins = SE_INS_WRITE,
      .ins_free = TRANSIENT,
      .p1 = SE_P1_COUNTER,
      .p2 = SE_P2_DEFAULT,
      .on = VSE_ON_ALL,
      .must = VSE_T(1),
      .may = VSE_NEW | VSE_T(2) | VSE_T(3),
      .may_7x = VSE_WRITE_7X,
      .run = write_counter },
    { .name = "WritePCR",
      .ins = SE_INS_WRITE,
      .ins_free = TRANSIENT,
      .p1 = SE_P1_PCR,
      .p2 = SE_P2_DEFAULT,
      .on = VSE_ON_ALL,
      .must = VSE_T(1),
      .may = VSE_NEW | VSE_T(2) | VSE_T(3),
      .may_7x = VSE_WRITE_7X,
      .run = write_pcr },
    VSE_COMMANDS_END,
};
