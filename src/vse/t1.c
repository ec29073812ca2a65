#include "vse/t1.h"

#include "base/crc.h"
#include "base/mem.h"

#include <assert.h>

static const uint8_t fill_byte = 0xff; /* what an idle bus reads as */

/* UM11225, as read from an SE050C: BWT 1000 ms, IFSC 254, 1 MHz, MPOT 1 ms, SEGT 100 us. */
static const uint8_t atr[SE_ATR_LEN] = {
    0x00, 0xa0, 0x00, 0x00, 0x03, 0x96, 0x04, 0x03, 0xe8, 0x00, 0xfe, 0x02,
    0x0b, 0x03, 0xe8, 0x08, 0x01, 0x00, 0x00, 0x00, 0x00, 0x64, 0x00, 0x00,
    0x0a, 'J',  'C',  'O',  'P',  '4',  ' ',  'A',  'T',  'P',  'O',
};

/* ---- sending ---- */

static size_t block_encode(uint8_t *out, uint8_t pcb, struct slice inf)
{
    uint16_t crc;

    assert(inf.n <= SE_T1_INF_MAX);
    out[0] = SE_T1_NAD_SE;
    out[1] = pcb;
    out[2] = (uint8_t)inf.n;
    if (inf.n)
        memcpy(out + SE_T1_HEADER, inf.p, inf.n);
    crc = crc16_x25(slice_of(out, SE_T1_HEADER + inf.n));
    out[SE_T1_HEADER + inf.n] = (uint8_t)crc; /* low byte first */
    out[SE_T1_HEADER + inf.n + 1] = (uint8_t)(crc >> 8);
    return SE_T1_HEADER + inf.n + SE_T1_CRC;
}

static void put_block(struct vse_t1 *t, uint8_t pcb, struct slice inf)
{
    t->out_n = block_encode(t->out, pcb, inf);
    t->out_pos = 0;
    t->out_is_i = false;
    t->refusing = false;
}

static uint8_t r_pcb(const struct vse_t1 *t, uint8_t error)
{
    return (uint8_t)(SE_PCB_R | (t->rx_ns ? SE_PCB_R_NR : 0) | error);
}

static void put_ack(struct vse_t1 *t)
{
    put_block(t, r_pcb(t, SE_R_ACK), (struct slice){ 0 });
}

/* A refusal does not become "the last block": the host answers it by repeating itself, and what it
 * repeats may be a request to repeat. */
static void refuse(struct vse_t1 *t, uint8_t error)
{
    (void)block_encode(t->refusal, r_pcb(t, error), (struct slice){ 0 }); /* its size is fixed */
    t->refusal_pos = 0;
    t->refusing = true;
}

static void put_s(struct vse_t1 *t, uint8_t code, struct slice inf)
{
    put_block(t, (uint8_t)(SE_PCB_S_RESPONSE | code), inf);
}

/* The next piece of the answer as an I-block. */
static void put_i(struct vse_t1 *t)
{
    struct slice rest = slice_of(t->answer + t->answer_pos, t->answer_n - t->answer_pos);
    struct slice piece = slice_head(rest, t->tx_inf);
    bool more = piece.n < rest.n;

    put_block(t, (uint8_t)((t->tx_ns ? SE_PCB_I_NS : 0) | (more ? SE_PCB_I_MORE : 0)), piece);
    t->answer_pos += piece.n;
    t->tx_ns ^= 1;
    t->tx_chain = more;
    t->out_is_i = true;
}

static void put_again(struct vse_t1 *t)
{
    if (t->out_n == 0) { /* nothing was sent since power-on */
        refuse(t, SE_R_OTHER);
        return;
    }
    t->out_pos = 0;
    t->refusing = false;
}

static void nothing_to_send(struct vse_t1 *t)
{
    t->out_pos = t->out_n; /* kept for a repetition */
    t->refusing = false;
}

/* ---- state ---- */

/* Forget what is under way in either direction. A running APDU goes on, its answer is not wanted. */
static void drop_exchange(struct vse_t1 *t)
{
    t->state = VSE_T1_IDLE;
    t->ticket++;
    t->in_n = 0;
    t->rx_overflow = false;
    t->tx_chain = false;
    mem_wipe(t->in, sizeof(t->in)); /* commands carry keys */
    mem_wipe(t->answer, sizeof(t->answer));
    t->answer_n = t->answer_pos = 0;
}

static void resync(struct vse_t1 *t)
{
    drop_exchange(t);
    t->rx_ns = t->tx_ns = 0;
    t->last_n = 0;
}

void vse_t1_init(struct vse_t1 *t)
{
    *t = (struct vse_t1){ .tx_inf = SE_T1_INF_MAX };
}

bool vse_t1_busy(const struct vse_t1 *t)
{
    return t->state == VSE_T1_EXECUTING || t->state == VSE_T1_WTX;
}

struct slice vse_t1_apdu(const struct vse_t1 *t)
{
    return slice_of(t->in, t->in_n);
}

uint32_t vse_t1_ticket(const struct vse_t1 *t)
{
    return t->ticket;
}

/* ---- I-blocks ---- */

static enum vse_t1_event execute(struct vse_t1 *t)
{
    static const uint8_t too_long[] = { SE_SW_WRONG_LENGTH >> 8, SE_SW_WRONG_LENGTH & 0xff };

    t->state = VSE_T1_EXECUTING;
    t->ticket++;
    nothing_to_send(t);
    if (!t->rx_overflow)
        return VSE_T1_EXECUTE;
    t->rx_overflow = false;
    vse_t1_answer(t, t->ticket, SLICE_ARRAY(too_long));
    return VSE_T1_NONE;
}

/* A repetition of a block that was taken: send what was sent, never run it again. With one bit of
 * sequence number only the bytes tell a repetition from a host that lost count. */
static void out_of_sequence(struct vse_t1 *t, struct slice block)
{
    if (!slice_eq(block, slice_of(t->last, t->last_n)))
        refuse(t, SE_R_OTHER);
    else if (t->state == VSE_T1_EXECUTING)
        nothing_to_send(t);
    else
        put_again(t);
}

static enum vse_t1_event take_i(struct vse_t1 *t, struct slice block)
{
    struct slice inf = slice_of(block.p + SE_T1_HEADER, block.n - SE_T1_BLOCK_MIN);
    uint8_t pcb = block.p[1];

    if (((pcb & SE_PCB_I_NS) != 0) != t->rx_ns) {
        out_of_sequence(t, block);
        return VSE_T1_NONE;
    }
    if (t->state != VSE_T1_IDLE) { /* a second APDU before the first was answered */
        refuse(t, SE_R_OTHER);
        return VSE_T1_NONE;
    }
    if (t->answer_n) /* the first block of a new command ends what was left of the last answer */
        drop_exchange(t);
    if (t->in_n + inf.n > sizeof(t->in))
        t->rx_overflow = true;
    else if (inf.n)
        memcpy(t->in + t->in_n, inf.p, inf.n);
    t->in_n = t->rx_overflow ? 0 : t->in_n + inf.n;
    memcpy(t->last, block.p, block.n);
    t->last_n = block.n;
    t->rx_ns ^= 1;
    if (!(pcb & SE_PCB_I_MORE))
        return execute(t);
    put_ack(t);
    return VSE_T1_NONE;
}

/* ---- R-blocks ---- */

static void take_r(struct vse_t1 *t, uint8_t pcb)
{
    uint8_t nr = (pcb & SE_PCB_R_NR) != 0;
    bool ack = (pcb & SE_PCB_R_ERROR) == SE_R_ACK && t->out_is_i && nr == t->tx_ns;

    if (t->state == VSE_T1_EXECUTING)
        nothing_to_send(t); /* the host lost patience: the answer comes when it is there */
    else if (!ack)
        put_again(t);
    else if (t->tx_chain)
        put_i(t);
    else
        refuse(t, SE_R_OTHER); /* acknowledges the last block of an answer: no such step in T=1 */
}

/* ---- S-blocks ---- */

static enum vse_t1_event s_resync(struct vse_t1 *t, struct slice inf)
{
    resync(t);
    put_s(t, SE_S_RESYNC, inf);
    return VSE_T1_NONE;
}

static enum vse_t1_event s_ifs(struct vse_t1 *t, struct slice inf)
{
    if (inf.p[0] == 0 || inf.p[0] > SE_T1_INF_MAX) {
        refuse(t, SE_R_OTHER);
        return VSE_T1_NONE;
    }
    t->tx_inf = inf.p[0];
    put_s(t, SE_S_IFS, inf);
    return VSE_T1_NONE;
}

static enum vse_t1_event s_abort(struct vse_t1 *t, struct slice inf)
{
    drop_exchange(t);
    put_s(t, SE_S_ABORT, inf);
    return VSE_T1_NONE;
}

static enum vse_t1_event s_end_session(struct vse_t1 *t, struct slice inf)
{
    resync(t);
    put_s(t, SE_S_END_SESSION, inf);
    return VSE_T1_DESELECT;
}

static enum vse_t1_event s_chip_reset(struct vse_t1 *t, struct slice inf)
{
    resync(t);
    t->tx_inf = SE_T1_INF_MAX;
    put_s(t, SE_S_CHIP_RESET, inf);
    return VSE_T1_RESET;
}

static enum vse_t1_event s_get_atr(struct vse_t1 *t, struct slice inf)
{
    (void)inf;
    put_s(t, SE_S_GET_ATR, SLICE_ARRAY(atr));
    return VSE_T1_NONE;
}

static enum vse_t1_event s_soft_reset(struct vse_t1 *t, struct slice inf)
{
    (void)inf;
    resync(t);
    t->tx_inf = SE_T1_INF_MAX;
    put_s(t, SE_S_SOFT_RESET, SLICE_ARRAY(atr));
    return VSE_T1_DESELECT;
}

static enum vse_t1_event s_wtx_response(struct vse_t1 *t, struct slice inf)
{
    (void)inf; /* NXP's host answers 01 whatever was asked */
    if (t->state == VSE_T1_WTX) {
        t->state = VSE_T1_EXECUTING;
        nothing_to_send(t);
    } else if (t->state == VSE_T1_HELD) {
        t->state = VSE_T1_IDLE;
        put_i(t);
    } else {
        refuse(t, SE_R_OTHER);
    }
    return VSE_T1_NONE;
}

static const struct s_rule {
    uint8_t pcb;
    uint8_t inf_n;
    enum vse_t1_event (*take)(struct vse_t1 *t, struct slice inf);
} s_rules[] = {
    { SE_PCB_S_REQUEST | SE_S_RESYNC, 0, s_resync },
    { SE_PCB_S_REQUEST | SE_S_IFS, 1, s_ifs },
    { SE_PCB_S_REQUEST | SE_S_ABORT, 0, s_abort },
    { SE_PCB_S_REQUEST | SE_S_END_SESSION, 0, s_end_session },
    { SE_PCB_S_REQUEST | SE_S_CHIP_RESET, 0, s_chip_reset },
    { SE_PCB_S_REQUEST | SE_S_GET_ATR, 0, s_get_atr },
    { SE_PCB_S_REQUEST | SE_S_SOFT_RESET, 0, s_soft_reset },
    { SE_PCB_S_RESPONSE | SE_S_WTX, 1, s_wtx_response },
};

static enum vse_t1_event take_s(struct vse_t1 *t, uint8_t pcb, struct slice inf)
{
    for (size_t i = 0; i < ARRAY_LEN(s_rules); i++)
        if (s_rules[i].pcb == pcb && s_rules[i].inf_n == inf.n)
            return s_rules[i].take(t, inf);
    refuse(t, SE_R_OTHER);
    return VSE_T1_NONE;
}

/* ---- the bus side ---- */

static bool crc_good(struct slice block)
{
    uint16_t crc = crc16_x25(slice_head(block, block.n - SE_T1_CRC));

    return block.p[block.n - 2] == (uint8_t)crc && block.p[block.n - 1] == (uint8_t)(crc >> 8);
}

enum vse_t1_event vse_t1_write(struct vse_t1 *t, struct slice block)
{
    uint8_t pcb;

    /* An empty write only asks who is there. A frame that is not for us is noise: hosts send five
     * zero bytes to wake a part that fell silent (UM11225 errata). */
    if (block.n == 0 || block.p[0] != SE_T1_NAD_HOST)
        return VSE_T1_NONE;
    if (block.n < SE_T1_BLOCK_MIN || block.n != (size_t)block.p[2] + SE_T1_BLOCK_MIN ||
        block.n > SE_T1_BLOCK_MAX || !crc_good(block)) {
        refuse(t, SE_R_CRC);
        return VSE_T1_NONE;
    }
    pcb = block.p[1];
    if ((pcb & SE_PCB_R) == 0 && (pcb & SE_PCB_I_RFU) == 0)
        return take_i(t, block);
    if ((pcb & SE_PCB_R_MASK) == SE_PCB_R && block.n == SE_T1_BLOCK_MIN)
        take_r(t, pcb);
    else if ((pcb & SE_PCB_S_REQUEST) == SE_PCB_S_REQUEST)
        return take_s(t, pcb, slice_of(block.p + SE_T1_HEADER, block.n - SE_T1_BLOCK_MIN));
    else
        refuse(t, SE_R_OTHER);
    return VSE_T1_NONE;
}

struct slice vse_t1_block(const struct vse_t1 *t, size_t *ret_pos)
{
    *ret_pos = t->refusing ? t->refusal_pos : t->out_pos;
    return t->refusing ? SLICE_ARRAY(t->refusal) : slice_of(t->out, t->out_n);
}

bool vse_t1_read(struct vse_t1 *t, uint8_t *out, size_t n)
{
    struct slice whole = t->refusing ? SLICE_ARRAY(t->refusal) : slice_of(t->out, t->out_n);
    size_t *pos = t->refusing ? &t->refusal_pos : &t->out_pos;
    struct slice piece = slice_head(slice_skip(whole, *pos), n);

    if (*pos == whole.n)
        return false;
    if (piece.n)
        memcpy(out, piece.p, piece.n);
    memset(out + piece.n, fill_byte, n - piece.n);
    *pos += piece.n;
    return true;
}

void vse_t1_answer(struct vse_t1 *t, uint32_t ticket, struct slice answer)
{
    assert(answer.n >= 2 && answer.n <= sizeof(t->answer));
    if (ticket != t->ticket || !vse_t1_busy(t))
        return;
    memcpy(t->answer, answer.p, answer.n);
    t->answer_n = answer.n;
    t->answer_pos = 0;
    mem_wipe(t->in, t->in_n);
    t->in_n = 0;
    if (t->state == VSE_T1_WTX && t->out_pos > 0) {
        t->state = VSE_T1_HELD; /* the host has begun to read the request: its response comes first */
        return;
    }
    t->state = VSE_T1_IDLE;
    put_i(t);
}

void vse_t1_wtx(struct vse_t1 *t)
{
    static const uint8_t one = 1;

    if (t->state != VSE_T1_EXECUTING)
        return;
    t->state = VSE_T1_WTX;
    put_block(t, SE_PCB_S_REQUEST | SE_S_WTX, slice_of(&one, 1));
}
