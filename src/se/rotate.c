#include "se/rotate.h"

#include "base/mem.h"
#include "base/writer.h"
#include "se/command.h"
#include "se/detail.h"

enum {
    KEY_VERSION = 0x0b,
    ALL_THREE = 0x81, /* P2: the first key, and more follow */
    KEY_TYPE_AES = 0x88,
    CHECK_LEN = 3,
    KEYS = 3,
    ANSWER_LEN = 1 + KEYS * CHECK_LEN,
};

/* One block: AES-CBC with an IV of zeros is AES-ECB. */
static err_t encrypt_block(struct se_crypt *crypt, const uint8_t key[SE_AES_KEY],
                           const uint8_t in[SE_AES_BLOCK], uint8_t out[SE_AES_BLOCK])
{
    static const uint8_t zeros[SE_AES_BLOCK];

    return se_crypt_cbc(crypt, true, key, zeros, in, SE_AES_BLOCK, out);
}

/* 88 11 10 <key under the DEK> 03 <check value>; the check value goes to `check`, too. */
static err_t put_key(struct se_crypt *crypt, const uint8_t dek[SE_AES_KEY], const uint8_t key[SE_AES_KEY],
                     struct writer *w, struct writer *check)
{
    uint8_t ones[SE_AES_BLOCK], wrapped[SE_AES_BLOCK], value[SE_AES_BLOCK];
    err_t e;

    memset(ones, 0x01, sizeof(ones));
    e = encrypt_block(crypt, dek, key, wrapped);
    if (!e)
        e = encrypt_block(crypt, key, ones, value);
    if (e)
        return e;
    writer_u8(w, KEY_TYPE_AES);
    writer_u8(w, 1 + SE_AES_KEY);
    writer_u8(w, SE_AES_KEY);
    writer_bytes(w, SLICE_ARRAY(wrapped));
    writer_u8(w, CHECK_LEN);
    writer_bytes(w, slice_of(value, CHECK_LEN));
    writer_bytes(check, slice_of(value, CHECK_LEN));
    return ERR_OK;
}

/* The command's data, and what the chip has to answer. */
static err_t put_keys(const struct se_keyset *now, const struct se_keyset *next, struct writer *w,
                      struct writer *check)
{
    const uint8_t *keys[KEYS] = { next->enc, next->mac, next->dek };
    struct se_crypt *crypt = se_crypt_new();
    err_t e = crypt ? ERR_OK : ERR_NOMEM;

    writer_u8(w, KEY_VERSION);
    writer_u8(check, KEY_VERSION);
    for (size_t i = 0; !e && i < KEYS; i++)
        e = put_key(crypt, now->dek, keys[i], w, check);
    se_crypt_free(crypt);
    return e ? e : writer_done(check);
}

err_t se_scp_rotate(struct se_chip *chip, const struct se_keyset *now, const struct se_keyset *next)
{
    static const char what[] = "changing the keys of the secure channel";
    autobuf expected = BUF_INIT(ANSWER_LEN);
    struct writer check = writer_of(&expected);
    auto_hold *held = NULL;
    auto_command c = { 0 };
    struct slice answer;
    err_t e;

    if (!now->has_dek || !next->has_dek)
        return se_fail(ERR_INVALID, "%s: a key set without DEK; give a key file with ENC, MAC and DEK", what);
    if (!se_chip_channel(chip).on)
        return se_fail(ERR_WRONG_STATE, "%s: open the chip with its present keys first", what);
    se_command_init(&c, SE_INS_PUT_KEY, KEY_VERSION, ALL_THREE, SE_COMMAND_ANSWER);
    e = put_keys(now, next, &c.w, &check);
    if (!e)
        e = se_hold(chip, &held);
    if (!e)
        e = se_command_run(chip, &c, what, &answer);
    if (e)
        return e;
    return slice_eq(answer, buf_slice(&expected))
               ? ERR_OK
               : se_fail(ERR_AUTH, "%s: other check values came back", what);
}
