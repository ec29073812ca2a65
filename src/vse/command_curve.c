/* EC curves (AN12413): a Weierstrass curve must be made and given its parameters before a key can be
 * on it. The parameters are known here: a host that sends others is refused, not believed. */
#include "base/mem.h"
#include "vse/command.h"
#include "vse/curve.h"
#include "vse/dispatch.h"

bool vse_curve_usable(const struct vse_applet *a, uint8_t id)
{
    const struct vse_curve *curve = vse_curve_find(id);

    if (!curve)
        return false;
    return !vse_curve_is_weierstrass(curve) || a->curves[id] == (VSE_CURVE_CREATED | SE_CURVE_PARAM_ALL);
}

/* The known Weierstrass curve of T1. 25519 and 448 always exist: creating them is 6985, as on the part. */
static uint16_t curve_for(struct vse_call *c, const struct vse_curve **ret)
{
    uint8_t id = vse_arg_u8(&c->args, SE_TAG_1, 0);

    if (c->args.bad)
        return SE_SW_WRONG_DATA;
    *ret = vse_curve_find(id);
    if (!*ret)
        return SE_SW_WRONG_DATA;
    return vse_curve_is_weierstrass(*ret) ? SE_SW_OK : SE_SW_CONDITIONS;
}

static uint16_t curve_keep(struct vse_applet *a, uint8_t id, uint8_t state)
{
    struct vse_nvm_op op = { .put = state != 0, .kind = VSE_NVM_CURVE, .id = id, .value = { &state, 1 } };
    err_t e = a->nvm.apply(a->nvm.ctx, &op, 1);

    if (!e)
        a->curves[id] = state;
    return vse_sw_from_err(e);
}

/* A curve whose parameters were never completed may be made again: the host that began lost power. */
static uint16_t cmd_curve_create(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    const struct vse_curve *curve;
    uint16_t sw = curve_for(c, &curve);

    (void)out;
    if (sw != SE_SW_OK)
        return sw;
    if (vse_curve_usable(a, curve->id))
        return SE_SW_CONDITIONS;
    return curve_keep(a, curve->id, VSE_CURVE_CREATED);
}

static uint16_t cmd_curve_param(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    uint8_t param = vse_arg_u8(&c->args, SE_TAG_2, 0);
    const struct vse_curve *curve;
    uint16_t sw = curve_for(c, &curve);
    err_t e;

    (void)out;
    if (sw != SE_SW_OK)
        return sw;
    if (param == 0 || (param & (param - 1)) != 0 || (param & ~SE_CURVE_PARAM_ALL))
        return SE_SW_WRONG_DATA;
    if (!a->curves[curve->id])
        return SE_SW_CONDITIONS;
    e = vse_curve_param_check(curve, param, vse_arg_bytes(&c->args, SE_TAG_3));
    if (e)
        return vse_sw_from_err(e);
    return curve_keep(a, curve->id, a->curves[curve->id] | param);
}

static uint16_t cmd_curve_id(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    struct vse_object *o;
    uint16_t sw = vse_object_for(a, c, 0, &o);

    if (sw != SE_SW_OK)
        return sw;
    if (!o->curve)
        return SE_SW_CONDITIONS;
    tlv_put_u8(out, SE_TAG_1, o->curve);
    return SE_SW_OK;
}

static uint16_t cmd_curve_list(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    uint8_t list[SE_CURVE_WEIERSTRASS_COUNT];

    (void)c;
    for (size_t i = 0; i < sizeof(list); i++)
        list[i] = vse_curve_usable(a, (uint8_t)(i + 1)) ? SE_CURVE_SET : SE_CURVE_NOT_SET;
    tlv_put(out, SE_TAG_1, SLICE_ARRAY(list));
    return SE_SW_OK;
}

static bool curve_in_use(const struct vse_applet *a, uint8_t id)
{
    for (size_t i = 0; i < a->objects.n; i++)
        if (a->objects.v[i]->curve == id)
            return true;
    return false;
}

static uint16_t cmd_curve_delete(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    const struct vse_curve *curve;
    uint16_t sw = curve_for(c, &curve);

    (void)out;
    if (sw != SE_SW_OK)
        return sw;
    if (!a->curves[curve->id] || curve_in_use(a, curve->id))
        return SE_SW_CONDITIONS;
    return curve_keep(a, curve->id, 0);
}

/* clang-format off */
const struct vse_command vse_commands_curve[] = {
    { .name = "CreateECCurve", .ins = SE_INS_WRITE, .p1 = SE_P1_CURVE, .p2 = SE_P2_CREATE, .on = VSE_ON_ALL,
      .feature = SE_CONFIG_ECDSA_ECDH, .must = VSE_T(1), .run = cmd_curve_create },
    { .name = "SetECCurveParam", .ins = SE_INS_WRITE, .p1 = SE_P1_CURVE, .p2 = SE_P2_PARAM, .on = VSE_ON_ALL,
      .feature = SE_CONFIG_ECDSA_ECDH, .must = VSE_T(1) | VSE_T(2) | VSE_T(3), .run = cmd_curve_param },
    { .name = "GetECCurveId", .ins = SE_INS_READ, .p1 = SE_P1_CURVE, .p2 = SE_P2_ID, .on = VSE_ON_ALL,
      .must = VSE_T(1), .run = cmd_curve_id },
    { .name = "ReadECCurveList", .ins = SE_INS_READ, .p1 = SE_P1_CURVE, .p2 = SE_P2_LIST, .on = VSE_ON_ALL,
      .run = cmd_curve_list },
    { .name = "DeleteECCurve", .ins = SE_INS_MGMT, .p1 = SE_P1_CURVE, .p2 = SE_P2_DELETE_OBJECT,
      .on = VSE_ON_ALL, .feature = SE_CONFIG_ECDSA_ECDH, .must = VSE_T(1), .run = cmd_curve_delete },
    VSE_COMMANDS_END,
};
/* clang-format on */
