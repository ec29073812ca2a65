/* The Cryptoki entry points, one call each, and the tables that carry them. Nothing but C_GetFunctionList,
 * C_GetInterface and C_GetInterfaceList is visible to the loader. PKCS#11 v2.40 §5. */
#include "pkcs11/attr.h"
#include "pkcs11/crypt.h"
#include "pkcs11/digest.h"
#include "pkcs11/find.h"
#include "pkcs11/manage.h"
#include "pkcs11/pin.h"
#include "pkcs11/rv.h"
#include "pkcs11/sign.h"
#include "pkcs11/slot.h"

/* ---- what every call on a session does first ------------------------------------------------------- */

struct call {
    struct p11_module *m;
    struct p11_session *s;
};

static void leave(struct call *c)
{
    if (c->s)
        p11_session_leave(c->m->sessions, c->s);
}
#define auto_call __attribute__((cleanup(leave)))

/* CKR_CRYPTOKI_NOT_INITIALIZED, then CKR_SESSION_HANDLE_INVALID before anything else (§5.1.4). */
static CK_RV enter(struct call *c, CK_SESSION_HANDLE h)
{
    c->m = p11_module_get();
    return c->m ? p11_session_enter(c->m->sessions, h, &c->s) : CKR_CRYPTOKI_NOT_INITIALIZED;
}

#define ENTER(h)                       \
    auto_call struct call c = { 0 };   \
    do {                               \
        CK_RV enter_rv = enter(&c, h); \
        if (enter_rv != CKR_OK)        \
            return enter_rv;           \
    } while (0)

#define MODULE_OR_RETURN(m)                      \
    struct p11_module *m = p11_module_get();     \
    do {                                         \
        if (!m)                                  \
            return CKR_CRYPTOKI_NOT_INITIALIZED; \
    } while (0)

/* Bytes that a caller announces: NULL is fine for none. */
static bool bytes_ok(const void *p, CK_ULONG n)
{
    return p || n == 0;
}

/* A call with bad arguments ends the operation it belongs to (§5.2 leaves no other way). */
static CK_RV bad_args(struct call *c, enum p11_op_kind kind)
{
    if (!c->s->op[kind].active)
        return CKR_OPERATION_NOT_INITIALIZED;
    p11_op_end(&c->s->op[kind]);
    return CKR_ARGUMENTS_BAD;
}

/* ---- general, slots --------------------------------------------------------------------------------- */

static CK_RV c_initialize(void *args)
{
    return p11_module_open(args);
}

static CK_RV c_finalize(void *reserved)
{
    return reserved ? CKR_ARGUMENTS_BAD : p11_module_close();
}

static CK_RV c_get_info(CK_INFO *info)
{
    if (!p11_module_get())
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    if (!info)
        return CKR_ARGUMENTS_BAD;
    p11_library_info(info);
    return CKR_OK;
}

static CK_RV c_get_slot_list(CK_BBOOL present, CK_SLOT_ID *list, CK_ULONG *count)
{
    MODULE_OR_RETURN(m);
    return count ? p11_slot_list(m, present, list, count) : CKR_ARGUMENTS_BAD;
}

static CK_RV c_get_slot_info(CK_SLOT_ID slot, CK_SLOT_INFO *info)
{
    MODULE_OR_RETURN(m);
    return info ? p11_slot_info(m, slot, info) : CKR_ARGUMENTS_BAD;
}

static CK_RV c_get_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
    MODULE_OR_RETURN(m);
    return info ? p11_token_info(m, slot, info) : CKR_ARGUMENTS_BAD;
}

static CK_RV c_get_mechanism_list(CK_SLOT_ID slot, CK_MECHANISM_TYPE *list, CK_ULONG *count)
{
    if (!p11_module_get())
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    if (slot != P11_SLOT_ID)
        return CKR_SLOT_ID_INVALID;
    return count ? p11_mech_list(list, count) : CKR_ARGUMENTS_BAD;
}

static CK_RV c_get_mechanism_info(CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *info)
{
    struct p11_mech mech;

    if (!p11_module_get())
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    if (slot != P11_SLOT_ID)
        return CKR_SLOT_ID_INVALID;
    if (!info)
        return CKR_ARGUMENTS_BAD;
    CK_RV rv = p11_mech_find(type, 0, &mech);
    if (rv == CKR_OK)
        *info = mech.info;
    return rv;
}

/* ---- sessions and login ------------------------------------------------------------------------------ */

static CK_RV c_open_session(CK_SLOT_ID slot, CK_FLAGS flags, void *application, CK_NOTIFY notify,
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

static CK_RV c_close_session(CK_SESSION_HANDLE h)
{
    MODULE_OR_RETURN(m);
    return p11_session_close(m->sessions, h);
}

static CK_RV c_close_all_sessions(CK_SLOT_ID slot)
{
    MODULE_OR_RETURN(m);
    if (slot != P11_SLOT_ID)
        return CKR_SLOT_ID_INVALID;
    p11_session_close_all(m->sessions);
    return CKR_OK;
}

static CK_RV c_get_session_info(CK_SESSION_HANDLE h, CK_SESSION_INFO *info)
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

static CK_RV c_login(CK_SESSION_HANDLE h, CK_USER_TYPE user, CK_UTF8CHAR *pin, CK_ULONG pin_len)
{
    MODULE_OR_RETURN(m);
    CK_RV rv = p11_login_check(m->sessions, h, user);
    if (rv != CKR_OK)
        return rv;
    if (!bytes_ok(pin, pin_len))
        return CKR_ARGUMENTS_BAD;
    rv = p11_pin_check(slice_of(pin, pin_len));
    return rv == CKR_OK ? p11_login_set(m->sessions, h) : rv;
}

static CK_RV c_logout(CK_SESSION_HANDLE h)
{
    MODULE_OR_RETURN(m);
    return p11_logout(m->sessions, h);
}

/* ---- objects ------------------------------------------------------------------------------------------ */

static CK_RV c_get_attribute_value(CK_SESSION_HANDLE h, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *attrs,
                                   CK_ULONG n)
{
    struct p11_object o;

    ENTER(h);
    if (!bytes_ok(attrs, n))
        return CKR_ARGUMENTS_BAD;
    if (p11_objects_get(c.m->objects, object, &o) != ERR_OK)
        return CKR_OBJECT_HANDLE_INVALID;
    bool hidden = o.class == CKO_PRIVATE_KEY && !p11_logged_in(c.m->sessions); /* §6.7.2: not to be seen */
    CK_RV rv = hidden ? CKR_OBJECT_HANDLE_INVALID : p11_attr_get_all(&o, attrs, n);
    p11_key_unref(o.key);
    return rv;
}

static CK_RV c_destroy_object(CK_SESSION_HANDLE h, CK_OBJECT_HANDLE object)
{
    ENTER(h);
    return p11_destroy(c.m, c.s, object);
}

static CK_RV c_find_objects_init(CK_SESSION_HANDLE h, CK_ATTRIBUTE *attrs, CK_ULONG n)
{
    ENTER(h);
    return p11_find_init(c.m, c.s, attrs, n);
}

static CK_RV c_find_objects(CK_SESSION_HANDLE h, CK_OBJECT_HANDLE *out, CK_ULONG max, CK_ULONG *count)
{
    ENTER(h);
    if (!bytes_ok(out, max) || !count)
        return CKR_ARGUMENTS_BAD;
    return p11_find_next(c.s, out, max, count);
}

static CK_RV c_find_objects_final(CK_SESSION_HANDLE h)
{
    ENTER(h);
    return p11_find_final(c.s);
}

static CK_RV c_generate_key_pair(CK_SESSION_HANDLE h, CK_MECHANISM *mech, CK_ATTRIBUTE *public_attrs,
                                 CK_ULONG public_n, CK_ATTRIBUTE *private_attrs, CK_ULONG private_n,
                                 CK_OBJECT_HANDLE *public_key, CK_OBJECT_HANDLE *private_key)
{
    ENTER(h);
    if (!mech || !public_key || !private_key)
        return CKR_ARGUMENTS_BAD;
    return p11_generate_pair(c.m, c.s, mech, (struct p11_template){ public_attrs, public_n },
                             (struct p11_template){ private_attrs, private_n }, public_key, private_key);
}

/* ---- sign, verify ----------------------------------------------------------------------------------------
 */

static CK_RV c_sign_init(CK_SESSION_HANDLE h, CK_MECHANISM *mech, CK_OBJECT_HANDLE key)
{
    ENTER(h);
    return p11_sign_init(c.m, c.s, mech, key);
}

static CK_RV c_sign(CK_SESSION_HANDLE h, CK_BYTE *data, CK_ULONG n, CK_BYTE *sig, CK_ULONG *sig_n)
{
    ENTER(h);
    if (!bytes_ok(data, n) || !sig_n)
        return bad_args(&c, P11_OP_SIGN);
    return p11_sign(c.m, c.s, slice_of(data, n), sig, sig_n);
}

static CK_RV c_sign_update(CK_SESSION_HANDLE h, CK_BYTE *data, CK_ULONG n)
{
    ENTER(h);
    return bytes_ok(data, n) ? p11_sign_update(c.s, slice_of(data, n)) : bad_args(&c, P11_OP_SIGN);
}

static CK_RV c_sign_final(CK_SESSION_HANDLE h, CK_BYTE *sig, CK_ULONG *sig_n)
{
    ENTER(h);
    return sig_n ? p11_sign_final(c.m, c.s, sig, sig_n) : bad_args(&c, P11_OP_SIGN);
}

static CK_RV c_verify_init(CK_SESSION_HANDLE h, CK_MECHANISM *mech, CK_OBJECT_HANDLE key)
{
    ENTER(h);
    return p11_verify_init(c.m, c.s, mech, key);
}

static CK_RV c_verify(CK_SESSION_HANDLE h, CK_BYTE *data, CK_ULONG n, CK_BYTE *sig, CK_ULONG sig_n)
{
    ENTER(h);
    if (!bytes_ok(data, n) || !bytes_ok(sig, sig_n))
        return bad_args(&c, P11_OP_VERIFY);
    return p11_verify(c.m, c.s, slice_of(data, n), slice_of(sig, sig_n));
}

static CK_RV c_verify_update(CK_SESSION_HANDLE h, CK_BYTE *data, CK_ULONG n)
{
    ENTER(h);
    return bytes_ok(data, n) ? p11_verify_update(c.s, slice_of(data, n)) : bad_args(&c, P11_OP_VERIFY);
}

static CK_RV c_verify_final(CK_SESSION_HANDLE h, CK_BYTE *sig, CK_ULONG sig_n)
{
    ENTER(h);
    return bytes_ok(sig, sig_n) ? p11_verify_final(c.m, c.s, slice_of(sig, sig_n))
                                : bad_args(&c, P11_OP_VERIFY);
}

/* ---- encrypt, decrypt ------------------------------------------------------------------------------------
 */

static CK_RV crypt_init(CK_SESSION_HANDLE h, enum p11_op_kind kind, CK_MECHANISM *mech, CK_OBJECT_HANDLE key)
{
    ENTER(h);
    return p11_crypt_init(c.m, c.s, kind, mech, key);
}

static CK_RV crypt_whole(CK_SESSION_HANDLE h, enum p11_op_kind kind, CK_BYTE *in, CK_ULONG n, CK_BYTE *out,
                         CK_ULONG *out_n)
{
    ENTER(h);
    if (!bytes_ok(in, n) || !out_n)
        return bad_args(&c, kind);
    return p11_crypt(c.m, c.s, kind, slice_of(in, n), out, out_n);
}

static CK_RV crypt_update(CK_SESSION_HANDLE h, enum p11_op_kind kind, CK_BYTE *in, CK_ULONG n, CK_BYTE *out,
                          CK_ULONG *out_n)
{
    ENTER(h);
    if (!bytes_ok(in, n) || !out_n)
        return bad_args(&c, kind);
    return p11_crypt_update(c.s, kind, slice_of(in, n), out, out_n);
}

static CK_RV crypt_final(CK_SESSION_HANDLE h, enum p11_op_kind kind, CK_BYTE *out, CK_ULONG *out_n)
{
    ENTER(h);
    return out_n ? p11_crypt_final(c.m, c.s, kind, out, out_n) : bad_args(&c, kind);
}

static CK_RV c_encrypt_init(CK_SESSION_HANDLE h, CK_MECHANISM *mech, CK_OBJECT_HANDLE key)
{
    return crypt_init(h, P11_OP_ENCRYPT, mech, key);
}

static CK_RV c_encrypt(CK_SESSION_HANDLE h, CK_BYTE *in, CK_ULONG n, CK_BYTE *out, CK_ULONG *out_n)
{
    return crypt_whole(h, P11_OP_ENCRYPT, in, n, out, out_n);
}

static CK_RV c_encrypt_update(CK_SESSION_HANDLE h, CK_BYTE *in, CK_ULONG n, CK_BYTE *out, CK_ULONG *out_n)
{
    return crypt_update(h, P11_OP_ENCRYPT, in, n, out, out_n);
}

static CK_RV c_encrypt_final(CK_SESSION_HANDLE h, CK_BYTE *out, CK_ULONG *out_n)
{
    return crypt_final(h, P11_OP_ENCRYPT, out, out_n);
}

static CK_RV c_decrypt_init(CK_SESSION_HANDLE h, CK_MECHANISM *mech, CK_OBJECT_HANDLE key)
{
    return crypt_init(h, P11_OP_DECRYPT, mech, key);
}

static CK_RV c_decrypt(CK_SESSION_HANDLE h, CK_BYTE *in, CK_ULONG n, CK_BYTE *out, CK_ULONG *out_n)
{
    return crypt_whole(h, P11_OP_DECRYPT, in, n, out, out_n);
}

static CK_RV c_decrypt_update(CK_SESSION_HANDLE h, CK_BYTE *in, CK_ULONG n, CK_BYTE *out, CK_ULONG *out_n)
{
    return crypt_update(h, P11_OP_DECRYPT, in, n, out, out_n);
}

static CK_RV c_decrypt_final(CK_SESSION_HANDLE h, CK_BYTE *out, CK_ULONG *out_n)
{
    return crypt_final(h, P11_OP_DECRYPT, out, out_n);
}

/* ---- digest, random ---------------------------------------------------------------------------------------
 */

static CK_RV c_digest_init(CK_SESSION_HANDLE h, CK_MECHANISM *mech)
{
    ENTER(h);
    return p11_digest_init(c.m, c.s, mech);
}

static CK_RV c_digest(CK_SESSION_HANDLE h, CK_BYTE *data, CK_ULONG n, CK_BYTE *out, CK_ULONG *out_n)
{
    ENTER(h);
    if (!bytes_ok(data, n) || !out_n)
        return bad_args(&c, P11_OP_DIGEST);
    return p11_digest(c.s, slice_of(data, n), out, out_n);
}

static CK_RV c_digest_update(CK_SESSION_HANDLE h, CK_BYTE *data, CK_ULONG n)
{
    ENTER(h);
    return bytes_ok(data, n) ? p11_digest_update(c.s, slice_of(data, n)) : bad_args(&c, P11_OP_DIGEST);
}

static CK_RV c_digest_final(CK_SESSION_HANDLE h, CK_BYTE *out, CK_ULONG *out_n)
{
    ENTER(h);
    return out_n ? p11_digest_final(c.s, out, out_n) : bad_args(&c, P11_OP_DIGEST);
}

struct random {
    uint8_t *out;
    size_t n;
};

static err_t chip_random(struct se_chip *chip, void *arg)
{
    const struct random *r = arg;
    return se_chip_random(chip, r->out, r->n);
}

static CK_RV c_generate_random(CK_SESSION_HANDLE h, CK_BYTE *out, CK_ULONG n)
{
    ENTER(h);
    struct random r = { out, n };
    if (!bytes_ok(out, n))
        return CKR_ARGUMENTS_BAD;
    return n ? p11_rv_from_err(p11_device_do(c.m->device, chip_random, &r)) : CKR_OK;
}

static CK_RV c_seed_random(CK_SESSION_HANDLE h, CK_BYTE *seed, CK_ULONG n)
{
    ENTER(h);
    return CKR_RANDOM_SEED_NOT_SUPPORTED;
}

/* ---- what is not there
 * ------------------------------------------------------------------------------------- */

static CK_RV not_parallel(CK_SESSION_HANDLE h)
{
    return p11_module_get() ? CKR_FUNCTION_NOT_PARALLEL : CKR_CRYPTOKI_NOT_INITIALIZED;
}

/* One refusal for each signature, so that no table entry is NULL or of a wrong type. */
#define REFUSE(name, ...)                                                                    \
    static CK_RV name(__VA_ARGS__)                                                           \
    {                                                                                        \
        return p11_module_get() ? CKR_FUNCTION_NOT_SUPPORTED : CKR_CRYPTOKI_NOT_INITIALIZED; \
    }

REFUSE(no_init_token, CK_SLOT_ID slot, CK_UTF8CHAR *pin, CK_ULONG n, CK_UTF8CHAR *label)
REFUSE(no_pin, CK_SESSION_HANDLE h, CK_UTF8CHAR *pin, CK_ULONG n)
REFUSE(no_set_pin, CK_SESSION_HANDLE h, CK_UTF8CHAR *old, CK_ULONG old_n, CK_UTF8CHAR *pin, CK_ULONG n)
REFUSE(no_get_state, CK_SESSION_HANDLE h, CK_BYTE *state, CK_ULONG *n)
REFUSE(no_set_state, CK_SESSION_HANDLE h, CK_BYTE *state, CK_ULONG n, CK_OBJECT_HANDLE enc,
       CK_OBJECT_HANDLE auth)
REFUSE(no_create, CK_SESSION_HANDLE h, CK_ATTRIBUTE *attrs, CK_ULONG n, CK_OBJECT_HANDLE *object)
REFUSE(no_copy, CK_SESSION_HANDLE h, CK_OBJECT_HANDLE from, CK_ATTRIBUTE *attrs, CK_ULONG n,
       CK_OBJECT_HANDLE *to)
REFUSE(no_object_size, CK_SESSION_HANDLE h, CK_OBJECT_HANDLE object, CK_ULONG *size)
REFUSE(no_set_attribute, CK_SESSION_HANDLE h, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *attrs, CK_ULONG n)
REFUSE(no_digest_key, CK_SESSION_HANDLE h, CK_OBJECT_HANDLE key)
REFUSE(no_recover_init, CK_SESSION_HANDLE h, CK_MECHANISM *mech, CK_OBJECT_HANDLE key)
REFUSE(no_in_out, CK_SESSION_HANDLE h, CK_BYTE *in, CK_ULONG n, CK_BYTE *out, CK_ULONG *out_n)
REFUSE(no_generate_key, CK_SESSION_HANDLE h, CK_MECHANISM *mech, CK_ATTRIBUTE *attrs, CK_ULONG n,
       CK_OBJECT_HANDLE *key)
REFUSE(no_wrap, CK_SESSION_HANDLE h, CK_MECHANISM *mech, CK_OBJECT_HANDLE with, CK_OBJECT_HANDLE key,
       CK_BYTE *out, CK_ULONG *out_n)
REFUSE(no_unwrap, CK_SESSION_HANDLE h, CK_MECHANISM *mech, CK_OBJECT_HANDLE with, CK_BYTE *in, CK_ULONG in_n,
       CK_ATTRIBUTE *attrs, CK_ULONG n, CK_OBJECT_HANDLE *key)
REFUSE(no_derive, CK_SESSION_HANDLE h, CK_MECHANISM *mech, CK_OBJECT_HANDLE base, CK_ATTRIBUTE *attrs,
       CK_ULONG n, CK_OBJECT_HANDLE *key)
REFUSE(no_wait, CK_FLAGS flags, CK_SLOT_ID *slot, void *reserved)

/* ---- the tables
 * ---------------------------------------------------------------------------------------------- */

#define VISIBLE __attribute__((visibility("default")))

/* 2.40 whatever else comes: the device SDK refuses any other major, and minors below 20. */
static CK_FUNCTION_LIST functions = {
    .version = { 2, 40 },
    .C_Initialize = c_initialize,
    .C_Finalize = c_finalize,
    .C_GetInfo = c_get_info,
    .C_GetFunctionList = C_GetFunctionList,
    .C_GetSlotList = c_get_slot_list,
    .C_GetSlotInfo = c_get_slot_info,
    .C_GetTokenInfo = c_get_token_info,
    .C_GetMechanismList = c_get_mechanism_list,
    .C_GetMechanismInfo = c_get_mechanism_info,
    .C_InitToken = no_init_token,
    .C_InitPIN = no_pin,
    .C_SetPIN = no_set_pin,
    .C_OpenSession = c_open_session,
    .C_CloseSession = c_close_session,
    .C_CloseAllSessions = c_close_all_sessions,
    .C_GetSessionInfo = c_get_session_info,
    .C_GetOperationState = no_get_state,
    .C_SetOperationState = no_set_state,
    .C_Login = c_login,
    .C_Logout = c_logout,
    .C_CreateObject = no_create,
    .C_CopyObject = no_copy,
    .C_DestroyObject = c_destroy_object,
    .C_GetObjectSize = no_object_size,
    .C_GetAttributeValue = c_get_attribute_value,
    .C_SetAttributeValue = no_set_attribute,
    .C_FindObjectsInit = c_find_objects_init,
    .C_FindObjects = c_find_objects,
    .C_FindObjectsFinal = c_find_objects_final,
    .C_EncryptInit = c_encrypt_init,
    .C_Encrypt = c_encrypt,
    .C_EncryptUpdate = c_encrypt_update,
    .C_EncryptFinal = c_encrypt_final,
    .C_DecryptInit = c_decrypt_init,
    .C_Decrypt = c_decrypt,
    .C_DecryptUpdate = c_decrypt_update,
    .C_DecryptFinal = c_decrypt_final,
    .C_DigestInit = c_digest_init,
    .C_Digest = c_digest,
    .C_DigestUpdate = c_digest_update,
    .C_DigestKey = no_digest_key,
    .C_DigestFinal = c_digest_final,
    .C_SignInit = c_sign_init,
    .C_Sign = c_sign,
    .C_SignUpdate = c_sign_update,
    .C_SignFinal = c_sign_final,
    .C_SignRecoverInit = no_recover_init,
    .C_SignRecover = no_in_out,
    .C_VerifyInit = c_verify_init,
    .C_Verify = c_verify,
    .C_VerifyUpdate = c_verify_update,
    .C_VerifyFinal = c_verify_final,
    .C_VerifyRecoverInit = no_recover_init,
    .C_VerifyRecover = no_in_out,
    .C_DigestEncryptUpdate = no_in_out,
    .C_DecryptDigestUpdate = no_in_out,
    .C_SignEncryptUpdate = no_in_out,
    .C_DecryptVerifyUpdate = no_in_out,
    .C_GenerateKey = no_generate_key,
    .C_GenerateKeyPair = c_generate_key_pair,
    .C_WrapKey = no_wrap,
    .C_UnwrapKey = no_unwrap,
    .C_DeriveKey = no_derive,
    .C_SeedRandom = c_seed_random,
    .C_GenerateRandom = c_generate_random,
    .C_GetFunctionStatus = not_parallel,
    .C_CancelFunction = not_parallel,
    .C_WaitForSlotEvent = no_wait,
};

VISIBLE CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
    if (!list)
        return CKR_ARGUMENTS_BAD;
    *list = &functions;
    return CKR_OK;
}

/* PKCS#11 v3.0 §5.4.5, §5.4.6. Only the 2.40 list exists. */
static CK_UTF8CHAR interface_name[] = "PKCS 11";
static CK_INTERFACE interfaces[] = { { interface_name, &functions, 0 } };

CK_RV C_GetInterfaceList(CK_INTERFACE *list, CK_ULONG *count);
CK_RV C_GetInterface(CK_UTF8CHAR *name, CK_VERSION *version, CK_INTERFACE **interface, CK_FLAGS flags);

VISIBLE CK_RV C_GetInterfaceList(CK_INTERFACE *list, CK_ULONG *count)
{
    if (!count)
        return CKR_ARGUMENTS_BAD;
    CK_ULONG room = *count;
    *count = ARRAY_LEN(interfaces);
    if (!list)
        return CKR_OK;
    if (room < ARRAY_LEN(interfaces))
        return CKR_BUFFER_TOO_SMALL;
    memcpy(list, interfaces, sizeof(interfaces));
    return CKR_OK;
}

VISIBLE CK_RV C_GetInterface(CK_UTF8CHAR *name, CK_VERSION *version, CK_INTERFACE **interface, CK_FLAGS flags)
{
    if (!interface)
        return CKR_ARGUMENTS_BAD;
    if ((name && strcmp((const char *)name, (const char *)interface_name) != 0) ||
        (version &&
         (version->major != functions.version.major || version->minor != functions.version.minor)) ||
        (flags & ~interfaces[0].flags))
        return CKR_FUNCTION_FAILED;
    *interface = &interfaces[0];
    return CKR_OK;
}
