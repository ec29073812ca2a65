/* src/pkcs11/pin.h - the user PIN: a value from the configuration (docs/decisions/pkcs11-pin.md).
 *
 * The chip has no PIN. Ours keeps a program with a wrong configuration from going on, no more: whoever
 * can open the bus can use the chip without this module. It cannot be locked. Reads a small file.
 */
#pragma once
#include "base/slice.h"
#include "pkcs11/cryptoki.h"

#define P11_PIN_DEFAULT "1234" /* as in the published walk's slotUserPin */
#define P11_PIN_MIN 1
#define P11_PIN_MAX 64

/* Is this the `pin` of the configuration (se/conf.h)? CKR_OK, CKR_PIN_INCORRECT; CKR_GENERAL_ERROR when
 * the configuration cannot be read. Compared in constant time. */
CK_RV p11_pin_check(struct slice pin);
