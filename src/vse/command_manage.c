/* Module management (AN12413; reference 3.2): version, time, memory, random, existence, deletion. */
#include "base/mem.h"
#include "vse/dispatch.h"

#include <openssl/rand.h>

enum { MEMORY_STEP = 16, SESSION_RAM = 1024, SESSION_COST = 128 /* assumed */ };

void vse_put_version(const struct vse_applet *a, struct writer *out)
{
    writer_u8(out, (uint8_t)(a->part->version >> 16));
    writer_u8(out, (uint8_t)(a->part->version >> 8));
    writer_u8(out, (uint8_t)a->part->version);
    writer_be16(out, a->settings.features);
    writer_be16(out, SE_SECUREBOX_VERSION);
}

static uint16_t cmd_version(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    (void)c;
    writer_u8(out, SE_TAG_1);
    writer_u8(out, SE_SELECT_ANSWER_LEN);
    vse_put_version(a, out);
    return SE_SW_OK;
}

/* The 30 feature bytes of 7.x: none of what they stand for is in the published facts. */
static uint16_t cmd_version_ext(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    (void)c;
    writer_u8(out, SE_TAG_1);
    writer_u8(out, SE_VERSION_EXT_LEN);
    vse_put_version(a, out);
    for (size_t i = SE_SELECT_ANSWER_LEN; i < SE_VERSION_EXT_LEN; i++)
        writer_u8(out, 0);
    return SE_SW_OK;
}

static uint16_t cmd_timestamp(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    uint8_t timestamp[SE_TIMESTAMP_LEN];
    err_t e = vse_timestamp_next(a, timestamp);

    (void)c;
    if (e)
        return vse_sw_from_err(e);
    tlv_put(out, SE_TAG_1, SLICE_ARRAY(timestamp));
    return SE_SW_OK;
}

/* RAM that is cleared at deselect holds the sessions. */
static size_t session_ram_free(const struct vse_applet *a)
{
    size_t n = SESSION_RAM;

    for (size_t i = 0; i < VSE_SESSIONS; i++)
        n -= a->sessions.user[i].kind == VSE_SESSION_FREE ? 0 : SESSION_COST;
    return n;
}

static uint16_t cmd_free_memory(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    size_t n;

    switch (vse_arg_u8(&c->args, SE_TAG_1, 0)) {
    case SE_MEM_PERSISTENT:
        n = vse_applet_memory_free(a);
        break;
    case SE_MEM_TRANSIENT_RESET:
        n = vse_applet_ram_free(a);
        break;
    case SE_MEM_TRANSIENT_DESELECT:
        n = session_ram_free(a);
        break;
    default:
        return SE_SW_WRONG_DATA;
    }
    n = n / MEMORY_STEP * MEMORY_STEP;
    tlv_put_be16(out, SE_TAG_1, n > SE_MEM_REPORT_MAX ? SE_MEM_REPORT_MAX : (uint16_t)n);
    return SE_SW_OK;
}

static uint16_t cmd_random(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    uint16_t n = vse_arg_u16(&c->args, SE_TAG_1, 0);
    uint8_t bytes[SE_APDU_DATA_MAX_7X];

    if (c->args.bad || n == 0)
        return SE_SW_WRONG_DATA;
    if (n > vse_applet_data_max(a) - 4) /* tag and length */
        return SE_SW_WRONG_LENGTH;
    if (RAND_bytes(bytes, n) != 1)
        return SE_SW_CONDITIONS;
    tlv_put(out, SE_TAG_1, slice_of(bytes, n));
    mem_wipe(bytes, sizeof(bytes));
    return SE_SW_OK;
}

static uint16_t cmd_exists(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    struct vse_object *o = NULL;
    uint16_t sw = vse_object_for(a, c, 0, &o);

    if (sw == SE_SW_WRONG_DATA)
        return sw;
    vse_put_verdict(out, SE_TAG_1, o != NULL);
    return SE_SW_OK;
}

static uint16_t cmd_delete(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    struct vse_object *o;
    uint16_t sw = vse_object_for(a, c, SE_POLICY_DELETE, &o);

    (void)out;
    return sw == SE_SW_OK ? vse_applet_remove(a, o->id) : sw;
}

const struct vse_command vse_commands_manage[] = {
    { .name = "GetVersion",
      .ins = SE_INS_MGMT,
      .p1 = SE_P1_DEFAULT,
      .p2 = SE_P2_VERSION,
      .on = VSE_ON_ALL,
      .flags = VSE_CMD_WHEN_LOCKED,
      .run = cmd_version },
    { .name = "GetVersionExt",
      .ins = SE_INS_MGMT,
      .p1 = SE_P1_DEFAULT,
      .p2 = SE_P2_VERSION_EXT,
      .on = VSE_ON_7X,
      .flags = VSE_CMD_WHEN_LOCKED,
      .run = cmd_version_ext },
    { .name = "GetTimestamp",
      .ins = SE_INS_MGMT,
      .p1 = SE_P1_DEFAULT,
      .p2 = SE_P2_TIME,
      .on = VSE_ON_ALL,
      .flags = VSE_CMD_WHEN_LOCKED,
      .run = cmd_timestamp },
    { .name = "GetFreeMemory",
      .ins = SE_INS_MGMT,
      .p1 = SE_P1_DEFAULT,
      .p2 = SE_P2_MEMORY,
      .on = VSE_ON_ALL,
      .flags = VSE_CMD_WHEN_LOCKED,
      .must = VSE_T(1),
      .run = cmd_free_memory },
    { .name = "GetRandom",
      .ins = SE_INS_MGMT,
      .p1 = SE_P1_DEFAULT,
      .p2 = SE_P2_RANDOM,
      .on = VSE_ON_ALL,
      .flags = VSE_CMD_WHEN_LOCKED,
      .must = VSE_T(1),
      .run = cmd_random },
    { .name = "CheckObjectExists",
      .ins = SE_INS_MGMT,
      .p1 = SE_P1_DEFAULT,
      .p2 = SE_P2_EXIST,
      .on = VSE_ON_ALL,
      .flags = VSE_CMD_WHEN_LOCKED,
      .must = VSE_T(1),
      .run = cmd_exists },
    { .name = "DeleteSecureObject",
      .ins = SE_INS_MGMT,
      .p1 = SE_P1_DEFAULT,
      .p2 = SE_P2_DELETE_OBJECT,
      .on = VSE_ON_ALL,
      .must = VSE_T(1),
      .run = cmd_delete },
    VSE_COMMANDS_END,
};
