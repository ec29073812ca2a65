/* Objects and searches. PKCS#11 v2.40 §5.7. */
#include "pkcs11/attr.h"
#include "pkcs11/create.h"
#include "pkcs11/entry.h"
#include "pkcs11/find.h"
#include "pkcs11/manage.h"
#include "pkcs11/origin.h"

CK_RV C_GetAttributeValue(CK_SESSION_HANDLE h, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *attrs, CK_ULONG n)
{
    auto_p11_object struct p11_object *o = NULL;

    ENTER(h);
    if (!bytes_ok(attrs, n))
        return CKR_ARGUMENTS_BAD;
    if (p11_objects_get(c.m->objects, object, p11_logged_in(c.m->sessions), &o) != ERR_OK)
        return CKR_OBJECT_HANDLE_INVALID;
    p11_origin_learn(c.m, o, attrs, n);
    return p11_attr_get_all(o, attrs, n);
}

CK_RV C_DestroyObject(CK_SESSION_HANDLE h, CK_OBJECT_HANDLE object)
{
    ENTER(h);
    return p11_destroy(c.m, c.s, object);
}

CK_RV C_FindObjectsInit(CK_SESSION_HANDLE h, CK_ATTRIBUTE *attrs, CK_ULONG n)
{
    ENTER(h);
    return p11_find_init(c.m, c.s, attrs, n);
}

CK_RV C_FindObjects(CK_SESSION_HANDLE h, CK_OBJECT_HANDLE *out, CK_ULONG max, CK_ULONG *count)
{
    ENTER(h);
    if (!bytes_ok(out, max) || !count)
        return CKR_ARGUMENTS_BAD;
    return p11_find_next(c.s, out, max, count);
}

CK_RV C_FindObjectsFinal(CK_SESSION_HANDLE h)
{
    ENTER(h);
    return p11_find_final(c.s);
}

CK_RV C_CreateObject(CK_SESSION_HANDLE h, CK_ATTRIBUTE *attrs, CK_ULONG n, CK_OBJECT_HANDLE *object)
{
    ENTER(h);
    return object ? p11_create(c.m, c.s, (struct p11_template){ attrs, n }, object) : CKR_ARGUMENTS_BAD;
}

CK_RV C_CopyObject(CK_SESSION_HANDLE h, CK_OBJECT_HANDLE from, CK_ATTRIBUTE *attrs, CK_ULONG n,
                   CK_OBJECT_HANDLE *to)
{
    ENTER(h);
    return to ? p11_copy(c.m, c.s, from, (struct p11_template){ attrs, n }, to) : CKR_ARGUMENTS_BAD;
}

CK_RV C_GetObjectSize(CK_SESSION_HANDLE h, CK_OBJECT_HANDLE object, CK_ULONG *size)
{
    ENTER(h);
    return size ? p11_object_size(c.m, object, size) : CKR_ARGUMENTS_BAD;
}

CK_RV C_SetAttributeValue(CK_SESSION_HANDLE h, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *attrs, CK_ULONG n)
{
    ENTER(h);
    return p11_set_attributes(c.m, c.s, object, (struct p11_template){ attrs, n });
}
