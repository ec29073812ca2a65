/* src/pkcs11/attr.h - the attributes of objects: one table of what is answered, matching of templates.
 *
 * Pure: every value comes from the loaded key, none costs device traffic. Any thread. PKCS#11 v2.40
 * §5.7 (C_GetAttributeValue), base specification §4; docs/pkcs11.md lists the table's choices.
 */
#pragma once
#include "pkcs11/object.h"

/* C_GetAttributeValue for one object: fills what it can of all n, whatever the result. The result is the
 * first failure: CKR_ATTRIBUTE_SENSITIVE, CKR_ATTRIBUTE_TYPE_INVALID, CKR_BUFFER_TOO_SMALL. */
CK_RV p11_attr_get_all(const struct p11_object *o, CK_ATTRIBUTE *attrs, CK_ULONG n);

/* Does the object have all the values of the template? CKA_LABEL is compared as label.h says, other
 * values byte by byte. */
bool p11_attr_match(const struct p11_object *o, const CK_ATTRIBUTE *attrs, CK_ULONG n);

/* CKR_ARGUMENTS_BAD for a template with NULL where there should be values. */
CK_RV p11_attr_check_template(const CK_ATTRIBUTE *attrs, CK_ULONG n);
/* The template's row of this type, NULL when absent. */
const CK_ATTRIBUTE *p11_attr_find(const CK_ATTRIBUTE *attrs, CK_ULONG n, CK_ATTRIBUTE_TYPE type);
/* Its value as a CK_ULONG or bytes: false when absent (or, for the number, of another size). */
bool p11_attr_ulong(const CK_ATTRIBUTE *attrs, CK_ULONG n, CK_ATTRIBUTE_TYPE type, CK_ULONG *ret);
bool p11_attr_bytes(const CK_ATTRIBUTE *attrs, CK_ULONG n, CK_ATTRIBUTE_TYPE type, struct slice *ret);
