#include "se/t1.h"

#include "base/mem.h"

#include <assert.h>

/* NXP host constants (reference 1.9). The link waits longer after each NACK of a silence. */
static const uint8_t nack_limit[SE_T1_CAUSES] = {
    [SE_T1_BAD_CRC] = 2, [SE_T1_BAD_ORDER] = 2, [SE_T1_SILENT] = SE_T1_SILENCES_MAX
};
static const uint8_t nack_code[SE_T1_CAUSES] = {
    [SE_T1_BAD_CRC] = SE_R_CRC, [SE_T1_BAD_ORDER] = SE_R_OTHER, [SE_T1_SILENT] = SE_R_CRC
};
static const err_t nack_error[SE_T1_CAUSES] = {
    [SE_T1_BAD_CRC] = ERR_PROTO, [SE_T1_BAD_ORDER] = ERR_PROTO, [SE_T1_SILENT] = ERR_TIMEOUT
};
enum { RESEND_MAX = 10 };

static void reset_counters(struct se_t1 *t)
{
    t->ns = t->nr = 0;
    t->heard = false;
}

void se_t1_init(struct se_t1 *t)
{
    *t = (struct se_t1){ .state = SE_T1_IDLE, .ifsc = SE_T1_INF_MAX };
}

void se_t1_wipe(struct se_t1 *t)
{
    uint8_t ns = t->ns, nr = t->nr, ifsc = t->ifsc;
    bool heard = t->heard;

    mem_wipe(t, sizeof(*t));
    t->heard = heard;
    t->ns = ns;
    t->nr = nr;
    t->ifsc = ifsc;
}

/* The only place that gives up. */
static enum se_t1_act fail(struct se_t1 *t, err_t e)
{
    t->state = SE_T1_IDLE;
    t->error = e;
    return SE_T1_FAIL;
}

static enum se_t1_act done(struct se_t1 *t)
{
    t->state = SE_T1_IDLE;
    return SE_T1_DONE;
}

/* A block that is part of the exchange: remembered, to be resent when the chip asks. */
static enum se_t1_act put(struct se_t1 *t, uint8_t pcb, struct slice inf)
{
    t->out_n = se_block_encode(t->out, pcb, inf);
    memcpy(t->last, t->out, t->out_n);
    t->last_n = t->out_n;
    t->asked = false;
    return SE_T1_WRITE;
}

static enum se_t1_act put_ack(struct se_t1 *t)
{
    return put(t, (uint8_t)(SE_PCB_R | (t->nr ? SE_PCB_R_NR : 0)), (struct slice){ 0 });
}

/* Something useful came: the limits are per step, and the steps are bounded by the sizes. */
static void progress(struct se_t1 *t)
{
    memset(t->nacked, 0, sizeof(t->nacked));
    t->resent = 0;
}

static enum se_t1_act resend(struct se_t1 *t, enum se_t1_act act)
{
    if (t->resent++ == RESEND_MAX)
        return fail(t, ERR_PROTO);
    memcpy(t->out, t->last, t->last_n);
    t->out_n = t->last_n;
    t->asked = false;
    return act;
}

/* What came cannot be used: ask again. A pending S-request is simply repeated, because an R-block
 * would ask for the last I-block of somebody's earlier exchange. The drain is for an erratum of the
 * part: after an erroneous sequence its read buffer may hold stale bytes. */
static enum se_t1_act nack(struct se_t1 *t, enum se_t1_cause cause)
{
    /* nobody who is alive leaves an S-request unanswered twice */
    uint8_t limit = cause == SE_T1_SILENT && t->state == SE_T1_ASKING ? 1 : nack_limit[cause];

    t->fresh = t->certain = false;
    if (t->nacked[cause]++ == limit)
        return fail(t, nack_error[cause]);
    if (t->state == SE_T1_ASKING)
        return resend(t, SE_T1_DRAIN_WRITE);
    t->asked = true;
    t->out_n = se_block_encode(t->out, (uint8_t)(SE_PCB_R | (t->nr ? SE_PCB_R_NR : 0) | nack_code[cause]),
                               (struct slice){ 0 });
    return SE_T1_DRAIN_WRITE;
}

static enum se_t1_act put_next_i(struct se_t1 *t)
{
    struct slice inf = slice_head(t->rest, t->ifsc);
    uint8_t pcb = t->ns ? SE_PCB_I_NS : 0;

    t->rest = slice_skip(t->rest, inf.n);
    if (t->rest.n)
        pcb |= SE_PCB_I_MORE;
    t->state = t->rest.n ? SE_T1_SENDING : SE_T1_RECEIVING;
    t->ns_sent = t->ns;
    t->ns ^= 1;
    t->fresh = t->certain = true;
    return put(t, pcb, inf);
}

static void start(struct se_t1 *t)
{
    assert(t->state == SE_T1_IDLE);
    t->answer_n = 0;
    t->extended = 0;
    t->wtx = 0;
    t->error = ERR_OK;
    progress(t);
}

enum se_t1_act se_t1_apdu(struct se_t1 *t, struct slice apdu)
{
    start(t);
    t->rest = apdu;
    return put_next_i(t);
}

enum se_t1_act se_t1_request(struct se_t1 *t, uint8_t code)
{
    start(t);
    t->state = SE_T1_ASKING;
    t->code = code;
    return put(t, (uint8_t)(SE_PCB_S_REQUEST | code), (struct slice){ 0 });
}

static err_t take_inf(struct se_t1 *t, struct slice inf)
{
    if (inf.n > sizeof(t->answer) - t->answer_n)
        return ERR_TOO_BIG;
    if (inf.n)
        memcpy(t->answer + t->answer_n, inf.p, inf.n);
    t->answer_n += inf.n;
    return ERR_OK;
}

static enum se_t1_act rx_i(struct se_t1 *t, const struct se_block *b)
{
    uint8_t ns = b->pcb & SE_PCB_I_NS ? 1 : 0;
    bool more = b->pcb & SE_PCB_I_MORE;
    err_t e;

    t->fresh = false;
    /* We asked for its last block, and its last is one we had: ours got lost. Had it taken ours it would be
     * at work, or its last block the answer. */
    if (t->asked && t->heard && ns != t->nr && t->state != SE_T1_ASKING)
        return resend(t, SE_T1_WRITE);
    /* an empty block that announces more would let the chip keep us for ever */
    if (t->state != SE_T1_RECEIVING || ns != t->nr || (more && b->inf.n == 0))
        return nack(t, SE_T1_BAD_ORDER);
    e = take_inf(t, b->inf);
    if (e)
        return fail(t, e);
    progress(t);
    t->heard = true;
    t->nr ^= 1;
    return more ? put_ack(t) : done(t);
}

static enum se_t1_act rx_r(struct se_t1 *t, const struct se_block *b)
{
    uint8_t nr = b->pcb & SE_PCB_R_NR ? 1 : 0;
    bool ack = (b->pcb & SE_PCB_R_ERROR) == SE_R_ACK;

    if (b->inf.n)
        return nack(t, SE_T1_BAD_ORDER);
    if (t->state == SE_T1_SENDING && ack && nr != t->ns_sent) {
        progress(t);
        return put_next_i(t);
    }
    /* It expects another number than that of the block it has just got, which is the only one it can refuse:
     * our count is not its count any more. It has not taken the block, and will not. */
    if (t->fresh && (b->pcb & SE_PCB_R_ERROR) == SE_R_OTHER && nr != t->ns_sent)
        return fail(t, ERR_CONFLICT);
    t->fresh = false;
    if (t->state == SE_T1_RECEIVING && ack && nr != t->ns_sent)
        return nack(t, SE_T1_BAD_ORDER); /* our chain is complete: an answer is due, not an acknowledgement */
    return resend(t, SE_T1_WRITE);
}

static enum se_t1_act rx_s_response(struct se_t1 *t, const struct se_block *b)
{
    if (t->asked && !t->heard && (t->state == SE_T1_SENDING || t->state == SE_T1_RECEIVING))
        return resend(t, SE_T1_WRITE); /* the same: its last block is from before our command */
    if (t->state != SE_T1_ASKING || (b->pcb & SE_PCB_S_CODE) != t->code)
        return nack(t, SE_T1_BAD_ORDER);
    if (take_inf(t, b->inf))
        return fail(t, ERR_TOO_BIG);
    if (t->code != SE_S_GET_ATR)
        reset_counters(t); /* resync, both resets and end of session start over at 0 */
    return done(t);
}

/* Answer a request of the chip. It is not remembered: what the chip may ask again is our own block. */
static enum se_t1_act reply(struct se_t1 *t, const struct se_block *b)
{
    t->fresh = t->certain = false;
    t->out_n = se_block_encode(t->out, (uint8_t)(SE_PCB_S_RESPONSE | (b->pcb & SE_PCB_S_CODE)), b->inf);
    return SE_T1_WRITE;
}

static enum se_t1_act rx_wtx(struct se_t1 *t, const struct se_block *b)
{
    if (b->inf.n != 1)
        return nack(t, SE_T1_BAD_ORDER);
    if (t->extended++ == SE_WTX_MAX)
        return fail(t, ERR_TIMEOUT);
    progress(t);
    t->wtx = b->inf.p[0] ? b->inf.p[0] : 1;
    return reply(t, b);
}

static enum se_t1_act rx_ifs(struct se_t1 *t, const struct se_block *b)
{
    if (b->inf.n != 1 || b->inf.p[0] == 0 || b->inf.p[0] > SE_T1_INF_MAX || t->extended++ == SE_WTX_MAX)
        return nack(t, SE_T1_BAD_ORDER);
    t->ifsc = b->inf.p[0];
    return reply(t, b);
}

static enum se_t1_act rx_s_request(struct se_t1 *t, const struct se_block *b)
{
    switch (b->pcb & SE_PCB_S_CODE) {
    case SE_S_WTX:
        return rx_wtx(t, b);
    case SE_S_IFS:
        return rx_ifs(t, b);
    case SE_S_ABORT:
        return fail(t, ERR_CANCELLED); /* the reset that follows answers it more thoroughly than a response */
    default:
        return nack(t, SE_T1_BAD_ORDER);
    }
}

enum se_t1_act se_t1_rx_block(struct se_t1 *t, const struct se_block *b)
{
    switch (se_block_kind(b->pcb)) {
    case SE_BLOCK_I:
        return rx_i(t, b);
    case SE_BLOCK_R:
        return rx_r(t, b);
    case SE_BLOCK_S_REQUEST:
        return rx_s_request(t, b);
    case SE_BLOCK_S_RESPONSE:
        return rx_s_response(t, b);
    case SE_BLOCK_UNKNOWN:
        break;
    }
    return nack(t, SE_T1_BAD_ORDER);
}

enum se_t1_act se_t1_rx_bad(struct se_t1 *t)
{
    return nack(t, SE_T1_BAD_CRC);
}

enum se_t1_act se_t1_rx_silent(struct se_t1 *t)
{
    return nack(t, SE_T1_SILENT);
}
