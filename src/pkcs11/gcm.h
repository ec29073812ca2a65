/* src/pkcs11/gcm.h - AES-GCM. The message is worked on as a whole: nothing that was decrypted is given out
 * before its tag was found right. Called with the session's lock held. PKCS#11 v2.40 mechanisms §2.14.
 */
#pragma once
#include "pkcs11/module.h"

size_t p11_gcm_most(const struct p11_op *op, bool encrypt, size_t n);
/* CKR_ENCRYPTED_DATA_INVALID: not authentic. CKR_ENCRYPTED_DATA_LEN_RANGE: shorter than a tag.
 * CKR_DATA_LEN_RANGE: more than the chip takes. */
CK_RV p11_gcm_run(struct p11_module *m, const struct p11_op *op, bool encrypt, struct slice in,
                  struct buf *out);
