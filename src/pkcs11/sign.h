/* src/pkcs11/sign.h - C_Sign* and C_Verify*: padding and hashing here, the private operation in the chip.
 *
 * Called with the session's lock held. PKCS#11 v2.40 §5.11, §5.12. Signing is blocking I/O with exactly
 * one private-key operation in the chip; verifying uses the public key in software, without the chip.
 */
#pragma once
#include "pkcs11/module.h"

CK_RV p11_sign_init(struct p11_module *m, struct p11_session *s, const CK_MECHANISM *mech,
                    CK_OBJECT_HANDLE key);
/* sig NULL asks for the length. */
CK_RV p11_sign(struct p11_module *m, struct p11_session *s, struct slice data, CK_BYTE *sig,
               CK_ULONG *sig_len);
CK_RV p11_sign_update(struct p11_session *s, struct slice data);
CK_RV p11_sign_final(struct p11_module *m, struct p11_session *s, CK_BYTE *sig, CK_ULONG *sig_len);

CK_RV p11_verify_init(struct p11_module *m, struct p11_session *s, const CK_MECHANISM *mech,
                      CK_OBJECT_HANDLE key);
CK_RV p11_verify(struct p11_module *m, struct p11_session *s, struct slice data, struct slice sig);
CK_RV p11_verify_update(struct p11_session *s, struct slice data);
CK_RV p11_verify_final(struct p11_module *m, struct p11_session *s, struct slice sig);
