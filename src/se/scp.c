#include "se/scp.h"

#include "base/mem.h"
#include "base/reader.h"
#include "base/writer.h"
#include "se/apdu.h"

enum {
    DIVERSIFICATION_LEN = 10,
    SCP03 = 0x03,
    SEQUENCE_LEN = 3, /* of a card with pseudo-random challenges */
    SECURITY_FULL = 0x33,
    PAD = 0x80, /* then zeros: ISO 9797-1 method 2 */
    RESPONSE_IV = 0x80,
    HEADER = 4,
    SHORT_LC_MAX = 0xff,
    BITS_KEY = 0x80,
    BITS_CRYPTOGRAM = 0x40,
};

/* Derivation constants (reference 4.2, 4.5). */
enum {
    CARD_CRYPTOGRAM = 0x00,
    HOST_CRYPTOGRAM = 0x01,
    S_ENC = 0x04,
    S_MAC = 0x06,
    S_RMAC = 0x07,
    FIRST_CHAIN = 0x08,
};

void se_scp_init(struct se_scp *s, struct se_crypt *crypt)
{
    *s = (struct se_scp){ .crypt = crypt };
}

void se_scp_close(struct se_scp *s)
{
    struct se_crypt *crypt = s->crypt;

    mem_wipe(s, sizeof(*s));
    s->crypt = crypt;
}

static err_t closed(struct se_scp *s, err_t e)
{
    se_scp_close(s);
    return e;
}

/* NIST SP 800-108, counter mode; one block is enough for 128-bit keys. */
static err_t derive(const struct se_scp *s, const uint8_t key[SE_AES_KEY], uint8_t constant, uint8_t bits,
                    struct slice context, uint8_t ret[SE_AES_BLOCK])
{
    uint8_t head[16] = { [11] = constant, [14] = bits, [15] = 1 };
    struct slice pieces[] = { SLICE_ARRAY(head), context };

    return se_crypt_cmac(s->crypt, key, pieces, ARRAY_LEN(pieces), ret);
}

/* ---- opening ---- */

err_t se_scp_initialize(struct se_scp *s, uint8_t key_version, struct buf *out)
{
    struct writer w = writer_of(out);
    err_t e;

    se_scp_close(s);
    e = se_crypt_random(s->crypt, s->host, sizeof(s->host));
    if (e)
        return e;
    writer_u8(&w, SE_CLA_APPLET);
    writer_u8(&w, SE_INS_INITIALIZE_UPDATE);
    writer_u8(&w, key_version);
    writer_u8(&w, 0);
    writer_u8(&w, SE_SCP_CHALLENGE);
    writer_bytes(&w, SLICE_ARRAY(s->host));
    return writer_done(&w);
}

struct card_says {
    struct slice challenge, cryptogram;
};

static err_t parse_update(struct slice answer, struct card_says *ret)
{
    struct reader r = reader_of(answer);
    uint8_t protocol;

    (void)reader_bytes(&r, DIVERSIFICATION_LEN);
    (void)reader_u8(&r); /* key version */
    protocol = reader_u8(&r);
    (void)reader_u8(&r); /* i */
    ret->challenge = reader_bytes(&r, SE_SCP_CHALLENGE);
    ret->cryptogram = reader_bytes(&r, SE_SCP_CHALLENGE);
    if (r.rest.n == SEQUENCE_LEN)
        (void)reader_bytes(&r, SEQUENCE_LEN);
    return reader_done(&r) || protocol != SCP03 ? ERR_PROTO : ERR_OK;
}

static err_t session_keys(struct se_scp *s, const struct se_keyset *set, struct slice context)
{
    err_t e = derive(s, set->enc, S_ENC, BITS_KEY, context, s->enc);

    if (!e)
        e = derive(s, set->mac, S_MAC, BITS_KEY, context, s->mac);
    return e ? e : derive(s, set->mac, S_RMAC, BITS_KEY, context, s->rmac);
}

/* The set under which the card's cryptogram is right. */
static err_t choose(struct se_scp *s, const struct se_keyset *sets, size_t n, struct slice context,
                    struct slice cryptogram, size_t *ret_which)
{
    uint8_t want[SE_AES_BLOCK];

    for (size_t i = 0; i < n; i++) {
        err_t e = session_keys(s, &sets[i], context);

        if (!e)
            e = derive(s, s->mac, CARD_CRYPTOGRAM, BITS_CRYPTOGRAM, context, want);
        if (e)
            return e;
        if (mem_eq_ct(want, cryptogram.p, SE_SCP_CHALLENGE)) {
            *ret_which = i;
            return ERR_OK;
        }
    }
    return ERR_AUTH;
}

/* The MAC of a command: over the chaining value, the header, Lc with the MAC's length, the data. It is the
 * next chaining value. */
static err_t command_mac(struct se_scp *s, struct slice header, struct slice data)
{
    size_t lc = data.n + SE_SCP_MAC;
    uint8_t lc_bytes[3] = { 0, (uint8_t)(lc >> 8), (uint8_t)lc };
    struct slice lc_field = lc > SHORT_LC_MAX ? SLICE_ARRAY(lc_bytes) : slice_of(lc_bytes + 2, 1);
    struct slice pieces[] = { SLICE_ARRAY(s->chain), header, lc_field, data };
    uint8_t mac[SE_AES_BLOCK];
    err_t e = se_crypt_cmac(s->crypt, s->mac, pieces, ARRAY_LEN(pieces), mac);

    if (!e)
        memcpy(s->chain, mac, sizeof(mac));
    return e;
}

static err_t put_maced(struct se_scp *s, const uint8_t header[HEADER], struct slice data, bool le,
                       struct buf *out)
{
    size_t lc = data.n + SE_SCP_MAC;
    struct writer w = writer_of(out);
    err_t e = command_mac(s, slice_of(header, HEADER), data);

    if (e)
        return e;
    writer_bytes(&w, slice_of(header, HEADER));
    if (lc > SHORT_LC_MAX) {
        writer_u8(&w, 0);
        writer_be16(&w, (uint16_t)lc);
    } else {
        writer_u8(&w, (uint8_t)lc);
    }
    writer_bytes(&w, data);
    writer_bytes(&w, slice_of(s->chain, SE_SCP_MAC));
    if (le && lc > SHORT_LC_MAX)
        writer_be16(&w, 0);
    return writer_done(&w);
}

err_t se_scp_authenticate(struct se_scp *s, const struct se_keyset *sets, size_t n, bool counts_empty,
                          struct slice answer, size_t *ret_which, struct buf *out)
{
    static const uint8_t header[HEADER] = { SE_CLA_SECURED, SE_INS_EXTERNAL_AUTHENTICATE, SECURITY_FULL, 0 };
    uint8_t both[2 * SE_SCP_CHALLENGE], proof[SE_AES_BLOCK];
    struct card_says card;
    size_t which = 0;
    err_t e = parse_update(answer, &card);

    if (e)
        return closed(s, e);
    memcpy(both, s->host, SE_SCP_CHALLENGE);
    memcpy(both + SE_SCP_CHALLENGE, card.challenge.p, SE_SCP_CHALLENGE);
    e = choose(s, sets, n, SLICE_ARRAY(both), card.cryptogram, &which);
    if (!e)
        e = derive(s, s->mac, HOST_CRYPTOGRAM, BITS_CRYPTOGRAM, SLICE_ARRAY(both), proof);
    if (!e)
        e = put_maced(s, header, slice_of(proof, SE_SCP_CHALLENGE), false, out);
    if (e)
        return closed(s, e);
    s->counts_empty = counts_empty;
    s->counter = 1;
    s->open = true;
    *ret_which = which;
    return ERR_OK;
}

err_t se_scp_open_master(struct se_scp *s, const uint8_t master[SE_AES_KEY])
{
    const struct {
        uint8_t constant;
        uint8_t *key;
    } keys[] = { { S_ENC, s->enc }, { S_MAC, s->mac }, { S_RMAC, s->rmac }, { FIRST_CHAIN, s->chain } };

    se_scp_close(s);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        err_t e = derive(s, master, keys[i].constant, BITS_KEY, (struct slice){ 0 }, keys[i].key);

        if (e)
            return closed(s, e);
    }
    s->counts_empty = true;
    s->counter = 1;
    s->open = true;
    return ERR_OK;
}

err_t se_scp_receipt(struct se_scp *s, const struct slice *pieces, size_t n, uint8_t ret[SE_AES_BLOCK])
{
    return se_crypt_cmac(s->crypt, s->rmac, pieces, n, ret);
}

/* ---- commands ---- */

/* The IV: the counter, big endian, encrypted with S-ENC. */
static err_t make_iv(const struct se_scp *s, uint64_t counter, uint8_t first, uint8_t ret[SE_AES_BLOCK])
{
    static const uint8_t zero[SE_AES_BLOCK];
    uint8_t block[SE_AES_BLOCK] = { first };

    for (int i = SE_AES_BLOCK - 1; counter; i--, counter >>= 8)
        block[i] = (uint8_t)counter;
    return se_crypt_cbc(s->crypt, true, s->enc, zero, block, sizeof(block),
                        ret); /* one block: the same as ECB */
}

/* What se_command_encode made, taken apart: data, and whether an extended Le follows. */
static err_t parse_command(struct slice apdu, struct slice *ret_data, bool *ret_le)
{
    struct reader r = reader_of(slice_skip(apdu, HEADER));
    size_t lc = 0;

    if (apdu.n < HEADER)
        return ERR_PROTO;
    if (apdu.n > HEADER + 1) { /* one byte alone is Lc or Le of nothing */
        lc = reader_u8(&r);
        if (lc == 0)
            lc = reader_be16(&r);
    }
    *ret_data = reader_bytes(&r, lc);
    *ret_le = r.rest.n > 0;
    return reader_ok(&r) || r.rest.n > 2 ? ERR_PROTO : ERR_OK;
}

static err_t encrypted(const struct se_scp *s, struct slice data, struct buf *out)
{
    uint8_t iv[SE_AES_BLOCK];
    err_t e = make_iv(s, s->counter, 0, iv);

    if (!e)
        e = buf_add(out, data);
    if (!e)
        e = buf_add_u8(out, PAD);
    while (!e && out->n % SE_AES_BLOCK)
        e = buf_add_u8(out, 0);
    return e ? e : se_crypt_cbc(s->crypt, true, s->enc, iv, out->p, out->n, out->p);
}

err_t se_scp_wrap(struct se_scp *s, struct slice apdu, struct buf *out)
{
    autobuf secret = BUF_SECRET(SE_APDU_MAX);
    uint8_t header[HEADER];
    size_t start = out->n;
    struct slice data;
    bool le;
    err_t e = s->open ? parse_command(apdu, &data, &le) : ERR_WRONG_STATE;

    if (e)
        return e;
    memcpy(header, apdu.p, HEADER);
    header[0] |= SE_CLA_SECURE_BIT;
    if (data.n)
        e = encrypted(s, data, &secret);
    if (!e)
        e = put_maced(s, header, buf_slice(&secret), le, out);
    if (e) {
        buf_cut(out, start);
        return closed(s, e);
    }
    /* Platform SCP below 4.3 does not count what carries no data (reference 4.3). */
    s->counter += data.n || s->counts_empty;
    return ERR_OK;
}

/* ---- answers ---- */

/* Length without 80 00..., or n + 1 when that is not there. */
static size_t unpadded(const uint8_t *p, size_t n)
{
    size_t at = n;

    while (at > 0 && p[at - 1] == 0)
        at--;
    return at > 0 && n - at < SE_AES_BLOCK && p[at - 1] == PAD ? at - 1 : n + 1;
}

/* The command's own counter, which is one behind by now; for one that did not count, the last that did. */
static err_t decrypted(const struct se_scp *s, struct slice body, struct buf *out)
{
    size_t start = out->n, n;
    uint8_t iv[SE_AES_BLOCK];
    err_t e;

    if (body.n % SE_AES_BLOCK)
        return ERR_PROTO;
    e = make_iv(s, s->counter - 1, RESPONSE_IV, iv);
    if (!e)
        e = buf_add(out, body);
    if (!e)
        e = se_crypt_cbc(s->crypt, false, s->enc, iv, out->p + start, body.n, out->p + start);
    if (e)
        return e;
    n = unpadded(out->p + start, body.n);
    if (n > body.n)
        return ERR_PROTO;
    buf_cut(out, start + n);
    return ERR_OK;
}

static err_t check_mac(struct se_scp *s, struct slice body, struct slice mac_and_sw)
{
    struct slice pieces[] = { SLICE_ARRAY(s->chain), body, slice_skip(mac_and_sw, SE_SCP_MAC) };
    uint8_t want[SE_AES_BLOCK];
    err_t e = se_crypt_cmac(s->crypt, s->rmac, pieces, ARRAY_LEN(pieces), want);

    if (!e && !mem_eq_ct(want, mac_and_sw.p, SE_SCP_MAC))
        e = ERR_AUTH;
    mem_wipe(want, sizeof(want));
    return e;
}

err_t se_scp_unwrap(struct se_scp *s, struct slice answer, struct buf *out)
{
    enum { TAIL = SE_SCP_MAC + 2 };
    size_t start = out->n;
    struct slice body, data;
    uint16_t sw;
    err_t e = s->open ? se_answer_split(answer, &data, &sw) : ERR_WRONG_STATE;

    if (e)
        return closed(s, e);
    if (sw != SE_SW_OK)
        return data.n ? closed(s, ERR_PROTO) : buf_add(out, answer);
    if (answer.n < TAIL)
        return closed(s, ERR_AUTH);
    body = slice_head(answer, answer.n - TAIL);
    e = check_mac(s, body, slice_skip(answer, body.n));
    if (!e && body.n)
        e = decrypted(s, body, out);
    if (!e)
        e = buf_add_be16(out, sw);
    if (!e)
        return ERR_OK;
    buf_cut(out, start);
    return closed(s, e);
}
