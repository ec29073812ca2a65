/* src/edge/deploy/store_layout.c */
#include "edge/deploy/store_layout.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

err_t store_failed(err_t e, const char *what, const char *path, struct problem *why)
{
    if (e == ERR_NO_SPACE)
        return problem_set(why, e, "cannot %s %s: the disk is full; free some space there and deploy again",
                           what, path);
    return problem_set(why, e, "cannot %s %s: %s", what, path,
                       e == ERR_IO && errno ? strerror(errno) : err_str(e));
}

err_t store_exchange(const char *a, const char *b, struct problem *why)
{
    err_t e;

    if (renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE) != 0) {
        if (errno == EINVAL || errno == ENOSYS)
            return problem_set(why, ERR_UNSUPPORTED,
                               "cannot switch to %s: this file system cannot exchange two folders; put "
                               "writeDirectory on ext4, xfs, btrfs, f2fs or tmpfs",
                               a);
        return store_failed(file_err(errno), "switch to", a, why);
    }
    e = file_sync_parent(b);
    return e ? store_failed(e, "sync the folder of", b, why) : ERR_OK;
}

/* With exactly this mode, whatever the umask or an earlier release made of it. */
static err_t make_folder(const char *path, mode_t mode, struct problem *why)
{
    err_t e = file_mkdirs(path, mode);

    if (!e && chmod(path, mode) != 0)
        e = file_err(errno);
    return e ? store_failed(e, "make the folder", path, why) : ERR_OK;
}

err_t store_make_deployment(const char *path, struct problem *why)
{
    autofree char *group = mem_printf("%s/group", path);
    autofree char *code = mem_printf("%s/lambda", path);
    err_t e;

    if (!group || !code)
        return problem_set(why, ERR_NOMEM, "out of memory");
    e = make_folder(path, 0755, why);
    e = e ? e : make_folder(group, 0700, why); /* functions' environment variables are in there */
    return e ? e : make_folder(code, 0755, why);
}

/* ---- what is there already ---- */

static bool is_folder(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* A deployment on trial when the earlier release went down: as it would have done. The marker stays, and says
 * in store_recover that nothing was switched, so the deployment begins anew. */
static err_t finish_earlier_trial(const char *dir, struct problem *why)
{
    autofree char *marker = mem_printf("%s/switching", dir);
    autofree char *group = mem_printf("%s/group", dir);
    autofree char *staging = mem_printf("%s/staging", dir);
    autofree char *staged = mem_printf("%s/staging/group.json", dir);

    if (!marker || !group || !staging || !staged)
        return problem_set(why, ERR_NOMEM, "out of memory");
    if (!is_folder(group) || access(marker, F_OK) != 0 || access(staged, F_OK) != 0)
        return ERR_OK;
    return store_exchange(staging, group, why);
}

static err_t adopt(const char *from, const char *to, struct problem *why)
{
    err_t e;

    if (!is_folder(from))
        return ERR_OK;
    e = file_remove_tree(to);
    if (!e && rename(from, to) != 0)
        e = file_err(errno);
    e = e ? e : file_sync_parent(from);
    return e ? store_failed(e, "adopt", from, why) : ERR_OK;
}

static err_t link_place(const char *place, const char *target, struct problem *why)
{
    if (symlink(target, place) != 0 && errno != EEXIST)
        return store_failed(file_err(errno), "make the link", place, why);
    return ERR_OK;
}

static err_t make_place(const char *dir, const char *name, struct problem *why)
{
    autofree char *place = mem_printf("%s/%s", dir, name);
    autofree char *target = mem_printf("current/%s", name);
    autofree char *held = mem_printf("%s/current/%s", dir, name);
    err_t e;

    if (!place || !target || !held)
        return problem_set(why, ERR_NOMEM, "out of memory");
    e = adopt(place, held, why);
    return e ? e : link_place(place, target, why);
}

err_t store_make_layout(const char *dir, struct problem *why)
{
    autofree char *current = mem_printf("%s/current", dir);
    err_t e;

    if (!current)
        return problem_set(why, ERR_NOMEM, "out of memory");
    e = make_folder(dir, 0755, why);
    e = e ? e : finish_earlier_trial(dir, why);
    e = e ? e : make_folder(current, 0755, why);
    e = e ? e : make_place(dir, "group", why);
    e = e ? e : make_place(dir, "lambda", why);
    return e ? e : store_make_deployment(current, why);
}
