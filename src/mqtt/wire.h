/* src/mqtt/wire.h - what the packet codecs share: MQTT strings and the fixed header. Inside src/mqtt only.
 *
 * Pure; any thread. Spec: MQTT 5.0 §1.5.
 */
#pragma once
#include "mqtt/packet.h"

/* A UTF-8 string with a two-byte length; ill-formed or with U+0000 fails the reader [MQTT-1.5.4-1]
 * [MQTT-1.5.4-2]. */
struct slice mqtt_string_read(struct reader *r);
/* Binary data with a two-byte length (§1.5.6). */
struct slice mqtt_binary_read(struct reader *r);

/* The same for writing; an ill-formed string is ERR_INVALID, one over 65535 bytes ERR_TOO_BIG. */
void mqtt_string_write(struct writer *w, struct slice s);
void mqtt_binary_write(struct writer *w, struct slice s);

/* A check of a decoder: when `ok` is false the packet is malformed (ERR_PROTO, 5.0 reason 0x81). */
static inline void mqtt_require(struct reader *r, bool ok)
{
    if (!ok)
        reader_fail(r);
}
/* The same for what can be read but must not be said: a protocol error (ERR_INVALID, 5.0 reason 0x82). */
static inline void mqtt_allow(struct reader *r, bool ok)
{
    if (!ok)
        reader_refuse(r, ERR_INVALID);
}
static inline void mqtt_expect(struct writer *w, bool ok)
{
    if (!ok && !w->err)
        w->err = ERR_INVALID;
}

/* Append a packet: fixed header, then `n` parts. Out unchanged on failure. */
err_t mqtt_frame_add(struct buf *out, uint8_t type, uint8_t flags, const struct slice *parts, size_t n);

/* Cap of the buf in which an encoder builds the part before the payload: no variable header is larger than a
 * block of properties may be. */
#define MQTT_HEADER_MAX ((size_t)1 << 20)
