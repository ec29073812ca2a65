/* SE05x commands (reference section 3) and the operations they are. What is missing here needs `admin`:
 * DeleteAll, lock state, platform SCP request, features, restriction, self test, curve deletion, import and
 * export of objects, DESFire, TLS, I2C master, SPAKE2+, NFC. TLS and DESFire keep state in the applet that is
 * nobody's in particular. */
#include "keyd/commands.h"

#include "base/mem.h"
#include "keyd/padding.h"
#include "se/curve_table.h"
#include "se/wire.h"

enum { NEW = SE_INS_TRANSIENT | SE_INS_AUTH_OBJECT };

/* ---- what a table cannot express ---- */

/* Without a key value the chip makes the key (reference 3.3). An empty value could be read either way. */
static err_t key_with(struct keyd_command *c, uint8_t first, uint8_t last)
{
    bool some = false;

    for (unsigned i = 0; i < c->apdu.count; i++) {
        const struct tlv *t = &c->apdu.field[i];

        if (t->tag < first || t->tag > last)
            continue;
        if (t->value.n == 0)
            return ERR_PROTO;
        some = true;
    }
    if (!some)
        c->uses[0].op = KEYD_GENERATE;
    return ERR_OK;
}

static err_t ec_key(struct keyd_command *c)
{
    return key_with(c, SE_TAG_3, SE_TAG_4);
}

static err_t rsa_key(struct keyd_command *c)
{
    return key_with(c, SE_TAG_3, SE_TAG_10);
}

/* Without padding the chip decrypts and signs with the same command. What has the form of a padded digest is
 * a signature: nobody can bring a ciphertext into that form. */
static err_t rsa_raw(struct keyd_command *c)
{
    if (slice_eq(keyd_apdu_field(&c->apdu, SE_TAG_2), SLICE_LIT("\x0c")) &&
        keyd_is_signature_block(keyd_apdu_field(&c->apdu, SE_TAG_3)))
        c->uses[0].op = KEYD_SIGN;
    return ERR_OK;
}

/* The unique id is everybody's. */
static err_t read_object(struct keyd_command *c)
{
    if (c->uses[0].id == SE_ID_UNIQUE_ID)
        c->uses[0] = (struct keyd_use){ KEYD_INFO, 0 };
    return ERR_OK;
}

static const struct se_curve_entry *curve_of(const struct keyd_apdu *a)
{
    struct slice id = keyd_apdu_field(a, SE_TAG_1);

    for (size_t i = 0; id.n == 1 && i < se_curve_count; i++) {
        if (se_curve_table[i].info.id == id.p[0])
            return &se_curve_table[i];
    }
    return NULL;
}

/* A curve with other parameters than its own would make weak keys for everybody. */
static err_t curve_param(struct keyd_command *c)
{
    const struct se_curve_entry *curve = curve_of(&c->apdu);
    struct slice which = keyd_apdu_field(&c->apdu, SE_TAG_2);
    struct slice want = { 0 };

    if (!curve || which.n != 1)
        return ERR_PROTO;
    if (which.p[0] == SE_CURVE_PARAM_A)
        want = curve->a;
    else if (which.p[0] == SE_CURVE_PARAM_B)
        want = curve->b;
    else if (which.p[0] == SE_CURVE_PARAM_G)
        want = curve->g;
    else if (which.p[0] == SE_CURVE_PARAM_N)
        want = curve->n;
    else if (which.p[0] == SE_CURVE_PARAM_PRIME)
        want = curve->prime;
    if (want.n == 0 || !slice_eq(want, keyd_apdu_field(&c->apdu, SE_TAG_3)))
        c->uses[0].op = KEYD_ADMIN;
    return ERR_OK;
}

/* ---- the table ---- */

/* clang-format off */
#define W SE_INS_WRITE
#define R SE_INS_READ
#define C SE_INS_CRYPTO
#define M SE_INS_MGMT
#define KEY(what) .use = { { SE_TAG_1, what } }
#define DERIVATION .use = { { SE_TAG_1, KEYD_DERIVE }, { SE_TAG_6, KEYD_DERIVE }, { SE_TAG_7, KEYD_WRITE } }
#define WITH_CONTEXT(tag, when) .kind = KEYD_CONTEXT, .context = (tag), .phase = (when)
static const struct keyd_row rows[] = {
    /* writing */
    { W, SE_P1_EC,      0,                   NEW, true,  KEY(KEYD_WRITE), .special = ec_key },
    { W, SE_P1_RSA,     0,                   SE_INS_TRANSIENT, true, KEY(KEYD_WRITE), .special = rsa_key },
    { W, SE_P1_RSA,     SE_P2_RAW,           SE_INS_TRANSIENT, true, KEY(KEYD_WRITE), .special = rsa_key },
    { W, SE_P1_AES,     0,                   NEW, false, .use = { { SE_TAG_1, KEYD_WRITE }, { SE_TAG_2, KEYD_DECRYPT } } },
    { W, SE_P1_DES,     0,                   NEW, false, .use = { { SE_TAG_1, KEYD_WRITE }, { SE_TAG_2, KEYD_DECRYPT } } },
    { W, SE_P1_HMAC,    0,                   NEW, false, .use = { { SE_TAG_1, KEYD_WRITE }, { SE_TAG_2, KEYD_DECRYPT } } },
    { W, SE_P1_BINARY,  0,                   SE_INS_TRANSIENT, false, KEY(KEYD_WRITE) },
    { W, SE_P1_USERID,  0,                   NEW, false, KEY(KEYD_WRITE) },
    { W, SE_P1_COUNTER, 0,                   SE_INS_TRANSIENT, false, KEY(KEYD_WRITE) },
    { W, SE_P1_PCR,     0,                   SE_INS_TRANSIENT, false, KEY(KEYD_WRITE) },
    { W, SE_P1_CURVE,   SE_P2_CREATE,        0,   false, .op = KEYD_CURVE },
    { W, SE_P1_CURVE,   SE_P2_PARAM,         0,   false, .op = KEYD_CURVE, .special = curve_param },
    { W, SE_P1_CRYPTO_OBJECT, 0,             0,   false, .kind = KEYD_CONTEXT_CREATE, .op = KEYD_INFO, .context = SE_TAG_1 },
    /* reading */
    { R, 0, 0,                               0,   false, KEY(KEYD_READ), .special = read_object },
    { R | SE_INS_ATTEST, 0, 0,               0,   false, .use = { { SE_TAG_1, KEYD_READ }, { SE_TAG_5, KEYD_ATTEST } } },
    { R, 0, SE_P2_ATTRIBUTES,                0,   false, KEY(KEYD_LIST) },
    { R | SE_INS_ATTEST, 0, SE_P2_ATTRIBUTES, 0,  false, .use = { { SE_TAG_1, KEYD_LIST }, { SE_TAG_5, KEYD_ATTEST } } },
    { R, 0, SE_P2_TYPE,                      0,   false, KEY(KEYD_LIST) },
    { R, 0, SE_P2_SIZE,                      0,   false, KEY(KEYD_LIST) },
    { R, 0, SE_P2_LIST,                      0,   false, .kind = KEYD_LIST_OBJECTS, .op = KEYD_INFO },
    { R, 0, SE_P2_READ_STATE,                0,   false, .op = KEYD_INFO },
    { R, SE_P1_CURVE, SE_P2_ID,              0,   false, KEY(KEYD_LIST) },
    { R, SE_P1_CURVE, SE_P2_LIST,            0,   false, .op = KEYD_INFO },
    { R, SE_P1_CRYPTO_OBJECT, SE_P2_LIST,    0,   false, .kind = KEYD_CONTEXT_LIST, .op = KEYD_INFO },
    /* management */
    { M, 0, SE_P2_EXIST,                     0,   false, KEY(KEYD_LIST) },
    { M, 0, SE_P2_DELETE_OBJECT,             0,   false, KEY(KEYD_DELETE) },
    { M, 0, SE_P2_VERSION,                   0,   false, .op = KEYD_INFO },
    { M, 0, SE_P2_VERSION_EXT,               0,   false, .op = KEYD_INFO },
    { M, 0, SE_P2_TIME,                      0,   false, .op = KEYD_INFO },
    { M, 0, SE_P2_MEMORY,                    0,   false, .op = KEYD_INFO },
    { M, 0, SE_P2_RANDOM,                    0,   false, .op = KEYD_INFO },
    { M, SE_P1_CRYPTO_OBJECT, SE_P2_DELETE_OBJECT, 0, false, .kind = KEYD_CONTEXT_DELETE, .op = KEYD_INFO, .context = SE_TAG_1 },
    /* sessions */
    { M, 0, SE_P2_SESSION_CREATE,            0,   false, .kind = KEYD_SESSION_CREATE, KEY(KEYD_LOGIN) },
    { M, 0, SE_P2_SESSION_USERID,            0,   false, .kind = KEYD_SESSION_ONLY, .op = KEYD_INFO },
    { M, 0, SE_P2_SESSION_REFRESH,           0,   false, .kind = KEYD_SESSION_ONLY, .op = KEYD_INFO },
    { M, 0, SE_P2_SESSION_POLICY,            0,   false, .kind = KEYD_SESSION_ONLY, .op = KEYD_INFO },
    { M, 0, SE_P2_SESSION_CLOSE,             0,   false, .kind = KEYD_SESSION_CLOSE, .op = KEYD_INFO },
    /* signatures, RSA, key agreement */
    { C, SE_P1_SIGNATURE, SE_P2_SIGN,        0,   false, KEY(KEYD_SIGN) },
    { C, SE_P1_SIGNATURE, 0x35,              0,   false, KEY(KEYD_SIGN) }, /* ECDAA */
    { C, SE_P1_SIGNATURE, SE_P2_VERIFY,      0,   false, KEY(KEYD_VERIFY) },
    { C, SE_P1_RSA, SE_P2_ENCRYPT_ONESHOT,   0,   false, KEY(KEYD_ENCRYPT) },
    { C, SE_P1_RSA, SE_P2_DECRYPT_ONESHOT,   0,   false, KEY(KEYD_DECRYPT), .special = rsa_raw },
    { C, SE_P1_EC, SE_P2_DH,                 0,   false, .use = { { SE_TAG_1, KEYD_DERIVE }, { SE_TAG_7, KEYD_WRITE } } },
    { C, SE_P1_EC, SE_P2_DH_REVERSE,         0,   false, .use = { { SE_TAG_1, KEYD_DERIVE }, { SE_TAG_7, KEYD_WRITE } } },
    { C, SE_P1_EC, SE_P2_ECPM,               0,   false, .use = { { SE_TAG_1, KEYD_DERIVE }, { SE_TAG_3, KEYD_READ }, { SE_TAG_7, KEYD_WRITE } } },
    { C, 0, SE_P2_HKDF,                      0,   false, DERIVATION },
    { C, 0, SE_P2_HKDF_EXPAND,               0,   false, DERIVATION },
    { C, 0, SE_P2_PBKDF2,                    0,   false, DERIVATION },
    /* ciphers, MAC, digest, AEAD */
    { C, SE_P1_CIPHER, SE_P2_ENCRYPT,        0,   false, KEY(KEYD_ENCRYPT), WITH_CONTEXT(SE_TAG_2, KEYD_PHASE_INIT) },
    { C, SE_P1_CIPHER, SE_P2_DECRYPT,        0,   false, KEY(KEYD_DECRYPT), WITH_CONTEXT(SE_TAG_2, KEYD_PHASE_INIT) },
    { C, SE_P1_CIPHER, SE_P2_UPDATE,         0,   false, .op = KEYD_INFO, WITH_CONTEXT(SE_TAG_2, KEYD_PHASE_UPDATE) },
    { C, SE_P1_CIPHER, SE_P2_FINAL,          0,   false, .op = KEYD_INFO, WITH_CONTEXT(SE_TAG_2, KEYD_PHASE_FINAL) },
    { C, SE_P1_CIPHER, SE_P2_ENCRYPT_ONESHOT, 0,  false, KEY(KEYD_ENCRYPT) },
    { C, SE_P1_CIPHER, SE_P2_DECRYPT_ONESHOT, 0,  false, KEY(KEYD_DECRYPT) },
    { C, SE_P1_MAC, SE_P2_GENERATE,          0,   false, KEY(KEYD_SIGN), WITH_CONTEXT(SE_TAG_2, KEYD_PHASE_INIT) },
    { C, SE_P1_MAC, SE_P2_VALIDATE,          0,   false, KEY(KEYD_VERIFY), WITH_CONTEXT(SE_TAG_2, KEYD_PHASE_INIT) },
    { C, SE_P1_MAC, SE_P2_UPDATE,            0,   false, .op = KEYD_INFO, WITH_CONTEXT(SE_TAG_2, KEYD_PHASE_UPDATE) },
    { C, SE_P1_MAC, SE_P2_FINAL,             0,   false, .op = KEYD_INFO, WITH_CONTEXT(SE_TAG_2, KEYD_PHASE_FINAL) },
    { C, SE_P1_MAC, SE_P2_GENERATE_ONESHOT,  0,   false, KEY(KEYD_SIGN) },
    { C, SE_P1_MAC, SE_P2_VALIDATE_ONESHOT,  0,   false, KEY(KEYD_VERIFY) },
    { C, 0, SE_P2_INIT,                      0,   false, .op = KEYD_INFO, WITH_CONTEXT(SE_TAG_2, KEYD_PHASE_INIT) },
    { C, 0, SE_P2_UPDATE,                    0,   false, .op = KEYD_INFO, WITH_CONTEXT(SE_TAG_2, KEYD_PHASE_UPDATE) },
    { C, 0, SE_P2_FINAL,                     0,   false, .op = KEYD_INFO, WITH_CONTEXT(SE_TAG_2, KEYD_PHASE_FINAL) },
    { C, 0, SE_P2_ONESHOT,                   0,   false, .op = KEYD_INFO },
    { C, SE_P1_AEAD, SE_P2_ENCRYPT,          0,   false, KEY(KEYD_ENCRYPT), WITH_CONTEXT(SE_TAG_2, KEYD_PHASE_INIT) },
    { C, SE_P1_AEAD, SE_P2_DECRYPT,          0,   false, KEY(KEYD_DECRYPT), WITH_CONTEXT(SE_TAG_2, KEYD_PHASE_INIT) },
    { C, SE_P1_AEAD, SE_P2_UPDATE,           0,   false, .op = KEYD_INFO, WITH_CONTEXT(SE_TAG_2, KEYD_PHASE_UPDATE) },
    { C, SE_P1_AEAD, SE_P2_FINAL,            0,   false, .op = KEYD_INFO, WITH_CONTEXT(SE_TAG_2, KEYD_PHASE_FINAL) },
    { C, SE_P1_AEAD, SE_P2_ENCRYPT_ONESHOT,  0,   false, KEY(KEYD_ENCRYPT) },
    { C, SE_P1_AEAD, SE_P2_DECRYPT_ONESHOT,  0,   false, KEY(KEYD_DECRYPT) },
};
/* clang-format on */

static bool matches(const struct keyd_row *row, const struct keyd_apdu *a)
{
    uint8_t p1 = row->any_part ? a->p1 & (uint8_t)~SE_P1_PART_MASK : a->p1;

    return (a->ins & (uint8_t)~row->flags) == row->ins && p1 == row->p1 && a->p2 == row->p2;
}

const struct keyd_row *keyd_row_of(const struct keyd_apdu *a)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (matches(&rows[i], a))
            return &rows[i];
    }
    return NULL;
}
