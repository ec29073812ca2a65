/* src/se/keyd_wire.h - the messages between sedge-keyd and its clients: constants and framing for both sides.
 *
 * Pure: no I/O; any thread. Spec: docs/spec/keyd.md. A frame is length(2, of the body) type(1) flags(1) body.
 */
#pragma once
#include "base/buf.h"
#include "se/wire.h"

#define SE_KEYD_SOCKET_DEFAULT "/run/sedge/keyd.sock"

enum {
    SE_KEYD_VERSION = 1,
    SE_KEYD_FRAME_HEADER = 4,
    SE_KEYD_TEXT_MAX = 400,               /* a refusal's sentence */
    SE_KEYD_BODY_MAX = 5 + SE_ANSWER_MAX, /* the longest of all: an answer with its generation */
    SE_KEYD_FRAME_MAX = SE_KEYD_FRAME_HEADER + SE_KEYD_BODY_MAX,
    SE_KEYD_CHANNEL_NAME_MAX = 63,
};

enum se_keyd_type {
    SE_KEYD_HELLO = 0x01,    /* client: version(1) */
    SE_KEYD_EXCHANGE = 0x02, /* client: one command APDU */
    SE_KEYD_END = 0x03,      /* client: the sequence is over; no answer */
    SE_KEYD_WELCOME = 0x81,  /* daemon: struct se_keyd_welcome */
    SE_KEYD_ANSWER = 0x82,   /* daemon: generation(4), the chip's answer with its status word */
    SE_KEYD_REFUSED = 0x83,  /* daemon: generation(4), code(1), a sentence; the command was not answered */
};

enum {
    SE_KEYD_FLAG_BEGIN = 0x01, /* with EXCHANGE: a new sequence starts here */
};

/* Why a command was refused; se_keyd_err and se_keyd_code convert. */
enum se_keyd_code {
    SE_KEYD_DENIED = 1,  /* no rule allows it: not executed */
    SE_KEYD_BUSY,        /* a limit of the daemon's: not executed */
    SE_KEYD_UNAVAILABLE, /* no chip, or the daemon is stopping */
    SE_KEYD_TIMEOUT,     /* the sequence was interrupted (not executed), or the chip fell silent */
    SE_KEYD_IO,
    SE_KEYD_PROTO,    /* the chip's answer is not what the protocol allows, or the client's request */
    SE_KEYD_CONFLICT, /* the session it names is gone: not executed */
    SE_KEYD_FAILED,   /* anything else */
};

err_t se_keyd_err(uint8_t code);
enum se_keyd_code se_keyd_code(err_t e);

struct se_keyd_frame {
    uint8_t type, flags;
    struct slice body; /* points into the input */
};

/* Take the next frame from the front of *in, which moves past it on success only.
 * ERR_MORE not complete yet; ERR_TOO_BIG it announces more than SE_KEYD_BODY_MAX: drop the peer. */
err_t se_keyd_frame_next(struct slice *in, struct se_keyd_frame *ret);
/* Append a frame. ERR_TOO_BIG over SE_KEYD_BODY_MAX or out's cap, ERR_NOMEM. */
err_t se_keyd_frame_put(struct buf *out, uint8_t type, uint8_t flags, struct slice body);

enum {
    SE_KEYD_WELCOME_CHANNEL = 0x01,   /* the daemon has the platform's secure channel open */
    SE_KEYD_WELCOME_PUBLISHED = 0x02, /* with published keys */
    SE_KEYD_WELCOME_PIN = 0x04,       /* the daemon has logged in for its clients */
};

struct se_keyd_welcome {
    uint8_t version; /* of this protocol */
    uint8_t flags;   /* SE_KEYD_WELCOME_* */
    uint8_t select[SE_SELECT_ANSWER_LEN];
    uint32_t generation; /* grows when the chip was reset: sessions and contexts from before are gone */
    char keys[SE_KEYD_CHANNEL_NAME_MAX + 1];
};

err_t se_keyd_welcome_encode(const struct se_keyd_welcome *w, struct buf *out);
/* ERR_PROTO malformed; ERR_UNSUPPORTED another version. */
err_t se_keyd_welcome_decode(struct slice body, struct se_keyd_welcome *ret);
