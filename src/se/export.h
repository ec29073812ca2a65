/* src/se/export.h - objects out of the chip and back, sealed by the chip; and writes that somebody else
 * signed.
 *
 * Blocking I/O over a handle; thread and error rules in se/chip.h. AN12413 ExportObject, ImportObject,
 * ImportExternalObject; reference 3.3, 3.4.
 */
#pragma once
#include "base/buf.h"
#include "se/chip.h"

/* For a whole object, or one component of an RSA key (the tag's number: p 0 ... n 7). */
enum { SE_EXPORT_WHOLE = 0xff };

/* Append the sealed value of a transient object whose policy allows it (ERR_DENIED). Only this chip opens it.
 */
err_t se_object_export(struct se_chip *chip, uint32_t id, uint8_t component, struct buf *out);
/* Give a transient object that was exported before its value back. */
err_t se_object_import(struct se_chip *chip, uint32_t id, uint8_t component, struct slice blob);

/* One write, agreed with the chip's import key (SE_ID_ECKEY_IMPORT) by the holder of the key `host` in the
 * chip: `auth` is the authentication data (the A6, 7F49, 5F37 run of an ECKey session), `command` the secured
 * write APDU. */
err_t se_object_import_external(struct se_chip *chip, struct slice auth, uint32_t host, struct slice command);
