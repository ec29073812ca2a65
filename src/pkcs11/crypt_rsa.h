/* src/pkcs11/crypt_rsa.h - RSA encryption, one block: encrypting is software with the public key; decrypting
 * is the bare operation with the padding judged here in constant time.
 * Called with the session's lock held. PKCS#11 v2.40 mechanisms §2.1.
 */
#pragma once
#include "pkcs11/module.h"

size_t p11_rsa_most(const struct p11_op *op, bool encrypt, size_t n);
/* CKR_ENCRYPTED_DATA_INVALID whatever is wrong with a padding. */
CK_RV p11_rsa_run(struct p11_module *m, const struct p11_op *op, bool encrypt, struct slice in,
                  struct buf *out);
