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
/* ECDSA over a digest, of the length the algorithm's name says; DER into out. */
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
err_t vse_rsa_decrypt(const struct vse_object *o, uint8_t algorithm, struct slice in, struct buf *out);
