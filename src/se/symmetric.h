/* src/se/symmetric.h - secret keys in the chip, and the values that open sessions.
 *
 * Blocking I/O over a handle; thread and error rules in se/chip.h. Values are borrowed for the call and every
 * buffer of this room that held them is wiped. AN12413 WriteSymmKey, WriteUserID; reference 3.3.
 */
#pragma once
#include "se/chip.h"
#include "se/write.h"

struct se_symmetric {
    uint8_t type;        /* SE_TYPE_AES (16, 24, 32 bytes), SE_TYPE_DES (8, 16, 24), SE_TYPE_HMAC (1..256) */
    struct slice value;  /* with kek: as RFC 3394 wrapped it, 8 bytes longer than the key */
    uint32_t kek;        /* AES key in the chip that unwraps the value; SE_ID_NONE: the value is plain */
    uint16_t min_tag;    /* AES: shortest AEAD tag that the chip may make or take; 0: its default */
    uint16_t min_output; /* 7.x: shortest MAC or derived value; 0: the chip's default */
};

/* Write a key. One of the same type and size at that id has its value replaced; anything else is ERR_EXISTS.
 * ERR_INVALID: no such length for the type. With how->auth an AES key opens AESKey sessions.
 * ERR_NOT_FOUND, ERR_DENIED: the KEK is missing or may not unwrap. */
err_t se_symmetric_write(struct se_chip *chip, uint32_t id, const struct se_symmetric *key,
                         const struct se_write *how);
/* Write a key of `len` bytes from the chip's own generator. The part has no command that keeps such a key
 * inside, so the value passes through this process (wiped) and the attributes will say "external". */
err_t se_symmetric_generate(struct se_chip *chip, uint32_t id, uint8_t type, size_t len,
                            const struct se_write *how);

/* Make a UserID object (a PIN): 4..16 bytes (ERR_INVALID). It cannot be changed: ERR_EXISTS when there. */
err_t se_userid_write(struct se_chip *chip, uint32_t id, struct slice value, const struct se_write *how);
