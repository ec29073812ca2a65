/* src/pkcs11/template.h - what a template may say about an object: one table of attributes.
 *
 * Pure; any thread. PKCS#11 v2.40 §4.1; docs/pkcs11.md. Values that only the maker of an object understands
 * (CKA_VALUE, CKA_MODULUS ...) pass through here without effect.
 */
#pragma once
#include "pkcs11/object.h"

struct p11_template {
    const CK_ATTRIBUTE *v;
    CK_ULONG n;
};

/* One attribute of a template onto an object: names, privacy, usage. CKR_OK also for what is accepted and has
 * no effect. CKR_ATTRIBUTE_TYPE_INVALID: unknown; CKR_ATTRIBUTE_VALUE_INVALID; CKR_ATTRIBUTE_READ_ONLY:
 * nobody but the token sets it. */
CK_RV p11_template_take(struct p11_object *o, const CK_ATTRIBUTE *a);
