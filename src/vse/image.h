/* src/vse/image.h - the bytes of the chip's state file. Pure; any thread.
 *
 *   0     header: "SEDGEVSE", format(4), CRC-32 of these 12; the rest of the sector is zero
 *   512   slot 0: sequence(8) end(8) CRC-32
 *   1024  slot 1: the same
 *   4096  records: length of body(4) sequence(8) body, CRC-32 of all that
 *
 * A record is one set of changes. It is appended and synced; then the slot (sequence mod 2), which is not
 * the newest one, is overwritten, and the change is acknowledged. A slot is synced with the record after it:
 * it never covers a record that is not on the disk, and the two are never at risk together.
 *
 * Reading goes on from the newest good slot over every whole record that follows. So an acknowledged record
 * is found with or without its slot, and what the slots cover must be whole: a bad byte there is damage, and
 * damage is never taken for the torn end of the log. All integers big endian.
 */
#pragma once
#include "base/buf.h"
#include "vse/nvm.h"

enum {
    VSE_IMAGE_SECTOR = 512,
    VSE_IMAGE_RECORDS = 4096, /* where records begin */
    VSE_IMAGE_SLOT_LEN = 20,
    VSE_RECORD_OVERHEAD = 16,
    VSE_RECORD_MAX = 256 * 1024,
};

struct vse_image_end {
    uint64_t seq; /* of the last record */
    uint64_t end; /* file offset after it */
    bool mend;    /* a slot was bad or behind: write both before appending */
};

/* Header and two slots for an image whose records end at `end`; fills out to VSE_IMAGE_RECORDS bytes. */
err_t vse_image_head(struct buf *out, uint64_t seq, uint64_t end);
/* One record with these changes. ERR_TOO_BIG, ERR_NOMEM. */
err_t vse_image_record(struct buf *out, uint64_t seq, const struct vse_nvm_op *ops, size_t n);
/* The slot's bytes, and where it goes. */
void vse_image_slot(uint8_t out[VSE_IMAGE_SLOT_LEN], uint64_t seq, uint64_t end);
uint64_t vse_image_slot_offset(uint64_t seq);

/* Called for each change of the log, in order. op.value points into the image. */
typedef err_t vse_image_fn(void *ctx, const struct vse_nvm_op *op);

/* Read a whole image. ERR_UNSUPPORTED: another format. ERR_CORRUPT: damaged; else what fn returned. */
err_t vse_image_load(struct slice image, vse_image_fn *fn, void *ctx, struct vse_image_end *ret);
