/* Sessions, login, PINs. PKCS#11 v2.40 §5.5, §5.6; v3.0 §5.6. */
#include "pkcs11/entry.h"
#include "pkcs11/find.h"
#include "pkcs11/pin.h"

CK_RV C_OpenSession(CK_SLOT_ID slot, CK_FLAGS flags, void *application, CK_NOTIFY notify,
                    CK_SESSION_HANDLE *session)
{
    MODULE_OR_RETURN(m);
    if (slot != P11_SLOT_ID)
        return CKR_SLOT_ID_INVALID;
    if (!session)
        return CKR_ARGUMENTS_BAD;
    if (!(flags & CKF_SERIAL_SESSION))
        return CKR_SESSION_PARALLEL_NOT_SUPPORTED;
    if (!p11_device_present(m->device))
        return CKR_TOKEN_NOT_PRESENT;
    return p11_session_open(m->sessions, (flags & CKF_RW_SESSION) != 0, session);
}

/* The last session takes the login with it (§6.7.4): in the chip, too. */
static void after_close(struct p11_module *m)
{
    if (!p11_logged_in_any(m->sessions))
        p11_pin_logout(m);
}

CK_RV C_CloseSession(CK_SESSION_HANDLE h)
{
    MODULE_OR_RETURN(m);
    CK_RV rv = p11_session_close(m->sessions, h);
    if (rv == CKR_OK) {
        p11_objects_drop_session(m->objects, h);
        after_close(m);
    }
    return rv;
}

CK_RV C_CloseAllSessions(CK_SLOT_ID slot)
{
    MODULE_OR_RETURN(m);
    if (slot != P11_SLOT_ID)
        return CKR_SLOT_ID_INVALID;
    p11_session_close_all(m->sessions);
    p11_objects_drop_sessions(m->objects, false);
    after_close(m);
    return CKR_OK;
}

CK_RV C_GetSessionInfo(CK_SESSION_HANDLE h, CK_SESSION_INFO *info)
{
    CK_SESSION_INFO found;

    MODULE_OR_RETURN(m);
    CK_RV rv = p11_session_info(m->sessions, h, &found);
    if (rv != CKR_OK)
        return rv;
    if (!info)
        return CKR_ARGUMENTS_BAD;
    *info = found;
    return CKR_OK;
}

CK_RV C_Login(CK_SESSION_HANDLE h, CK_USER_TYPE user, CK_UTF8CHAR *pin, CK_ULONG pin_len)
{
    MODULE_OR_RETURN(m);
    CK_RV rv = p11_login_check(m->sessions, h, user);
    if (rv != CKR_OK)
        return rv;
    if (!bytes_ok(pin, pin_len))
        return CKR_ARGUMENTS_BAD;
    rv = p11_pin_login(m, user, slice_of(pin, pin_len));
    if (rv != CKR_OK)
        return rv;
    rv = p11_login_set(m->sessions, h, user);
    if (rv != CKR_OK)
        after_close(m); /* another thread closed the session meanwhile: nobody is logged in */
    return rv;
}

CK_RV C_Logout(CK_SESSION_HANDLE h)
{
    MODULE_OR_RETURN(m);
    CK_RV rv = p11_logout(m->sessions, h);
    if (rv == CKR_OK) {
        p11_objects_drop_sessions(m->objects, true);
        p11_pin_logout(m);
    }
    return rv;
}

/* The token has one user without a name; a name cannot be right. */
CK_RV C_LoginUser(CK_SESSION_HANDLE h, CK_USER_TYPE user, CK_UTF8CHAR *pin, CK_ULONG pin_n, CK_UTF8CHAR *name,
                  CK_ULONG name_n)
{
    MODULE_OR_RETURN(m);
    CK_RV rv = p11_login_check(m->sessions, h, user);
    if (rv != CKR_OK)
        return rv;
    if (!bytes_ok(name, name_n))
        return CKR_ARGUMENTS_BAD;
    return name_n ? CKR_USER_TYPE_INVALID : C_Login(h, user, pin, pin_n);
}

/* v3.0 §5.6.10: ends what is named and running; nothing running is fine. */
CK_RV C_SessionCancel(CK_SESSION_HANDLE h, CK_FLAGS flags)
{
    static const CK_FLAGS of_kind[P11_OP_KINDS] = {
        [P11_OP_SIGN] = CKF_SIGN,       [P11_OP_VERIFY] = CKF_VERIFY, [P11_OP_ENCRYPT] = CKF_ENCRYPT,
        [P11_OP_DECRYPT] = CKF_DECRYPT, [P11_OP_DIGEST] = CKF_DIGEST,
    };

    ENTER(h);
    for (size_t i = 0; i < P11_OP_KINDS; i++) {
        if (flags & of_kind[i])
            p11_op_end(&c.s->op[i]);
    }
    if (flags & CKF_FIND_OBJECTS && c.s->finding)
        (void)p11_find_final(c.s); /* it is running: cannot fail */
    return CKR_OK;
}

CK_RV C_InitToken(CK_SLOT_ID slot, CK_UTF8CHAR *pin, CK_ULONG pin_n, CK_UTF8CHAR *label)
{
    CK_ULONG all = 0, rw = 0;

    MODULE_OR_RETURN(m);
    if (slot != P11_SLOT_ID)
        return CKR_SLOT_ID_INVALID;
    if (!pin || !label)
        return CKR_ARGUMENTS_BAD;
    p11_session_counts(m->sessions, &all, &rw);
    return all ? CKR_SESSION_EXISTS : p11_pin_init_token(m, slice_of(pin, pin_n), label);
}

CK_RV C_InitPIN(CK_SESSION_HANDLE h, CK_UTF8CHAR *pin, CK_ULONG pin_n)
{
    ENTER(h);
    if (!p11_logged_in_as(c.m->sessions, CKU_SO))
        return CKR_USER_NOT_LOGGED_IN;
    return pin ? p11_pin_init_user(c.m, slice_of(pin, pin_n)) : CKR_ARGUMENTS_BAD;
}

/* §5.5.8: of whoever is logged in; of the user when nobody is. */
CK_RV C_SetPIN(CK_SESSION_HANDLE h, CK_UTF8CHAR *old, CK_ULONG old_n, CK_UTF8CHAR *pin, CK_ULONG pin_n)
{
    ENTER(h);
    if (!c.s->rw)
        return CKR_SESSION_READ_ONLY;
    if (!old || !pin)
        return CKR_ARGUMENTS_BAD;
    CK_USER_TYPE user = p11_logged_in_as(c.m->sessions, CKU_SO) ? CKU_SO : CKU_USER;
    return p11_pin_change(c.m, user, slice_of(old, old_n), slice_of(pin, pin_n));
}

/* Operations hold handles of OpenSSL and of the chip: they cannot be taken out and put back. */
CK_RV C_GetOperationState(CK_SESSION_HANDLE h, CK_BYTE *state, CK_ULONG *n)
{
    return p11_refuse(h);
}

CK_RV C_SetOperationState(CK_SESSION_HANDLE h, CK_BYTE *state, CK_ULONG n, CK_OBJECT_HANDLE enc,
                          CK_OBJECT_HANDLE auth)
{
    return p11_refuse(h);
}
