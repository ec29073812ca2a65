/* src/cli/ssscli_rsa.h - RSA signatures over a digest: padded here by OpenSSL, raised to the power in the
 * chip.
 *
 * The chip's own signing commands hash the message themselves, so they end at what an APDU holds; NXP's host
 * pads as well (reference 3.8). Blocking I/O over cli->chip.
 */
#pragma once
#include "cli/ssscli_hash.h"

/* Append the signature by key cli->id, whose public half is `key`. */
err_t cli_rsa_sign(const struct cli *cli, const EVP_PKEY *key, const struct cli_hash *h,
                   const uint8_t *digest, struct buf *out);
/* The public operation, too, is the chip's: its policy decides. */
err_t cli_rsa_verify(const struct cli *cli, const EVP_PKEY *key, const struct cli_hash *h,
                     const uint8_t *digest, struct slice signature, bool *ret_good);
