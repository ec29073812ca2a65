/* The applet under any sequence of commands, with state: provisioned, objects of every type in it, sessions,
 * both personalities (the size of the input chooses). No answer may contain a secret (secrets.h), and what is
 * left must be sound.
 *
 * A step is: how(2), bytes. The low 12 bits of `how` are the length; the high ones say what is done with the
 * bytes. */
#include "secrets.h"

#include "base/mem.h"
#include "base/reader.h"
#include "base/tlv.h"
#include "base/writer.h"
#include "vse/command.h"
#include "vse/provision.h"

#include <openssl/evp.h>

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

enum {
    LENGTH = 0x0fff,
    IN_SESSION = 0x8000, /* the command goes into the session that OPEN made last */
    RESET = 0x4000,      /* the part is reset before */
    OPEN = 0x2000,       /* the bytes are an object's id: a session is made and the UserID's value shown */
};

/* What there is, by id. UserIDs and files beside; 1 to 3 as ever. */
enum {
    OBJ_EC = 1,
    OBJ_RSA,
    OBJ_FILE,
    OBJ_AES,
    OBJ_DES,
    OBJ_HMAC,
    OBJ_USER,
    OBJ_CLOSED, /* a file that nobody may read */
    OBJ_EXPORT,
    OBJ_ED,
    OBJ_X,
    OBJ_PCR,
    OBJ_COUNTER,
    OBJ_AUTH_AES,
    OBJ_AES16,
    OBJ_W, /* a number for SPAKE2+ on P-256 */
};

static struct vse_applet models[2];

static err_t keep_nothing(void *ctx, const struct vse_nvm_op *ops, size_t n)
{
    (void)ctx;
    (void)ops;
    (void)n;
    return ERR_OK;
}

static void must(bool good)
{
    if (!good)
        abort();
}

static uint16_t run(struct vse_applet *a, struct slice apdu, struct buf *out)
{
    vse_applet_run(a, apdu, out);
    must(out->n >= 2 && out->n <= SE_ANSWER_MAX);
    return (uint16_t)(out->p[out->n - 2] << 8 | out->p[out->n - 1]);
}

/* ---- the state at the beginning ---- */

/* Bytes that stand nowhere else. */
static struct slice unique(uint32_t id, size_t n)
{
    static uint8_t bytes[EVP_MAX_MD_SIZE];
    uint8_t seed[] = { 's', 'e', 'c', 'r', 'e', 't', (uint8_t)(id >> 16), (uint8_t)(id >> 8), (uint8_t)id };

    must(EVP_Digest(seed, sizeof(seed), bytes, NULL, EVP_sha512(), NULL) == 1);
    return slice_of(bytes, n);
}

static void put(struct vse_applet *a, uint8_t ins, uint8_t p1, uint32_t id, uint32_t policy, uint8_t tag,
                struct slice value)
{
    autobuf data = BUF_INIT(SE_APDU_DATA_MAX_7X), apdu = BUF_INIT(SE_APDU_MAX), out = BUF_INIT(SE_ANSWER_MAX);
    struct writer w = writer_of(&data), c = writer_of(&apdu);
    const uint8_t set[] = { 8,
                            0,
                            0,
                            0,
                            0,
                            (uint8_t)(policy >> 24),
                            (uint8_t)(policy >> 16),
                            (uint8_t)(policy >> 8),
                            (uint8_t)policy };

    if (policy)
        tlv_put(&w, SE_TAG_POLICY, SLICE_ARRAY(set));
    tlv_put_be32(&w, SE_TAG_1, id);
    if (p1 == (SE_P1_PAIR | SE_P1_EC))
        tlv_put_u8(&w, SE_TAG_2, value.p[0]);
    else if (p1 == (SE_P1_PAIR | SE_P1_RSA))
        tlv_put(&w, SE_TAG_2, value);
    if (p1 == SE_P1_BINARY)
        tlv_put_be16(&w, SE_TAG_3, (uint16_t)value.n);
    if (!(p1 & SE_P1_PAIR))
        tlv_put(&w, tag, value);
    must(!writer_done(&w));
    writer_u8(&c, SE_CLA_APPLET);
    writer_u8(&c, SE_INS_WRITE | ins);
    writer_u8(&c, p1);
    writer_u8(&c, SE_P2_DEFAULT);
    writer_u8(&c, (uint8_t)data.n);
    writer_bytes(&c, buf_slice(&data));
    must(!writer_done(&c) && run(a, buf_slice(&apdu), &out) == SE_SW_OK);
}

static void fill(struct vse_applet *a)
{
    static const uint32_t users[] = { OBJ_USER,           SE_ID_TRANSPORT, SE_ID_FEATURE, SE_ID_FACTORY_RESET,
                                      SE_ID_PLATFORM_SCP, SE_ID_RESTRICT };

    put(a, 0, SE_P1_PAIR | SE_P1_EC, OBJ_EC, 0, 0, SLICE_LIT("\x03"));
    put(a, 0, SE_P1_PAIR | SE_P1_RSA, OBJ_RSA, 0, 0, SLICE_LIT("\x02\x00"));
    put(a, 0, SE_P1_PAIR | SE_P1_EC, OBJ_ED, 0, 0, SLICE_LIT("\x40"));
    put(a, 0, SE_P1_PAIR | SE_P1_EC, OBJ_X, 0, 0, SLICE_LIT("\x41"));
    put(a, 0, SE_P1_BINARY, OBJ_FILE, 0, SE_TAG_4, SLICE_LIT("abc"));
    put(a, 0, SE_P1_BINARY, OBJ_CLOSED, SE_POLICY_WRITE | SE_POLICY_DELETE, SE_TAG_4, unique(OBJ_CLOSED, 48));
    put(a, 0, SE_P1_AES, OBJ_AES, 0, SE_TAG_3, unique(OBJ_AES, 32));
    put(a, 0, SE_P1_DES, OBJ_DES, 0, SE_TAG_3, unique(OBJ_DES, 24));
    put(a, 0, SE_P1_HMAC, OBJ_HMAC, 0, SE_TAG_3, unique(OBJ_HMAC, 40));
    put(a, SE_INS_TRANSIENT, SE_P1_AES, OBJ_EXPORT, SE_POLICY_IMPORT_EXPORT | SE_POLICY_ENCRYPT, SE_TAG_3,
        unique(OBJ_EXPORT, 16));
    put(a, SE_INS_AUTH_OBJECT, SE_P1_AES, OBJ_AUTH_AES, 0, SE_TAG_3, unique(OBJ_AUTH_AES, 16));
    put(a, 0, SE_P1_AES, OBJ_AES16, 0, SE_TAG_3, unique(OBJ_AES16, 16));
    put(a, 0, SE_P1_HMAC, OBJ_W, 0, SE_TAG_3, unique(OBJ_W, 32));
    put(a, 0, SE_P1_PCR, OBJ_PCR, 0, SE_TAG_2, unique(OBJ_PCR, 32));
    put(a, 0, SE_P1_COUNTER, OBJ_COUNTER, 0, SE_TAG_2, SLICE_LIT("\x04"));
    for (size_t i = 0; i < ARRAY_LEN(users); i++)
        put(a, SE_INS_AUTH_OBJECT, SE_P1_USERID, users[i], 0, SE_TAG_2, unique(users[i], 16));
}

static const struct slice select_applet = SLICE_LIT("\x00\xa4\x04\x00\x10" SE_APPLET_AID "\x00");

static void make_model(struct vse_applet *a, const struct vse_personality *part)
{
    autobuf out = BUF_INIT(SE_ANSWER_MAX);
    struct slice key;

    vse_applet_init(a, part, (struct vse_nvm){ NULL, keep_nothing });
    must(!vse_applet_provision(a, VSE_FACTORY_EC) && run(a, select_applet, &out) == SE_SW_OK);
    must(!vse_hidden_export_key(a, &key));
    fill(a);
}

/* An oracle that finds nothing would be no oracle. */
static void try_oracle(const struct vse_applet *a)
{
    struct secrets s;

    secrets_take(&s, a);
    must(s.n > 20 && !secrets_in(&s, select_applet));
    must(secrets_in(&s, unique(OBJ_AES, 32)) && secrets_in(&s, slice_skip(unique(OBJ_CLOSED, 48), 37)));
    secrets_spoil(&s, unique(OBJ_AES, 9));
    must(!secrets_in(&s, unique(OBJ_AES, 32)) && secrets_in(&s, unique(OBJ_DES, 24)));
    secrets_done(&s);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    make_model(&models[0], &vse_personality_3_1);
    make_model(&models[1], &vse_personality_7_2);
    try_oracle(&models[0]);
    try_oracle(&models[1]);
    return 0;
}

static void begin(struct vse_applet *a, const struct vse_applet *model)
{
    autobuf out = BUF_INIT(SE_ANSWER_MAX);

    vse_applet_init(a, model->part, (struct vse_nvm){ NULL, keep_nothing });
    memcpy(a->curves, model->curves, sizeof(a->curves));
    must(!vse_objects_reserve_more(&a->objects, model->objects.n));
    for (size_t i = 0; i < model->objects.n; i++) {
        struct vse_object *o = vse_object_copy(model->objects.v[i]);
        must(o != NULL);
        vse_objects_put(&a->objects, o);
    }
    for (uint32_t i = 0; i < VSE_HIDDEN_END; i++)
        if (model->hidden.kept[i].n)
            must(!vse_hidden_load(&a->hidden, i, buf_slice(&model->hidden.kept[i])));
    must(run(a, select_applet, &out) == SE_SW_OK);
}

/* ---- the steps ---- */

struct world {
    struct vse_applet a;
    struct secrets secrets;
    uint8_t session[8]; /* that OPEN made last */
};

static void step(struct world *w, struct slice apdu, struct buf *out)
{
    secrets_spoil(&w->secrets, apdu);
    (void)run(&w->a, apdu, out);
    secrets_take_made(&w->secrets, &w->a);
    must(!secrets_in(&w->secrets, buf_slice(out)));
}

/* ProcessSessionCmd around an inner command. The harness's own words do not spoil secrets. */
static void inside(struct world *w, struct slice inner, bool fuzzed)
{
    autobuf apdu = BUF_INIT(2 * SE_APDU_MAX), data = BUF_INIT(2 * SE_APDU_MAX), out = BUF_INIT(SE_ANSWER_MAX);
    struct writer d = writer_of(&data), c = writer_of(&apdu);

    tlv_put(&d, SE_TAG_SESSION_ID, SLICE_ARRAY(w->session));
    tlv_put(&d, SE_TAG_1, inner);
    writer_bytes(&c, SLICE_LIT("\x80\x05\x00\x00\x00"));
    writer_be16(&c, (uint16_t)data.n);
    writer_bytes(&c, buf_slice(&data));
    if (writer_done(&d) || writer_done(&c) || apdu.n > SE_APDU_MAX)
        return;
    if (fuzzed)
        step(w, buf_slice(&apdu), &out);
    else
        (void)run(&w->a, buf_slice(&apdu), &out);
}

static void open_session(struct world *w, struct slice id)
{
    autobuf apdu = BUF_INIT(32), out = BUF_INIT(SE_ANSWER_MAX), inner = BUF_INIT(32);
    struct writer c = writer_of(&apdu), v = writer_of(&inner);
    uint32_t user = id.n == 4
                        ? (uint32_t)id.p[0] << 24 | (uint32_t)id.p[1] << 16 | (uint32_t)id.p[2] << 8 | id.p[3]
                        : OBJ_USER;

    writer_bytes(&c, SLICE_LIT("\x80\x04\x00\x1b\x06"));
    tlv_put_be32(&c, SE_TAG_1, user);
    writer_bytes(&v, SLICE_LIT("\x80\x04\x00\x2c\x12"));
    tlv_put(&v, SE_TAG_1, unique(user, 16));
    must(!writer_done(&c) && !writer_done(&v));
    if (run(&w->a, buf_slice(&apdu), &out) != SE_SW_OK)
        return;
    memcpy(w->session, out.p + 2, sizeof(w->session));
    inside(w, buf_slice(&inner), false);
}

/* Making large RSA keys is slow and teaches nothing. */
static bool too_slow(struct slice apdu)
{
    return apdu.n < 64 && apdu.n > 2 && (apdu.p[1] & SE_INS_MASK) == SE_INS_WRITE &&
           (apdu.p[2] & SE_P1_TYPE_MASK) == SE_P1_RSA;
}

static void any_step(struct world *w, unsigned how, struct slice bytes)
{
    autobuf out = BUF_INIT(SE_ANSWER_MAX);

    if (how & RESET) {
        vse_applet_reset(&w->a);
        (void)run(&w->a, select_applet, &out);
        buf_clear(&out);
    }
    if (how & OPEN)
        open_session(w, bytes);
    else if (!too_slow(bytes) && how & IN_SESSION)
        inside(w, bytes, true);
    else if (!too_slow(bytes))
        step(w, bytes, &out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = reader_of(slice_of(data, size));
    struct world w = { 0 };

    begin(&w.a, &models[size & 1]);
    secrets_take(&w.secrets, &w.a);
    while (!reader_empty(&r)) {
        unsigned how = reader_be16(&r);
        any_step(&w, how, reader_bytes(&r, how & LENGTH));
    }
    must(w.a.objects.n <= VSE_OBJECTS_MAX);
    for (size_t i = 0; i < w.a.objects.n; i++)
        must(vse_object_sound(w.a.objects.v[i])); /* it would be refused when it is loaded again */
    secrets_done(&w.secrets);
    vse_applet_done(&w.a);
    return 0;
}
