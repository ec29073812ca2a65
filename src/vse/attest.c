#include "vse/attest.h"

#include "base/mem.h"
#include "vse/curve.h"
#include "vse/digest.h"
#include "vse/hidden.h"
#include "vse/keys.h"

enum { AUTH_NO = 0x01, AUTH_YES = 0x02 };

/* ---- attributes ---- */

static void put_policy(const struct vse_object *o, struct writer *out)
{
    uint8_t standard[VSE_POLICY_DEFAULT_LEN];

    vse_policy_default(o->type, standard);
    writer_bytes(out, o->policy.n ? buf_slice(&o->policy) : SLICE_ARRAY(standard));
}

void vse_attributes_put(const struct vse_applet *a, const struct vse_object *o, struct writer *out)
{
    writer_be32(out, o->id);
    writer_u8(out, vse_type_told(a, o));
    writer_u8(out, o->auth ? AUTH_YES : AUTH_NO);
    writer_be16(out, o->auth ? o->attempts : o->min_tag);
    writer_be32(out, o->owner);
    writer_be16(out, o->auth ? o->max_attempts : 0);
    put_policy(o, out);
    writer_u8(out, o->origin);
    if (vse_is_7x(a))
        writer_be32(out, o->version);
}

uint16_t vse_object_bytes(const struct vse_object *o)
{
    if (vse_object_is_ec(o))
        return vse_curve_find(o->curve)->bytes;
    return vse_object_is_rsa(o) ? o->size / 8 : o->size;
}

/* ---- signing ---- */

/* The digest that an ECDSA algorithm is named for; SE_DIGEST_NONE for others. */
static uint8_t digest_of(uint8_t algorithm)
{
    static const uint8_t map[][2] = {
        { SE_ECDSA_SHA1, SE_DIGEST_SHA1 },     { SE_ECDSA_SHA224, SE_DIGEST_SHA224 },
        { SE_ECDSA_SHA256, SE_DIGEST_SHA256 }, { SE_ECDSA_SHA384, SE_DIGEST_SHA384 },
        { SE_ECDSA_SHA512, SE_DIGEST_SHA512 },
    };

    for (size_t i = 0; i < ARRAY_LEN(map); i++)
        if (map[i][0] == algorithm)
            return map[i][1];
    return SE_DIGEST_NONE;
}

/* Here the part hashes, whatever the key (unlike ECDSASign). */
static err_t sign(const struct vse_object *key, uint8_t algorithm, struct slice message, struct buf *out)
{
    autobuf digest = BUF_INIT(VSE_DIGEST_MAX);
    err_t e;

    if (vse_object_is_rsa(key))
        return vse_rsa_sign(key, algorithm, message, out);
    if (!vse_object_is_ec(key))
        return ERR_WRONG_STATE;
    if (algorithm == SE_EDDSA_PURE)
        return vse_ec_sign(key, algorithm, message, out);
    if (digest_of(algorithm) == SE_DIGEST_NONE)
        return ERR_UNSUPPORTED;
    e = vse_digest_once(digest_of(algorithm), message, &digest);
    return e ? e : vse_ec_sign(key, algorithm, buf_slice(&digest), out);
}

/* ---- answers ---- */

struct attester {
    struct vse_applet *a;
    struct vse_call *c;
    const struct vse_attested *what;
    const struct vse_object *key; /* NULL: no signature is wanted */
    uint8_t algorithm;
    struct slice random, chip_id;
    uint8_t timestamp[SE_TIMESTAMP_LEN];
    struct buf attributes;
    struct buf message; /* what is signed */
};

static uint16_t sign_message(struct attester *t, uint8_t tag, struct writer *out)
{
    autobuf signature = BUF_INIT(SE_RSA_BYTES_MAX);
    err_t e = t->key ? sign(t->key, t->algorithm, buf_slice(&t->message), &signature) : ERR_OK;

    if (e)
        return vse_sw_from_err(e);
    t->a->private_ops += t->key != NULL;
    tlv_put(out, tag, buf_slice(&signature));
    return SE_SW_OK;
}

/* 3.x signs the values. */
static void put_signed_value(struct attester *t, uint8_t tag, struct slice value, struct writer *out)
{
    struct writer message = writer_of(&t->message);

    tlv_put(out, tag, value);
    writer_bytes(&message, value);
    if (writer_done(&message))
        out->err = writer_done(&message);
}

static uint16_t answer_3x(struct attester *t, struct writer *out)
{
    if (t->what->data)
        put_signed_value(t, SE_TAG_1, *t->what->data, out);
    if (t->what->about)
        put_signed_value(t, SE_TAG_2, buf_slice(&t->attributes), out);
    put_signed_value(t, SE_TAG_3, SLICE_ARRAY(t->timestamp), out);
    put_signed_value(t, SE_TAG_4, t->random, out);
    put_signed_value(t, SE_TAG_5, t->chip_id, out);
    return sign_message(t, SE_TAG_6, out);
}

/* 7.x signs the SHA-256 of the command and the answer as it stands. */
static uint16_t answer_7x(struct attester *t, struct writer *out)
{
    autobuf body = BUF_SECRET(2 * SE_ANSWER_MAX);
    struct writer w = writer_of(&body);
    err_t e = vse_digest_once(SE_DIGEST_SHA256, t->c->apdu, &t->message);

    if (t->what->data)
        tlv_put(&w, SE_TAG_1, *t->what->data);
    tlv_put(&w, SE_TAG_2, t->chip_id);
    if (t->what->about)
        tlv_put(&w, SE_TAG_3, buf_slice(&t->attributes));
    tlv_put_be16(&w, SE_TAG_4, t->what->size);
    tlv_put(&w, SE_TAG_TIMESTAMP, SLICE_ARRAY(t->timestamp));
    if (!e)
        e = writer_done(&w);
    if (!e)
        e = buf_add(&t->message, buf_slice(&body));
    if (e)
        return e == ERR_TOO_BIG ? SE_SW_WRONG_LENGTH : vse_sw_from_err(e);
    writer_bytes(out, buf_slice(&body));
    return sign_message(t, SE_TAG_SIGNATURE, out);
}

static uint16_t find_key(struct attester *t)
{
    uint32_t id = vse_arg_u32(&t->c->args, t->what->key_tag, SE_ID_NONE);
    struct vse_object *key = NULL;
    uint16_t sw;

    t->algorithm = vse_arg_u8(&t->c->args, t->what->algorithm_tag, 0);
    t->random = vse_arg_bytes(&t->c->args, SE_TAG_7);
    if (t->c->args.bad || t->random.n != SE_ATTEST_RANDOM_LEN)
        return SE_SW_WRONG_DATA;
    if (id == SE_ID_NONE && t->what->key_optional)
        return SE_SW_OK;
    sw = vse_object_at(t->a, t->c, t->what->key_tag, SE_POLICY_ATTEST, &key);
    t->key = key;
    return sw;
}

uint16_t vse_attest_possible(struct vse_applet *a, struct vse_call *c, const struct vse_attested *what)
{
    struct attester t = { .a = a, .c = c, .what = what };
    autobuf probe = BUF_INIT(SE_RSA_BYTES_MAX);
    uint16_t sw = find_key(&t);

    if (sw == SE_SW_OK && t.key)
        sw = vse_sw_from_err(sign(t.key, t.algorithm, (struct slice){ 0 }, &probe));
    return sw;
}

static uint16_t gather(struct attester *t)
{
    const struct vse_object *uid = vse_objects_find(&t->a->objects, SE_ID_UNIQUE_ID);
    struct writer w = writer_of(&t->attributes);
    err_t e = vse_timestamp_next(t->a, t->timestamp);

    if (uid)
        t->chip_id = vse_object_part(uid, VSE_DATA);
    if (t->what->about)
        vse_attributes_put(t->a, t->what->about, &w);
    if (!e)
        e = writer_done(&w);
    return vse_sw_from_err(e);
}

uint16_t vse_attest(struct vse_applet *a, struct vse_call *c, const struct vse_attested *what,
                    struct writer *out)
{
    struct attester t = { .a = a, .c = c, .what = what };
    uint16_t sw;

    t.attributes = BUF_INIT(SE_ANSWER_MAX);
    t.message = BUF_SECRET(3 * SE_ANSWER_MAX);
    sw = find_key(&t);
    if (sw == SE_SW_OK)
        sw = gather(&t);
    if (sw == SE_SW_OK)
        sw = vse_is_7x(a) ? answer_7x(&t, out) : answer_3x(&t, out);
    buf_done(&t.attributes);
    buf_done(&t.message);
    return sw;
}
