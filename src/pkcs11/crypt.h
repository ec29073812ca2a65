/* src/pkcs11/crypt.h - C_Encrypt* and C_Decrypt*: which scheme does it, in whole and in pieces.
 *
 * Called with the session's lock held. PKCS#11 v2.40 §5.8, §5.9. RSA and GCM are worked on as a whole: Update
 * collects and gives nothing, Final does the work (RSA is not multi-part in the standard, but tools and
 * Java try it). The AES modes of cipher.h give what is ready.
 */
#pragma once
#include "pkcs11/module.h"

CK_RV p11_crypt_init(struct p11_module *m, struct p11_session *s, enum p11_op_kind kind,
                     const CK_MECHANISM *mech, CK_OBJECT_HANDLE key);
/* out NULL asks for the longest the result can be. */
CK_RV p11_crypt(struct p11_module *m, struct p11_session *s, enum p11_op_kind kind, struct slice in,
                CK_BYTE *out, CK_ULONG *out_len);
CK_RV p11_crypt_update(struct p11_module *m, struct p11_session *s, enum p11_op_kind kind, struct slice in,
                       CK_BYTE *out, CK_ULONG *out_len);
CK_RV p11_crypt_final(struct p11_module *m, struct p11_session *s, enum p11_op_kind kind, CK_BYTE *out,
                      CK_ULONG *out_len);
