/* src/pkcs11/verify.h - C_Verify*: in software with the public key, without the chip; MACs are made again.
 *
 * Called with the session's lock held. PKCS#11 v2.40 §5.12. Verifying a MAC with a key in the chip is
 * blocking I/O, everything else is computed here.
 */
#pragma once
#include "pkcs11/module.h"

CK_RV p11_verify_init(struct p11_module *m, struct p11_session *s, const CK_MECHANISM *mech,
                      CK_OBJECT_HANDLE key);
/* CKR_SIGNATURE_INVALID, CKR_SIGNATURE_LEN_RANGE. */
CK_RV p11_verify(struct p11_module *m, struct p11_session *s, struct slice data, struct slice sig);
CK_RV p11_verify_update(struct p11_session *s, struct slice data);
CK_RV p11_verify_final(struct p11_module *m, struct p11_session *s, struct slice sig);
