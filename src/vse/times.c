#include "vse/times.h"

#include "base/mem.h"
#include "se/wire.h"

#define ASSUMED "assumed"
#define ATR "ATR of an SE050C, UM11225"
#define ANY VSE_TIME_ANY

/* clang-format off */
static const struct vse_time rows[] = {
    [VSE_TIME_GUARD] =    { "guard time (SEGT)", ATR, SE_SEGT_US, VSE_TIME_ONCE, 0, 0, 0 },
    [VSE_TIME_POLL] =     { "minimum polling time (MPOT)", ATR, SE_MPOT_MS * 1000, VSE_TIME_ONCE, 0, 0, 0 },
    [VSE_TIME_COMMAND] =  { "any command", ASSUMED, 2000, VSE_TIME_ONCE, 0, 0, 0 },
    [VSE_TIME_NVM] =      { "a change of non-volatile memory", ASSUMED, 4000, VSE_TIME_ONCE, 0, 0, 0 },
    [VSE_TIME_NVM_DATA] = { "data of it, per 16 bytes", ASSUMED, 250, VSE_TIME_BLOCKS, 0, 0, 0 },

    { "SELECT", ASSUMED, 8000, VSE_TIME_ONCE, SE_INS_SELECT, ANY, ANY },
    { "EC key generation", ASSUMED, 50000, VSE_TIME_EC, SE_INS_WRITE, SE_P1_EC, ANY, .generates = true },
    { "RSA key generation", ASSUMED, 4000000, VSE_TIME_RSA, SE_INS_WRITE, SE_P1_RSA, ANY, .generates = true },
    { "curve parameter", ASSUMED, 3000, VSE_TIME_ONCE, SE_INS_WRITE, SE_P1_CURVE, ANY },
    { "RSA signature", ASSUMED, 250000, VSE_TIME_RSA, SE_INS_CRYPTO, SE_P1_SIGNATURE, SE_P2_SIGN },
    { "RSA verification", ASSUMED, 12000, VSE_TIME_RSA_E, SE_INS_CRYPTO, SE_P1_SIGNATURE, SE_P2_VERIFY },
    { "EC signature", ASSUMED, 40000, VSE_TIME_EC, SE_INS_CRYPTO, SE_P1_SIGNATURE, SE_P2_SIGN },
    { "EC verification", ASSUMED, 45000, VSE_TIME_EC, SE_INS_CRYPTO, SE_P1_SIGNATURE, SE_P2_VERIFY },
    { "ECDH", ASSUMED, 40000, VSE_TIME_EC, SE_INS_CRYPTO, SE_P1_EC, ANY },
    { "RSA encryption", ASSUMED, 12000, VSE_TIME_RSA_E, SE_INS_CRYPTO, SE_P1_RSA, SE_P2_ENCRYPT_ONESHOT },
    { "RSA decryption", ASSUMED, 250000, VSE_TIME_RSA, SE_INS_CRYPTO, SE_P1_RSA, SE_P2_DECRYPT_ONESHOT },
    { "cipher", ASSUMED, 150, VSE_TIME_BLOCKS, SE_INS_CRYPTO, SE_P1_CIPHER, ANY },
    { "AEAD", ASSUMED, 300, VSE_TIME_BLOCKS, SE_INS_CRYPTO, SE_P1_AEAD, ANY },
    { "MAC", ASSUMED, 150, VSE_TIME_BLOCKS, SE_INS_CRYPTO, SE_P1_MAC, ANY },
    { "PBKDF2", ASSUMED, 100000, VSE_TIME_ONCE, SE_INS_CRYPTO, SE_P1_DEFAULT, SE_P2_PBKDF2 },
    { "HKDF", ASSUMED, 6000, VSE_TIME_ONCE, SE_INS_CRYPTO, SE_P1_DEFAULT, SE_P2_HKDF },
    { "HKDF, expansion only", ASSUMED, 4000, VSE_TIME_ONCE, SE_INS_CRYPTO, SE_P1_DEFAULT, SE_P2_HKDF_EXPAND },
    { "TLS pre-master secret", ASSUMED, 45000, VSE_TIME_ONCE, SE_INS_CRYPTO, SE_P1_TLS, SE_P2_TLS_PMS },
    { "TLS random and PRF", ASSUMED, 8000, VSE_TIME_ONCE, SE_INS_CRYPTO, SE_P1_TLS, ANY },
    { "SPAKE2+ key share", ASSUMED, 80000, VSE_TIME_ONCE, SE_INS_CRYPTO, SE_P1_PAKE, SE_P2_UPDATE },
    { "SPAKE2+ session keys", ASSUMED, 120000, VSE_TIME_ONCE, SE_INS_CRYPTO, SE_P1_PAKE, SE_P2_GENERATE },
    { "digest and what is not above", ASSUMED, 100, VSE_TIME_BLOCKS, SE_INS_CRYPTO, ANY, ANY },
    { "attested reading", ASSUMED, 45000, VSE_TIME_ONCE, SE_INS_READ | SE_INS_ATTEST, ANY, ANY },
    { "host cryptogram of a session", ASSUMED, 4000, VSE_TIME_ONCE, SE_INS_EXTERNAL_AUTHENTICATE, ANY, ANY },
    { "session keys", ASSUMED, 8000, VSE_TIME_ONCE, SE_INS_INITIALIZE_UPDATE, ANY, ANY },
    { "ECKey session", ASSUMED, 95000, VSE_TIME_ONCE, SE_INS_INTERNAL_AUTHENTICATE, ANY, ANY },
};
/* clang-format on */

enum { EC_BITS = 256, RSA_BITS = 2048, BLOCK = 16 };

const struct vse_time *vse_time_fixed(enum vse_time_fixed which)
{
    return &rows[which];
}

const struct vse_time *vse_time_at(size_t i)
{
    return i < ARRAY_LEN(rows) ? &rows[i] : NULL;
}

/* ---- which row, and how much ---- */

static bool for_rsa(const struct vse_time *t)
{
    return t->scale == VSE_TIME_RSA || t->scale == VSE_TIME_RSA_E;
}

/* GlobalPlatform's instructions have bits where the applet's have flags. */
static bool is_card_command(uint8_t ins)
{
    return ins == SE_INS_SELECT || ins == SE_INS_EXTERNAL_AUTHENTICATE ||
           ins == SE_INS_INTERNAL_AUTHENTICATE || ins == SE_INS_INITIALIZE_UPDATE;
}

static uint8_t plain_ins(uint8_t ins)
{
    return is_card_command(ins) ? ins : ins & (uint8_t) ~(SE_INS_TRANSIENT | SE_INS_AUTH_OBJECT);
}

static bool applies(const struct vse_time *t, const struct vse_work *w)
{
    return t->ins == plain_ins(w->ins) && (t->p1 == ANY || t->p1 == (w->p1 & SE_P1_TYPE_MASK)) &&
           (t->p2 == ANY || t->p2 == w->p2) && (w->rsa || !for_rsa(t)) && (w->generates || !t->generates);
}

static uint64_t scaled(const struct vse_time *t, const struct vse_work *w)
{
    uint64_t bits = w->bits ? w->bits : t->scale == VSE_TIME_EC ? EC_BITS : RSA_BITS;

    switch ((enum vse_time_scale)t->scale) {
    case VSE_TIME_EC:
        return t->us * bits * bits / (EC_BITS * EC_BITS);
    case VSE_TIME_RSA:
        return t->us * bits / RSA_BITS * bits / RSA_BITS * bits / RSA_BITS;
    case VSE_TIME_RSA_E:
        return t->us * bits / RSA_BITS * bits / RSA_BITS;
    case VSE_TIME_BLOCKS:
        return t->us * (uint64_t)((w->data + BLOCK - 1) / BLOCK);
    case VSE_TIME_ONCE:
        break;
    }
    return t->us;
}

static bool changes_memory(const struct vse_work *w)
{
    uint8_t base = w->ins & SE_INS_MASK;

    if (is_card_command(w->ins) || (w->ins & SE_INS_TRANSIENT))
        return false;
    return base == SE_INS_WRITE ||
           (base == SE_INS_MGMT && (w->p2 == SE_P2_DELETE_OBJECT || w->p2 == SE_P2_DELETE_ALL));
}

uint64_t vse_time_command_us(const struct vse_work *w)
{
    uint64_t us = rows[VSE_TIME_COMMAND].us;

    if (changes_memory(w))
        us += rows[VSE_TIME_NVM].us + scaled(&rows[VSE_TIME_NVM_DATA], w);
    for (size_t i = VSE_TIME_FIXED; i < ARRAY_LEN(rows); i++)
        if (applies(&rows[i], w))
            return us + scaled(&rows[i], w);
    return us;
}

uint64_t vse_time_polled_us(uint64_t us)
{
    uint64_t poll = rows[VSE_TIME_POLL].us;

    return (us + poll - 1) / poll * poll;
}

uint64_t vse_time_wire_bits(size_t n)
{
    return 1 + 9 * (uint64_t)(1 + n) + 1;
}

uint64_t vse_time_wire_ns(uint64_t bits, unsigned khz)
{
    return bits * 1000000 / khz;
}
