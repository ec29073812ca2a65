/* src/se/rotate.h - new keys for the platform's secure channel (GlobalPlatform 2.3 11.8 PUT KEY;
 * docs/spec/chip.md 18).
 *
 * Blocking I/O over a handle; thread and error rules in se/chip.h. All three keys are replaced or none. The
 * key sets are the caller's to wipe.
 */
#pragma once
#include "se/keyset.h"

/* Replace the keys of the channel that this handle is in: `now` are its keys (the DEK is what protects the
 * new ones on the way), `next` all three new ones. The channel goes on with the old keys; whoever opens the
 * chip from now on needs the new ones, this handle, too: close it. ERR_INVALID: a DEK is missing.
 * ERR_WRONG_STATE: the handle has no channel. ERR_AUTH: the chip's check values are not those of the new
 * keys: they may or may not be in place. ERR_NOT_FOUND: the chip does not let its keys be changed, or `now`
 * has another DEK than the chip. */
err_t se_scp_rotate(struct se_chip *chip, const struct se_keyset *now, const struct se_keyset *next);
