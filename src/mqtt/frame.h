/* src/mqtt/frame.h - cut a byte stream into MQTT control packets.
 *
 * Pure: no I/O, no allocation, no globals; safe from any thread.
 * Spec: MQTT 5.0 §2.1 fixed header, §1.5.5 variable byte integer. 3.1.1 §2.2 has the same wire
 *       format but is silent on padded lengths; we refuse them there too.
 */
#pragma once
#include "base/err.h"
#include "base/reader.h"
#include "base/slice.h"
#include "base/writer.h"

struct mqtt_frame {
    uint8_t type;      /* 1..15, §2.1.2; enum mqtt_type of mqtt/packet.h */
    uint8_t flags;     /* low nibble, §2.1.3; meaning depends on type */
    struct slice body; /* borrowed from the input */
};

/* Take the next packet from the front of `in`.
 *
 * max   largest total packet accepted, fixed header included.
 * in    advanced past the packet on ERR_OK, otherwise unchanged.
 * ret   set on ERR_OK, otherwise untouched. ret->body points into the bytes of `in`:
 *       it dies when the caller moves, refills or frees them.
 *
 * ERR_MORE     packet not complete yet (not a failure: read more, call again)
 * ERR_PROTO    reserved type 0, or length padded or over four bytes [MQTT-1.5.5-1]; drop the peer
 * ERR_TOO_BIG  announced size exceeds `max`; told before the body arrives
 */
err_t mqtt_frame_next(struct slice *in, size_t max, struct mqtt_frame *ret);

/* The largest value of a variable byte integer, §1.5.5: 268,435,455. */
#define MQTT_VARINT_MAX 0x0fffffffu

/* Variable byte integers inside packets (property lengths, subscription identifiers). A padded or
 * overlong one fails the reader; one over MQTT_VARINT_MAX fails the writer with ERR_TOO_BIG. */
uint32_t mqtt_varint_read(struct reader *r);
void mqtt_varint_write(struct writer *w, uint32_t v);
/* Bytes that `v` takes: 1..4; v <= MQTT_VARINT_MAX. */
size_t mqtt_varint_len(uint32_t v);
