/* The I2C master (AN12413; reference 3.13): command lists for the bus behind the part, i2cm.h. */
#include "vse/attest.h"
#include "vse/dispatch.h"
#include "vse/i2cm.h"

/* When somebody made the object I2CM_ACCESS, the bus is for sessions opened with it. */
static bool may_use_bus(const struct vse_applet *a, const struct vse_call *c)
{
    return !vse_objects_find(&a->objects, SE_ID_I2CM_ACCESS) || c->session->auth_id == SE_ID_I2CM_ACCESS;
}

static uint16_t run_list(struct vse_applet *a, struct vse_call *c, struct buf *result)
{
    err_t e;

    if (!may_use_bus(a, c))
        return SE_SW_CONDITIONS;
    e = vse_i2cm_run(&a->i2cm, vse_arg_bytes(&c->args, SE_TAG_1), result);
    return e == ERR_TOO_BIG ? SE_SW_WRONG_LENGTH : vse_sw_from_err(e);
}

static uint16_t i2cm(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    autobuf result = BUF_INIT(VSE_I2CM_ANSWER_MAX);
    uint16_t sw = run_list(a, c, &result);

    if (sw == SE_SW_OK)
        tlv_put(out, SE_TAG_1, buf_slice(&result));
    return sw;
}

static uint16_t i2cm_attested(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    autobuf result = BUF_INIT(VSE_I2CM_ANSWER_MAX);
    struct slice data;
    struct vse_attested what = {
        .data = &data, .key_tag = SE_TAG_2, .algorithm_tag = SE_TAG_3, .key_optional = true
    };
    uint16_t sw = vse_attest_possible(a, c, &what);

    if (sw == SE_SW_OK)
        sw = run_list(a, c, &result);
    if (sw != SE_SW_OK)
        return sw;
    data = buf_slice(&result);
    what.size = (uint16_t)data.n;
    return vse_attest(a, c, &what, out);
}

const struct vse_command vse_commands_i2cm[] = {
    { .name = "I2CM",
      .ins = SE_INS_CRYPTO,
      .p1 = SE_P1_DEFAULT,
      .p2 = SE_P2_I2CM,
      .on = VSE_ON_ALL,
      .feature = SE_CONFIG_I2CM,
      .must = VSE_T(1),
      .run = i2cm },
    { .name = "I2CMAttested",
      .ins = SE_INS_CRYPTO | SE_INS_ATTEST,
      .p1 = SE_P1_DEFAULT,
      .p2 = SE_P2_I2CM,
      .on = VSE_ON_ALL,
      .feature = SE_CONFIG_I2CM,
      .must = VSE_T(1) | VSE_T(2) | VSE_T(3) | VSE_T(7),
      .run = i2cm_attested },
    VSE_COMMANDS_END,
};
