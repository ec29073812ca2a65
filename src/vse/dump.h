/* src/vse/dump.h - what a state file holds, in words. Never a secret, never a value. */
#pragma once
#include "base/buf.h"
#include "vse/object.h"

/* One line, with its newline: id, type, size, where it lives, who made it, its policy set. */
err_t vse_dump_object(const struct vse_object *o, struct buf *out);
/* One line for a curve and the parameters it has. */
err_t vse_dump_curve(uint8_t id, uint8_t params, struct buf *out);
/* One line for a crypto object, and for what the part is set to (settings.h), from their stored values; of
 * platform keys only that they are not the part's first ones. ERR_CORRUPT. */
err_t vse_dump_crypto_object(uint32_t id, struct slice value, struct buf *out);
err_t vse_dump_setting(uint32_t which, struct slice value, struct buf *out);

/* A certificate, DER, as PEM. ERR_CORRUPT. */
err_t vse_dump_certificate(struct slice der, struct buf *out);
