#include "vse/spake2.h"

#include "base/mem.h"
#include "base/writer.h"
#include "se/wire.h"
#include "vse/curve.h"
#include "vse/digest.h"
#include "vse/kdf.h"
#include "vse/keys_private.h"
#include "vse/mac.h"

enum { CMAC_KEY = 16, TRANSCRIPT_MAX = 2048 };

/* ---- suites (RFC 9383 §4) ---- */

static const struct suite {
    uint8_t mode, curve, digest, mac;
} suites[] = {
    { SE_PAKE_P256_SHA256_HMAC, SE_CURVE_P256, SE_DIGEST_SHA256, SE_MAC_HMAC_SHA256 },
    { SE_PAKE_P256_SHA512_HMAC, SE_CURVE_P256, SE_DIGEST_SHA512, SE_MAC_HMAC_SHA512 },
    { SE_PAKE_P384_SHA256_HMAC, SE_CURVE_P384, SE_DIGEST_SHA256, SE_MAC_HMAC_SHA256 },
    { SE_PAKE_P384_SHA512_HMAC, SE_CURVE_P384, SE_DIGEST_SHA512, SE_MAC_HMAC_SHA512 },
    { SE_PAKE_P521_SHA512_HMAC, SE_CURVE_P521, SE_DIGEST_SHA512, SE_MAC_HMAC_SHA512 },
    { SE_PAKE_P256_SHA256_CMAC, SE_CURVE_P256, SE_DIGEST_SHA256, SE_MAC_CMAC_128 },
    { SE_PAKE_P256_SHA512_CMAC, SE_CURVE_P256, SE_DIGEST_SHA512, SE_MAC_CMAC_128 },
};

/* The points M and N of each curve, compressed as the RFC prints them. */
static const struct masks {
    uint8_t curve;
    struct slice m, n;
} masks[] = {
    { SE_CURVE_P256,
      SLICE_LIT(
          "\x02\x88\x6e\x2f\x97\xac\xe4\x6e\x55\xba\x9d\xd7\x24\x25\x79\xf2\x99\x3b\x64\xe1\x6e\xf3\xdc\xab"
          "\x95\xaf\xd4\x97\x33\x3d\x8f\xa1\x2f"),
      SLICE_LIT(
          "\x03\xd8\xbb\xd6\xc6\x39\xc6\x29\x37\xb0\x4d\x99\x7f\x38\xc3\x77\x07\x19\xc6\x29\xd7\x01\x4d\x49"
          "\xa2\x4b\x4f\x98\xba\xa1\x29\x2b\x49") },
    { SE_CURVE_P384,
      SLICE_LIT(
          "\x03\x0f\xf0\x89\x5a\xe5\xeb\xf6\x18\x70\x80\xa8\x2d\x82\xb4\x2e\x27\x65\xe3\xb2\xf8\x74\x9c\x7e"
          "\x05\xeb\xa3\x66\x43\x4b\x36\x3d\x3d\xc3\x6f\x15\x31\x47\x39\x07\x4d\x2e\xb8\x61\x3f\xce\xec\x28"
          "\x53"),
      SLICE_LIT(
          "\x02\xc7\x2c\xf2\xe3\x90\x85\x3a\x1c\x1c\x4a\xd8\x16\xa6\x2f\xd1\x58\x24\xf5\x60\x78\x91\x8f\x43"
          "\xf9\x22\xca\x21\x51\x8f\x9c\x54\x3b\xb2\x52\xc5\x49\x02\x14\xcf\x9a\xa3\xf0\xba\xab\x4b\x66\x5c"
          "\x10") },
    { SE_CURVE_P521,
      SLICE_LIT(
          "\x02\x00\x3f\x06\xf3\x81\x31\xb2\xba\x26\x00\x79\x1e\x82\x48\x8e\x8d\x20\xab\x88\x9a\xf7\x53\xa4"
          "\x18\x06\xc5\xdb\x18\xd3\x7d\x85\x60\x8c\xfa\xe0\x6b\x82\xe4\xa7\x2c\xd7\x44\xc7\x19\x19\x35\x62"
          "\xa6\x53\xea\x1f\x11\x9e\xef\x93\x56\x90\x7e\xdc\x9b\x56\x97\x99\x62\xd7\xaa"),
      SLICE_LIT(
          "\x02\x00\xc7\x92\x4b\x9e\xc0\x17\xf3\x09\x45\x62\x89\x43\x36\xa5\x3c\x50\x16\x7b\xa8\xc5\x96\x38"
          "\x76\x88\x05\x42\xbc\x66\x9e\x49\x4b\x25\x32\xd7\x6c\x5b\x53\xdf\xb3\x49\xfd\xf6\x91\x54\xb9\xe0"
          "\x04\x8c\x58\xa4\x2e\x8e\xd0\x4c\xef\x05\x2a\x3b\xc3\x49\xd9\x55\x75\xcd\x25") },
};

static const struct suite *find(uint8_t mode)
{
    for (size_t i = 0; i < ARRAY_LEN(suites); i++)
        if (suites[i].mode == mode)
            return &suites[i];
    return NULL;
}

static const struct masks *masks_of(uint8_t curve)
{
    size_t i = 0;

    while (masks[i].curve != curve) /* each suite's curve is there */
        i++;
    return &masks[i];
}

bool vse_spake2_mode_valid(uint8_t mode)
{
    return find(mode) != NULL;
}

/* ---- one exchange ---- */

struct vse_spake2 {
    const struct suite *suite;
    uint8_t device, state;
    bool named;
    size_t bytes; /* of a number on this curve */
    EC_GROUP *group;
    EC_POINT *m, *n;
    BIGNUM *w0, *w1; /* w1: the prover's */
    EC_POINT *l;     /* the verifier's */
    BIGNUM *scalar;  /* x or y */
    struct buf context, prover, verifier;
    struct buf share, peer;   /* ours, theirs */
    struct buf their_confirm; /* as it must be */
};

static bool proves(const struct vse_spake2 *s)
{
    return s->device == SE_PAKE_DEVICE_A;
}

static EC_POINT *point_of(const struct vse_spake2 *s, struct slice bytes)
{
    EC_POINT *p = EC_POINT_new(s->group);

    if (p && EC_POINT_oct2point(s->group, p, bytes.p, bytes.n, NULL) == 1 &&
        !EC_POINT_is_at_infinity(s->group, p))
        return p;
    EC_POINT_free(p);
    (void)vse_crypto_failed(); /* for the queue */
    return NULL;
}

static err_t prepare(struct vse_spake2 *s)
{
    const struct masks *points = masks_of(s->suite->curve);
    const struct vse_curve *curve = vse_curve_find(s->suite->curve);

    s->bytes = curve->bytes;
    s->context = s->prover = s->verifier = BUF_INIT(VSE_SPAKE2_NAME_MAX);
    s->share = s->peer = BUF_INIT(VSE_SPAKE2_SHARE_MAX);
    s->their_confirm = BUF_SECRET(VSE_SPAKE2_KEY_MAX);
    s->group = vse_curve_group(curve);
    if (s->group) {
        s->m = point_of(s, points->m);
        s->n = point_of(s, points->n);
    }
    return s->m && s->n ? ERR_OK : ERR_NOMEM;
}

err_t vse_spake2_new(uint8_t mode, uint8_t device, struct vse_spake2 **ret)
{
    const struct suite *suite = find(mode);
    struct vse_spake2 *s;
    err_t e;

    if (!suite)
        return ERR_UNSUPPORTED;
    if (device != SE_PAKE_DEVICE_A && device != SE_PAKE_DEVICE_B)
        return ERR_INVALID;
    s = mem_calloc(1, sizeof(*s));
    if (!s)
        return ERR_NOMEM;
    s->suite = suite;
    s->device = device;
    s->state = SE_PAKE_SETUP;
    e = prepare(s);
    if (e) {
        vse_spake2_free(s);
        return e;
    }
    *ret = s;
    return ERR_OK;
}

void vse_spake2_free(struct vse_spake2 *s)
{
    if (!s)
        return;
    EC_POINT_free(s->m);
    EC_POINT_free(s->n);
    EC_POINT_clear_free(s->l);
    BN_clear_free(s->w0);
    BN_clear_free(s->w1);
    BN_clear_free(s->scalar);
    EC_GROUP_free(s->group);
    buf_done(&s->context);
    buf_done(&s->prover);
    buf_done(&s->verifier);
    buf_done(&s->share);
    buf_done(&s->peer);
    buf_done(&s->their_confirm);
    free(s);
}

uint8_t vse_spake2_device(const struct vse_spake2 *s)
{
    return s->device;
}

uint8_t vse_spake2_state(const struct vse_spake2 *s)
{
    return s->state;
}

/* ---- what both sides know ---- */

static err_t take(struct buf *b, struct slice value)
{
    buf_clear(b);
    return buf_add(b, value);
}

err_t vse_spake2_names(struct vse_spake2 *s, struct slice context, struct slice prover, struct slice verifier)
{
    err_t e;

    if (s->state != SE_PAKE_SETUP)
        return ERR_WRONG_STATE;
    e = take(&s->context, context);
    if (!e)
        e = take(&s->prover, prover);
    if (!e)
        e = take(&s->verifier, verifier);
    s->named = !e;
    return e;
}

/* A number of this length from 1 to the order less 1; NULL when it is none. */
static BIGNUM *number_of(const struct vse_spake2 *s, struct slice value)
{
    BIGNUM *b = value.n == s->bytes ? vse_bn(value) : NULL;

    if (b && !BN_is_zero(b) && BN_cmp(b, EC_GROUP_get0_order(s->group)) < 0)
        return b;
    BN_clear_free(b);
    return NULL;
}

static EC_POINT *share_of(const struct vse_spake2 *s, struct slice bytes)
{
    static const uint8_t uncompressed = 0x04;

    return bytes.n == 2 * s->bytes + 1 && bytes.p[0] == uncompressed ? point_of(s, bytes) : NULL;
}

err_t vse_spake2_credentials(struct vse_spake2 *s, struct slice w0, struct slice w1_or_l)
{
    if (s->state != SE_PAKE_SETUP)
        return ERR_WRONG_STATE;
    BN_clear_free(s->w0);
    BN_clear_free(s->w1);
    EC_POINT_clear_free(s->l);
    s->w0 = number_of(s, w0);
    s->w1 = proves(s) ? number_of(s, w1_or_l) : NULL;
    s->l = proves(s) ? NULL : share_of(s, w1_or_l);
    return s->w0 && (s->w1 || s->l) ? ERR_OK : ERR_INVALID;
}

static bool ready(const struct vse_spake2 *s)
{
    return s->state == SE_PAKE_SETUP && s->named && s->w0 && (s->w1 || s->l);
}

/* ---- points ---- */

static void point_free_ptr(EC_POINT **p)
{
    EC_POINT_clear_free(*p);
}
#define auto_point __attribute__((cleanup(point_free_ptr))) EC_POINT

static err_t put_point(const struct vse_spake2 *s, const EC_POINT *p, struct buf *out)
{
    uint8_t bytes[VSE_SPAKE2_SHARE_MAX];
    size_t n = EC_POINT_point2oct(s->group, p, POINT_CONVERSION_UNCOMPRESSED, bytes, sizeof(bytes), NULL);
    err_t e = n ? buf_add_mem(out, bytes, n) : vse_crypto_failed();

    mem_wipe(bytes, sizeof(bytes));
    return e;
}

/* One scalar at a time: OpenSSL takes the same time for each then. */
static bool times(const struct vse_spake2 *s, EC_POINT *r, const EC_POINT *p, const BIGNUM *by)
{
    return EC_POINT_mul(s->group, r, p ? NULL : by, p, p ? by : NULL, NULL) == 1;
}

static err_t choose_scalar(struct vse_spake2 *s, struct slice given)
{
    BN_clear_free(s->scalar);
    s->scalar = given.n ? number_of(s, given) : BN_secure_new();
    if (!s->scalar)
        return given.n ? ERR_INVALID : ERR_NOMEM;
    while (BN_is_zero(s->scalar))
        if (BN_priv_rand_range(s->scalar, EC_GROUP_get0_order(s->group)) != 1)
            return vse_crypto_failed();
    BN_set_flags(s->scalar, BN_FLG_CONSTTIME);
    return ERR_OK;
}

/* scalar * G + w0 * mask */
static err_t make_share(struct vse_spake2 *s)
{
    auto_point *a = EC_POINT_new(s->group), *b = EC_POINT_new(s->group);

    if (!a || !b)
        return ERR_NOMEM;
    if (!times(s, a, NULL, s->scalar) || !times(s, b, proves(s) ? s->m : s->n, s->w0) ||
        EC_POINT_add(s->group, a, a, b, NULL) != 1)
        return vse_crypto_failed();
    return put_point(s, a, &s->share);
}

err_t vse_spake2_share(struct vse_spake2 *s, struct slice peer, struct slice scalar, struct buf *out)
{
    auto_point *theirs = NULL;
    err_t e;

    if (!ready(s))
        return ERR_WRONG_STATE;
    theirs = proves(s) ? NULL : share_of(s, peer);
    if (proves(s) ? peer.n != 0 : !theirs)
        return ERR_INVALID;
    buf_clear(&s->share);
    e = take(&s->peer, peer);
    if (!e)
        e = choose_scalar(s, scalar);
    if (!e)
        e = make_share(s);
    if (!e)
        e = buf_add(out, buf_slice(&s->share));
    if (!e)
        s->state = SE_PAKE_SHARED;
    return e;
}

/* ---- keys ---- */

/* The peer's share without its mask. */
static EC_POINT *unmasked(const struct vse_spake2 *s, const EC_POINT *theirs)
{
    auto_point *mask = EC_POINT_new(s->group);
    EC_POINT *r = EC_POINT_new(s->group);

    if (mask && r && times(s, mask, proves(s) ? s->n : s->m, s->w0) &&
        EC_POINT_invert(s->group, mask, NULL) == 1 && EC_POINT_add(s->group, r, theirs, mask, NULL) == 1 &&
        !EC_POINT_is_at_infinity(s->group, r))
        return r;
    EC_POINT_clear_free(r);
    return NULL;
}

/* Z and V, as 04 x y. */
static err_t shared_points(const struct vse_spake2 *s, const EC_POINT *theirs, struct buf *z, struct buf *v)
{
    auto_point *t = unmasked(s, theirs), *p = EC_POINT_new(s->group);
    err_t e;

    if (!p || !t)
        return p ? ERR_INVALID : ERR_NOMEM;
    e = times(s, p, t, s->scalar) ? put_point(s, p, z) : vse_crypto_failed();
    if (!e && !times(s, p, proves(s) ? t : s->l, proves(s) ? s->w1 : s->scalar))
        e = vse_crypto_failed();
    return e ? e : put_point(s, p, v);
}

/* A length of eight bytes, the low one first, and the value. */
static void put(struct writer *w, struct slice value)
{
    size_t n = value.n;

    for (int i = 0; i < 8; i++, n >>= 8)
        writer_u8(w, (uint8_t)n);
    writer_bytes(w, value);
}

/* RFC 9383 §3.3. */
static err_t transcript(const struct vse_spake2 *s, struct slice z, struct slice v, struct buf *out)
{
    autobuf m = BUF_INIT(VSE_SPAKE2_SHARE_MAX), n = BUF_INIT(VSE_SPAKE2_SHARE_MAX);
    uint8_t w0[VSE_SPAKE2_SHARE_MAX];
    struct writer w = writer_of(out);
    err_t e = put_point(s, s->m, &m);

    if (!e)
        e = put_point(s, s->n, &n);
    if (e || BN_bn2binpad(s->w0, w0, (int)s->bytes) < 0)
        return e ? e : vse_crypto_failed();
    put(&w, buf_slice(&s->context));
    put(&w, buf_slice(&s->prover));
    put(&w, buf_slice(&s->verifier));
    put(&w, buf_slice(&m));
    put(&w, buf_slice(&n));
    put(&w, buf_slice(proves(s) ? &s->share : &s->peer));
    put(&w, buf_slice(proves(s) ? &s->peer : &s->share));
    put(&w, z);
    put(&w, v);
    put(&w, slice_of(w0, s->bytes));
    mem_wipe(w0, sizeof(w0));
    return writer_done(&w);
}

static err_t main_key(const struct vse_spake2 *s, const EC_POINT *theirs, struct buf *out)
{
    autobuf z = BUF_SECRET(VSE_SPAKE2_SHARE_MAX), v = BUF_SECRET(VSE_SPAKE2_SHARE_MAX);
    autobuf tt = BUF_SECRET(TRANSCRIPT_MAX);
    err_t e = shared_points(s, theirs, &z, &v);

    if (!e)
        e = transcript(s, buf_slice(&z), buf_slice(&v), &tt);
    return e ? e : vse_digest_once(s->suite->digest, buf_slice(&tt), out);
}

static err_t expand(const struct vse_spake2 *s, struct slice key, struct slice info, size_t n,
                    struct buf *out)
{
    struct vse_hkdf h = { .key = key, .info = info, .digest = s->suite->digest };

    return vse_kdf_hkdf(&h, n, out);
}

/* Each side's MAC is over the other's share, with a key of its own. */
static err_t confirmations(struct vse_spake2 *s, struct slice key, struct buf *out)
{
    size_t n = s->suite->mac == SE_MAC_CMAC_128 ? CMAC_KEY : vse_digest_len(s->suite->digest);
    autobuf keys = BUF_SECRET(2 * VSE_SPAKE2_KEY_MAX);
    struct slice prover, verifier;
    err_t e = expand(s, key, SLICE_LIT("ConfirmationKeys"), 2 * n, &keys);

    if (e)
        return e;
    prover = slice_head(buf_slice(&keys), n);
    verifier = slice_skip(buf_slice(&keys), n);
    e = vse_mac_once(s->suite->mac, proves(s) ? prover : verifier, buf_slice(&s->peer), out);
    buf_clear(&s->their_confirm);
    return e ? e
             : vse_mac_once(s->suite->mac, proves(s) ? verifier : prover, buf_slice(&s->share),
                            &s->their_confirm);
}

err_t vse_spake2_keys(struct vse_spake2 *s, struct slice peer, struct buf *out_secret,
                      struct buf *out_confirm)
{
    autobuf key = BUF_SECRET(VSE_SPAKE2_KEY_MAX);
    auto_point *theirs = NULL;
    err_t e;

    if (s->state != SE_PAKE_SHARED)
        return ERR_WRONG_STATE;
    theirs = share_of(s, peer);
    if (!theirs || (!proves(s) && !slice_eq(peer, buf_slice(&s->peer))))
        return ERR_INVALID;
    e = take(&s->peer, peer);
    if (!e)
        e = main_key(s, theirs, &key);
    if (!e)
        e = confirmations(s, buf_slice(&key), out_confirm);
    if (!e)
        e = expand(s, buf_slice(&key), SLICE_LIT("SharedKey"), vse_digest_len(s->suite->digest), out_secret);
    if (!e)
        s->state = SE_PAKE_KEYS;
    return e;
}

err_t vse_spake2_confirmed(const struct vse_spake2 *s, struct slice confirm, bool *ret_good)
{
    if (s->state != SE_PAKE_KEYS)
        return ERR_WRONG_STATE;
    *ret_good = confirm.n == s->their_confirm.n && mem_eq_ct(confirm.p, s->their_confirm.p, confirm.n);
    return ERR_OK;
}
