/* src/pkcs11/digest.h - C_Digest*, in software. Called with the session's lock held. PKCS#11 v2.40 §5.10. */
#pragma once
#include "pkcs11/module.h"

CK_RV p11_digest_init(struct p11_module *m, struct p11_session *s, const CK_MECHANISM *mech);
CK_RV p11_digest(struct p11_session *s, struct slice data, CK_BYTE *out, CK_ULONG *out_len);
CK_RV p11_digest_update(struct p11_session *s, struct slice data);
CK_RV p11_digest_final(struct p11_session *s, CK_BYTE *out, CK_ULONG *out_len);
