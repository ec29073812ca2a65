/* The slave block layer under any sequence of transactions. A step is: operation, length, bytes. */
#include "base/crc.h"
#include "base/reader.h"
#include "vse/t1.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WRITE_RAW, WRITE_BLOCK, READ, ANSWER, WTX, OPS };

static void must(bool good)
{
    if (!good)
        abort();
}

/* What a host reads in one go is a whole block with a good CRC and nothing but filler behind it. */
static void check_block(const uint8_t *b)
{
    size_t n = (size_t)b[2] + SE_T1_BLOCK_MIN;
    uint16_t crc = crc16_x25(slice_of(b, n - 2));

    must(b[0] == SE_T1_NAD_SE && b[2] <= SE_T1_INF_MAX && b[n - 2] == (uint8_t)crc && b[n - 1] == crc >> 8);
    for (size_t i = n; i < SE_T1_OVERREAD; i++)
        must(b[i] == 0xff);
}

static enum vse_t1_event write_block(struct vse_t1 *t, struct slice pcb_and_inf)
{
    uint8_t b[SE_T1_BLOCK_MAX];
    struct slice inf = slice_head(slice_skip(pcb_and_inf, 1), SE_T1_INF_MAX);
    uint16_t crc;

    b[0] = SE_T1_NAD_HOST;
    b[1] = pcb_and_inf.n ? pcb_and_inf.p[0] : 0;
    b[2] = (uint8_t)inf.n;
    if (inf.n)
        memcpy(b + SE_T1_HEADER, inf.p, inf.n);
    crc = crc16_x25(slice_of(b, SE_T1_HEADER + inf.n));
    b[SE_T1_HEADER + inf.n] = (uint8_t)crc;
    b[SE_T1_HEADER + inf.n + 1] = (uint8_t)(crc >> 8);
    return vse_t1_write(t, slice_of(b, SE_T1_BLOCK_MIN + inf.n));
}

static void answer(struct vse_t1 *t, struct slice seed)
{
    uint8_t a[SE_ANSWER_MAX];
    size_t n = 2 + (seed.n ? (size_t)seed.p[0] * 4 : 0);

    memset(a, seed.n, sizeof(a));
    vse_t1_answer(t, vse_t1_ticket(t), slice_of(a, n));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = reader_of(slice_of(data, size));
    uint8_t out[SE_T1_OVERREAD];
    struct vse_t1 t;

    vse_t1_init(&t);
    while (!reader_empty(&r)) {
        uint8_t op = reader_u8(&r) % OPS;
        struct slice bytes = reader_bytes(&r, reader_u8(&r));
        enum vse_t1_event event = VSE_T1_NONE;
        if (op == WRITE_RAW)
            event = vse_t1_write(&t, bytes);
        else if (op == WRITE_BLOCK)
            event = write_block(&t, bytes);
        else if (op == READ && bytes.n) /* a partial read loses the place in the block, so no check */
            (void)vse_t1_read(&t, out, bytes.n);
        else if (op == READ && t.out_pos == 0 && !t.refusing && vse_t1_read(&t, out, sizeof(out)))
            check_block(out);
        else if (op == ANSWER)
            answer(&t, bytes);
        else if (op == WTX)
            vse_t1_wtx(&t);
        must(event != VSE_T1_EXECUTE || (vse_t1_busy(&t) && vse_t1_apdu(&t).n <= SE_APDU_MAX));
        must(t.out_pos <= t.out_n && t.answer_pos <= t.answer_n && t.in_n <= sizeof(t.in));
    }
    return 0;
}
