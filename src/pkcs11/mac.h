/* src/pkcs11/mac.h - HMAC and AES-CMAC: in the chip, or in OpenSSL with a session's key.
 * Called with the session's lock held. PKCS#11 v2.40 mechanisms §2.16 (CMAC), §2.20 ff. (HMAC).
 */
#pragma once
#include "pkcs11/module.h"

/* Can the chip make this MAC with a key of its own? It has no HMAC with SHA-224. */
bool p11_mac_in_chip(const struct p11_mech *mech);

/* The MAC of all of `in`; appended to out. */
CK_RV p11_mac_make(struct p11_module *m, const struct p11_op *op, struct slice in, struct buf *out);
/* mac has the right length. CKR_SIGNATURE_INVALID. */
CK_RV p11_mac_check(struct p11_module *m, const struct p11_op *op, struct slice in, struct slice mac);
