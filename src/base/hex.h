/* src/base/hex.h - hexadecimal and base64 (RFC 4648). Pure; any thread. Not constant time. */
#pragma once
#include "base/buf.h"

/* Lower case (upper when asked). */
err_t hex_encode(struct buf *out, struct slice in);
err_t hex_encode_upper(struct buf *out, struct slice in);
/* Write 2*in.n characters and a NUL into out. */
void hex_str(char *out, struct slice in);
/* Both cases, even length, nothing else. ERR_INVALID; out unchanged on failure. */
err_t hex_decode(struct buf *out, struct slice in);

err_t base64_encode(struct buf *out, struct slice in);
/* Padded, canonical, no white space. ERR_INVALID; out unchanged on failure. */
err_t base64_decode(struct buf *out, struct slice in);
