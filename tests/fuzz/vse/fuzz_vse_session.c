/* Commands in sessions, with state and secrets: whatever is asked, in the default session, in one of a UserID
 * or in one with secure messaging, no answer holds a secret of an object that forbids it, nor a key of the
 * part.
 *
 * A step is: where(1), length(2), command APDU. Secrets are made from the input, so that no input can bring
 * them along. */
#include "base/mem.h"
#include "base/reader.h"
#include "secrets.h"
#include "vse/command.h"

#include <openssl/evp.h>

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    USER = 0x7da00001,
    AES_USER = 0x7da00002,
    STEPS_MAX = 64,
};

static err_t keep_nothing(void *ctx, const struct vse_nvm_op *ops, size_t n)
{
    (void)ctx;
    (void)ops;
    (void)n;
    return ERR_OK;
}

/* ---- the state ---- */

struct thing {
    uint32_t id;
    uint8_t type;
    uint16_t size;
    bool auth;
    uint32_t rights; /* of everybody; 0: the default policy */
};

/* What a right does that is not there makes no secret: no READ, and no way to have a key out. */
static const struct thing things[] = {
    { USER, SE_TYPE_USERID, 16, true, 0 },
    { AES_USER, SE_TYPE_AES, 16, true, 0 },
    { 0x101, SE_TYPE_AES, 32, false,
      SE_POLICY_ENCRYPT | SE_POLICY_DECRYPT | SE_POLICY_SIGN | SE_POLICY_VERIFY | SE_POLICY_KDF |
          SE_POLICY_WRAP },
    { 0x102, SE_TYPE_HMAC, 48, false, SE_POLICY_SIGN | SE_POLICY_KDF | SE_POLICY_TLS_PMS },
    { 0x103, SE_TYPE_BINARY, 64, false, SE_POLICY_WRITE | SE_POLICY_DELETE },
};

static void put(struct vse_applet *a, const struct thing *t, struct slice seed)
{
    struct vse_object *o = vse_object_new(t->id, t->type);
    uint8_t value[EVP_MAX_MD_SIZE];
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    if (!o || !ctx || EVP_DigestInit_ex(ctx, EVP_sha512(), NULL) != 1 ||
        EVP_DigestUpdate(ctx, seed.p, seed.n) != 1 || EVP_DigestUpdate(ctx, &t->id, sizeof(t->id)) != 1 ||
        EVP_DigestFinal_ex(ctx, value, NULL) != 1)
        abort();
    EVP_MD_CTX_free(ctx);
    o->auth = t->auth;
    o->size = t->size;
    if (vse_object_set(o, VSE_DATA, slice_of(value, t->size)) || vse_objects_reserve(&a->objects))
        abort();
    if (t->rights && (buf_add_mem(&o->policy, "\x08\0\0\0", 5) || buf_add_be32(&o->policy, t->rights)))
        abort();
    vse_objects_put(&a->objects, o);
}

static void must_run(struct vse_applet *a, struct slice apdu)
{
    autobuf out = BUF_INIT(SE_ANSWER_MAX);

    vse_applet_run(a, apdu, &out);
    if (out.n < 2 || out.p[out.n - 2] != 0x90)
        abort();
}

static void prepare(struct vse_applet *a, struct slice seed)
{
    must_run(a, SLICE_LIT("\x00\xa4\x04\x00\x10" SE_APPLET_AID "\x00"));
    a->curves[SE_CURVE_P256] = VSE_CURVE_CREATED | SE_CURVE_PARAM_ALL;
    for (size_t i = 0; i < ARRAY_LEN(things); i++)
        put(a, &things[i], seed);
    must_run(a, SLICE_LIT("\x80\x01\x61\x00\x09\x41\x04\x00\x00\x00\x01\x42\x01\x03"));
}

/* ---- steps ---- */

/* Slow, and nothing to learn: making RSA keys. */
static bool too_slow(struct slice apdu)
{
    return apdu.n > 2 && (apdu.p[1] & SE_INS_MASK) == SE_INS_WRITE &&
           (apdu.p[2] & SE_P1_TYPE_MASK) == SE_P1_RSA;
}

static struct vse_session *session_of(struct vse_applet *a, uint8_t where)
{
    uint32_t auth = where & 1 ? USER : AES_USER;
    struct vse_session *s = NULL;

    for (size_t i = 0; i < VSE_SESSIONS; i++)
        if (a->sessions.user[i].auth_id == auth && a->sessions.user[i].open)
            s = &a->sessions.user[i];
    if (!s && vse_objects_find(&a->objects, auth))
        s = vse_session_new(a, where & 1 ? VSE_SESSION_USERID : VSE_SESSION_AES, auth);
    if (s)
        s->open = true; /* as if authenticated: the fuzzer knows no secret */
    return s;
}

static void step(struct vse_applet *a, const struct secrets *secrets, uint8_t where, struct slice apdu)
{
    struct vse_session *s = where % 3 ? session_of(a, where % 3) : NULL;
    autobuf out = BUF_INIT(SE_ANSWER_MAX);
    struct writer w = writer_of(&out);

    if (s)
        (void)vse_run_plain(a, s, where % 3 == 2, apdu, &w); /* the answer tells */
    else
        vse_applet_run(a, apdu, &out);
    if (secrets_in(secrets, buf_slice(&out)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = reader_of(slice_of(data, size));
    struct secrets secrets = { .n = 0 };
    struct vse_applet a;

    vse_applet_init(&a, size & 1 ? &vse_personality_7_2 : &vse_personality_3_1,
                    (struct vse_nvm){ NULL, keep_nothing });
    prepare(&a, slice_of(data, size));
    secrets_take(&secrets, &a);
    for (int i = 0; i < STEPS_MAX && !reader_empty(&r); i++) {
        uint8_t where = reader_u8(&r);
        struct slice apdu = reader_bytes(&r, reader_be16(&r));
        if (!too_slow(apdu))
            step(&a, &secrets, where, apdu);
    }
    for (size_t i = 0; i < a.objects.n; i++)
        if (!vse_object_sound(a.objects.v[i]))
            abort(); /* it would be refused when it is loaded again */
    vse_applet_done(&a);
    secrets_done(&secrets);
    return 0;
}
