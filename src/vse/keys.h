/* src/vse/keys.h - what the part does with keys, done by OpenSSL. Pure apart from allocation and
 * randomness; any thread.
 *
 * Keys are given as objects and turned into OpenSSL's form for one operation; the copies are wiped.
 * Errors: ERR_WRONG_STATE: a component is missing; ERR_UNSUPPORTED: no such algorithm; ERR_INVALID: the
 * data does not fit it; ERR_CRYPTO: OpenSSL refuses the key or the data; ERR_NOMEM.
 */
#pragma once
#include "vse/object.h"

/* Make a pair on o->curve and put it into o. */
err_t vse_ec_generate(struct vse_object *o);
/* Are the parts a private key and a point of the curve, and do they belong together? ERR_INVALID. */
err_t vse_ec_check(const struct vse_object *o);
/* x of the point shared with the peer whose public key this is; X25519 and X448 in the wire's order. */
err_t vse_ec_shared(const struct vse_object *o, struct slice peer, struct buf *out);
/* 04 x y of d * point, or of d * G + point (PACE generic mapping). Weierstrass curves only. */
err_t vse_ec_multiply(const struct vse_object *o, struct slice point, bool map, struct buf *out);
/* ECDSA over a digest, of the length the algorithm's name says; DER into out. SE_EDDSA_PURE: of the message.
 */
err_t vse_ec_sign(const struct vse_object *o, uint8_t algorithm, struct slice digest, struct buf *out);
/* *ret_good tells. DER whose integers lack or repeat leading zeros is taken: hosts send that. */
err_t vse_ec_verify(const struct vse_object *o, uint8_t algorithm, struct slice digest,
                    struct slice signature, bool *ret_good);

/* Make a pair of o->size bits, e = 65537, and put all eight components into o. */
err_t vse_rsa_generate(struct vse_object *o);
/* RSA over the message: the part hashes and pads. */
err_t vse_rsa_sign(const struct vse_object *o, uint8_t algorithm, struct slice message, struct buf *out);
err_t vse_rsa_verify(const struct vse_object *o, uint8_t algorithm, struct slice message,
                     struct slice signature, bool *ret_good);
err_t vse_rsa_encrypt(const struct vse_object *o, uint8_t algorithm, struct slice in, struct buf *out);
/* The 48 bytes of a TLS pre-master secret that begin with `version`; random ones when the padding or the
 * version is wrong (RFC 5246 §7.4.7.1), so that nobody learns which. */
err_t vse_rsa_tls_secret(const struct vse_object *o, unsigned version, struct slice in, struct buf *out);
err_t vse_rsa_decrypt(const struct vse_object *o, uint8_t algorithm, struct slice in, struct buf *out);
