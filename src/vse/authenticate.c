#include "vse/authenticate.h"

#include "base/mem.h"

#include <openssl/rand.h>

enum {
    DIVERSIFICATION_LEN = 10, /* key diversification data: nothing is diversified here */
    SCP03 = 0x03,
    SCP03_OPTIONS = 0x60,  /* i: R-MAC and R-ENC, true random challenges */
    SECURITY_FULL = 0x33,  /* C-MAC, C-ENC, R-MAC, R-ENC */
    SECURITY_NITRO = 0x00, /* what Nitrokey's host sends, and then does the same */
    SESSION_KEY_VERSION = 0,
};

/* ---- UserID ---- */

/* In constant time whatever the lengths; both are short. */
static bool same_value(struct slice a, struct slice b)
{
    uint8_t x[SE_USERID_MAX] = { 0 }, y[SE_USERID_MAX] = { 0 };
    bool same;

    if (a.n > sizeof(x) || b.n > sizeof(y))
        return false;
    memcpy(x, a.p, a.n);
    memcpy(y, b.p, b.n);
    same = mem_eq_ct(x, y, sizeof(x));
    mem_wipe(x, sizeof(x));
    mem_wipe(y, sizeof(y));
    return same & (a.n == b.n);
}

uint16_t vse_authenticate_userid(struct vse_applet *a, uint32_t id, struct slice value)
{
    const struct vse_object *o;
    uint16_t sw = vse_attempt_begin(a, id, &o);
    bool good;

    if (sw != SE_SW_OK)
        return sw;
    good = o->part[VSE_DATA].n && same_value(vse_object_part(o, VSE_DATA), value);
    sw = vse_attempt_end(a, id, good);
    return good ? sw : SE_SW_SECURITY_STATUS;
}

/* ---- SCP03 handshake ---- */

static uint16_t challenge(struct vse_scp *scp, const struct vse_scp_keys *keys, bool counts_empty,
                          const struct vse_call *c, uint8_t version, struct writer *out)
{
    static const uint8_t diversification[DIVERSIFICATION_LEN];
    uint8_t card[VSE_SCP_CHALLENGE], cryptogram[VSE_SCP_CHALLENGE];

    if (RAND_bytes(card, sizeof(card)) != 1 ||
        vse_scp_challenge(scp, keys, counts_empty, c->data.p, card, cryptogram))
        return SE_SW_CONDITIONS;
    writer_bytes(out, SLICE_ARRAY(diversification));
    writer_u8(out, version);
    writer_u8(out, SCP03);
    writer_u8(out, SCP03_OPTIONS);
    writer_bytes(out, SLICE_ARRAY(card));
    writer_bytes(out, SLICE_ARRAY(cryptogram));
    return SE_SW_OK;
}

static uint16_t check_challenge(const struct vse_call *c, uint8_t version)
{
    if (c->header.p[0] != SE_CLA_APPLET)
        return SE_SW_CLA_NOT_SUPPORTED;
    if (c->p1 != version)
        return SE_SW_REFERENCED_DATA;
    return c->data.n == VSE_SCP_CHALLENGE ? SE_SW_OK : SE_SW_WRONG_LENGTH;
}

static uint16_t authenticate(struct vse_scp *scp, const struct vse_call *c)
{
    if (c->header.p[0] != SE_CLA_SECURED)
        return SE_SW_CLA_NOT_SUPPORTED;
    if (c->p1 != SECURITY_FULL && c->p1 != SECURITY_NITRO)
        return SE_SW_WRONG_P1P2;
    if (c->data.n != VSE_SCP_CHALLENGE + VSE_SCP_MAC)
        return SE_SW_WRONG_LENGTH;
    if (scp->state != VSE_SCP_CHALLENGED)
        return SE_SW_CONDITIONS;
    return vse_scp_authenticate(scp, c->header, c->data) ? SE_SW_SECURITY_STATUS : SE_SW_OK;
}

uint16_t vse_platform_challenge(struct vse_applet *a, const struct vse_call *c, struct writer *out)
{
    uint16_t sw = check_challenge(c, VSE_SCP_KEY_VERSION);

    return sw == SE_SW_OK ? challenge(&a->platform, &a->settings.scp_keys, a->part->scp_counts_empty, c,
                                      VSE_SCP_KEY_VERSION, out)
                          : sw;
}

uint16_t vse_platform_authenticate(struct vse_applet *a, const struct vse_call *c)
{
    return authenticate(&a->platform, c);
}

/* All three keys are the object's value. */
static bool session_keys(const struct vse_object *o, struct vse_scp_keys *ret)
{
    struct slice key = vse_object_part(o, VSE_DATA);

    if (key.n != VSE_SCP_KEY) /* transient, and gone */
        return false;
    memcpy(ret->enc, key.p, key.n);
    memcpy(ret->mac, key.p, key.n);
    memcpy(ret->dek, key.p, key.n);
    return true;
}

uint16_t vse_session_challenge(struct vse_applet *a, const struct vse_call *c, struct writer *out)
{
    const struct vse_object *o = vse_objects_find(&a->objects, c->session->auth_id);
    uint16_t sw = check_challenge(c, SESSION_KEY_VERSION);
    struct vse_scp_keys keys;

    if (c->session->kind != VSE_SESSION_AES || c->session->open)
        return SE_SW_CONDITIONS;
    if (sw != SE_SW_OK)
        return sw;
    if (!o || !session_keys(o, &keys))
        return SE_SW_CONDITIONS;
    sw = challenge(&c->session->scp, &keys, true, c, SESSION_KEY_VERSION, out);
    mem_wipe(&keys, sizeof(keys));
    return sw;
}

uint16_t vse_session_authenticate(struct vse_applet *a, const struct vse_call *c)
{
    const struct vse_object *o;
    uint16_t sw, counted;

    if (c->session->kind != VSE_SESSION_AES || c->session->scp.state != VSE_SCP_CHALLENGED)
        return SE_SW_CONDITIONS;
    sw = vse_attempt_begin(a, c->session->auth_id, &o);
    if (sw != SE_SW_OK)
        return sw;
    sw = authenticate(&c->session->scp, c);
    counted = vse_attempt_end(a, c->session->auth_id, sw == SE_SW_OK);
    c->session->open = sw == SE_SW_OK && counted == SE_SW_OK;
    return sw == SE_SW_OK ? counted : sw;
}
