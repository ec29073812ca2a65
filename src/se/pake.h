/* src/se/pake.h - SPAKE2+ (RFC 9383) with the password's secrets in the chip; either side; 7.x.
 *
 * Blocking I/O over a handle; thread and error rules in se/chip.h. AN12413 PAKE; reference 3.14;
 * docs/spec/chip.md 38 to 44. The exchange lives in a crypto object (SE_CONTEXT_PAKE with the mode SE_PAKE_*)
 * and belongs to the session that configured it: do all of it between se_chip_begin and se_chip_end. In this
 * order: configure, names, credentials, share, keys, verify. ERR_NOT_FOUND: out of order.
 */
#pragma once
#include "base/buf.h"
#include "se/chip.h"

enum { SE_PAKE_NAME_MAX = 255, SE_PAKE_KEY_MAX = 64 };

/* device: SE_PAKE_DEVICE_A proves, SE_PAKE_DEVICE_B verifies. Begins anew. */
err_t se_pake_configure(struct se_chip *chip, uint16_t object, uint8_t device);
/* What both sides must agree on; each may be empty. */
err_t se_pake_names(struct se_chip *chip, uint16_t object, struct slice context, struct slice prover,
                    struct slice verifier);
/* HMAC objects: w0, and w1 for A or the point L for B; the other is SE_ID_NONE. */
err_t se_pake_credentials(struct se_chip *chip, uint16_t object, uint32_t w0, uint32_t w1, uint32_t l);
/* Append our share, 04 x y. B is given A's (`peer`), A gives none. */
err_t se_pake_share(struct se_chip *chip, uint16_t object, struct slice peer, struct buf *out);
/* Append the shared secret (to a BUF_SECRET; not to be used before verify said yes) and our confirmation. */
err_t se_pake_keys(struct se_chip *chip, uint16_t object, struct slice peer, struct buf *out_secret,
                   struct buf *out_confirmation);
/* ERR_AUTH: the peer does not know the password; the exchange is over. */
err_t se_pake_verify(struct se_chip *chip, uint16_t object, struct slice confirmation);
/* SE_PAKE_DEVICE_*; SE_PAKE_SETUP, _SHARED, _KEYS. */
err_t se_pake_device(struct se_chip *chip, uint16_t object, uint8_t *ret);
err_t se_pake_state(struct se_chip *chip, uint16_t object, uint8_t *ret);
