/* src/base/tlv.h - BER-style tag, length, value with one-byte tags. Pure; any thread.
 *
 * Lengths: up to 7F one byte, 81 xx, 82 xx xx. Written shortest; read in any of the three forms.
 */
#pragma once
#include "base/buf.h"
#include "base/reader.h"
#include "base/writer.h"

struct tlv {
    uint8_t tag;
    struct slice value; /* points into the input */
};

/* Take the next TLV. ERR_MORE at the end of input, ERR_PROTO when malformed; *in untouched then. */
err_t tlv_next(struct slice *in, struct tlv *ret);

void tlv_put(struct writer *w, uint8_t tag, struct slice value); /* over 65535 bytes: ERR_TOO_BIG */
void tlv_put_u8(struct writer *w, uint8_t tag, uint8_t v);
void tlv_put_be16(struct writer *w, uint8_t tag, uint16_t v);
void tlv_put_be32(struct writer *w, uint8_t tag, uint32_t v);
