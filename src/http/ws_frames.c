#include "http/ws_frames.h"

#include "base/utf8.h"
#include "base/writer.h"

#include <wslay/wslay.h>

#define CONTROL_MAX 125u /* RFC 6455 §5.5 */

struct ws_frames {
    wslay_frame_context_ptr lib;
    struct ws_events events;
    size_t max_frame;
    struct slice in; /* while feeding */
    bool in_frame;   /* its head was judged, `left` bytes of it are to come */
    bool in_message; /* the last data frame was not its message's last */
    uint64_t left;
    uint8_t control[CONTROL_MAX];
    size_t control_n;
    uint16_t code;
};

static ssize_t give(uint8_t *buf, size_t len, int flags, void *user)
{
    struct ws_frames *f = user;
    size_t n = len < f->in.n ? len : f->in.n;

    (void)flags;
    if (!n)
        return -1;
    memcpy(buf, f->in.p, n);
    f->in = slice_skip(f->in, n);
    return (ssize_t)n;
}

err_t ws_frames_new(size_t max_frame, const struct ws_events *events, struct ws_frames **ret)
{
    static const struct wslay_frame_callbacks callbacks = { .recv_callback = give };
    struct ws_frames *f = mem_calloc(1, sizeof(*f));

    if (!f || wslay_frame_context_init(&f->lib, &callbacks, f)) {
        free(f);
        return ERR_NOMEM;
    }
    f->events = *events;
    f->max_frame = max_frame;
    *ret = f;
    return ERR_OK;
}

void ws_frames_free(struct ws_frames *f)
{
    if (!f)
        return;
    wslay_frame_context_free(f->lib);
    free(f);
}

uint16_t ws_frames_code(const struct ws_frames *f)
{
    return f->code;
}

static err_t refuse(struct ws_frames *f, uint16_t code)
{
    f->code = code;
    return ERR_PROTO;
}

/* ---- a frame's head ---- */

static err_t judge_control(struct ws_frames *f, const struct wslay_frame_iocb *io)
{
    f->control_n = 0;
    if (!io->fin || io->payload_length > CONTROL_MAX || io->opcode > WS_PONG)
        return refuse(f, WS_PROTOCOL_ERROR);
    return ERR_OK;
}

static err_t judge_data(struct ws_frames *f, const struct wslay_frame_iocb *io)
{
    if (io->opcode == WS_TEXT)
        return refuse(f, WS_UNSUPPORTED);
    if (io->opcode > WS_BINARY || (io->opcode == WS_CONTINUATION) != f->in_message)
        return refuse(f, WS_PROTOCOL_ERROR);
    if (io->payload_length > f->max_frame)
        return refuse(f, WS_TOO_BIG);
    f->in_message = !io->fin;
    return ERR_OK;
}

static err_t judge(struct ws_frames *f, const struct wslay_frame_iocb *io)
{
    if (io->rsv || !io->mask) /* RFC 6455 §5.2, §5.1 */
        return refuse(f, WS_PROTOCOL_ERROR);
    f->in_frame = true;
    f->left = io->payload_length;
    return wslay_is_ctrl_frame(io->opcode) ? judge_control(f, io) : judge_data(f, io);
}

/* ---- its payload ---- */

/* RFC 6455 §7.4: nothing, or a code that may be on the wire and UTF-8. The code goes back to the client. */
static err_t closed(struct ws_frames *f)
{
    struct slice reason = slice_of(f->control, f->control_n);
    unsigned code;

    f->code = WS_NORMAL;
    if (!reason.n)
        return ERR_EOF;
    if (reason.n == 1)
        return refuse(f, WS_PROTOCOL_ERROR);
    code = (unsigned)f->control[0] << 8 | f->control[1];
    if (code < 1000 || code > 4999 || (code >= 1004 && code <= 1006) || (code >= 1015 && code < 3000))
        return refuse(f, WS_PROTOCOL_ERROR);
    if (!utf8_valid(slice_skip(reason, 2)))
        return refuse(f, WS_BAD_PAYLOAD);
    f->code = (uint16_t)code;
    return ERR_EOF;
}

static err_t control_piece(struct ws_frames *f, uint8_t opcode, struct slice piece)
{
    if (piece.n)
        memcpy(f->control + f->control_n, piece.p, piece.n);
    f->control_n += piece.n;
    if (f->left)
        return ERR_OK;
    if (opcode == WS_CLOSE)
        return closed(f);
    return f->events.control(f->events.ctx, opcode, slice_of(f->control, f->control_n)) ? ERR_OK
                                                                                        : ERR_CANCELLED;
}

static err_t take_piece(struct ws_frames *f, const struct wslay_frame_iocb *io)
{
    struct slice piece = slice_of(io->data, io->data_length);
    err_t e = f->in_frame ? ERR_OK : judge(f, io);

    if (e)
        return e;
    f->left -= piece.n;
    f->in_frame = f->left > 0;
    if (wslay_is_ctrl_frame(io->opcode))
        return control_piece(f, io->opcode, piece);
    return !piece.n || f->events.data(f->events.ctx, piece) ? ERR_OK : ERR_CANCELLED;
}

err_t ws_frames_feed(struct ws_frames *f, struct slice in)
{
    struct wslay_frame_iocb io;
    err_t e = ERR_OK;

    f->in = in;
    while (!e) {
        ssize_t n;

        memset(&io, 0, sizeof(io));
        n = wslay_frame_recv(f->lib, &io);
        if (n == WSLAY_ERR_WANT_READ)
            break;
        e = n < 0 ? refuse(f, WS_PROTOCOL_ERROR) : take_piece(f, &io);
    }
    f->in = (struct slice){ 0 };
    return e;
}

/* ---- what a server sends ---- */

err_t ws_frame_add(struct buf *out, enum ws_opcode opcode, struct slice payload)
{
    size_t before = out->n;
    struct writer w = writer_of(out);

    writer_u8(&w, (uint8_t)(0x80u | opcode));
    if (payload.n < 126) {
        writer_u8(&w, (uint8_t)payload.n);
    } else if (payload.n <= UINT16_MAX) {
        writer_u8(&w, 126);
        writer_be16(&w, (uint16_t)payload.n);
    } else {
        writer_u8(&w, 127);
        writer_be64(&w, payload.n);
    }
    writer_bytes(&w, payload);
    if (writer_done(&w))
        buf_cut(out, before);
    return writer_done(&w);
}

err_t ws_frame_add_close(struct buf *out, uint16_t code)
{
    const uint8_t payload[] = { (uint8_t)(code >> 8), (uint8_t)code };

    return ws_frame_add(out, WS_CLOSE, slice_of(payload, sizeof(payload)));
}
