#include "vse/desfire.h"

#include "base/crc.h"
#include "base/mem.h"
#include "base/writer.h"
#include "se/wire.h"
#include "vse/cipher.h"
#include "vse/mac.h"

enum {
    BLOCK = 16,
    CAPS_AT = VSE_DESFIRE_TI + VSE_DESFIRE_RANDOM,
    CHANGE_KEY = 0xc4, /* the card's commands */
    CHANGE_KEY_EV2 = 0xc6,
    OPERATION_OK = 0x00,
    CHANGE_LEN = 2 * BLOCK, /* of the cryptogram */
    PAD = 0x80,             /* then zeros: ISO 9797-1 method 2 */
    DIVERSIFY_AES128 = 0x01,
};

/* Before the card's commands and the session vectors of the two keys. */
static const uint8_t label_enc[2] = { 0xa5, 0x5a }, label_mac[2] = { 0x5a, 0xa5 };

static err_t cbc(bool encrypt, struct slice key, struct slice iv, struct slice in, struct buf *out)
{
    struct vse_cipher *c = NULL;
    err_t e = vse_cipher_new(SE_CIPHER_AES_CBC, encrypt, key, iv, &c);

    if (!e)
        e = vse_cipher_final(c, in, out);
    vse_cipher_free(c);
    return e;
}

static err_t cmac(struct slice key, struct slice in, struct buf *out)
{
    return vse_mac_once(SE_MAC_CMAC_128, key, in, out);
}

/* The MAC as it travels: every second byte of the CMAC. */
static err_t short_mac(const struct vse_desfire *d, struct slice in, uint8_t ret[VSE_DESFIRE_MAC])
{
    autobuf whole = BUF_SECRET(BLOCK);
    err_t e = cmac(SLICE_ARRAY(d->mac), in, &whole);

    for (size_t i = 0; i < VSE_DESFIRE_MAC && !e; i++)
        ret[i] = whole.p[2 * i + 1];
    return e;
}

static err_t ended(struct vse_desfire *d, err_t e)
{
    vse_desfire_end(d);
    return e;
}

void vse_desfire_end(struct vse_desfire *d)
{
    mem_wipe(d, sizeof(*d)); /* VSE_DESFIRE_NONE */
}

/* ---- authentication ---- */

/* Two bytes of RndA, six of it with the first six of RndB, the rest of RndB, the rest of RndA. */
static err_t session_key(struct slice key, const uint8_t label[2], const uint8_t *a, const uint8_t *b,
                         uint8_t ret[VSE_DESFIRE_KEY])
{
    uint8_t mixed[6];
    autobuf vector = BUF_SECRET(CHANGE_LEN), result = BUF_SECRET(VSE_DESFIRE_KEY);
    struct writer w = writer_of(&vector);
    err_t e;

    for (size_t i = 0; i < sizeof(mixed); i++)
        mixed[i] = a[2 + i] ^ b[i];
    writer_bytes(&w, slice_of(label, 2));
    writer_bytes(&w, SLICE_LIT("\x00\x01\x00\x80")); /* block 1, of 128 bits */
    writer_bytes(&w, slice_of(a, 2));
    writer_bytes(&w, SLICE_ARRAY(mixed));
    writer_bytes(&w, slice_of(b + 6, 10));
    writer_bytes(&w, slice_of(a + 8, 8));
    mem_wipe(mixed, sizeof(mixed));
    e = writer_done(&w);
    if (!e)
        e = cmac(key, buf_slice(&vector), &result);
    if (!e)
        memcpy(ret, result.p, VSE_DESFIRE_KEY);
    return e;
}

/* Append it turned left by a byte. */
static err_t add_turned(struct buf *out, const uint8_t random[VSE_DESFIRE_RANDOM])
{
    err_t e = buf_add_mem(out, random + 1, VSE_DESFIRE_RANDOM - 1);

    return e ? e : buf_add_u8(out, random[0]);
}

static err_t begin(struct vse_desfire *d, struct slice key, const uint8_t *rnd_a, const uint8_t *rnd_b,
                   struct buf *out)
{
    autobuf both = BUF_SECRET(2 * VSE_DESFIRE_RANDOM);
    err_t e = buf_add_mem(&both, rnd_a, VSE_DESFIRE_RANDOM);

    if (!e)
        e = add_turned(&both, rnd_b);
    if (!e)
        e = session_key(key, label_enc, rnd_a, rnd_b, d->enc);
    if (!e)
        e = session_key(key, label_mac, rnd_a, rnd_b, d->mac);
    memcpy(d->rnd_a, rnd_a, VSE_DESFIRE_RANDOM);
    return e ? e : cbc(true, key, (struct slice){ 0 }, buf_slice(&both), out);
}

err_t vse_desfire_ask(struct vse_desfire *d, enum vse_desfire_step how, struct slice key,
                      struct slice challenge, const uint8_t rnd_a[VSE_DESFIRE_RANDOM], struct buf *out)
{
    autobuf rnd_b = BUF_SECRET(VSE_DESFIRE_RANDOM);
    err_t e;

    if (key.n != VSE_DESFIRE_KEY || challenge.n != VSE_DESFIRE_RANDOM)
        return ERR_INVALID;
    if (how == VSE_DESFIRE_NONFIRST && d->step != VSE_DESFIRE_OPEN)
        return ERR_WRONG_STATE;
    if (how == VSE_DESFIRE_FIRST)
        vse_desfire_end(d);
    e = cbc(false, key, (struct slice){ 0 }, challenge, &rnd_b);
    if (!e)
        e = begin(d, key, rnd_a, rnd_b.p, out);
    if (e)
        return ended(d, e);
    d->step = how;
    return ERR_OK;
}

err_t vse_desfire_check(struct vse_desfire *d, enum vse_desfire_step how, struct slice key,
                        struct slice answer, struct buf *out_caps)
{
    bool first = how == VSE_DESFIRE_FIRST;
    size_t at = first ? VSE_DESFIRE_TI : 0, n = at + VSE_DESFIRE_RANDOM + (first ? VSE_DESFIRE_CAPS : 0);
    autobuf plain = BUF_SECRET(2 * BLOCK), wanted = BUF_SECRET(VSE_DESFIRE_RANDOM);
    err_t e;

    if (answer.n != n || key.n != VSE_DESFIRE_KEY)
        return ERR_INVALID;
    if (d->step != how)
        return ERR_WRONG_STATE;
    e = cbc(false, key, (struct slice){ 0 }, answer, &plain);
    if (!e)
        e = add_turned(&wanted, d->rnd_a);
    if (!e && !mem_eq_ct(plain.p + at, wanted.p, VSE_DESFIRE_RANDOM))
        e = ERR_AUTH;
    if (!e && first)
        e = buf_add_mem(out_caps, plain.p + CAPS_AT, VSE_DESFIRE_CAPS);
    if (e)
        return ended(d, e);
    if (first)
        memcpy(d->ti, plain.p, VSE_DESFIRE_TI);
    d->step = VSE_DESFIRE_OPEN;
    return ERR_OK;
}

/* As the card counts: the low byte first. */
static void put_counter(struct writer *w, uint16_t counter)
{
    writer_u8(w, (uint8_t)counter);
    writer_u8(w, (uint8_t)(counter >> 8));
}

err_t vse_desfire_dump(const struct vse_desfire *d, struct buf *out)
{
    struct writer w = writer_of(out);

    if (d->step != VSE_DESFIRE_OPEN)
        return ERR_WRONG_STATE;
    writer_bytes(&w, SLICE_ARRAY(d->enc));
    writer_bytes(&w, SLICE_ARRAY(d->mac));
    writer_bytes(&w, SLICE_ARRAY(d->ti));
    put_counter(&w, d->counter);
    return writer_done(&w);
}

/* ---- changing a key on the card ---- */

/* The new key, mixed with the old one and followed by its CRC when it is not the one authenticated with. */
static err_t change_data(const struct vse_desfire_change *what, struct buf *out)
{
    struct writer w = writer_of(out);
    uint32_t crc = ~crc32_ieee(what->key); /* the card's is without the last complement */

    for (size_t i = 0; i < VSE_DESFIRE_KEY; i++)
        writer_u8(&w, what->key.p[i] ^ (what->old.n ? what->old.p[i] : 0));
    writer_u8(&w, what->version);
    for (unsigned shift = 0; shift < 32 && what->old.n; shift += 8)
        writer_u8(&w, (uint8_t)(crc >> shift));
    writer_u8(&w, PAD);
    while (out->n < CHANGE_LEN && !writer_done(&w))
        writer_u8(&w, 0);
    return writer_done(&w);
}

/* The IV of a command's data: its place among the commands, encrypted. */
static err_t command_iv(const struct vse_desfire *d, struct buf *out)
{
    static const uint8_t zeros[BLOCK - sizeof(label_enc) - VSE_DESFIRE_TI - 2];
    autobuf block = BUF_SECRET(BLOCK);
    struct writer w = writer_of(&block);
    err_t e;

    writer_bytes(&w, SLICE_ARRAY(label_enc));
    writer_bytes(&w, SLICE_ARRAY(d->ti));
    put_counter(&w, d->counter);
    writer_bytes(&w, SLICE_ARRAY(zeros));
    e = writer_done(&w);
    return e ? e : cbc(true, SLICE_ARRAY(d->enc), (struct slice){ 0 }, buf_slice(&block), out);
}

/* What the MAC of the card's command is over. */
static err_t change_message(const struct vse_desfire *d, const struct vse_desfire_change *what,
                            struct slice cryptogram, struct buf *out)
{
    bool ev2 = what->set != VSE_DESFIRE_NO_SET;
    struct writer w = writer_of(out);

    writer_u8(&w, ev2 ? CHANGE_KEY_EV2 : CHANGE_KEY);
    put_counter(&w, d->counter);
    writer_bytes(&w, SLICE_ARRAY(d->ti));
    if (ev2)
        writer_u8(&w, what->set);
    writer_u8(&w, what->number);
    writer_bytes(&w, cryptogram);
    return writer_done(&w);
}

static err_t change(const struct vse_desfire *d, const struct vse_desfire_change *what, struct buf *out)
{
    autobuf plain = BUF_SECRET(CHANGE_LEN), iv = BUF_INIT(BLOCK), message = BUF_INIT(4 * BLOCK);
    uint8_t mac[VSE_DESFIRE_MAC];
    size_t start = out->n;
    err_t e = change_data(what, &plain);

    if (!e)
        e = command_iv(d, &iv);
    if (!e)
        e = cbc(true, SLICE_ARRAY(d->enc), buf_slice(&iv), buf_slice(&plain), out);
    if (!e)
        e = change_message(d, what, slice_skip(buf_slice(out), start), &message);
    if (!e)
        e = short_mac(d, buf_slice(&message), mac);
    return e ? e : buf_add_mem(out, mac, sizeof(mac));
}

err_t vse_desfire_change(struct vse_desfire *d, const struct vse_desfire_change *what, struct buf *out)
{
    size_t start = out->n;
    err_t e;

    if (what->key.n != VSE_DESFIRE_KEY || (what->old.n && what->old.n != VSE_DESFIRE_KEY))
        return ERR_INVALID;
    if (d->step != VSE_DESFIRE_OPEN || d->counter == UINT16_MAX)
        return ERR_WRONG_STATE;
    e = change(d, what, out);
    if (e) {
        buf_cut(out, start);
        return e;
    }
    d->counter++;
    d->step = VSE_DESFIRE_CHANGING;
    if (!what->old.n)
        vse_desfire_end(d);
    return ERR_OK;
}

err_t vse_desfire_changed(struct vse_desfire *d, struct slice mac, bool *ret_good)
{
    autobuf message = BUF_INIT(BLOCK);
    struct writer w = writer_of(&message);
    uint8_t wanted[VSE_DESFIRE_MAC];
    bool good;
    err_t e;

    if (mac.n != VSE_DESFIRE_MAC)
        return ERR_INVALID;
    if (d->step != VSE_DESFIRE_CHANGING)
        return ERR_WRONG_STATE;
    writer_u8(&w, OPERATION_OK);
    put_counter(&w, d->counter);
    writer_bytes(&w, SLICE_ARRAY(d->ti));
    e = writer_done(&w);
    if (!e)
        e = short_mac(d, buf_slice(&message), wanted);
    if (e)
        return ended(d, e);
    good = mem_eq_ct(wanted, mac.p, sizeof(wanted));
    d->step = VSE_DESFIRE_OPEN;
    if (!good)
        vse_desfire_end(d);
    *ret_good = good;
    return ERR_OK;
}

/* ---- diversified keys ---- */

/* AN10922 pads to two blocks always, a CMAC only to whole ones, so that it is another function for less than
 * 17 bytes: E(E(B1) ^ B2 ^ K2), with B2 padding. CMAC's second subkey is what E takes to its value for
 * nothing, less the padding. */
static err_t pad_with_subkey(struct slice key, struct buf *blocks)
{
    autobuf of_nothing = BUF_SECRET(BLOCK), subkey = BUF_SECRET(BLOCK);
    err_t e = cmac(key, (struct slice){ 0 }, &of_nothing);

    if (!e)
        e = cbc(false, key, (struct slice){ 0 }, buf_slice(&of_nothing), &subkey);
    if (!e)
        e = buf_add_u8(blocks, PAD);
    while (!e && blocks->n < 2 * BLOCK)
        e = buf_add_u8(blocks, 0);
    if (e)
        return e;
    subkey.p[0] ^= PAD;
    for (size_t i = 0; i < BLOCK; i++)
        blocks->p[BLOCK + i] ^= subkey.p[i];
    return ERR_OK;
}

err_t vse_desfire_diversify(struct slice master, struct slice input, struct buf *out)
{
    autobuf blocks = BUF_SECRET(2 * BLOCK), result = BUF_SECRET(2 * BLOCK);
    err_t e;

    if (master.n != VSE_DESFIRE_KEY || input.n == 0 || input.n > VSE_DESFIRE_DIVERSIFIER_MAX)
        return ERR_INVALID;
    e = buf_add_u8(&blocks, DIVERSIFY_AES128);
    if (!e)
        e = buf_add(&blocks, input);
    if (!e && blocks.n > BLOCK)
        return cmac(master, buf_slice(&blocks), out);
    if (!e)
        e = pad_with_subkey(master, &blocks);
    if (!e)
        e = cbc(true, master, (struct slice){ 0 }, buf_slice(&blocks), &result);
    return e ? e : buf_add_mem(out, result.p + BLOCK, BLOCK);
}
