/* src/se/cipher.h - AES and DES in the chip: in one command, or step by step.
 *
 * Blocking I/O over a handle; thread and error rules in se/chip.h. AN12413 Cipher*; reference 3.10.
 * Modes are SE_CIPHER_*. The unpadded ones take whole blocks. Results are appended to out (unchanged on
 * failure); an empty result is no failure.
 *
 * Steps live in a crypto object (se_crypto_object_ensure with SE_CONTEXT_CIPHER and the mode). Do them
 * between se_chip_begin and se_chip_end: whoever selects the applet in between ends them (ERR_NOT_FOUND).
 */
#pragma once
#include "base/buf.h"
#include "se/chip.h"

enum {
    SE_CIPHER_BLOCK_MAX = 16,
    SE_CIPHER_CHUNK = 448, /* what hosts send at a time */
};

/* in: at most SE_CIPHER_ONCE_MAX bytes. iv: empty for ECB. */
enum { SE_CIPHER_ONCE_MAX = 800 };
err_t se_cipher_once(struct se_chip *chip, uint32_t key, uint8_t mode, bool encrypt, struct slice iv,
                     struct slice in, struct buf *out);
/* 7.x, encryption only, SE_CIPHER_AES_CTR: the chip makes the IV of iv_len bytes. */
err_t se_cipher_once_internal_iv(struct se_chip *chip, uint32_t key, size_t iv_len, struct slice in,
                                 struct buf *out, struct buf *out_iv);

err_t se_cipher_init(struct se_chip *chip, uint16_t object, uint32_t key, bool encrypt, struct slice iv);
/* 7.x: the object's mode is SE_CIPHER_AES_CTR_INTERNAL_IV. */
err_t se_cipher_init_internal_iv(struct se_chip *chip, uint16_t object, uint32_t key, size_t iv_len,
                                 struct buf *out_iv);
/* Any amount; sent in pieces of SE_CIPHER_CHUNK. */
err_t se_cipher_update(struct se_chip *chip, uint16_t object, struct slice in, struct buf *out);
err_t se_cipher_final(struct se_chip *chip, uint16_t object, struct slice last, struct buf *out);
