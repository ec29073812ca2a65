#include "se/mac.h"

#include "se/command.h"
#include "se/detail.h"
#include "se/object.h"

static void begin_once(struct se_command *c, uint8_t p2, uint32_t key, uint8_t algorithm, struct slice data)
{
    se_command_init(c, SE_INS_CRYPTO, SE_P1_MAC, p2, SE_COMMAND_ANSWER);
    tlv_put_be32(&c->w, SE_TAG_1, key);
    tlv_put_u8(&c->w, SE_TAG_2, algorithm);
    se_put_bytes(c, SE_TAG_3, data);
}

err_t se_mac_once(struct se_chip *chip, uint32_t key, uint8_t algorithm, struct slice data, struct buf *out)
{
    char what[SE_WHAT_MAX];
    auto_command c = { 0 };

    begin_once(&c, SE_P2_GENERATE_ONESHOT, key, algorithm, data);
    return se_call_bytes(chip, &c, se_what(what, key, "computing a MAC"), 1, SE_MAC_MAX, out);
}

err_t se_mac_check_once(struct se_chip *chip, uint32_t key, uint8_t algorithm, struct slice data,
                        struct slice mac, bool *ret_good)
{
    char what[SE_WHAT_MAX];
    auto_command c = { 0 };

    begin_once(&c, SE_P2_VALIDATE_ONESHOT, key, algorithm, data);
    tlv_put(&c.w, SE_TAG_5, mac);
    return se_call_result(chip, &c, se_what(what, key, "checking a MAC"), ret_good);
}

static err_t init(struct se_chip *chip, uint8_t p2, uint16_t object, uint32_t key)
{
    char what[SE_WHAT_MAX];
    auto_command c = { 0 };

    se_command_init(&c, SE_INS_CRYPTO, SE_P1_MAC, p2, SE_COMMAND_STATUS);
    tlv_put_be32(&c.w, SE_TAG_1, key);
    tlv_put_be16(&c.w, SE_TAG_2, object);
    return se_call_status(chip, &c, se_what(what, key, "beginning a MAC"));
}

err_t se_mac_init(struct se_chip *chip, uint16_t object, uint32_t key)
{
    return init(chip, SE_P2_GENERATE, object, key);
}

err_t se_mac_check_init(struct se_chip *chip, uint16_t object, uint32_t key)
{
    return init(chip, SE_P2_VALIDATE, object, key);
}

/* Here the data is T1 and the object T2, unlike everywhere else (reference 8, trap 8). */
static void begin_step(struct se_command *c, uint8_t p2, enum se_command_form form, uint16_t object,
                       struct slice data)
{
    se_command_init(c, SE_INS_CRYPTO, SE_P1_MAC, p2, form);
    se_put_bytes(c, SE_TAG_1, data);
    tlv_put_be16(&c->w, SE_TAG_2, object);
}

static err_t update_piece(struct se_chip *chip, uint16_t object, struct slice data)
{
    auto_command c = { 0 };

    begin_step(&c, SE_P2_UPDATE, SE_COMMAND_STATUS, object, data);
    return se_command_status(chip, &c, "going on with a MAC");
}

err_t se_mac_update(struct se_chip *chip, uint16_t object, struct slice data)
{
    auto_hold *held = NULL;
    err_t e = se_hold(chip, &held);

    for (size_t at = 0; !e && at < data.n; at += SE_DIGEST_CHUNK)
        e = update_piece(chip, object, slice_head(slice_skip(data, at), SE_DIGEST_CHUNK));
    return e;
}

err_t se_mac_final(struct se_chip *chip, uint16_t object, struct slice last, struct buf *out)
{
    auto_command c = { 0 };

    begin_step(&c, SE_P2_FINAL, SE_COMMAND_EXT_ANSWER, object, last);
    return se_call_bytes(chip, &c, "finishing a MAC", 1, SE_MAC_MAX, out);
}

err_t se_mac_check_final(struct se_chip *chip, uint16_t object, struct slice last, struct slice mac,
                         bool *ret_good)
{
    auto_command c = { 0 };

    begin_step(&c, SE_P2_FINAL, SE_COMMAND_EXT_ANSWER, object, last);
    tlv_put(&c.w, SE_TAG_3, mac);
    return se_call_result(chip, &c, "checking a MAC", ret_good);
}

/* The crypto objects that NXP's host makes for MACs (reference 3.9). */
static const struct se_crypto_object usual[] = {
    { 21, SE_CONTEXT_SIGNATURE, SE_MAC_HMAC_SHA1 },   { 22, SE_CONTEXT_SIGNATURE, SE_MAC_HMAC_SHA256 },
    { 23, SE_CONTEXT_SIGNATURE, SE_MAC_HMAC_SHA384 }, { 24, SE_CONTEXT_SIGNATURE, SE_MAC_HMAC_SHA512 },
    { 25, SE_CONTEXT_SIGNATURE, SE_MAC_CMAC_128 },
};

static const struct se_crypto_object *usual_for(uint8_t algorithm)
{
    for (size_t i = 0; i < ARRAY_LEN(usual); i++)
        if (usual[i].subtype == algorithm)
            return &usual[i];
    return NULL;
}

err_t se_mac_any(struct se_chip *chip, uint32_t key, uint8_t algorithm, struct slice data, struct buf *out)
{
    const struct se_crypto_object *object = usual_for(algorithm);
    auto_hold *held = NULL;
    err_t e;

    if (data.n <= SE_MAC_ONCE_MAX)
        return se_mac_once(chip, key, algorithm, data, out);
    if (!object)
        return se_fail(ERR_TOO_BIG, "object %08x: %zu bytes are too many for this MAC", key, data.n);
    e = se_hold(chip, &held);
    if (!e)
        e = se_crypto_object_ensure(chip, object);
    if (!e)
        e = se_mac_init(chip, object->id, key);
    if (!e)
        e = se_mac_update(chip, object->id, data);
    return e ? e : se_mac_final(chip, object->id, (struct slice){ 0 }, out);
}
