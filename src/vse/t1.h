/* src/vse/t1.h - the slave's side of T=1 over I2C: blocks in, blocks out, APDUs to the applet.
 *
 * Pure: no I/O, no clock, no allocation. One thread at a time. Spec: NXP UM11225.
 *
 * The owner feeds every I2C write to vse_t1_write and every I2C read to vse_t1_read. When a write
 * completes an APDU the event says so; the owner runs it, however long that takes, and hands the
 * answer to vse_t1_answer. Meanwhile reads are NACKed, and vse_t1_wtx asks the host for more time.
 */
#pragma once
#include "base/slice.h"
#include "se/wire.h"

enum vse_t1_event {
    VSE_T1_NONE,
    VSE_T1_EXECUTE,  /* an APDU is complete: vse_t1_apdu(), ticket in vse_t1_ticket() */
    VSE_T1_DESELECT, /* interface soft reset or end of session: the applet is deselected */
    VSE_T1_RESET,    /* chip reset: volatile state is gone */
};

enum vse_t1_state {
    VSE_T1_IDLE,      /* waiting for the host; a block may wait to be read */
    VSE_T1_EXECUTING, /* an APDU is out, nothing to send */
    VSE_T1_WTX,       /* an APDU is out, a WTX request waits for its response */
    VSE_T1_HELD,      /* as WTX, and the answer is here: it follows the response */
};

struct vse_t1 {
    enum vse_t1_state state;
    uint8_t rx_ns;    /* N(S) expected next from the host: 0 or 1 */
    uint8_t tx_ns;    /* N(S) of our next I-block */
    uint8_t tx_inf;   /* the host's receive size, 1..254 */
    uint32_t ticket;  /* names the running APDU: an answer with another one is stale */
    bool rx_overflow; /* the chain being received is larger than any APDU */
    bool tx_chain;    /* the block in `out` is not the last of the answer */
    bool out_is_i;    /* `out` is an I-block, with N(S) = 1 - tx_ns */
    bool refusing;    /* `refusal` is being sent; `out` is kept for a repetition */
    size_t in_n, out_n, out_pos, refusal_pos, answer_n, answer_pos, last_n;
    uint8_t in[SE_APDU_MAX];
    uint8_t out[SE_T1_BLOCK_MAX];     /* the last block sent that was not a refusal */
    uint8_t refusal[SE_T1_BLOCK_MIN]; /* an R-block with an error */
    uint8_t answer[SE_ANSWER_MAX];
    uint8_t last[SE_T1_BLOCK_MAX]; /* the last I-block taken: a repetition is known by all its bytes */
};

/* As after power-on. */
void vse_t1_init(struct vse_t1 *t);

/* One I2C write transaction: one block. Never fails: what is not a block is answered or ignored. */
enum vse_t1_event vse_t1_write(struct vse_t1 *t, struct slice block);

/* One I2C read of n bytes. True: `out` is filled, bytes past the block's end with FF; the place in
 * the block is kept for the next read. False: nothing to send, NACK the address. */
bool vse_t1_read(struct vse_t1 *t, uint8_t *out, size_t n);

/* What the next read would give: the whole block, and in *ret_pos how much of it was read. Nothing to send:
 * *ret_pos is its length. */
struct slice vse_t1_block(const struct vse_t1 *t, size_t *ret_pos);

/* The complete APDU, valid from VSE_T1_EXECUTE to the next vse_t1_write. */
struct slice vse_t1_apdu(const struct vse_t1 *t);
uint32_t vse_t1_ticket(const struct vse_t1 *t);
/* An APDU is out and its answer is still wanted. */
bool vse_t1_busy(const struct vse_t1 *t);

/* The answer (data and SW, 2..SE_ANSWER_MAX bytes) of the APDU `ticket`. Dropped when the host has
 * resynchronised or reset since. */
void vse_t1_answer(struct vse_t1 *t, uint32_t ticket, struct slice answer);

/* Offer a waiting time extension. Without effect unless executing. */
void vse_t1_wtx(struct vse_t1 *t);
