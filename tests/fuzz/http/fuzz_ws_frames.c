/* tests/fuzz/http/fuzz_ws_frames.c - frames of a client, cut into pieces whose size the first byte gives.
 * However the bytes are cut, the same must come out of them. */
#include "http/ws_frames.h"

#include <stdlib.h>

#define FRAME_MAX 512u

struct outcome {
    err_t last;
    uint16_t code;
    size_t data_n, control_n;
    uint32_t sum; /* of the data, whatever its pieces, and of the control frames */
};

static uint32_t mix(uint32_t sum, struct slice s)
{
    for (size_t i = 0; i < s.n; i++)
        sum = (sum ^ s.p[i]) * 16777619u;
    return sum;
}

static bool on_data(void *ctx, struct slice piece)
{
    struct outcome *o = ctx;

    if (!piece.n)
        abort();
    o->data_n += piece.n;
    o->sum = mix(o->sum, piece);
    return true;
}

static bool on_control(void *ctx, enum ws_opcode opcode, struct slice payload)
{
    struct outcome *o = ctx;
    autobuf answer = BUF_INIT(160);

    if (payload.n > 125 || (opcode != WS_PING && opcode != WS_PONG))
        abort();
    if (ws_frame_add(&answer, WS_PONG, payload) || answer.n != payload.n + 2)
        abort();
    o->control_n++;
    o->sum = mix(o->sum * 3 + (uint32_t)opcode, payload);
    return o->control_n < 64;
}

static struct outcome run(struct slice in, size_t step)
{
    struct outcome o = { .sum = 2166136261u };
    struct ws_events events = { &o, on_data, on_control };
    struct ws_frames *f = NULL;

    if (ws_frames_new(FRAME_MAX, &events, &f))
        abort();
    while (in.n && !o.last) {
        struct slice part = slice_head(in, step);

        o.last = ws_frames_feed(f, part);
        in = slice_skip(in, part.n);
    }
    o.code = ws_frames_code(f);
    if (o.last == ERR_PROTO && o.code != WS_PROTOCOL_ERROR && o.code != WS_UNSUPPORTED &&
        o.code != WS_BAD_PAYLOAD && o.code != WS_TOO_BIG)
        abort();
    if (o.last == ERR_EOF && (o.code < 1000 || o.code > 4999))
        abort();
    ws_frames_free(f);
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = { data, size };

    if (size < 1)
        return 0;
    in = slice_skip(in, 1);
    struct outcome whole = run(in, in.n ? in.n : 1), cut = run(in, (data[0] & 15u) + 1);
    if (whole.last != cut.last || whole.code != cut.code || whole.data_n != cut.data_n ||
        whole.control_n != cut.control_n || whole.sum != cut.sum)
        abort();
    return 0;
}
