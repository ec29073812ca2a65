/* Module management (AN12413): version, memory, random, existence, deletion. */
#include "base/mem.h"
#include "vse/command.h"

#include <openssl/rand.h>

enum { MEMORY_STEP = 16, TRANSIENT_MEMORY = 1024 };

void vse_put_version(const struct vse_applet *a, struct writer *out)
{
    writer_u8(out, (uint8_t)(a->version >> 16));
    writer_u8(out, (uint8_t)(a->version >> 8));
    writer_u8(out, (uint8_t)a->version);
    writer_be16(out, SE_CONFIG_ALL);
    writer_be16(out, SE_SECUREBOX_VERSION);
}

uint16_t vse_cmd_version(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    (void)c;
    writer_u8(out, SE_TAG_1);
    writer_u8(out, SE_SELECT_ANSWER_LEN);
    vse_put_version(a, out);
    return SE_SW_OK;
}

uint16_t vse_cmd_free_memory(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    uint8_t type = vse_arg_u8(&c->args, SE_TAG_1, 0);
    size_t n = TRANSIENT_MEMORY;

    if (c->args.bad || type < SE_MEM_PERSISTENT || type > SE_MEM_TRANSIENT_DESELECT)
        return SE_SW_WRONG_DATA;
    if (type == SE_MEM_PERSISTENT)
        n = vse_applet_memory_free(a) / MEMORY_STEP * MEMORY_STEP;
    tlv_put_be16(out, SE_TAG_1, n > SE_MEM_REPORT_MAX ? SE_MEM_REPORT_MAX : (uint16_t)n);
    return SE_SW_OK;
}

uint16_t vse_cmd_random(struct vse_applet *a, struct vse_call *c, struct writer *out)
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

uint16_t vse_cmd_exists(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    struct vse_object *o = NULL;
    uint16_t sw = vse_object_for(a, c, 0, &o);

    if (sw == SE_SW_WRONG_DATA)
        return sw;
    tlv_put_u8(out, SE_TAG_1, o ? SE_RESULT_SUCCESS : SE_RESULT_FAILURE);
    return SE_SW_OK;
}

uint16_t vse_cmd_delete(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    struct vse_nvm_op op = { .kind = VSE_NVM_OBJECT };
    struct vse_object *o;
    uint16_t sw = vse_object_for(a, c, SE_POLICY_DELETE, &o);
    err_t e;

    (void)out;
    if (sw != SE_SW_OK)
        return sw;
    if (vse_id_reserved(o->id))
        return SE_SW_COMMAND_NOT_ALLOWED;
    op.id = o->id;
    e = a->nvm.apply(a->nvm.ctx, &op, 1);
    if (e)
        return vse_sw_from_err(e);
    vse_objects_remove(&a->objects, op.id);
    return SE_SW_OK;
}

/* Only a session opened with 7FFF0205 may; the default session is not one. */
uint16_t vse_cmd_delete_all(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    (void)a;
    (void)c;
    (void)out;
    return SE_SW_CONDITIONS;
}
