#include "se/attest_check.h"

#include "base/mem.h"
#include "se/apdu.h"

/* An optional TLV at the front: left out, it is empty. */
static struct slice take_optional(struct slice *in, uint8_t tag)
{
    struct slice value = { 0 };

    if (se_answer_take(in, tag, &value))
        return (struct slice){ 0 };
    return value;
}

static err_t take_sized(struct slice *in, uint8_t tag, size_t n, struct slice *ret)
{
    err_t e = se_answer_take(in, tag, ret);

    return !e && ret->n != n ? ERR_PROTO : e;
}

static err_t parse_3x(struct slice in, struct se_attested *a)
{
    err_t e;

    a->data = take_optional(&in, SE_TAG_1);
    a->attributes = take_optional(&in, SE_TAG_2);
    e = take_sized(&in, SE_TAG_3, SE_TIMESTAMP_LEN, &a->timestamp);
    if (!e)
        e = take_sized(&in, SE_TAG_4, SE_ATTEST_RANDOM_LEN, &a->random);
    if (!e)
        e = take_sized(&in, SE_TAG_5, SE_UNIQUE_ID_LEN, &a->chip_id);
    return e ? e : se_answer_only(in, SE_TAG_6, &a->signature);
}

static err_t parse_7x(struct slice in, struct se_attested *a)
{
    struct slice whole = in, size;
    err_t e;

    a->data = take_optional(&in, SE_TAG_1);
    e = take_sized(&in, SE_TAG_2, SE_UNIQUE_ID_LEN, &a->chip_id);
    if (e)
        return e;
    a->attributes = take_optional(&in, SE_TAG_3);
    e = take_sized(&in, SE_TAG_4, 2, &size);
    if (!e)
        e = take_sized(&in, SE_TAG_TIMESTAMP, SE_TIMESTAMP_LEN, &a->timestamp);
    if (e)
        return e;
    a->signed_tlvs = slice_head(whole, whole.n - in.n);
    return se_answer_only(in, SE_TAG_SIGNATURE, &a->signature);
}

err_t se_attest_parse(bool is_7x, struct slice answer, struct se_attested *ret)
{
    struct se_attested a = { 0 };
    err_t e = is_7x ? parse_7x(answer, &a) : parse_3x(answer, &a);

    if (!e)
        *ret = a;
    return e;
}

static err_t digest_7x(struct se_crypt *crypt, const struct se_attested *a, struct slice command,
                       uint8_t ret[SE_SHA256])
{
    uint8_t said[SE_SHA256];
    struct slice pieces[] = { SLICE_ARRAY(said), a->signed_tlvs };
    err_t e = se_crypt_sha256(crypt, &command, 1, said);

    return e ? e : se_crypt_sha256(crypt, pieces, ARRAY_LEN(pieces), ret);
}

err_t se_attest_digest(struct se_crypt *crypt, bool is_7x, const struct se_attested *a, struct slice command,
                       struct slice random, uint8_t ret[SE_SHA256])
{
    struct slice values[] = { a->data, a->attributes, a->timestamp, a->random, a->chip_id };

    if (is_7x)
        return digest_7x(crypt, a, command, ret); /* the random is in the command */
    if (!slice_eq(a->random, random))
        return ERR_PROTO;
    return se_crypt_sha256(crypt, values, ARRAY_LEN(values), ret);
}

err_t se_attest_check(struct se_crypt *crypt, bool is_7x, struct slice answer, struct slice command,
                      struct slice random, struct slice point, struct se_attested *ret)
{
    struct se_attested a = { 0 };
    uint8_t digest[SE_SHA256];
    err_t e = se_attest_parse(is_7x, answer, &a);

    if (!e)
        e = se_attest_digest(crypt, is_7x, &a, command, random, digest);
    if (!e)
        e = se_crypt_p256_verify(crypt, point, digest, a.signature);
    if (!e)
        *ret = a;
    return e;
}

err_t se_attest_check_sent(struct se_crypt *crypt, bool is_7x, struct slice answer, struct slice apdu,
                           struct slice random, struct slice point, struct se_attested *ret)
{
    enum { HEADER = 4, EXTENDED_LC = 3, EXTENDED_LE = 2 };
    autobuf shortest = BUF_INIT(SE_APDU_MAX);
    err_t e = se_attest_check(crypt, is_7x, answer, apdu, random, point, ret);

    if (e != ERR_AUTH || !is_7x || apdu.n < HEADER + EXTENDED_LC + EXTENDED_LE || apdu.p[HEADER + 1] != 0)
        return e;
    e = buf_add(&shortest, slice_head(apdu, HEADER));
    if (!e)
        e = buf_add_u8(&shortest, apdu.p[HEADER + 2]);
    if (!e)
        e = buf_add(&shortest, slice_head(slice_skip(apdu, HEADER + EXTENDED_LC),
                                          apdu.n - HEADER - EXTENDED_LC - EXTENDED_LE));
    return e ? e : se_attest_check(crypt, is_7x, answer, buf_slice(&shortest), random, point, ret);
}
