#include "se/export.h"

#include "se/command.h"

static void put_component(struct se_command *c, uint8_t component, bool always)
{
    if (always || component != SE_EXPORT_WHOLE)
        tlv_put_u8(&c->w, SE_TAG_2, component);
}

err_t se_object_export(struct se_chip *chip, uint32_t id, uint8_t component, struct buf *out)
{
    char what[SE_WHAT_MAX];
    auto_command c = { 0 };

    se_command_init(&c, SE_INS_READ, SE_P1_DEFAULT, SE_P2_EXPORT, SE_COMMAND_EXT_ANSWER);
    tlv_put_be32(&c.w, SE_TAG_1, id);
    put_component(&c, component, true);
    return se_call_bytes(chip, &c, se_what(what, id, "exporting"), 1, SE_ANSWER_MAX, out);
}

err_t se_object_import(struct se_chip *chip, uint32_t id, uint8_t component, struct slice blob)
{
    char what[SE_WHAT_MAX];
    auto_command c = { 0 };

    se_command_init(&c, SE_INS_WRITE, SE_P1_DEFAULT, SE_P2_IMPORT, SE_COMMAND_STATUS);
    tlv_put_be32(&c.w, SE_TAG_1, id);
    put_component(&c, component, false);
    tlv_put(&c.w, SE_TAG_3, blob);
    return se_call_status(chip, &c, se_what(what, id, "importing"));
}

err_t se_object_import_external(struct se_chip *chip, struct slice auth, uint32_t host, struct slice command)
{
    char what[SE_WHAT_MAX];
    auto_command c = { 0 };

    se_command_init(&c, SE_INS_IMPORT_EXTERNAL, SE_P1_DEFAULT, SE_P2_DEFAULT, SE_COMMAND_STATUS);
    tlv_put(&c.w, SE_TAG_IMPORT_AUTH_DATA, auth);
    tlv_put_be32(&c.w, SE_TAG_IMPORT_AUTH_KEY_ID, host);
    tlv_put(&c.w, SE_TAG_1, command);
    return se_call_status(chip, &c, se_what(what, host, "importing what this key signed"));
}
