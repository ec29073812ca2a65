/* src/pkcs11/label.h - labels and key ids of the chip. Pure but for the hash; any thread.
 *
 * An object of the chip has a 32-bit id and no name. As with NXP's module since 4.4: "sss:" and the id
 * in hexadecimal, with or without 0x, names that id; any other label stands for the last four bytes of
 * its SHA-512. Enumerated objects are labelled "sss:%08X". CKA_ID is the id, big endian.
 */
#pragma once
#include "base/slice.h"
#include "pkcs11/ossl.h"

#define P11_LABEL_LEN 12 /* "sss:20181001" */

/* out gets P11_LABEL_LEN characters and a NUL. */
void p11_label_of(uint32_t id, char out[P11_LABEL_LEN + 1]);
/* "sss:" forms only: prefix and digits in either case, 1 to 8 digits. */
bool p11_label_is_id(struct slice label, uint32_t *ret);
/* Any label that is not empty. ERR_INVALID when it is; ERR_CRYPTO. */
err_t p11_label_to_id(struct p11_ossl *o, struct slice label, uint32_t *ret);
