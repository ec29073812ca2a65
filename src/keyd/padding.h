/* src/keyd/padding.h - does a block for a raw RSA operation have the form of a signature? Pure; any thread.
 */
#pragma once
#include "base/slice.h"

/* RFC 8017: EMSA-PKCS1-v1_5 with the DigestInfo of a SHA, or EMSA-PSS with a SHA for digest and mask, any
 * salt up to 64 bytes. A ciphertext cannot be brought into such a form (that would take a root modulo n), so
 * a client that may only sign can be given these blocks. */
bool keyd_is_signature_block(struct slice block);
