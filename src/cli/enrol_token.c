/* sedgectl enrol: the token, through its PKCS#11 module by dlopen as any program does. PKCS#11 v2.40. */
#include "cli/enrol.h"

#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <stdio.h>
#include <string.h>

#define SLOTS_MAX 64u

struct enrol_token {
    CK_FUNCTION_LIST *p11;
    CK_SESSION_HANDLE session;
};

static err_t load(struct enrol *o, struct enrol_token *t)
{
    CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };
    CK_C_GetFunctionList get_list;
    void *handle = dlopen(o->module, RTLD_NOW | RTLD_LOCAL); /* stays: OpenSSL's engine uses it, too */
    void *symbol = handle ? dlsym(handle, "C_GetFunctionList") : NULL;
    CK_RV rv;

    if (!handle)
        return ENROL_FAIL(o, ERR_NOT_FOUND, "the PKCS#11 module cannot be loaded: %s (--module)", dlerror());
    memcpy(&get_list, &symbol, sizeof(get_list)); /* ISO C has no cast from data to function pointer */
    if (!symbol || get_list(&t->p11) != CKR_OK || !t->p11)
        return ENROL_FAIL(o, ERR_UNSUPPORTED, "%s is no PKCS#11 module (--module)", o->module);
    rv = t->p11->C_Initialize(&args);
    if (rv != CKR_OK && rv != CKR_CRYPTOKI_ALREADY_INITIALIZED)
        return ENROL_FAIL(o, ERR_UNAVAILABLE, "%s: C_Initialize gave 0x%lx", o->module, rv);
    return ERR_OK;
}

static bool has_label(const CK_TOKEN_INFO *info, const char *label)
{
    size_t n = sizeof(info->label);

    while (n && info->label[n - 1] == ' ')
        n--;
    return n == strlen(label) && memcmp(info->label, label, n) == 0;
}

static err_t find_slot(struct enrol *o, const struct enrol_token *t, CK_SLOT_ID *ret)
{
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG n = SLOTS_MAX;
    CK_TOKEN_INFO info;

    if (t->p11->C_GetSlotList(CK_TRUE, slots, &n) != CKR_OK)
        n = 0;
    for (CK_ULONG i = 0; i < n; i++) {
        if (t->p11->C_GetTokenInfo(slots[i], &info) == CKR_OK && has_label(&info, o->slot)) {
            *ret = slots[i];
            return ERR_OK;
        }
    }
    return ENROL_FAIL(o, ERR_NOT_FOUND,
                      "%s has no token with label \"%s\" (%lu with a token): is the chip there? sedgectl "
                      "doctor tells more",
                      o->module, o->slot, n);
}

static err_t login(struct enrol *o, const struct enrol_token *t)
{
    struct slice pin = secret_expose_bytes(o->pin);
    CK_RV rv = t->p11->C_Login(t->session, CKU_USER, (CK_UTF8CHAR *)(uintptr_t)pin.p, pin.n);

    if (rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN)
        return ERR_OK;
    return ENROL_FAIL(o, ERR_AUTH, "the token did not take the PIN of %s: %s", o->pin_file,
                      rv == CKR_PIN_LOCKED      ? "it is locked"
                      : rv == CKR_PIN_INCORRECT ? "wrong PIN; it is not tried again, that would lock it"
                                                : "see sedgectl doctor");
}

err_t enrol_token_open(struct enrol *o)
{
    struct enrol_token *t = mem_calloc(1, sizeof(*t));
    CK_SLOT_ID slot = 0;
    CK_RV rv;
    err_t e;

    if (!t)
        return ERR_NOMEM;
    o->token = t;
    if ((e = load(o, t)) || (e = find_slot(o, t, &slot)))
        return e;
    rv = t->p11->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &t->session);
    if (rv != CKR_OK)
        return ENROL_FAIL(o, ERR_UNAVAILABLE, "no session with the token: C_OpenSession gave 0x%lx", rv);
    return login(o, t);
}

void enrol_token_close(struct enrol_token *t)
{
    if (t && t->p11 && t->session)
        (void)t->p11->C_CloseSession(t->session);
    free(t);
}

/* ---- objects ---- */

#define ATTR(type, p, n) ((CK_ATTRIBUTE){ (type), (void *)(uintptr_t)(p), (n) })

/* *ret CK_INVALID_HANDLE: there is none. */
static err_t find(struct enrol *o, CK_ATTRIBUTE *wanted, CK_ULONG n, CK_OBJECT_HANDLE *ret)
{
    const struct enrol_token *t = o->token;
    CK_ULONG found = 0;
    CK_RV rv = t->p11->C_FindObjectsInit(t->session, wanted, n);

    *ret = CK_INVALID_HANDLE;
    if (rv == CKR_OK) {
        rv = t->p11->C_FindObjects(t->session, ret, 1, &found);
        (void)t->p11->C_FindObjectsFinal(t->session);
    }
    if (rv != CKR_OK)
        return ENROL_FAIL(o, ERR_UNAVAILABLE, "the token cannot be searched: 0x%lx", rv);
    if (!found)
        *ret = CK_INVALID_HANDLE;
    return ERR_OK;
}

/* prime256v1, RFC 5480 2.1.1.1 */
static const uint8_t p256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
static const uint8_t f4[] = { 1, 0, 1 };

static CK_RV generate(const struct enrol *o)
{
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_ULONG bits = 2048;
    size_t n = strlen(o->key_label);
    bool rsa = strcmp(o->key_type, "rsa") == 0;
    CK_MECHANISM mech = { rsa ? CKM_RSA_PKCS_KEY_PAIR_GEN : CKM_EC_KEY_PAIR_GEN, NULL, 0 };
    CK_ATTRIBUTE public[] = { ATTR(CKA_TOKEN, &yes, sizeof(yes)), ATTR(CKA_LABEL, o->key_label, n),
                              ATTR(CKA_VERIFY, &yes, sizeof(yes)),
                              rsa ? ATTR(CKA_MODULUS_BITS, &bits, sizeof(bits))
                                  : ATTR(CKA_EC_PARAMS, p256, sizeof(p256)),
                              ATTR(CKA_PUBLIC_EXPONENT, f4, sizeof(f4)) };
    CK_ATTRIBUTE private[] = { ATTR(CKA_TOKEN, &yes, sizeof(yes)),     ATTR(CKA_LABEL, o->key_label, n),
                               ATTR(CKA_PRIVATE, &yes, sizeof(yes)),   ATTR(CKA_SENSITIVE, &yes, sizeof(yes)),
                               ATTR(CKA_EXTRACTABLE, &no, sizeof(no)), ATTR(CKA_SIGN, &yes, sizeof(yes)) };
    CK_OBJECT_HANDLE a, b;

    return o->token->p11->C_GenerateKeyPair(o->token->session, &mech, public,
                                            ARRAY_LEN(public) - (rsa ? 0 : 1), private, ARRAY_LEN(private),
                                            &a, &b);
}

err_t enrol_token_key(struct enrol *o, bool *ret_made)
{
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE wanted[] = { ATTR(CKA_CLASS, &class, sizeof(class)),
                              ATTR(CKA_LABEL, o->key_label, strlen(o->key_label)) };
    CK_OBJECT_HANDLE key;
    CK_RV rv;
    err_t e = find(o, wanted, ARRAY_LEN(wanted), &key);

    if (e)
        return e;
    *ret_made = key == CK_INVALID_HANDLE;
    if (!*ret_made)
        return ERR_OK;
    rv = generate(o);
    return rv == CKR_OK ? ERR_OK
                        : ENROL_FAIL(o, ERR_UNAVAILABLE,
                                     "the token did not make a key pair: C_GenerateKeyPair gave 0x%lx", rv);
}

static err_t create(struct enrol *o, struct slice der, struct slice subject)
{
    CK_OBJECT_CLASS class = CKO_CERTIFICATE;
    CK_CERTIFICATE_TYPE type = CKC_X_509;
    CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE attrs[] = {
        ATTR(CKA_CLASS, &class, sizeof(class)),  ATTR(CKA_CERTIFICATE_TYPE, &type, sizeof(type)),
        ATTR(CKA_TOKEN, &yes, sizeof(yes)),      ATTR(CKA_LABEL, o->hash, strlen(o->hash)),
        ATTR(CKA_SUBJECT, subject.p, subject.n), ATTR(CKA_VALUE, der.p, der.n),
    };
    CK_OBJECT_HANDLE made;
    CK_RV rv = o->token->p11->C_CreateObject(o->token->session, attrs, ARRAY_LEN(attrs), &made);

    return rv == CKR_OK ? ERR_OK
                        : ENROL_FAIL(o, ERR_UNAVAILABLE,
                                     "the token did not take the certificate: C_CreateObject gave 0x%lx", rv);
}

/* Labelled by the certificate's hash as its file is: a key's label may be the id of an object in the chip,
 * which has room for one. */
err_t enrol_token_certificate(struct enrol *o, bool *ret_made)
{
    autobuf der = BUF_INIT(CRYPTO_CERT_MAX);
    CK_OBJECT_CLASS class = CKO_CERTIFICATE;
    CK_OBJECT_HANDLE there;
    const uint8_t *subject = NULL;
    size_t subject_n = 0;
    err_t e = crypto_cert_der(o->cert, &der);

    if (e)
        return e;
    CK_ATTRIBUTE wanted[] = { ATTR(CKA_CLASS, &class, sizeof(class)),
                              ATTR(CKA_LABEL, o->hash, strlen(o->hash)) };
    if ((e = find(o, wanted, ARRAY_LEN(wanted), &there)))
        return e;
    *ret_made = there == CK_INVALID_HANDLE;
    if (!*ret_made)
        return ERR_OK;
    if (X509_NAME_get0_der(X509_get_subject_name(o->cert), &subject, &subject_n) != 1)
        return ERR_CRYPTO;
    return create(o, buf_slice(&der), slice_of(subject, subject_n));
}
