#include "se/pake.h"

#include "se/command.h"
#include "se/detail.h"

static const char what[] = "SPAKE2+";

static void begin(struct se_command *c, uint8_t ins, uint8_t p2, enum se_command_form form, uint16_t object)
{
    se_command_init(c, ins, SE_P1_PAKE, p2, form);
    tlv_put_be16(&c->w, SE_TAG_2, object);
}

err_t se_pake_configure(struct se_chip *chip, uint16_t object, uint8_t device)
{
    auto_command c = { 0 };
    err_t e = se_need_7x(chip, what);

    begin(&c, SE_INS_CRYPTO, SE_P2_TYPE, SE_COMMAND_STATUS, object);
    tlv_put_u8(&c.w, SE_TAG_3, device);
    return e ? e : se_call_status(chip, &c, what);
}

err_t se_pake_names(struct se_chip *chip, uint16_t object, struct slice context, struct slice prover,
                    struct slice verifier)
{
    auto_command c = { 0 };

    if (context.n > SE_PAKE_NAME_MAX || prover.n > SE_PAKE_NAME_MAX || verifier.n > SE_PAKE_NAME_MAX)
        return se_fail(ERR_INVALID, "%s: context and names have at most %d bytes each", what,
                       SE_PAKE_NAME_MAX);
    begin(&c, SE_INS_CRYPTO, SE_P2_ID, SE_COMMAND_STATUS, object);
    se_put_bytes(&c, SE_TAG_3, context);
    se_put_bytes(&c, SE_TAG_4, prover);
    se_put_bytes(&c, SE_TAG_5, verifier);
    return se_call_status(chip, &c, what);
}

err_t se_pake_credentials(struct se_chip *chip, uint16_t object, uint32_t w0, uint32_t w1, uint32_t l)
{
    auto_command c = { 0 };

    begin(&c, SE_INS_CRYPTO, SE_P2_PARAM, SE_COMMAND_STATUS, object);
    tlv_put_be32(&c.w, SE_TAG_3, w0);
    se_put_id(&c, SE_TAG_4, w1);
    se_put_id(&c, SE_TAG_5, l);
    return se_call_status(chip, &c, what);
}

err_t se_pake_share(struct se_chip *chip, uint16_t object, struct slice peer, struct buf *out)
{
    auto_command c = { 0 };

    begin(&c, SE_INS_CRYPTO, SE_P2_UPDATE, SE_COMMAND_ANSWER, object);
    se_put_bytes(&c, SE_TAG_3, peer);
    return se_call_bytes(chip, &c, what, 1, SE_EC_PUBLIC_MAX, out);
}

/* T1=secret T2=confirmation */
static err_t take_keys(struct slice answer, struct buf *out_secret, struct buf *out_confirmation)
{
    struct slice secret, confirmation;
    size_t start = out_secret->n;
    err_t e;

    if (se_answer_take(&answer, SE_TAG_1, &secret) || se_answer_only(answer, SE_TAG_2, &confirmation) ||
        secret.n == 0 || secret.n > SE_PAKE_KEY_MAX || confirmation.n == 0 ||
        confirmation.n > SE_PAKE_KEY_MAX)
        return ERR_PROTO;
    e = buf_add(out_secret, secret);
    if (!e)
        e = buf_add(out_confirmation, confirmation);
    if (e)
        buf_cut(out_secret, start);
    return e;
}

err_t se_pake_keys(struct se_chip *chip, uint16_t object, struct slice peer, struct buf *out_secret,
                   struct buf *out_confirmation)
{
    auto_hold *held = NULL;
    auto_command c = { 0 };
    struct slice answer;
    err_t e;

    begin(&c, SE_INS_CRYPTO, SE_P2_GENERATE, SE_COMMAND_ANSWER, object);
    se_put_bytes(&c, SE_TAG_3, peer);
    e = se_hold(chip, &held);
    if (!e)
        e = se_command_run(chip, &c, what, &answer);
    if (e)
        return e;
    e = take_keys(answer, out_secret, out_confirmation);
    return e == ERR_PROTO ? se_command_malformed(what) : e;
}

err_t se_pake_verify(struct se_chip *chip, uint16_t object, struct slice confirmation)
{
    auto_command c = { 0 };
    bool good = false;
    err_t e;

    begin(&c, SE_INS_CRYPTO, SE_P2_VERIFY, SE_COMMAND_ANSWER, object);
    tlv_put(&c.w, SE_TAG_3, confirmation);
    e = se_call_result(chip, &c, what, &good);
    return !e && !good ? se_fail(ERR_AUTH, "%s: the peer does not know the password", what) : e;
}

static err_t ask(struct se_chip *chip, uint8_t p2, uint16_t object, uint8_t *ret)
{
    auto_command c = { 0 };

    begin(&c, SE_INS_READ, p2, SE_COMMAND_ANSWER, object);
    return se_call_fixed(chip, &c, what, ret, 1);
}

err_t se_pake_device(struct se_chip *chip, uint16_t object, uint8_t *ret)
{
    return ask(chip, SE_P2_DEFAULT, object, ret);
}

err_t se_pake_state(struct se_chip *chip, uint16_t object, uint8_t *ret)
{
    return ask(chip, SE_P2_READ_STATE, object, ret);
}
