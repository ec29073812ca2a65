/* src/edge/function/system_account.h - the system's users and groups by name. May block for a moment; any
 * thread. (Apart from accounts.c, because <grp.h> and deploy/group.h both have a struct group.)
 */
#pragma once
#include "base/err.h"

#include <stdint.h>

/* ERR_NOT_FOUND: no such name, or the database cannot be asked. ERR_NOMEM. */
err_t system_uid(const char *name, int64_t *ret);
err_t system_gid(const char *name, int64_t *ret);
