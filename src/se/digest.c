/* Digests computed in the chip (AN12413 Digest*; reference 3.10). */
#include "se/command.h"
#include "se/mac.h"

/* The mode is T1 and the data T2 here, unlike in the steps (reference 8, trap 8). */
err_t se_digest_once(struct se_chip *chip, uint8_t digest, struct slice data, struct buf *out)
{
    auto_command c = { 0 };

    se_command_init(&c, SE_INS_CRYPTO, SE_P1_DEFAULT, SE_P2_ONESHOT, SE_COMMAND_ANSWER);
    tlv_put_u8(&c.w, SE_TAG_1, digest);
    se_put_bytes(&c, SE_TAG_2, data);
    return se_call_bytes(chip, &c, "computing a digest", 1, SE_MAC_MAX, out);
}

static void begin(struct se_command *c, uint8_t p2, enum se_command_form form, uint16_t object,
                  struct slice data)
{
    se_command_init(c, SE_INS_CRYPTO, SE_P1_DEFAULT, p2, form);
    tlv_put_be16(&c->w, SE_TAG_2, object);
    se_put_bytes(c, SE_TAG_3, data);
}

err_t se_digest_init(struct se_chip *chip, uint16_t object)
{
    auto_command c = { 0 };

    begin(&c, SE_P2_INIT, SE_COMMAND_STATUS, object, (struct slice){ 0 });
    return se_call_status(chip, &c, "beginning a digest");
}

static err_t update_piece(struct se_chip *chip, uint16_t object, struct slice data)
{
    auto_command c = { 0 };

    begin(&c, SE_P2_UPDATE, SE_COMMAND_STATUS, object, data);
    return se_command_status(chip, &c, "going on with a digest");
}

err_t se_digest_update(struct se_chip *chip, uint16_t object, struct slice data)
{
    auto_hold *held = NULL;
    err_t e = se_hold(chip, &held);

    for (size_t at = 0; !e && at < data.n; at += SE_DIGEST_CHUNK)
        e = update_piece(chip, object, slice_head(slice_skip(data, at), SE_DIGEST_CHUNK));
    return e;
}

err_t se_digest_final(struct se_chip *chip, uint16_t object, struct slice last, struct buf *out)
{
    auto_command c = { 0 };

    begin(&c, SE_P2_FINAL, SE_COMMAND_ANSWER, object, last);
    return se_call_bytes(chip, &c, "finishing a digest", 1, SE_MAC_MAX, out);
}
