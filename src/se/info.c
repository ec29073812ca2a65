/* What the chip says about itself: unique id, random numbers, free memory. */
#include "base/mem.h"
#include "base/tlv.h"
#include "se/command.h"
#include "se/object.h"

/* One ReadObject: the length is known, so neither type nor size is asked for. */
err_t se_chip_uid(struct se_chip *chip, uint8_t ret_uid[SE_UNIQUE_ID_LEN])
{
    static const char what[] = "reading the unique id";
    auto_hold *held = NULL;
    auto_command c = { 0 };
    struct slice answer, uid;
    err_t e;

    se_command_init(&c, SE_INS_READ, SE_P1_DEFAULT, SE_P2_DEFAULT, SE_COMMAND_EXT_ANSWER);
    tlv_put_be32(&c.w, SE_TAG_1, SE_ID_UNIQUE_ID);
    e = se_hold(chip, &held);
    if (!e)
        e = se_command_run(chip, &c, what, &answer);
    if (e)
        return e;
    if (se_answer_only(answer, SE_TAG_1, &uid) || uid.n != SE_UNIQUE_ID_LEN)
        return se_command_malformed(what);
    memcpy(ret_uid, uid.p, uid.n);
    return ERR_OK;
}

void se_cert_uid(const uint8_t uid[SE_UNIQUE_ID_LEN], uint8_t out[SE_CERT_UID_LEN])
{
    static const uint8_t from[SE_CERT_UID_LEN] = { 2, 3, 8, 9, 10, 11, 12, 13, 14, 15 };

    for (size_t i = 0; i < SE_CERT_UID_LEN; i++)
        out[i] = uid[from[i]];
}

static err_t random_chunk(struct se_chip *chip, uint8_t *out, uint16_t n)
{
    static const char what[] = "getting random numbers";
    auto_command c = { 0 };
    struct slice answer, value;
    err_t e;

    se_command_init(&c, SE_INS_MGMT, SE_P1_DEFAULT, SE_P2_RANDOM, SE_COMMAND_EXT_ANSWER);
    tlv_put_be16(&c.w, SE_TAG_1, n);
    e = se_command_run(chip, &c, what, &answer);
    if (e)
        return e;
    if (se_answer_only(answer, SE_TAG_1, &value) || value.n != n)
        return se_command_malformed(what);
    memcpy(out, value.p, n);
    return ERR_OK;
}

err_t se_chip_random(struct se_chip *chip, uint8_t *out, size_t n)
{
    auto_hold *held = NULL;
    err_t e = se_hold(chip, &held);

    for (size_t at = 0; !e && at < n; at += SE_RANDOM_CHUNK)
        e = random_chunk(chip, out + at, (uint16_t)(n - at < SE_RANDOM_CHUNK ? n - at : SE_RANDOM_CHUNK));
    if (e)
        mem_wipe(out, n);
    return e;
}

err_t se_chip_free_memory(struct se_chip *chip, uint8_t which, uint32_t *ret)
{
    static const char what[] = "asking for the free memory";
    auto_hold *held = NULL;
    auto_command c = { 0 };
    struct slice answer, value;
    struct reader r;
    err_t e;

    se_command_init(&c, SE_INS_MGMT, SE_P1_DEFAULT, SE_P2_MEMORY, SE_COMMAND_ANSWER);
    tlv_put_u8(&c.w, SE_TAG_1, which);
    e = se_hold(chip, &held);
    if (!e)
        e = se_command_run(chip, &c, what, &answer);
    if (e)
        return e;
    if (se_answer_only(answer, SE_TAG_1, &value) || (value.n != 2 && value.n != 4))
        return se_command_malformed(what);
    r = reader_of(value);
    *ret = value.n == 2 ? reader_be16(&r) : reader_be32(&r); /* SE052 answers four bytes */
    return ERR_OK;
}
