#include "se/desfire.h"

#include "se/command.h"
#include "se/detail.h"

enum { DIVERSIFY_MAX = 31 };

static void begin(struct se_command *c, uint8_t p2, enum se_command_form form)
{
    se_command_init(c, SE_INS_CRYPTO, SE_P1_DEFAULT, p2, form);
}

err_t se_desfire_diversify(struct se_chip *chip, uint32_t master, uint32_t target, struct slice input)
{
    char what[SE_WHAT_MAX];
    auto_command c = { 0 };

    if (input.n == 0 || input.n > DIVERSIFY_MAX)
        return se_fail(ERR_INVALID, "object %08x: keys are diversified with 1 to %d bytes", master,
                       DIVERSIFY_MAX);
    begin(&c, SE_P2_DIVERSIFY, SE_COMMAND_STATUS);
    tlv_put_be32(&c.w, SE_TAG_1, master);
    tlv_put_be32(&c.w, SE_TAG_2, target);
    tlv_put(&c.w, SE_TAG_3, input);
    return se_call_status(chip, &c, se_what(what, master, "diversifying the key"));
}

static err_t part1(struct se_chip *chip, uint8_t p2, uint32_t key,
                   const uint8_t challenge[SE_DESFIRE_CHALLENGE], uint8_t ret[SE_DESFIRE_RESPONSE])
{
    char what[SE_WHAT_MAX];
    auto_command c = { 0 };

    begin(&c, p2, SE_COMMAND_ANSWER);
    tlv_put_be32(&c.w, SE_TAG_1, key);
    tlv_put(&c.w, SE_TAG_2, slice_of(challenge, SE_DESFIRE_CHALLENGE));
    return se_call_fixed(chip, &c, se_what(what, key, "authenticating to a card"), ret, SE_DESFIRE_RESPONSE);
}

err_t se_desfire_first_part1(struct se_chip *chip, uint32_t key,
                             const uint8_t challenge[SE_DESFIRE_CHALLENGE], uint8_t ret[SE_DESFIRE_RESPONSE])
{
    return part1(chip, SE_P2_AUTH_FIRST_PART1, key, challenge, ret);
}

err_t se_desfire_next_part1(struct se_chip *chip, uint32_t key, const uint8_t challenge[SE_DESFIRE_CHALLENGE],
                            uint8_t ret[SE_DESFIRE_RESPONSE])
{
    return part1(chip, SE_P2_AUTH_NONFIRST_PART1, key, challenge, ret);
}

static const char judging[] = "judging the card's answer";

err_t se_desfire_first_part2(struct se_chip *chip, const uint8_t card[SE_DESFIRE_RESPONSE],
                             uint8_t ret[SE_DESFIRE_CAPABILITIES])
{
    auto_command c = { 0 };

    begin(&c, SE_P2_AUTH_FIRST_PART2, SE_COMMAND_ANSWER);
    tlv_put(&c.w, SE_TAG_1, slice_of(card, SE_DESFIRE_RESPONSE));
    return se_call_fixed(chip, &c, judging, ret, SE_DESFIRE_CAPABILITIES);
}

err_t se_desfire_next_part2(struct se_chip *chip, const uint8_t card[SE_DESFIRE_CHALLENGE])
{
    auto_command c = { 0 };

    begin(&c, SE_P2_AUTH_NONFIRST_PART2, SE_COMMAND_STATUS);
    tlv_put(&c.w, SE_TAG_1, slice_of(card, SE_DESFIRE_CHALLENGE));
    return se_call_status(chip, &c, judging);
}

err_t se_desfire_dump(struct se_chip *chip, uint8_t ret[SE_DESFIRE_SESSION])
{
    auto_command c = { 0 };

    begin(&c, SE_P2_DUMP_KEY, SE_COMMAND_ANSWER);
    return se_call_fixed(chip, &c, "reading the card session's keys", ret, SE_DESFIRE_SESSION);
}

err_t se_desfire_change_part1(struct se_chip *chip, const struct se_desfire_change *change, struct buf *out)
{
    char what[SE_WHAT_MAX];
    auto_command c = { 0 };

    begin(&c, SE_P2_CHANGE_KEY_PART1, SE_COMMAND_ANSWER);
    se_put_id(&c, SE_TAG_1, change->old_key);
    tlv_put_be32(&c.w, SE_TAG_2, change->new_key);
    tlv_put_u8(&c.w, SE_TAG_3, change->set);
    tlv_put_u8(&c.w, SE_TAG_4, change->number);
    tlv_put_u8(&c.w, SE_TAG_5, change->version);
    return se_call_bytes(chip, &c, se_what(what, change->new_key, "changing a card's key"), 1,
                         2 * SE_DESFIRE_CHANGE, out);
}

err_t se_desfire_change_part2(struct se_chip *chip, const uint8_t mac[SE_DESFIRE_MAC])
{
    auto_command c = { 0 };
    bool good = false;
    err_t e;

    begin(&c, SE_P2_CHANGE_KEY_PART2, SE_COMMAND_ANSWER);
    tlv_put(&c.w, SE_TAG_1, slice_of(mac, SE_DESFIRE_MAC));
    e = se_call_result(chip, &c, judging, &good);
    return !e && !good ? se_fail(ERR_AUTH, "%s: the MAC is wrong", judging) : e;
}

err_t se_desfire_end(struct se_chip *chip)
{
    auto_command c = { 0 };

    begin(&c, SE_P2_KILL_AUTH, SE_COMMAND_STATUS);
    return se_call_status(chip, &c, "ending the authentication to a card");
}
