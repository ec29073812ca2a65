/* src/se/agree.h - key agreement: a private key in the chip, a public one from outside.
 *
 * Blocking I/O over a handle; thread and error rules in se/chip.h. Public values and secrets are in the byte
 * order of their RFC: 04 x y and x; for X25519 and X448 little endian as RFC 7748 has them.
 * AN12413 ECDHGenerateSharedSecret, ECPointMultiply; reference 3.7.
 */
#pragma once
#include "base/buf.h"
#include "se/curve.h"

enum se_agree_form {
    SE_AGREE_X = 0,                 /* x, no algorithm named: what every applet understands */
    SE_AGREE_X_SHA1 = SE_ECDH_SHA1, /* SHA-1 of x: 20 bytes */
    SE_AGREE_X_NAMED = SE_ECDH_PLAIN,
};

/* Append the shared secret of `id`, a key on `curve`, with `peer`. out: a BUF_SECRET. ERR_INVALID: the point
 * is not of this curve. */
err_t se_ec_agree(struct se_chip *chip, uint32_t id, uint8_t curve, struct slice peer,
                  enum se_agree_form form, struct buf *out);
/* 7.x: the secret stays in the chip, as (new or overwritten) HMAC or AES key `target`. For X25519 and X448
 * the stored value is in RFC order, too. ERR_UNSUPPORTED on 3.x. */
err_t se_ec_agree_into(struct se_chip *chip, uint32_t id, uint8_t curve, struct slice peer, uint32_t target);

/* 7.x: multiply a point by the private value. `point`, or the public key object `point_id` when point is
 * empty. algorithm SE_ECPM_PACE_GM or SE_ECPM_PLAIN_XY. With a target nothing is appended. */
struct se_multiply {
    struct slice point;
    uint32_t point_id, target;
    uint8_t algorithm;
};
err_t se_ec_multiply(struct se_chip *chip, uint32_t id, const struct se_multiply *m, struct buf *out);
