/* src/pkcs11/store.h - the directory in the chip: read it, change it so that a power cut leaves the old or
 * the new one.
 *
 * Blocking I/O inside a chip sequence (se_chip_begin), so that no other process reads or writes in between.
 * Two files take turns: the new directory is written whole to the one that is not in use, then the old one is
 * deleted. Where both are whole the higher sequence number counts. docs/spec/pkcs11.md.
 */
#pragma once
#include "pkcs11/directory.h"
#include "se/chip.h"

/* Object ids of our own: in the customer's range, documented, the same for everybody who uses the chip. */
enum {
    P11_ID_DIRECTORY_A = 0x7b503101,
    P11_ID_DIRECTORY_B = 0x7b503102,
    P11_ID_USER_PIN_0 = 0x7b503111,
    P11_ID_USER_PIN_1 = 0x7b503112,
    P11_ID_SO_PIN_0 = 0x7b503121,
    P11_ID_SO_PIN_1 = 0x7b503122,
    P11_ID_OWN_FIRST = 0x7b503100,
    P11_ID_OWN_LAST = 0x7b5031ff,
    /* Files that the module made: one of these without a record is what a power cut left. */
    P11_ID_FILES_FIRST = 0x7b510000,
    P11_ID_FILES_LAST = 0x7b51ffff,
};

/* The ids above but for files: not objects of the token. */
static inline bool p11_id_is_own(uint32_t id)
{
    return id >= P11_ID_OWN_FIRST && id <= P11_ID_OWN_LAST;
}
static inline bool p11_id_is_file(uint32_t id)
{
    return id >= P11_ID_FILES_FIRST && id <= P11_ID_FILES_LAST;
}

/* Read it. ids: what the chip holds, where that is known already (NULL: not known). An absent, forbidden or
 * damaged directory gives an empty one with sequence 0. */
err_t p11_store_load(struct se_chip *chip, const uint32_t *ids, size_t n, struct p11_directory *ret);

/* Read it anew, have `change` alter it, write it. Nothing is written when `change` fails.
 * ERR_NO_SPACE: the chip is full; ERR_TOO_BIG: the directory is. The old one stays then. */
typedef err_t (*p11_store_change)(struct p11_directory *d, void *arg);
err_t p11_store_update(struct se_chip *chip, p11_store_change change, void *arg);
