/* src/pkcs11/origin.h - was the key made in the chip? Asked of the chip itself, attested, when somebody wants
 * to know; remembered with the key.
 *
 * Blocking I/O for the first who asks, one private-key operation of the chip's attestation key. PKCS#11 v2.40
 * §4.4 (CKA_LOCAL), §4.8 (CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE).
 */
#pragma once
#include "pkcs11/module.h"

/* Learn it when one of these attributes speaks of it. A chip that cannot prove it has not: false. */
void p11_origin_learn(struct p11_module *m, const struct p11_object *o, const CK_ATTRIBUTE *attrs,
                      CK_ULONG n);
