/* src/vse/spake2.h - SPAKE2+ (RFC 9383) on P-256, P-384 and P-521, either side: EC points, HKDF, HMAC and
 * CMAC are OpenSSL's. Pure apart from allocation and randomness; one thread at a time. Modes are SE_PAKE_*.
 *
 * The order is: names and credentials, share, keys, confirmation; each once. Secrets are wiped when it is
 * freed.
 *
 * Errors: ERR_UNSUPPORTED: no such mode; ERR_INVALID: a value is none of this suite, or the peer's share is
 * not a point, or cancels the password; ERR_WRONG_STATE: not in this order; ERR_CRYPTO, ERR_NOMEM;
 * ERR_TOO_BIG: no room.
 */
#pragma once
#include "base/buf.h"

enum { VSE_SPAKE2_NAME_MAX = 255, VSE_SPAKE2_SHARE_MAX = 133, VSE_SPAKE2_KEY_MAX = 64 };

bool vse_spake2_mode_valid(uint8_t mode);

struct vse_spake2; /* opaque */

/* `device` is SE_PAKE_DEVICE_A, the prover, or _B, the verifier. Free with vse_spake2_free. */
err_t vse_spake2_new(uint8_t mode, uint8_t device, struct vse_spake2 **ret);
void vse_spake2_free(struct vse_spake2 *s); /* NULL is fine */
uint8_t vse_spake2_device(const struct vse_spake2 *s);
/* SE_PAKE_SETUP, _SHARED or _KEYS. */
uint8_t vse_spake2_state(const struct vse_spake2 *s);

/* Context and identities, perhaps empty, of VSE_SPAKE2_NAME_MAX bytes. ERR_TOO_BIG. */
err_t vse_spake2_names(struct vse_spake2 *s, struct slice context, struct slice prover,
                       struct slice verifier);
/* w0, and the prover's w1 or the verifier's L: numbers as long as the curve's order, a point as 04 x y. */
err_t vse_spake2_credentials(struct vse_spake2 *s, struct slice w0, struct slice w1_or_l);
/* Append this side's share. The verifier has the prover's by then, which has none (empty). `scalar`: x or y
 * for tests; empty: a random one. */
err_t vse_spake2_share(struct vse_spake2 *s, struct slice peer, struct slice scalar, struct buf *out);
/* Append the shared key and this side's confirmation. The verifier is given the same share again. */
err_t vse_spake2_keys(struct vse_spake2 *s, struct slice peer, struct buf *out_secret,
                      struct buf *out_confirm);
/* Is this the peer's confirmation? */
err_t vse_spake2_confirmed(const struct vse_spake2 *s, struct slice confirm, bool *ret_good);
