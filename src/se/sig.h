/* src/se/sig.h - ECDSA signatures: DER (RFC 3279 2.2.3, what the chip speaks) and raw r||s (PKCS#11).
 *
 * Pure; any thread. The input of se_sig_der_to_raw comes from the chip: it is judged, not trusted.
 */
#pragma once
#include "base/buf.h"

/* Strict DER shape with one leniency real parts and hosts need: INTEGERs may lack the 00 before a
 * high top bit or carry extra ones (both read as unsigned). Appends r and s, `len` bytes each.
 * ERR_PROTO malformed or longer than len; out unchanged on failure. */
err_t se_sig_der_to_raw(struct slice der, size_t len, struct buf *out);
/* raw.n must be even and 2..132 (ERR_INVALID). Appends minimal DER. */
err_t se_sig_raw_to_der(struct slice raw, struct buf *out);
