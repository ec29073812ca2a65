/* Any calls of the whole 3.0 table in any order, with any handles, templates, lengths and NULL pointers, on a
 * chip model in this process. Nothing may read or write beyond what it was given (each buffer is its own
 * exactly sized allocation), and the module must come down clean.
 *
 * Input: bytes from which the calls are drawn. An input that begins with 'R' is a seed instead: four bytes,
 * and the calls are drawn from what a generator makes of them.
 */
#include "../../unit/pkcs11/model_chip.h"
#include "base/reader.h"
#include "pkcs11/entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CALLS_MAX 400
#define CALLS_OF_A_SEED 3000
#define BYTES_MAX 300
#define ATTRS_MAX 6
#define ARGS_MAX 10

/* ---- where the calls come from ---- */

struct source {
    struct reader in;
    bool seeded;
    uint64_t state;
    CK_SESSION_HANDLE session; /* the last one opened */
    CK_OBJECT_HANDLE object;   /* the last one told */
    size_t after;              /* an Init that worked: what follows it in the table is next, mostly */
    void *given[ARGS_MAX * ATTRS_MAX];
    size_t n_given;
};

static uint8_t byte(struct source *s)
{
    if (!s->seeded)
        return reader_u8(&s->in);
    s->state = s->state * 6364136223846793005u + 1442695040888963407u; /* Knuth's MMIX */
    return (uint8_t)(s->state >> 56);
}

static unsigned below(struct source *s, unsigned n)
{
    return (unsigned)(byte(s) | byte(s) << 8) % n;
}

static bool rarely(struct source *s)
{
    return byte(s) < 12;
}

/* Exactly n bytes, freed after the call. */
static void *room(struct source *s, size_t n)
{
    if (s->n_given == ARRAY_LEN(s->given))
        return NULL;
    uint8_t *p = malloc(n ? n : 1);
    if (p)
        s->given[s->n_given++] = p;
    for (size_t i = 0; p && i < n; i++)
        p[i] = byte(s);
    return n && p ? p : NULL;
}

static void *number(struct source *s, CK_ULONG n)
{
    CK_ULONG *p = room(s, sizeof(n));

    if (p)
        *p = n;
    return p;
}

static size_t some_length(struct source *s)
{
    static const uint16_t lengths[] = { 0, 1, 4, 8, 12, 16, 20, 28, 32, 48, 64, 65, 128, 256, BYTES_MAX };
    return rarely(s) ? below(s, BYTES_MAX) : lengths[below(s, ARRAY_LEN(lengths))];
}

static CK_SESSION_HANDLE some_session(struct source *s)
{
    return rarely(s) ? below(s, 4) : s->session;
}

static CK_OBJECT_HANDLE some_object(struct source *s)
{
    return byte(s) < 100 ? s->object : below(s, 40);
}

/* ---- templates: types that mean something, values that often do ---- */

static const struct wanted {
    CK_ATTRIBUTE_TYPE type;
    char kind; /* f flag, n small number, b bytes, p curve */
} types[] = {
    { CKA_CLASS, 'n' },
    { CKA_TOKEN, 'f' },
    { CKA_PRIVATE, 'f' },
    { CKA_LABEL, 'b' },
    { CKA_ID, 'b' },
    { CKA_KEY_TYPE, 'n' },
    { CKA_VALUE, 'b' },
    { CKA_VALUE_LEN, 'n' },
    { CKA_EC_PARAMS, 'p' },
    { CKA_EC_POINT, 'b' },
    { CKA_SIGN, 'f' },
    { CKA_DECRYPT, 'f' },
    { CKA_SENSITIVE, 'f' },
    { CKA_EXTRACTABLE, 'f' },
    { CKA_MODULUS, 'b' },
    { CKA_APPLICATION, 'b' },
    { CKA_MODULUS_BITS, 'n' },
    { CKA_PUBLIC_EXPONENT, 'b' },
    { CKA_PRIME_1, 'b' },
    { CKA_ALWAYS_SENSITIVE, 'f' },
    { CKA_CERTIFICATE_TYPE, 'n' },
};

static const CK_ULONG numbers[] = { CKO_DATA,
                                    CKO_CERTIFICATE,
                                    CKO_PUBLIC_KEY,
                                    CKO_PRIVATE_KEY,
                                    CKO_SECRET_KEY,
                                    CKK_AES,
                                    CKK_EC,
                                    CKK_RSA,
                                    CKK_GENERIC_SECRET,
                                    16,
                                    32,
                                    512 };

static const struct slice curves[] = {
    SLICE_LIT("\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"),
    SLICE_LIT("\x06\x05\x2b\x81\x04\x00\x22"),
    SLICE_LIT("\x06\x03\x2b\x65\x70"),
    SLICE_LIT("\x06\x03\x2b\x65\x6e"),
};

static void some_attribute(struct source *s, CK_ATTRIBUTE *a)
{
    const struct wanted *w = &types[below(s, ARRAY_LEN(types))];
    struct slice curve = curves[below(s, ARRAY_LEN(curves))];
    size_t n = w->kind == 'f'   ? 1
               : w->kind == 'n' ? sizeof(CK_ULONG)
               : w->kind == 'p' ? curve.n
                                : some_length(s);

    if (rarely(s))
        n = some_length(s);
    *a = (CK_ATTRIBUTE){ rarely(s) ? below(s, 0x700) : w->type, room(s, n), n };
    if (a->pValue && w->kind == 'n' && n == sizeof(CK_ULONG))
        memcpy(a->pValue, &numbers[below(s, ARRAY_LEN(numbers))], n);
    if (a->pValue && w->kind == 'f')
        *(CK_BYTE *)a->pValue &= 1;
    if (a->pValue && w->kind == 'p' && n == curve.n)
        memcpy(a->pValue, curve.p, n);
    if (rarely(s))
        a->pValue = NULL;
}

static CK_ATTRIBUTE *some_template(struct source *s, CK_ULONG *ret_n)
{
    *ret_n = below(s, ATTRS_MAX);
    CK_ATTRIBUTE *t = room(s, *ret_n * sizeof(*t));

    for (CK_ULONG i = 0; t && i < *ret_n; i++)
        some_attribute(s, &t[i]);
    return rarely(s) ? NULL : t;
}

static CK_MECHANISM *some_mechanism(struct source *s)
{
    static const CK_MECHANISM_TYPE mechs[] = {
        CKM_ECDSA,   CKM_ECDSA_SHA256, CKM_EC_KEY_PAIR_GEN, CKM_AES_KEY_GEN,
        CKM_SHA256,  CKM_AES_CBC_PAD,  CKM_SHA256_HMAC,     CKM_ECDH1_DERIVE,
        CKM_AES_GCM, CKM_RSA_PKCS,     CKM_AES_CMAC,        CKM_EDDSA,
        CKM_AES_CTR, CKM_RSA_PKCS_PSS, CKM_AES_ECB,         CKM_GENERIC_SECRET_KEY_GEN
    };
    CK_MECHANISM *m = room(s, sizeof(*m));
    size_t n = byte(s) < 128 ? 0 : some_length(s);

    if (m)
        *m = (CK_MECHANISM){ mechs[below(s, ARRAY_LEN(mechs))], n ? room(s, n) : NULL, n };
    /* Parameters with pointers in them: only as many bytes as cannot be taken for one. */
    if (m && (m->mechanism == CKM_AES_GCM || m->mechanism == CKM_ECDH1_DERIVE) && n != 16)
        m->ulParameterLen = n % 16;
    return rarely(s) ? NULL : m;
}

/* ---- the functions, with the shapes of their arguments ---- */

static const struct function {
    size_t at; /* in the table */
    const char *shape;
} functions[] = {
#define F(name, shape)                                  \
    {                                                   \
        offsetof(CK_FUNCTION_LIST_3_0, C_##name), shape \
    }
    /* s session, l slot, u number, f flags, i bytes, w room and length, t template, m mechanism, k object
     * handle, K handle told, H handle of a session told, I info, L list and length, N number told, x NULL */
    F(GetInfo, "I"),
    F(GetSlotList, "uL"),
    F(GetSlotInfo, "lI"),
    F(GetTokenInfo, "lI"),
    F(GetMechanismList, "lL"),
    F(GetMechanismInfo, "luI"),
    F(InitToken, "liI"),
    F(InitPIN, "si"),
    F(SetPIN, "sii"),
    F(OpenSession, "lfxxH"),
    F(OpenSession, "lfxxH"),
    F(CloseSession, "s"),
    F(CloseAllSessions, "l"),
    F(GetSessionInfo, "sI"),
    F(GetOperationState, "sw"),
    F(SetOperationState, "sikk"),
    F(Login, "sui"),
    F(Logout, "s"),
    F(CreateObject, "stK"),
    F(CreateObject, "stK"),
    F(CopyObject, "sktK"),
    F(DestroyObject, "sk"),
    F(GetObjectSize, "skN"),
    F(GetAttributeValue, "skt"),
    F(SetAttributeValue, "skt"),
    F(FindObjectsInit, "st"),
    F(FindObjects, "sKuN"),
    F(FindObjectsFinal, "s"),
    F(EncryptInit, "smk"),
    F(Encrypt, "siw"),
    F(EncryptUpdate, "siw"),
    F(EncryptFinal, "sw"),
    F(DecryptInit, "smk"),
    F(Decrypt, "siw"),
    F(DecryptUpdate, "siw"),
    F(DecryptFinal, "sw"),
    F(DigestInit, "sm"),
    F(Digest, "siw"),
    F(DigestUpdate, "si"),
    F(DigestKey, "sk"),
    F(DigestFinal, "sw"),
    F(SignInit, "smk"),
    F(Sign, "siw"),
    F(SignUpdate, "si"),
    F(SignFinal, "sw"),
    F(SignRecoverInit, "smk"),
    F(SignRecover, "siw"),
    F(VerifyInit, "smk"),
    F(Verify, "sii"),
    F(VerifyUpdate, "si"),
    F(VerifyFinal, "si"),
    F(VerifyRecoverInit, "smk"),
    F(VerifyRecover, "siw"),
    F(DigestEncryptUpdate, "siw"),
    F(DecryptDigestUpdate, "siw"),
    F(SignEncryptUpdate, "siw"),
    F(DecryptVerifyUpdate, "siw"),
    F(GenerateKey, "smtK"),
    F(GenerateKeyPair, "smttKK"),
    F(WrapKey, "smkkw"),
    F(UnwrapKey, "smkitK"),
    F(DeriveKey, "smktK"),
    F(SeedRandom, "si"),
    F(GenerateRandom, "si"),
    F(GetFunctionStatus, "s"),
    F(CancelFunction, "s"),
    F(WaitForSlotEvent, "fNx"),
    F(LoginUser, "suii"),
    F(SessionCancel, "sf"),
    F(MessageEncryptInit, "smk"),
    F(EncryptMessage, "siiiw"),
    F(EncryptMessageBegin, "sii"),
    F(EncryptMessageNext, "siiwf"),
    F(MessageEncryptFinal, "s"),
    F(MessageDecryptInit, "smk"),
    F(DecryptMessage, "siiiw"),
    F(DecryptMessageBegin, "sii"),
    F(DecryptMessageNext, "siiwf"),
    F(MessageDecryptFinal, "s"),
    F(MessageSignInit, "smk"),
    F(SignMessage, "siiw"),
    F(SignMessageBegin, "si"),
    F(SignMessageNext, "siiw"),
    F(MessageSignFinal, "s"),
    F(MessageVerifyInit, "smk"),
    F(VerifyMessage, "siii"),
    F(VerifyMessageBegin, "si"),
    F(VerifyMessageNext, "siii"),
    F(MessageVerifyFinal, "s"),
    F(Initialize, "x"),
    F(Finalize, "x"),
};

struct arguments {
    uintptr_t v[ARGS_MAX];
    size_t n;
    CK_OBJECT_HANDLE *object;
    CK_SESSION_HANDLE *session;
    const CK_MECHANISM *mech;
};

static void add(struct arguments *a, uintptr_t v)
{
    if (a->n < ARGS_MAX)
        a->v[a->n++] = v;
}

static void add_room(struct source *s, struct arguments *a, size_t unit)
{
    size_t n = some_length(s) / (unit > 1 ? 4 : 1);

    add(a, (uintptr_t)(rarely(s) ? NULL : room(s, n * unit)));
    add(a, (uintptr_t)(rarely(s) ? NULL : number(s, n)));
}

static void add_bytes(struct source *s, struct arguments *a)
{
    size_t n = byte(s) < 60 ? 4 : some_length(s);
    uint8_t *p = room(s, n);

    if (p && n == 4)
        memcpy(p, "1234", 4); /* a PIN, now and then */
    add(a, (uintptr_t)p);
    add(a, n);
}

static void add_argument(struct source *s, struct arguments *a, char shape)
{
    static const CK_FLAGS flags[] = { CKF_SERIAL_SESSION, CKF_SERIAL_SESSION | CKF_RW_SESSION, 0,
                                      CKF_DONT_BLOCK, 0x7fff };
    CK_ULONG n = 0;

    switch (shape) {
    case 's':
        return add(a, some_session(s));
    case 'l':
        return add(a, rarely(s) ? below(s, 3) : P11_SLOT_ID);
    case 'u':
        return add(a, below(s, 4));
    case 'f':
        return add(a, flags[below(s, ARRAY_LEN(flags))]);
    case 'k':
        return add(a, some_object(s));
    case 'i':
        return add_bytes(s, a);
    case 'w':
        return add_room(s, a, 1);
    case 'L':
        return add_room(s, a, sizeof(CK_ULONG));
    case 't': {
        CK_ATTRIBUTE *t = some_template(s, &n);
        add(a, (uintptr_t)t);
        return add(a, n);
    }
    case 'm':
        a->mech = some_mechanism(s);
        return add(a, (uintptr_t)a->mech);
    case 'K': /* room for the three that FindObjects may be asked for */
        a->object = rarely(s) ? NULL : room(s, 4 * sizeof(CK_OBJECT_HANDLE));
        return add(a, (uintptr_t)a->object);
    case 'H':
        a->session = rarely(s) ? NULL : room(s, sizeof(CK_SESSION_HANDLE));
        return add(a, (uintptr_t)a->session);
    case 'I':
        return add(a, (uintptr_t)(rarely(s) ? NULL : room(s, sizeof(CK_TOKEN_INFO))));
    case 'N':
        return add(a, (uintptr_t)(rarely(s) ? NULL : number(s, 0)));
    default:
        return add(a, 0);
    }
}

typedef CK_RV any_function(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t,
                           uintptr_t, uintptr_t, uintptr_t);

/* All arguments are integers or pointers, which every calling convention we run on passes alike. */
static CK_RV call(const CK_FUNCTION_LIST_3_0 *table, const struct function *f, const struct arguments *a)
{
    any_function *fn;
    const uintptr_t *v = a->v;

    memcpy(&fn, (const char *)table + f->at, sizeof(fn));
    return fn(v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8], v[9]);
}

static void one_call(struct source *s, const CK_FUNCTION_LIST_3_0 *table)
{
    size_t i = below(s, ARRAY_LEN(functions));
    struct arguments a = { 0 };

    if (s->after && byte(s) < 180 && s->after + 4 < ARRAY_LEN(functions))
        i = s->after + below(s, 4);
    const struct function *f = &functions[i];

    for (const char *c = f->shape; *c; c++)
        add_argument(s, &a, *c);
    CK_RV rv = call(table, f, &a);
    if (rv == CKR_OK && a.session)
        s->session = *a.session;
    if (rv == CKR_OK && a.object)
        s->object = *a.object;
    s->after = rv == CKR_OK ? i : 0;
    while (s->n_given)
        free(s->given[--s->n_given]);
}

/* A program that lost its session opens another one, mostly. */
static void heal(struct source *s, const CK_FUNCTION_LIST_3_0 *table)
{
    CK_SESSION_INFO info;

    if (table->C_GetSessionInfo(s->session, &info) == CKR_OK || rarely(s))
        return;
    (void)table->C_Initialize(NULL);
    (void)table->C_OpenSession(P11_SLOT_ID, CKF_SERIAL_SESSION | (rarely(s) ? 0 : CKF_RW_SESSION), NULL, NULL,
                               &s->session);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct source s = { .in = reader_of(slice_of(data, size)) };
    CK_VERSION v30 = { 3, 0 };
    CK_INTERFACE *found = NULL;

    if (C_GetInterface(NULL, &v30, &found, 0) != CKR_OK)
        abort();
    const CK_FUNCTION_LIST_3_0 *table = found->pFunctionList;
    if (size == 5 && data[0] == 'R') {
        (void)reader_u8(&s.in);
        s.state = reader_be32(&s.in);
        s.seeded = true;
    }
    if (!model_power_on())
        abort();
    for (int i = 0; s.seeded ? i < CALLS_OF_A_SEED : i < CALLS_MAX && !reader_empty(&s.in); i++) {
        heal(&s, table);
        one_call(&s, table);
    }
    (void)table->C_Finalize(NULL);
    vse_applet_done(&model_applet);
    return 0;
}
