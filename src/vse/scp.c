#include "vse/scp.h"

#include "base/mem.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <string.h>

enum {
    PAD = 0x80, /* then zeros: ISO 9797-1 method 2 */
    RESPONSE_IV = 0x80,
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

/* ---- AES, by OpenSSL ---- */

static err_t crypto_failed(void)
{
    ERR_clear_error();
    return ERR_CRYPTO;
}

static void cipher_free_ptr(EVP_CIPHER_CTX **c)
{
    EVP_CIPHER_CTX_free(*c);
}

static void mac_free_ptr(EVP_MAC_CTX **m)
{
    EVP_MAC_CTX_free(*m);
}

/* CBC without padding; n is a multiple of 16. `out` may be `in`. */
static err_t aes_cbc(bool encrypt, const uint8_t key[VSE_SCP_KEY], const uint8_t iv[VSE_SCP_KEY],
                     const uint8_t *in, size_t n, uint8_t *out)
{
    __attribute__((cleanup(cipher_free_ptr))) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int done = 0;

    if (!ctx || EVP_CipherInit_ex(ctx, EVP_aes_128_cbc(), NULL, key, iv, encrypt) != 1 ||
        EVP_CIPHER_CTX_set_padding(ctx, 0) != 1 || EVP_CipherUpdate(ctx, out, &done, in, (int)n) != 1 ||
        done != (int)n)
        return crypto_failed();
    return ERR_OK;
}

/* CMAC over the pieces one after the other. */
static err_t cmac(const uint8_t key[VSE_SCP_KEY], const struct slice *pieces, size_t n,
                  uint8_t ret[VSE_SCP_KEY])
{
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, (char *)(uintptr_t) "AES-128-CBC", 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "CMAC", NULL);
    __attribute__((cleanup(mac_free_ptr))) EVP_MAC_CTX *ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;
    bool good = ctx && EVP_MAC_init(ctx, key, VSE_SCP_KEY, params) == 1;
    size_t len = 0;

    EVP_MAC_free(mac);
    for (size_t i = 0; i < n && good; i++)
        good = pieces[i].n == 0 || EVP_MAC_update(ctx, pieces[i].p, pieces[i].n) == 1;
    if (!good || EVP_MAC_final(ctx, ret, &len, VSE_SCP_KEY) != 1 || len != VSE_SCP_KEY)
        return crypto_failed();
    return ERR_OK;
}

/* NIST SP 800-108, counter mode; one block is enough for 128-bit keys. */
static err_t derive(const uint8_t key[VSE_SCP_KEY], uint8_t constant, uint8_t bits, struct slice context,
                    uint8_t ret[VSE_SCP_KEY])
{
    uint8_t head[16] = { 0 };
    struct slice pieces[] = { SLICE_ARRAY(head), context };

    head[11] = constant;
    head[14] = bits;
    head[15] = 1; /* the block's number */
    return cmac(key, pieces, ARRAY_LEN(pieces), ret);
}

/* ---- opening ---- */

void vse_scp_close(struct vse_scp *s)
{
    mem_wipe(s, sizeof(*s)); /* VSE_SCP_CLOSED */
}

static err_t closed(struct vse_scp *s, err_t e)
{
    vse_scp_close(s);
    return e;
}

err_t vse_scp_challenge(struct vse_scp *s, const struct vse_scp_keys *keys, bool counts_empty,
                        const uint8_t host[VSE_SCP_CHALLENGE], const uint8_t card[VSE_SCP_CHALLENGE],
                        uint8_t ret_cryptogram[VSE_SCP_CHALLENGE])
{
    uint8_t both[2 * VSE_SCP_CHALLENGE], ours[VSE_SCP_KEY], theirs[VSE_SCP_KEY];
    struct slice context = SLICE_ARRAY(both);
    err_t e;

    vse_scp_close(s);
    memcpy(both, host, VSE_SCP_CHALLENGE);
    memcpy(both + VSE_SCP_CHALLENGE, card, VSE_SCP_CHALLENGE);
    e = derive(keys->enc, S_ENC, 128, context, s->enc);
    if (!e)
        e = derive(keys->mac, S_MAC, 128, context, s->mac);
    if (!e)
        e = derive(keys->mac, S_RMAC, 128, context, s->rmac);
    if (!e)
        e = derive(s->mac, CARD_CRYPTOGRAM, 64, context, ours);
    if (!e)
        e = derive(s->mac, HOST_CRYPTOGRAM, 64, context, theirs);
    if (e)
        return closed(s, e);
    memcpy(s->host_cryptogram, theirs, sizeof(s->host_cryptogram));
    mem_wipe(theirs, sizeof(theirs)); /* the host is yet to prove that it knows it */
    memcpy(ret_cryptogram, ours, VSE_SCP_CHALLENGE);
    s->counts_empty = counts_empty;
    s->state = VSE_SCP_CHALLENGED;
    return ERR_OK;
}

/* The MAC of a command: over the chaining value, the header, Lc as it goes out with the MAC, and the data. */
static err_t command_mac(const struct vse_scp *s, struct slice header, struct slice data,
                         uint8_t ret[VSE_SCP_KEY])
{
    size_t lc = data.n + VSE_SCP_MAC;
    uint8_t lc_bytes[3] = { 0, (uint8_t)(lc >> 8), (uint8_t)lc };
    struct slice lc_field = lc > 0xff ? SLICE_ARRAY(lc_bytes) : slice_of(lc_bytes + 2, 1);
    struct slice pieces[] = { SLICE_ARRAY(s->chain), header, lc_field, data };

    return cmac(s->mac, pieces, ARRAY_LEN(pieces), ret);
}

/* Compare the MAC at the end of `data`, and chain it. ret_body: the data without it. */
static err_t check_mac(struct vse_scp *s, struct slice header, struct slice data, struct slice *ret_body)
{
    struct slice body = slice_head(data, data.n < VSE_SCP_MAC ? 0 : data.n - VSE_SCP_MAC);
    uint8_t mac[VSE_SCP_KEY];
    err_t e;

    if (data.n < VSE_SCP_MAC)
        return ERR_DENIED;
    e = command_mac(s, header, body, mac);
    if (e)
        return e;
    if (!mem_eq_ct(mac, data.p + body.n, VSE_SCP_MAC)) {
        mem_wipe(mac, sizeof(mac));
        return ERR_DENIED;
    }
    memcpy(s->chain, mac, sizeof(mac));
    *ret_body = body;
    return ERR_OK;
}

err_t vse_scp_authenticate(struct vse_scp *s, struct slice header, struct slice data)
{
    struct slice cryptogram;
    err_t e;

    if (s->state != VSE_SCP_CHALLENGED || data.n != VSE_SCP_CHALLENGE + VSE_SCP_MAC)
        return closed(s, ERR_DENIED);
    e = check_mac(s, header, data, &cryptogram);
    if (e)
        return closed(s, e);
    if (!mem_eq_ct(cryptogram.p, s->host_cryptogram, VSE_SCP_CHALLENGE))
        return closed(s, ERR_DENIED);
    s->counter = 1;
    s->state = VSE_SCP_OPEN;
    return ERR_OK;
}

err_t vse_scp_open_master(struct vse_scp *s, const uint8_t master[VSE_SCP_KEY])
{
    struct slice none = { 0 };
    err_t e;

    vse_scp_close(s);
    e = derive(master, S_ENC, 128, none, s->enc);
    if (!e)
        e = derive(master, S_MAC, 128, none, s->mac);
    if (!e)
        e = derive(master, S_RMAC, 128, none, s->rmac);
    if (!e)
        e = derive(master, FIRST_CHAIN, 128, none, s->chain);
    if (e)
        return closed(s, e);
    s->counts_empty = true;
    s->counter = 1;
    s->state = VSE_SCP_OPEN;
    return ERR_OK;
}

err_t vse_scp_receipt(const struct vse_scp *s, const struct slice *pieces, size_t n, uint8_t ret[VSE_SCP_KEY])
{
    return cmac(s->rmac, pieces, n, ret);
}

/* ---- messages ---- */

/* The IV: the counter, big endian, encrypted with S-ENC. */
static err_t make_iv(const struct vse_scp *s, uint64_t counter, uint8_t first, uint8_t ret[VSE_SCP_KEY])
{
    static const uint8_t zero[VSE_SCP_KEY];
    uint8_t block[VSE_SCP_KEY] = { first };

    for (int i = VSE_SCP_KEY - 1; counter; i--, counter >>= 8)
        block[i] = (uint8_t)counter;
    return aes_cbc(true, s->enc, zero, block, sizeof(block), ret); /* one block: the same as ECB */
}

/* Length without 80 00..., or n + 1 when that is not there. */
static size_t unpadded(const uint8_t *p, size_t n)
{
    size_t at = n;

    while (at > 0 && p[at - 1] == 0)
        at--;
    return at > 0 && n - at < VSE_SCP_KEY && p[at - 1] == PAD ? at - 1 : n + 1;
}

static err_t decrypt(const struct vse_scp *s, struct slice body, struct buf *ret)
{
    uint8_t iv[VSE_SCP_KEY];
    size_t start = ret->n, n;
    err_t e;

    if (body.n % VSE_SCP_KEY)
        return ERR_DENIED;
    e = make_iv(s, s->counter, 0, iv);
    if (!e)
        e = buf_add(ret, body);
    if (!e)
        e = aes_cbc(false, s->enc, iv, ret->p + start, body.n, ret->p + start);
    if (e)
        return e;
    n = unpadded(ret->p + start, body.n);
    if (n > body.n)
        return ERR_DENIED;
    buf_cut(ret, start + n);
    return ERR_OK;
}

err_t vse_scp_unwrap(struct vse_scp *s, struct slice header, struct slice data, struct buf *ret)
{
    struct slice body;
    err_t e = s->state == VSE_SCP_OPEN ? check_mac(s, header, data, &body) : ERR_DENIED;

    if (!e && body.n)
        e = decrypt(s, body, ret);
    if (e)
        return closed(s, e);
    /* Platform SCP below 4.3 does not count what carries no data (4.3). */
    s->counter += body.n || s->counts_empty;
    return ERR_OK;
}

/* The command's own counter, which is one behind by now; for one that did not count, the last that did. */
static err_t encrypt(const struct vse_scp *s, struct slice data, struct buf *out)
{
    uint8_t iv[VSE_SCP_KEY];
    size_t start = out->n;
    err_t e = make_iv(s, s->counter - 1, RESPONSE_IV, iv);

    if (!e)
        e = buf_add(out, data);
    if (!e)
        e = buf_add_u8(out, PAD);
    while (!e && (out->n - start) % VSE_SCP_KEY)
        e = buf_add_u8(out, 0);
    return e ? e : aes_cbc(true, s->enc, iv, out->p + start, out->n - start, out->p + start);
}

err_t vse_scp_wrap(struct vse_scp *s, struct slice data, struct buf *out)
{
    static const uint8_t ok[] = { 0x90, 0x00 }; /* only an answer 9000 has a MAC */
    uint8_t mac[VSE_SCP_KEY];
    size_t start = out->n;
    struct slice pieces[3];
    err_t e = ERR_OK;

    if (data.n)
        e = encrypt(s, data, out);
    if (e)
        return e;
    pieces[0] = SLICE_ARRAY(s->chain);
    pieces[1] = slice_skip(buf_slice(out), start);
    pieces[2] = SLICE_ARRAY(ok);
    e = cmac(s->rmac, pieces, ARRAY_LEN(pieces), mac);
    return e ? e : buf_add_mem(out, mac, VSE_SCP_MAC);
}
