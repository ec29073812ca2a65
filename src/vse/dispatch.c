#include "vse/dispatch.h"

#include "base/mem.h"
#include "vse/apdu.h"

/* The families, each ended by VSE_COMMANDS_END. */
static const struct vse_command *const families[] = {
    vse_commands_manage, vse_commands_read,    vse_commands_write,     vse_commands_curve,
    vse_commands_sign,   vse_commands_session, vse_commands_platform,  vse_commands_crypto_object,
    vse_commands_digest, vse_commands_cipher,  vse_commands_mac,       vse_commands_aead,
    vse_commands_kdf,    vse_commands_tls,     vse_commands_agreement, vse_commands_value,
    vse_commands_port,   vse_commands_i2cm,    vse_commands_state,     vse_commands_desfire,
    vse_commands_pake,
};

const struct vse_command *vse_command_at(size_t i)
{
    for (size_t f = 0; f < ARRAY_LEN(families); f++)
        for (const struct vse_command *row = families[f]; row->run; row++)
            if (i-- == 0)
                return row;
    return NULL;
}

static bool row_matches(const struct vse_command *row, uint8_t ins, uint8_t p1, uint8_t p2)
{
    return row->ins == (ins & ~row->ins_free) && row->p1 == (p1 & ~row->p1_free) && row->p2 == p2;
}

const struct vse_command *vse_command_find(uint8_t generation, uint8_t ins, uint8_t p1, uint8_t p2)
{
    for (size_t f = 0; f < ARRAY_LEN(families); f++)
        for (const struct vse_command *row = families[f]; row->run; row++)
            if ((row->on & generation) && row_matches(row, ins, p1, p2))
                return row;
    return NULL;
}

static uint16_t no_such_command(const struct vse_apdu *apdu)
{
    uint8_t base = apdu->ins & SE_INS_MASK;

    return base >= SE_INS_WRITE && base <= SE_INS_IMPORT_EXTERNAL ? SE_SW_WRONG_P1P2
                                                                  : SE_SW_INS_NOT_SUPPORTED;
}

static bool in_place(const struct vse_command *row, const struct vse_session *s)
{
    bool user = s->kind != VSE_SESSION_DEFAULT;

    if (!s->open && !(row->flags & VSE_CMD_UNAUTHENTICATED))
        return false;
    return user ? !(row->flags & VSE_CMD_OUTSIDE) : !(row->flags & VSE_CMD_IN_SESSION);
}

static bool locked_out(const struct vse_applet *a, const struct vse_command *row)
{
    return (a->settings.locked || a->settings.locked_transient) && !(row->flags & VSE_CMD_WHEN_LOCKED);
}

static uint16_t check_row(const struct vse_applet *a, const struct vse_command *row, const struct vse_call *c)
{
    if (!in_place(row, c->session) || locked_out(a, row))
        return SE_SW_CONDITIONS;
    if (row->feature && !(row->feature & a->settings.features))
        return SE_SW_CONDITIONS;
    return SE_SW_OK;
}

static uint16_t cut_args(const struct vse_applet *a, const struct vse_command *row, struct vse_call *c)
{
    uint32_t may = row->must | row->may | (vse_is_7x(a) ? row->may_7x : 0);

    if (row->flags & (VSE_CMD_RAW | VSE_CMD_HANDSHAKE))
        return SE_SW_OK;
    if (vse_args_decode(c->data, &c->args))
        return SE_SW_WRONG_DATA;
    return (c->args.present & row->must) == row->must && !(c->args.present & ~may) ? SE_SW_OK
                                                                                   : SE_SW_WRONG_DATA;
}

static bool class_known(const struct vse_command *row, uint8_t cla)
{
    return cla == SE_CLA_APPLET || (cla == SE_CLA_SECURED && row && (row->flags & VSE_CMD_HANDSHAKE));
}

static uint16_t run_row(struct vse_applet *a, const struct vse_command *row, const struct vse_apdu *apdu,
                        struct vse_call *c, struct writer *out)
{
    uint16_t sw;

    if (!class_known(row, apdu->cla))
        return SE_SW_CLA_NOT_SUPPORTED;
    if (!row)
        return no_such_command(apdu);
    if (apdu->data.n > vse_applet_data_max(a))
        return SE_SW_WRONG_LENGTH;
    sw = check_row(a, row, c);
    if (sw == SE_SW_OK)
        sw = cut_args(a, row, c);
    return sw == SE_SW_OK ? row->run(a, c, out) : sw;
}

void vse_observe(const struct vse_applet *a, const char *name, const struct vse_apdu *apdu,
                 struct slice answer, uint16_t sw)
{
    if (a->observer.command)
        a->observer.command(a->observer.ctx, name, apdu, answer, sw);
}

uint16_t vse_run_plain(struct vse_applet *a, struct vse_session *s, bool secured, struct slice in,
                       struct writer *out)
{
    struct vse_call c = {
        .apdu = in, .header = slice_head(in, VSE_APDU_HEADER), .session = s, .secured = secured
    };
    const struct vse_command *row;
    size_t start = out->b->n;
    struct vse_apdu apdu;
    uint16_t sw;

    if (vse_apdu_decode(in, &apdu))
        return SE_SW_WRONG_LENGTH;
    row = vse_command_find(a->part->generation, apdu.ins, apdu.p1, apdu.p2);
    c.ins = apdu.ins;
    c.p1 = apdu.p1;
    c.p2 = apdu.p2;
    c.data = apdu.data;
    sw = run_row(a, row, &apdu, &c, out);
    vse_observe(a, row ? row->name : NULL, &apdu,
                slice_skip(buf_slice(out->b), sw == SE_SW_OK ? start : out->b->n), sw);
    return sw;
}
