/* What the part tells about itself on 7.x: TriggerSelfTest, ReadState (reference 3.2, 3.14). */
#include "base/mem.h"
#include "vse/attest.h"
#include "vse/dispatch.h"

/* Software has nothing to test that would not have ended the program: every test passes. */
static uint16_t self_test(struct vse_call *c)
{
    static const uint16_t modes[] = { SE_TEST_FIPS,   SE_TEST_CODE,   SE_TEST_FLASH,
                                      SE_TEST_SHIELD, SE_TEST_SENSOR, SE_TEST_SFR };
    uint16_t mode = vse_arg_u16(&c->args, SE_TAG_1, 0);

    if (c->args.bad)
        return SE_SW_WRONG_DATA;
    for (size_t i = 0; i < ARRAY_LEN(modes); i++)
        if (modes[i] == mode)
            return SE_SW_OK;
    return SE_SW_WRONG_DATA;
}

static uint16_t trigger_self_test(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    uint16_t sw = self_test(c);

    (void)a;
    if (sw == SE_SW_OK)
        tlv_put_u8(out, SE_TAG_1, SE_RESULT_SUCCESS);
    return sw;
}

static uint16_t trigger_self_test_attested(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    static const uint8_t passed = SE_RESULT_SUCCESS;
    struct slice result = { &passed, sizeof(passed) };
    struct vse_attested what = {
        .data = &result, .size = sizeof(passed), .key_tag = SE_TAG_5, .algorithm_tag = SE_TAG_6
    };
    uint16_t sw = self_test(c);

    return sw == SE_SW_OK ? vse_attest(a, c, &what, out) : sw;
}

static uint16_t read_state(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    const struct vse_settings *s = &a->settings;
    uint8_t state[] = {
        s->locked || s->locked_transient ? SE_LOCKED : SE_UNLOCKED,
        s->restricted > s->restricted_transient ? s->restricted : s->restricted_transient,
        s->scp_required ? SE_SCP_REQUIRED : SE_SCP_NOT_REQUIRED,
    };

    (void)c;
    tlv_put(out, SE_TAG_1, SLICE_ARRAY(state));
    return SE_SW_OK;
}

const struct vse_command vse_commands_state[] = {
    { .name = "TriggerSelfTest",
      .ins = SE_INS_MGMT,
      .p1 = SE_P1_DEFAULT,
      .p2 = SE_P2_SELF_TEST,
      .on = VSE_ON_7X,
      .must = VSE_T(1),
      .run = trigger_self_test },
    { .name = "TriggerSelfTestAttested",
      .ins = SE_INS_MGMT | SE_INS_ATTEST,
      .p1 = SE_P1_DEFAULT,
      .p2 = SE_P2_SELF_TEST,
      .on = VSE_ON_7X,
      .must = VSE_T(1) | VSE_T(5) | VSE_T(6) | VSE_T(7),
      .run = trigger_self_test_attested },
    { .name = "ReadState",
      .ins = SE_INS_READ,
      .p1 = SE_P1_DEFAULT,
      .p2 = SE_P2_READ_STATE,
      .on = VSE_ON_7X,
      .flags = VSE_CMD_WHEN_LOCKED,
      .run = read_state },
    VSE_COMMANDS_END,
};
