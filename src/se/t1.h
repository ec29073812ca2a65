/* src/se/t1.h - the host's half of T=1 over I2C as a state machine.
 *
 * Pure: no I/O, no clock, no allocation. One thread at a time. It is told what came (a block, garbage,
 * silence) and answers what to do next; the link (se/link.h) reads, writes and waits for it.
 *
 *   se_t1_apdu or se_t1_request -> WRITE the block in `out`, then read;
 *   se_t1_rx_block, se_t1_rx_bad, se_t1_rx_silent -> WRITE again, DRAIN_WRITE, DONE or FAIL.
 *
 * Spec: NXP UM11225. Recovery as NXP's host does it: R-NACK for what cannot be used, twice per cause
 * (three times for silence); resend when the chip NACKs, ten times; a waiting-time extension is granted, 500
 * times. Then FAIL: the link resets the interface and the APDU is lost (never repeated: it may have been
 * executed).
 */
#pragma once
#include "se/block.h"

enum se_t1_act {
    SE_T1_WRITE,       /* write `out`, then read the next block */
    SE_T1_DRAIN_WRITE, /* throw away what the chip still has to say, then the same */
    SE_T1_DONE,        /* se_t1_answer has the answer */
    SE_T1_FAIL,        /* se_t1_error says why; reset the interface */
};

enum se_t1_state {
    SE_T1_IDLE,
    SE_T1_SENDING,   /* an I-block is out that more will follow: an R-block is due */
    SE_T1_RECEIVING, /* the last I-block is out: an I-block is due */
    SE_T1_ASKING,    /* an S-request is out: its response is due */
};

/* Why a block could not be used; each is NACKed with its own R error. */
enum se_t1_cause { SE_T1_BAD_CRC, SE_T1_BAD_ORDER, SE_T1_SILENT, SE_T1_CAUSES };
enum { SE_T1_SILENCES_MAX = 3 }; /* in a row, before the next one is the end */

struct se_t1 {
    enum se_t1_state state;
    uint8_t ns, nr;  /* next to send, next expected */
    uint8_t ns_sent; /* of the I-block in flight */
    bool fresh;      /* nothing was said since that block: a refusal can only mean it */
    bool certain;    /* that block went out once for all we know: what is answered was not executed before */
    bool asked;      /* we asked for its last block, and nothing else since */
    bool heard;      /* an I-block came since the counters were 0 */
    uint8_t code;    /* of the S-request in flight */
    uint8_t ifsc;    /* largest INF the chip takes */
    struct slice rest; /* borrowed from the caller of se_t1_apdu */
    uint8_t out[SE_T1_BLOCK_MAX];
    size_t out_n;
    uint8_t last[SE_T1_BLOCK_MAX]; /* to resend: never a WTX response or a NACK */
    size_t last_n;
    uint8_t answer[SE_ANSWER_MAX];
    size_t answer_n;
    uint8_t nacked[SE_T1_CAUSES];
    uint8_t resent;
    uint16_t extended; /* WTX granted for this answer */
    uint8_t wtx;       /* multiplier of the last WTX granted; the link reads and clears it */
    err_t error;
};

void se_t1_init(struct se_t1 *t);
/* Wipe everything that passed through. */
void se_t1_wipe(struct se_t1 *t);

/* Start an exchange. `apdu` must stay valid until DONE or FAIL. Always WRITE. */
enum se_t1_act se_t1_apdu(struct se_t1 *t, struct slice apdu);
/* Start an S-request: SE_S_RESYNC, _GET_ATR, _SOFT_RESET, _END_SESSION, _CHIP_RESET. Always WRITE. */
enum se_t1_act se_t1_request(struct se_t1 *t, uint8_t code);

enum se_t1_act se_t1_rx_block(struct se_t1 *t, const struct se_block *b);
enum se_t1_act se_t1_rx_bad(struct se_t1 *t);    /* bytes came that are not a block */
enum se_t1_act se_t1_rx_silent(struct se_t1 *t); /* nothing came in time */

/* After DONE: APDU answer or S-response INF. Points into t. */
static inline struct slice se_t1_answer(const struct se_t1 *t)
{
    return slice_of(t->answer, t->answer_n);
}
/* After FAIL: ERR_TIMEOUT, ERR_PROTO, ERR_TOO_BIG (answer over SE_ANSWER_MAX), ERR_CANCELLED (chip aborted),
 * ERR_CONFLICT (the chip counts differently and has not taken our block: it was reset or used by somebody
 * else). */
static inline err_t se_t1_error(const struct se_t1 *t)
{
    return t->error;
}
