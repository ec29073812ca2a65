#include "edge/function/system_account.h"

#include "base/mem.h"

#include <grp.h>
#include <pwd.h>

#define ENTRY_MAX 65536 /* a group with many members is long */

err_t system_uid(const char *name, int64_t *ret)
{
    autofree char *room = mem_calloc(1, ENTRY_MAX);
    struct passwd entry, *found = NULL;

    if (!room)
        return ERR_NOMEM;
    if (getpwnam_r(name, &entry, room, ENTRY_MAX, &found) != 0 || !found)
        return ERR_NOT_FOUND;
    *ret = found->pw_uid;
    return ERR_OK;
}

err_t system_gid(const char *name, int64_t *ret)
{
    autofree char *room = mem_calloc(1, ENTRY_MAX);
    struct group entry, *found = NULL;

    if (!room)
        return ERR_NOMEM;
    if (getgrnam_r(name, &entry, room, ENTRY_MAX, &found) != 0 || !found)
        return ERR_NOT_FOUND;
    *ret = found->gr_gid;
    return ERR_OK;
}
