/* src/pkcs11/manage.h - making keys in the chip, deleting and changing objects: C_GenerateKeyPair,
 * C_GenerateKey, C_DestroyObject, C_SetAttributeValue, C_GetObjectSize.
 *
 * Called with the session's lock held; blocking I/O. PKCS#11 v2.40 §5.7, §5.13. Which id in the chip a key
 * gets: new.h. An id that is taken is CKR_TEMPLATE_INCONSISTENT.
 */
#pragma once
#include "pkcs11/new.h"

/* Pairs go into the chip; CKA_TOKEN false is refused. */
CK_RV p11_generate_pair(struct p11_module *m, struct p11_session *s, const CK_MECHANISM *mech,
                        struct p11_template public, struct p11_template private, CK_OBJECT_HANDLE *ret_public,
                        CK_OBJECT_HANDLE *ret_private);
/* AES and generic secrets: random from the chip. */
CK_RV p11_generate_secret(struct p11_module *m, struct p11_session *s, const CK_MECHANISM *mech,
                          struct p11_template t, CK_OBJECT_HANDLE *ret);

/* Deleting a private key deletes the pair. CKR_ACTION_PROHIBITED for the public half of one, and for what the
 * chip does not let this user delete. */
CK_RV p11_destroy(struct p11_module *m, struct p11_session *s, CK_OBJECT_HANDLE handle);
/* Names, and usage that is taken away. CKR_ATTRIBUTE_READ_ONLY for the rest. */
CK_RV p11_set_attributes(struct p11_module *m, struct p11_session *s, CK_OBJECT_HANDLE handle,
                         struct p11_template t);
CK_RV p11_object_size(struct p11_module *m, CK_OBJECT_HANDLE handle, CK_ULONG *ret);
