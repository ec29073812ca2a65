/* src/se/conf.h - the small file that says where the chip is, its channel's keys, the PKCS#11 module's PIN.
 *
 * SEDGE_CONF names it (read by secure_getenv: a set-user-id program ignores it), default
 * /etc/sedge/se.conf. The default one may be missing; one named by SEDGE_CONF may not. One `key = value`
 * a line, `#` comments; known keys: port (se/port.h), scp03
 * (se/keyset.h), keyd (the access daemon's socket), pin; of a key given twice the last counts. Reads the file
 * anew at each call; any thread as long as nobody changes the environment.
 */
#pragma once
#include "base/err.h"

#include <stddef.h>

/* The value of `key` as a string in out (room bytes). ERR_NOT_FOUND: the file does not set it.
 * ERR_INVALID a line that is not understood (file and line in se_detail()) or a value of `room` bytes or
 * more, otherwise file_read's errors, with se_detail(). out is untouched on failure. */
err_t se_conf_value(const char *key, char *out, size_t room);
/* The file's path, for messages. */
const char *se_conf_path(void);
