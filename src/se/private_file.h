/* src/se/private_file.h - read a secret that somebody named: a private file, or a credential of the service
 * manager.
 *
 * Blocking; any thread. A file is taken only when it is regular, no link, belongs to root or the caller, is
 * closed to group and others, and does not lie where anybody may put files (/tmp, /var/tmp). Every failure
 * has a sentence in se_detail(), which never holds the contents.
 */
#pragma once
#include "base/buf.h"

#define SE_CREDENTIAL_PREFIX "credential:"

/* `spec` is an absolute path or "credential:NAME"; `what` ("SCP03 key file") says in messages what it is to
 * be. Appends to out, which must be BUF_SECRET and whose cap is the limit. ERR_INVALID neither of the two, or
 * too long; ERR_NOT_FOUND no such file or credential; ERR_DENIED not private; ERR_IO */
err_t se_private_read(const char *spec, const char *what, struct buf *out);
