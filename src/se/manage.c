#include "se/manage.h"

#include "base/reader.h"
#include "se/command.h"
#include "se/detail.h"

enum { FEATURES_MORE = SE_VERSION_EXT_LEN - SE_SELECT_ANSWER_LEN, STATE_LEN = 3 };

static void begin(struct se_command *c, uint8_t p2, enum se_command_form form)
{
    se_command_init(c, SE_INS_MGMT, SE_P1_DEFAULT, p2, form);
}

err_t se_manage_version(struct se_chip *chip, struct se_version *ret)
{
    uint8_t bytes[SE_SELECT_ANSWER_LEN];
    auto_command c = { 0 };
    struct reader r;
    err_t e;

    begin(&c, SE_P2_VERSION, SE_COMMAND_ANSWER);
    e = se_call_fixed(chip, &c, "reading the version", bytes, sizeof(bytes));
    if (e)
        return e;
    r = reader_of(SLICE_ARRAY(bytes));
    ret->major = reader_u8(&r);
    ret->minor = reader_u8(&r);
    ret->patch = reader_u8(&r);
    ret->config = reader_be16(&r);
    ret->secure_box = reader_be16(&r);
    return ERR_OK;
}

err_t se_manage_version_ext(struct se_chip *chip, uint8_t ret[SE_VERSION_EXT_LEN])
{
    auto_command c = { 0 };

    begin(&c, SE_P2_VERSION_EXT, SE_COMMAND_ANSWER);
    return se_call_fixed(chip, &c, "reading the version", ret, SE_VERSION_EXT_LEN);
}

err_t se_manage_timestamp(struct se_chip *chip, uint8_t ret[SE_TIMESTAMP_LEN])
{
    auto_command c = { 0 };

    begin(&c, SE_P2_TIME, SE_COMMAND_ANSWER);
    return se_call_fixed(chip, &c, "reading the timestamp", ret, SE_TIMESTAMP_LEN);
}

err_t se_manage_state(struct se_chip *chip, struct se_state *ret)
{
    static const char what[] = "reading the state";
    uint8_t bytes[STATE_LEN];
    auto_command c = { 0 };
    err_t e;

    se_command_init(&c, SE_INS_READ, SE_P1_DEFAULT, SE_P2_READ_STATE, SE_COMMAND_ANSWER);
    e = se_call_fixed(chip, &c, what, bytes, sizeof(bytes));
    if (e)
        return e;
    if (bytes[1] > SE_RESTRICT_ALL || (bytes[2] != SE_SCP_REQUIRED && bytes[2] != SE_SCP_NOT_REQUIRED))
        return se_command_malformed(what);
    *ret = (struct se_state){ bytes[0] == SE_LOCKED, bytes[1], bytes[2] == SE_SCP_REQUIRED };
    return ERR_OK;
}

err_t se_manage_self_test(struct se_chip *chip, uint16_t test, bool *ret_passed)
{
    auto_command c = { 0 };

    begin(&c, SE_P2_SELF_TEST, SE_COMMAND_ANSWER);
    tlv_put_be16(&c.w, SE_TAG_1, test);
    return se_call_result(chip, &c, "running a self-test", ret_passed);
}

err_t se_manage_delete_all(struct se_chip *chip)
{
    auto_command c = { 0 };

    begin(&c, SE_P2_DELETE_ALL, SE_COMMAND_STATUS);
    return se_call_status(chip, &c, "deleting all objects");
}

static err_t set_two(struct se_chip *chip, uint8_t p2, bool persistent, uint8_t value, const char *what)
{
    auto_command c = { 0 };

    begin(&c, p2, SE_COMMAND_STATUS);
    tlv_put_u8(&c.w, SE_TAG_1, persistent ? SE_LOCK_PERSISTENT : SE_LOCK_TRANSIENT);
    tlv_put_u8(&c.w, SE_TAG_2, value);
    return se_call_status(chip, &c, what);
}

err_t se_manage_lock(struct se_chip *chip, bool persistent, bool locked)
{
    return set_two(chip, SE_P2_TRANSPORT, persistent, locked ? SE_LOCKED : SE_UNLOCKED, "setting the lock");
}

err_t se_manage_require_scp(struct se_chip *chip, bool required)
{
    auto_command c = { 0 };

    begin(&c, SE_P2_SCP, SE_COMMAND_STATUS);
    tlv_put_u8(&c.w, SE_TAG_1, required ? SE_SCP_REQUIRED : SE_SCP_NOT_REQUIRED);
    return se_call_status(chip, &c, "setting whether the secure channel is required");
}

err_t se_manage_features(struct se_chip *chip, uint16_t config, struct slice more)
{
    autobuf variant = BUF_INIT(2 + FEATURES_MORE);
    auto_command c = { 0 };
    err_t e;

    if (more.n && more.n != FEATURES_MORE)
        return se_fail(ERR_INVALID, "the applet's features have %d more bytes, or none", FEATURES_MORE);
    e = buf_add_be16(&variant, config);
    if (!e)
        e = buf_add(&variant, more);
    if (e)
        return e;
    begin(&c, SE_P2_VARIANT, SE_COMMAND_STATUS);
    tlv_put(&c.w, SE_TAG_1, buf_slice(&variant));
    return se_call_status(chip, &c, "setting the applet's features");
}

err_t se_manage_restrict(struct se_chip *chip, bool persistent, uint8_t mode)
{
    if (mode != SE_RESTRICT_NEW && mode != SE_RESTRICT_ALL)
        return se_fail(ERR_INVALID, "no such restriction: %u", mode);
    return set_two(chip, SE_P2_RESTRICT, persistent, mode, "restricting the making of objects");
}
