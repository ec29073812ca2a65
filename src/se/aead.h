/* src/se/aead.h - AES-GCM and AES-CCM in the chip: in one command, or step by step.
 *
 * Blocking I/O over a handle; thread and error rules in se/chip.h. AN12413 AEAD*; reference 3.10, 3.14.
 * Opening gives data only when the tag is right: ERR_AUTH otherwise and nothing is appended. Step by step the
 * data comes before the judgement: do not use it before se_aead_open_final said so.
 * Steps live in a crypto object (SE_CONTEXT_AEAD with the mode) between se_chip_begin and se_chip_end, as in
 * se/cipher.h.
 */
#pragma once
#include "base/buf.h"
#include "se/chip.h"

enum { SE_AEAD_TAG_MAX = 16, SE_AEAD_CHUNK = 800, SE_AEAD_IV_MAX = 64 };

struct se_aead {
    uint8_t mode; /* SE_AEAD_GCM, SE_AEAD_CCM */
    struct slice iv;
    /* 7.x, sealing: the chip makes the IV of this many bytes instead; iv is empty. */
    size_t internal_iv_len;
    struct slice aad;
};

/* in and aad together: about 800 bytes (ERR_TOO_BIG). out_iv only with an internal IV, else NULL. */
err_t se_aead_seal(struct se_chip *chip, uint32_t key, const struct se_aead *how, struct slice in,
                   size_t tag_len, struct buf *out, struct buf *out_tag, struct buf *out_iv);
err_t se_aead_open(struct se_chip *chip, uint32_t key, const struct se_aead *how, struct slice in,
                   struct slice tag, struct buf *out);

err_t se_aead_init(struct se_chip *chip, uint16_t object, uint32_t key, bool encrypt, struct slice iv);
/* 7.x: the object's mode is one with an internal IV. */
err_t se_aead_init_internal_iv(struct se_chip *chip, uint16_t object, uint32_t key, size_t iv_len,
                               struct buf *out_iv);
/* All AAD first. */
err_t se_aead_aad(struct se_chip *chip, uint16_t object, struct slice aad);
err_t se_aead_update(struct se_chip *chip, uint16_t object, struct slice in, struct buf *out);
err_t se_aead_seal_final(struct se_chip *chip, uint16_t object, size_t tag_len, struct buf *out,
                         struct buf *out_tag);
err_t se_aead_open_final(struct se_chip *chip, uint16_t object, struct slice tag, struct buf *out);
