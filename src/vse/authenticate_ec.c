/* ECKey sessions (reference 4.5): the host signs an ephemeral key, both agree on session keys with the
 * applet's own key 7FFF0201. */
#include "base/mem.h"
#include "vse/authenticate.h"
#include "vse/keys.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

enum {
    TAG_CONTROL = 0xa6,
    TAG_KEY_HIGH = 0x7f, /* 7F49 */
    TAG_KEY_LOW = 0x49,
    TAG_SIGNATURE_HIGH = 0x5f, /* 5F37 */
    TAG_SIGNATURE_LOW = 0x37,
    TAG_RANDOM = 0x85,
    TAG_RECEIPT = 0x86,
    POINT_LEN = 65,
    RANDOM_LEN = 16,
};

/* What stands between A6 and the ephemeral point, and behind that: all of it fixed but the point. */
#define CONTROL                                             \
    "\x4f\x10" SE_APPLET_AID "\x90\x03\xab\x01\x33\x80\x01" \
    "\x88\x81\x01\x10"
#define POINT_HEAD "\xb0\x41"
#define POINT_TAIL "\xf0\x01\x03"
/* Scheme parameters in the key derivation: configuration, security level, AES, 16 bytes. */
#define KDF_TAIL "\x01\x33\x88\x10"

struct agreement {
    struct slice signed_part; /* from A6 up to 5F37 */
    struct slice point;       /* the host's ephemeral key */
    struct slice signature;
};

static struct slice get_tlv(struct reader *r, uint8_t tag)
{
    struct tlv t = { 0 };
    struct slice in = r->rest;

    if (r->failed || tlv_next(&in, &t) || t.tag != tag) {
        reader_fail(r);
        return in;
    }
    r->rest = in;
    return t.value;
}

static struct slice get_tlv2(struct reader *r, uint8_t high, uint8_t low)
{
    if (reader_u8(r) != high)
        reader_fail(r);
    return get_tlv(r, low);
}

static bool cut(struct slice in, struct agreement *ret)
{
    struct reader r = reader_of(in), key;
    struct slice control = get_tlv(&r, TAG_CONTROL);
    struct slice head, tail;

    key = reader_of(get_tlv2(&r, TAG_KEY_HIGH, TAG_KEY_LOW));
    if (r.failed)
        return false;
    ret->signed_part = slice_head(in, in.n - r.rest.n);
    ret->signature = get_tlv2(&r, TAG_SIGNATURE_HIGH, TAG_SIGNATURE_LOW);
    head = reader_bytes(&key, sizeof(POINT_HEAD) - 1);
    ret->point = reader_bytes(&key, POINT_LEN);
    tail = reader_bytes(&key, sizeof(POINT_TAIL) - 1);
    return !reader_done(&r) && !reader_done(&key) && slice_eq(control, SLICE_LIT(CONTROL)) &&
           slice_eq(head, SLICE_LIT(POINT_HEAD)) && slice_eq(tail, SLICE_LIT(POINT_TAIL));
}

static bool sha256(const struct slice *pieces, size_t n, uint8_t ret[EVP_MAX_MD_SIZE])
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1;

    for (size_t i = 0; i < n && good; i++)
        good = EVP_DigestUpdate(ctx, pieces[i].p, pieces[i].n) == 1;
    good = good && EVP_DigestFinal_ex(ctx, ret, NULL) == 1;
    EVP_MD_CTX_free(ctx); /* wipes */
    return good;
}

static bool signed_by(const struct vse_object *host, const struct agreement *g)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    bool good = false;

    return sha256(&g->signed_part, 1, digest) &&
           !vse_ec_verify(host, SE_ECDSA_SHA256, slice_of(digest, 32), g->signature, &good) && good;
}

static err_t master_secret(const struct vse_applet *a, uint32_t own_id, struct slice point,
                           struct slice random, uint8_t ret[EVP_MAX_MD_SIZE])
{
    const struct vse_object *own = vse_objects_find(&a->objects, own_id);
    static const uint8_t one[] = { 0, 0, 0, 1 };
    autobuf z = BUF_SECRET(SE_EC_PRIVATE_MAX);
    struct slice pieces[4];
    err_t e = own && vse_object_is_ec(own) && own->curve == SE_CURVE_P256 ? vse_ec_shared(own, point, &z)
                                                                          : ERR_WRONG_STATE;

    if (e)
        return e;
    pieces[0] = slice_head(SLICE_ARRAY(one), a->part->eckey_kdf_counter ? sizeof(one) : 0);
    pieces[1] = buf_slice(&z);
    pieces[2] = random;
    pieces[3] = SLICE_LIT(KDF_TAIL);
    return sha256(pieces, ARRAY_LEN(pieces), ret) ? ERR_OK : ERR_CRYPTO;
}

/* Answer the random and a receipt: a MAC of what both sides said, under the new keys. */
static uint16_t agree(struct vse_applet *a, struct vse_session *s, const struct agreement *g,
                      struct writer *out)
{
    uint8_t random[RANDOM_LEN], master[EVP_MAX_MD_SIZE], receipt[VSE_SCP_KEY];
    struct slice said[2] = { g->signed_part, SLICE_ARRAY(random) };
    err_t e = RAND_bytes(random, sizeof(random)) == 1 ? ERR_OK : ERR_CRYPTO;

    if (!e)
        e = master_secret(a, SE_ID_ECKEY_USER, g->point, SLICE_ARRAY(random), master);
    if (!e)
        e = vse_scp_open_master(&s->scp, master);
    if (!e)
        e = vse_scp_receipt(&s->scp, said, ARRAY_LEN(said), receipt);
    mem_wipe(master, sizeof(master));
    if (e)
        return vse_sw_from_err(e);
    tlv_put(out, TAG_RANDOM, SLICE_ARRAY(random));
    tlv_put(out, TAG_RECEIPT, SLICE_ARRAY(receipt));
    return SE_SW_OK;
}

uint16_t vse_session_agree(struct vse_applet *a, const struct vse_call *c, struct writer *out)
{
    struct vse_session *s = c->session;
    const struct vse_object *host;
    struct agreement g;
    bool good;
    uint16_t sw;

    if (c->header.p[0] != SE_CLA_SECURED)
        return SE_SW_CLA_NOT_SUPPORTED;
    if (s->kind != VSE_SESSION_ECKEY || s->open)
        return SE_SW_CONDITIONS;
    if (!cut(c->data, &g))
        return SE_SW_WRONG_DATA;
    sw = vse_attempt_begin(a, s->auth_id, &host);
    if (sw != SE_SW_OK)
        return sw;
    good = signed_by(host, &g);
    sw = vse_attempt_end(a, s->auth_id, good);
    if (!good)
        return SE_SW_SECURITY_STATUS;
    if (sw == SE_SW_OK)
        sw = agree(a, s, &g, out);
    s->open = sw == SE_SW_OK;
    return sw;
}

/* ---- ImportExternalObject: the same without a word from the part, so without its random ---- */

static bool is_host_key(const struct vse_object *o)
{
    return o && o->auth && (o->type == SE_TYPE_EC_PUBLIC || o->type == SE_TYPE_EC_PAIR);
}

uint16_t vse_external_agree(struct vse_applet *a, struct slice proof, uint32_t host_id, struct vse_scp *ret)
{
    uint8_t master[EVP_MAX_MD_SIZE];
    const struct vse_object *host;
    struct agreement g;
    bool good;
    uint16_t sw;
    err_t e;

    if (!cut(proof, &g))
        return SE_SW_WRONG_DATA;
    if (!is_host_key(vse_objects_find(&a->objects, host_id)))
        return SE_SW_CONDITIONS;
    sw = vse_attempt_begin(a, host_id, &host);
    if (sw != SE_SW_OK)
        return sw;
    good = signed_by(host, &g);
    sw = vse_attempt_end(a, host_id, good);
    if (!good)
        return SE_SW_SECURITY_STATUS;
    if (sw != SE_SW_OK)
        return sw;
    e = master_secret(a, SE_ID_ECKEY_IMPORT, g.point, (struct slice){ 0 }, master);
    if (!e)
        e = vse_scp_open_master(ret, master);
    mem_wipe(master, sizeof(master));
    return vse_sw_from_err(e);
}
