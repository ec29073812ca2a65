/* src/pkcs11/entry.h - what every Cryptoki entry point does first. For the files entry_*.c only.
 *
 * Nothing but C_GetFunctionList, C_GetInterface and C_GetInterfaceList is visible to the loader; the other
 * functions go out through the tables of entry.c. Which file has which: entry_general.c (life, slots,
 * mechanism lists), entry_session.c (sessions, login, PINs), entry_object.c (objects, search),
 * entry_key.c (generate, wrap, derive, random), entry_sign.c, entry_crypt.c (encrypt, decrypt, digest),
 * entry_message.c (the message functions of 3.0). PKCS#11 v2.40 §5, v3.0 §5.
 */
#pragma once
#include "pkcs11/module.h"

struct p11_call {
    struct p11_module *m;
    struct p11_session *s;
};

static inline void p11_call_leave(struct p11_call *c)
{
    if (c->s)
        p11_session_leave(c->m->sessions, c->s);
}

/* CKR_CRYPTOKI_NOT_INITIALIZED, then CKR_SESSION_HANDLE_INVALID before anything else (§5.1.4). */
static inline CK_RV p11_call_enter(struct p11_call *c, CK_SESSION_HANDLE h)
{
    c->m = p11_module_get();
    return c->m ? p11_session_enter(c->m->sessions, h, &c->s) : CKR_CRYPTOKI_NOT_INITIALIZED;
}

/* Declares `c`: module and session, locked until the function returns. */
#define ENTER(h)                                                        \
    __attribute__((cleanup(p11_call_leave))) struct p11_call c = { 0 }; \
    do {                                                                \
        CK_RV enter_rv = p11_call_enter(&c, h);                         \
        if (enter_rv != CKR_OK)                                         \
            return enter_rv;                                            \
    } while (0)

#define MODULE_OR_RETURN(m)                      \
    struct p11_module *m = p11_module_get();     \
    do {                                         \
        if (!m)                                  \
            return CKR_CRYPTOKI_NOT_INITIALIZED; \
    } while (0)

/* Bytes that a caller announces: NULL is fine for none. */
static inline bool bytes_ok(const void *p, CK_ULONG n)
{
    return p || n == 0;
}

/* A call with bad arguments ends the operation it belongs to (§5.2 leaves no other way). */
static inline CK_RV bad_args(struct p11_call *c, enum p11_op_kind kind)
{
    if (!c->s->op[kind].active)
        return CKR_OPERATION_NOT_INITIALIZED;
    p11_op_end(&c->s->op[kind]);
    return CKR_ARGUMENTS_BAD;
}

/* A function that the token does not have, on a session that exists. */
static inline CK_RV p11_refuse(CK_SESSION_HANDLE h)
{
    ENTER(h);
    return CKR_FUNCTION_NOT_SUPPORTED;
}

/* C_GetInfo as the 3.0 list has it: it differs in the version it tells. */
CK_RV p11_get_info_3_0(CK_INFO *info);
