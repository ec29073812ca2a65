/* src/http/ws_frames.h - RFC 6455 frames of a client, taken apart; frames of a server, made. The one user of
 * libwslay. Pure; one thread at a time.
 *
 * Payload goes through in pieces as it comes, so nothing is kept but a control frame's 125 bytes. MQTT knows
 * no messages: where one ends does not matter (MQTT 5.0 [MQTT-6.0.0-2]).
 */
#pragma once
#include "base/buf.h"

enum ws_opcode { WS_CONTINUATION = 0, WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };

/* RFC 6455 §7.4.1 */
enum ws_code {
    WS_NORMAL = 1000,
    WS_PROTOCOL_ERROR = 1002,
    WS_UNSUPPORTED = 1003,
    WS_BAD_PAYLOAD = 1007,
    WS_TOO_BIG = 1009,
    WS_INTERNAL = 1011,
};

struct ws_frames;

/* False: stop, and take nothing more. `piece` and `payload` die when it returns. */
struct ws_events {
    void *ctx;
    bool (*data)(void *ctx, struct slice piece);
    bool (*control)(void *ctx, enum ws_opcode opcode, struct slice payload); /* a whole PING or PONG */
};

/* max_frame: payload of one frame. ERR_NOMEM. */
err_t ws_frames_new(size_t max_frame, const struct ws_events *events, struct ws_frames **ret);
void ws_frames_free(struct ws_frames *f); /* NULL is fine */

/* Take all of `in`.
 * ERR_OK         and more may come
 * ERR_CANCELLED  an event said stop
 * ERR_EOF        the client closes; ws_frames_code: with which code, to be answered with
 * ERR_PROTO      ws_frames_code: what to close with. A frame that is not masked, RSV bits, an unknown opcode,
 *                a text frame (MQTT 5.0 [MQTT-6.0.0-1]), fragments out of order, control frames that are long
 *                or in pieces, a close code that is none */
err_t ws_frames_feed(struct ws_frames *f, struct slice in);
uint16_t ws_frames_code(const struct ws_frames *f);

/* Append a whole, unmasked frame. Errors of buf. */
err_t ws_frame_add(struct buf *out, enum ws_opcode opcode, struct slice payload);
/* A close frame. */
err_t ws_frame_add_close(struct buf *out, uint16_t code);
#define WS_HEADER_MAX 10u
