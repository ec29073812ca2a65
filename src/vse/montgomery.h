/* src/vse/montgomery.h - X25519 and X448 (RFC 7748), done by OpenSSL. Pure apart from allocation and
 * randomness; any thread.
 *
 * Objects hold what the wire carries: private keys, public keys and shared secrets are big endian there,
 * little endian in the RFC.
 *
 * Errors: ERR_WRONG_STATE: a component is missing; ERR_INVALID: wrong length, or a peer of small order;
 * ERR_CRYPTO; ERR_NOMEM.
 */
#pragma once
#include "vse/object.h"

enum { VSE_X25519_KEY = 32, VSE_X448_KEY = 56 };

/* Make a pair on o->curve and put it into o. */
err_t vse_montgomery_generate(struct vse_object *o);
/* Have the parts the right length, and do they belong together? ERR_INVALID. */
err_t vse_montgomery_check(const struct vse_object *o);
/* The secret shared with the peer whose public key this is, in the wire's order. */
err_t vse_montgomery_shared(const struct vse_object *o, struct slice peer, struct buf *out);
