/* src/se/mac.h - CMAC, HMAC and the DES MAC, and digests, computed in the chip.
 *
 * Blocking I/O over a handle; thread and error rules in se/chip.h. AN12413 MAC*, Digest*; reference 3.10.
 * Algorithms SE_MAC_*, digests SE_DIGEST_*. Steps live in a crypto object (SE_CONTEXT_SIGNATURE with the MAC,
 * SE_CONTEXT_DIGEST with the digest) and belong between se_chip_begin and se_chip_end, as in se/cipher.h.
 * A wrong MAC is *ret_good = false, not an error.
 */
#pragma once
#include "base/buf.h"
#include "se/chip.h"

enum { SE_MAC_MAX = 64, SE_MAC_ONCE_MAX = 800, SE_DIGEST_CHUNK = 448 };

err_t se_mac_once(struct se_chip *chip, uint32_t key, uint8_t algorithm, struct slice data, struct buf *out);
err_t se_mac_check_once(struct se_chip *chip, uint32_t key, uint8_t algorithm, struct slice data,
                        struct slice mac, bool *ret_good);

/* Any amount of data: in one command, or in steps through a crypto object that stays (the number hosts use).
 */
err_t se_mac_any(struct se_chip *chip, uint32_t key, uint8_t algorithm, struct slice data, struct buf *out);

err_t se_mac_init(struct se_chip *chip, uint16_t object, uint32_t key);
err_t se_mac_check_init(struct se_chip *chip, uint16_t object, uint32_t key);
err_t se_mac_update(struct se_chip *chip, uint16_t object, struct slice data);
err_t se_mac_final(struct se_chip *chip, uint16_t object, struct slice last, struct buf *out);
err_t se_mac_check_final(struct se_chip *chip, uint16_t object, struct slice last, struct slice mac,
                         bool *ret_good);

/* Digests need no key and cost a bus transfer and, in steps, flash: for tests of a chip, hardly for use. */
err_t se_digest_once(struct se_chip *chip, uint8_t digest, struct slice data, struct buf *out);
err_t se_digest_init(struct se_chip *chip, uint16_t object);
err_t se_digest_update(struct se_chip *chip, uint16_t object, struct slice data);
err_t se_digest_final(struct se_chip *chip, uint16_t object, struct slice last, struct buf *out);
