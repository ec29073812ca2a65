/* src/pkcs11/manage.h - making and deleting keys: C_GenerateKeyPair, C_DestroyObject.
 *
 * Called with the session's lock held; blocking I/O. PKCS#11 v2.40 §5.7, §5.13. The key's id in the chip
 * comes from the template: CKA_ID of 1 to 4 bytes (big endian), otherwise CKA_LABEL (label.h), otherwise
 * a free one at random in the customer's range. An id that is taken is CKR_TEMPLATE_INCONSISTENT.
 */
#pragma once
#include "pkcs11/module.h"

struct p11_template {
    const CK_ATTRIBUTE *v;
    CK_ULONG n;
};

CK_RV p11_generate_pair(struct p11_module *m, struct p11_session *s, const CK_MECHANISM *mech,
                        struct p11_template public, struct p11_template private, CK_OBJECT_HANDLE *ret_public,
                        CK_OBJECT_HANDLE *ret_private);

/* Deleting a private key deletes the pair. CKR_ACTION_PROHIBITED for the public half of one. */
CK_RV p11_destroy(struct p11_module *m, struct p11_session *s, CK_OBJECT_HANDLE handle);
