/* TLS 1.2 (reference 3.11): the part's random, the pre-master secret, the PRF.
 *
 * The part is one end of the handshake and its random is one of the two: P2 tells whose the other one is and
 * in which order RFC 5246 wants them. The master secret takes client and server, 4B the client's hello and 4C
 * the server's; the key expansion takes server and client, 4D the client's random and 4E the server's. 5A
 * (7.x) gives both, and no random of the part's own. */
#include "base/mem.h"
#include "vse/dispatch.h"
#include "vse/kdf.h"
#include "vse/keys.h"
#include "vse/work.h"

#include <openssl/rand.h>

enum { LABEL_MAX = 64 };

static uint16_t tls_random(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    a->tls.made = false;
    if (RAND_bytes(a->tls.random, sizeof(a->tls.random)) != 1)
        return vse_sw_from_err(ERR_CRYPTO);
    a->tls.made = true;
    a->tls.session = c->session->id;
    tlv_put(out, SE_TAG_1, SLICE_ARRAY(a->tls.random));
    return SE_SW_OK;
}

/* ---- the PRF ---- */

static uint16_t seed_of(const struct vse_applet *a, const struct vse_call *c, struct slice given,
                        struct buf *seed)
{
    bool given_first = c->p2 == SE_P2_TLS_PRF_CLI_HELLO || c->p2 == SE_P2_TLS_PRF_SRV_RANDOM;
    struct slice own = SLICE_ARRAY(a->tls.random);
    err_t e;

    if (c->p2 == SE_P2_TLS_PRF_BOTH)
        return given.n == 2 * VSE_TLS_RANDOM ? vse_sw_from_err(buf_add(seed, given)) : SE_SW_WRONG_DATA;
    if (given.n != VSE_TLS_RANDOM)
        return SE_SW_WRONG_DATA;
    if (!a->tls.made || a->tls.session != c->session->id)
        return SE_SW_CONDITIONS;
    e = buf_add(seed, given_first ? given : own);
    if (!e)
        e = buf_add(seed, given_first ? own : given);
    return vse_sw_from_err(e);
}

static uint16_t tls_prf(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    uint8_t digest = vse_arg_u8(&c->args, SE_TAG_2, 0);
    struct slice label = vse_arg_bytes(&c->args, SE_TAG_3);
    uint16_t n = vse_arg_u16(&c->args, SE_TAG_5, 0);
    autobuf seed = BUF_INIT(2 * VSE_TLS_RANDOM), result = BUF_SECRET(vse_applet_data_max(a));
    const struct vse_object *key;
    uint16_t sw;
    err_t e;

    if (c->args.bad || n == 0 || label.n > LABEL_MAX)
        return SE_SW_WRONG_DATA;
    sw = vse_key_at(a, c, SE_TAG_1, SE_TYPE_HMAC, vse_is_7x(a) ? SE_POLICY_TLS_KDF : SE_POLICY_KDF, &key);
    if (sw == SE_SW_OK && c->p2 == SE_P2_TLS_PRF_BOTH)
        sw = vse_policy_check(a, c, key, SE_POLICY_TLS_KDF_EXT_RANDOM);
    if (sw == SE_SW_OK)
        sw = seed_of(a, c, vse_arg_bytes(&c->args, SE_TAG_4), &seed);
    if (sw != SE_SW_OK)
        return sw;
    e = vse_kdf_tls_prf(digest, vse_object_part(key, VSE_DATA), label, buf_slice(&seed), n, &result);
    if (e)
        return vse_sw_from_err(e);
    return vse_put_derived(a, c, key, SE_TYPE_HMAC, buf_slice(&result), out);
}

/* ---- the pre-master secret ---- */

/* What the key pair of T2 makes of T4: a shared x coordinate, or 48 bytes decrypted. */
static uint16_t from_pair(struct vse_applet *a, struct vse_call *c, struct buf *secret)
{
    struct slice input = vse_arg_bytes(&c->args, SE_TAG_4);
    uint16_t version = vse_arg_u16(&c->args, SE_TAG_6, 0);
    struct vse_object *o;
    uint16_t sw = c->args.bad ? SE_SW_WRONG_DATA : vse_object_at(a, c, SE_TAG_2, 0, &o);
    err_t e;

    if (sw != SE_SW_OK)
        return sw;
    if (o->auth || !(vse_object_is_rsa(o) || vse_object_is_ec(o)) || !vse_key_featured(a, o))
        return SE_SW_CONDITIONS;
    if (vse_object_is_rsa(o) != vse_arg_has(&c->args, SE_TAG_6))
        return SE_SW_WRONG_DATA;
    sw = vse_policy_check(a, c, o, SE_POLICY_TLS_PMS);
    if (sw != SE_SW_OK)
        return sw;
    e = vse_object_is_rsa(o) ? vse_rsa_tls_secret(o, version, input, secret)
                             : vse_ec_shared(o, input, secret);
    a->private_ops += !e;
    return vse_sw_from_err(e);
}

/* RFC 4279 §2: both secrets with their lengths; without another one as many zeros as the PSK is long. */
static err_t join(struct slice other, struct slice psk, struct buf *out)
{
    static const uint8_t zeros[SE_HMAC_KEY_MAX];
    struct writer w = writer_of(out);

    if (other.n == 0)
        other = slice_of(zeros, psk.n);
    writer_be16(&w, (uint16_t)other.n);
    writer_bytes(&w, other);
    writer_be16(&w, (uint16_t)psk.n);
    writer_bytes(&w, psk);
    return writer_done(&w);
}

/* The pre-master secret never leaves the part: a target that could be read is none. */
static uint16_t keep(struct vse_applet *a, struct vse_call *c, struct slice secret)
{
    const struct vse_object *target =
        vse_objects_find(&a->objects, vse_arg_u32(&c->args, SE_TAG_3, SE_ID_NONE));

    if (c->args.bad)
        return SE_SW_WRONG_DATA;
    if (target && target->type != SE_TYPE_HMAC)
        return SE_SW_CONDITIONS;
    return vse_keep_derived(a, c, SE_TAG_3, NULL, SE_TYPE_HMAC, secret);
}

static uint16_t tls_secret(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    bool psk = vse_arg_has(&c->args, SE_TAG_1), pair = vse_arg_has(&c->args, SE_TAG_2);
    autobuf other = BUF_SECRET(SE_RSA_BYTES_MAX), both = BUF_SECRET(SE_RSA_BYTES_MAX + SE_HMAC_KEY_MAX);
    const struct vse_object *key;
    uint16_t sw = SE_SW_OK;

    (void)out;
    if (!(psk || pair) || (!pair && (vse_arg_has(&c->args, SE_TAG_4) || vse_arg_has(&c->args, SE_TAG_6))))
        return SE_SW_WRONG_DATA;
    if (psk)
        sw = vse_key_at(a, c, SE_TAG_1, SE_TYPE_HMAC, SE_POLICY_TLS_PMS, &key);
    if (sw == SE_SW_OK && pair)
        sw = from_pair(a, c, &other);
    if (sw == SE_SW_OK && psk)
        sw = vse_sw_from_err(join(buf_slice(&other), vse_object_part(key, VSE_DATA), &both));
    return sw == SE_SW_OK ? keep(a, c, buf_slice(psk ? &both : &other)) : sw;
}

enum { PRF_TAGS = VSE_T(1) | VSE_T(2) | VSE_T(3) | VSE_T(4) | VSE_T(5) };

#define PRF_ROW(name_, p2_, on_)                                                          \
    {                                                                                     \
        .name = (name_), .ins = SE_INS_CRYPTO, .p1 = SE_P1_TLS, .p2 = (p2_), .on = (on_), \
        .feature = SE_CONFIG_TLS, .must = PRF_TAGS, .run = tls_prf,                       \
    }

/* clang-format off */
const struct vse_command vse_commands_tls[] = {
    { .name = "TLSGenerateRandom", .ins = SE_INS_CRYPTO, .p1 = SE_P1_TLS, .p2 = SE_P2_RANDOM, .on = VSE_ON_ALL,
      .feature = SE_CONFIG_TLS, .run = tls_random },
    { .name = "TLSCalculatePreMasterSecret", .ins = SE_INS_CRYPTO, .p1 = SE_P1_TLS, .p2 = SE_P2_TLS_PMS,
      .on = VSE_ON_ALL, .feature = SE_CONFIG_TLS, .must = VSE_T(3),
      .may = VSE_T(1) | VSE_T(2) | VSE_T(4) | VSE_T(6), .run = tls_secret },
    PRF_ROW("TLSPerformPRF", SE_P2_TLS_PRF_CLI_HELLO, VSE_ON_ALL),
    PRF_ROW("TLSPerformPRF", SE_P2_TLS_PRF_SRV_HELLO, VSE_ON_ALL),
    PRF_ROW("TLSPerformPRF", SE_P2_TLS_PRF_CLI_RANDOM, VSE_ON_ALL),
    PRF_ROW("TLSPerformPRF", SE_P2_TLS_PRF_SRV_RANDOM, VSE_ON_ALL),
    PRF_ROW("TLSPerformPRF", SE_P2_TLS_PRF_BOTH, VSE_ON_7X),
    VSE_COMMANDS_END,
};
/* clang-format on */
