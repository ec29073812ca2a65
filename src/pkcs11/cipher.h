/* src/pkcs11/cipher.h - AES in ECB, CBC and CTR, in whole and in pieces.
 *
 * Called with the session's lock held. The chip is asked in single commands: chaining from one to the next
 * is done here, because a state kept in the chip would be lost whenever another process selects the applet.
 * PKCS#11 v2.40 mechanisms §2.11 to §2.13.
 */
#pragma once
#include "pkcs11/module.h"

/* How much of n bytes, what was kept included, can be worked on before the end is known. */
size_t p11_cipher_ready(const struct p11_op *op, bool encrypt, size_t n);
/* Work on all of `in`, which is as long as p11_cipher_ready says, and move the operation's IV on. */
CK_RV p11_cipher_next(struct p11_module *m, struct p11_op *op, bool encrypt, struct slice in,
                      struct buf *out);

/* The longest that the end of n bytes can become. */
size_t p11_cipher_most(const struct p11_op *op, bool encrypt, size_t n);
/* The end: what was kept, or everything. The operation stays as it was, so it can be asked again.
 * CKR_DATA_LEN_RANGE, CKR_ENCRYPTED_DATA_LEN_RANGE, CKR_ENCRYPTED_DATA_INVALID (padding). */
CK_RV p11_cipher_end(struct p11_module *m, const struct p11_op *op, bool encrypt, struct slice in,
                     struct buf *out);
