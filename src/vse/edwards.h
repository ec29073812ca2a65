/* src/vse/edwards.h - Ed25519 (RFC 8032), done by OpenSSL. Pure apart from allocation and randomness; any
 * thread.
 *
 * Objects hold what the wire carries, and the wire has its own byte order: the seed as in the RFC, the
 * public key reversed, each half of a signature reversed by itself.
 *
 * Errors: ERR_WRONG_STATE: a component is missing; ERR_INVALID; ERR_CRYPTO; ERR_NOMEM.
 */
#pragma once
#include "vse/object.h"

enum { VSE_ED25519_KEY = 32, VSE_ED25519_SIGNATURE = 64 };

/* Make a pair and put it into o. */
err_t vse_ed25519_generate(struct vse_object *o);
/* Have the parts the right length, and do they belong together? ERR_INVALID. */
err_t vse_ed25519_check(const struct vse_object *o);
/* Pure EdDSA of the message, which may be empty. */
err_t vse_ed25519_sign(const struct vse_object *o, struct slice message, struct buf *out);
err_t vse_ed25519_verify(const struct vse_object *o, struct slice message, struct slice signature,
                         bool *ret_good);
