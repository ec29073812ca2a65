/* Blocks from a hostile part: the decoder, the ATR and the T=1 machine.
 *
 * Input: records `kind(1) length(1) bytes`: 0 a block as it is on the wire; 1 a block whose CRC is right
 * (PCB first); 2 garbage; 3 silence; 4 a new command; 5 a new S-request; 6 an ATR. */
#include "base/mem.h"
#include "base/reader.h"
#include "se/link.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t command[600];

static void feed(struct se_t1 *t, uint8_t kind, struct slice bytes)
{
    struct se_timing timing = se_timing_default;
    struct se_block b;
    uint8_t ifsc = SE_T1_INF_MAX;

    switch (kind) {
    case 0:
        if (!se_block_decode(bytes, &b) && t->state != SE_T1_IDLE)
            (void)se_t1_rx_block(t, &b);
        break;
    case 1:
        b = (struct se_block){ bytes.n ? bytes.p[0] : 0, slice_skip(bytes, 1) };
        if (t->state != SE_T1_IDLE)
            (void)se_t1_rx_block(t, &b);
        break;
    case 2:
    case 3:
        if (t->state != SE_T1_IDLE)
            (void)(kind == 2 ? se_t1_rx_bad(t) : se_t1_rx_silent(t));
        break;
    case 4:
    case 5:
        t->state = SE_T1_IDLE;
        (void)(kind == 4 ? se_t1_apdu(t, slice_head(SLICE_ARRAY(command), bytes.n * 3))
                         : se_t1_request(t, (uint8_t)bytes.n));
        break;
    default:
        if (!se_atr_apply(bytes, &timing, &ifsc))
            assert(timing.bwt_ms <= 10000 && timing.guard_us <= 50000 && timing.poll_us >= 1000 && ifsc);
    }
    assert(t->out_n <= SE_T1_BLOCK_MAX && t->answer_n <= SE_ANSWER_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = reader_of(slice_of(data, size));
    struct se_t1 t;

    se_t1_init(&t);
    (void)se_t1_apdu(&t, SLICE_ARRAY(command));
    while (!reader_empty(&r)) {
        uint8_t kind = reader_u8(&r);
        size_t n = reader_u8(&r);
        struct slice rest = r.rest;
        autofree uint8_t *copy = mem_dup(rest.p, n < rest.n ? n : rest.n); /* exactly as long, for ASan */

        feed(&t, kind % 7, slice_of(copy, n < rest.n ? n : rest.n));
        r.rest = slice_skip(rest, n);
    }
    return 0;
}
