/* src/edge/deploy/store.c */
#include "edge/deploy/store.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define SMALL_FILE 16384

struct store {
    char *group, *staging, *marker; /* below WD/deployment */
    char *report;
    char *group_json, *deployment_json;
};

/* "cannot WHAT PATH: No space left on device; free some space ..." */
static err_t failed(err_t e, const char *what, const char *path, struct problem *why)
{
    if (e == ERR_NO_SPACE)
        return problem_set(why, e, "cannot %s %s: the disk is full; free some space there and deploy again",
                           what, path);
    return problem_set(why, e, "cannot %s %s: %s", what, path,
                       e == ERR_IO && errno ? strerror(errno) : err_str(e));
}

void store_close(struct store *s)
{
    if (!s)
        return;
    char *all[] = { s->group, s->staging, s->marker, s->report, s->group_json, s->deployment_json };
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        free(all[i]);
    free(s);
}

static err_t make_paths(struct store *s, const char *wd)
{
    s->group = mem_printf("%s/deployment/group", wd);
    s->staging = mem_printf("%s/deployment/staging", wd);
    s->marker = mem_printf("%s/deployment/switching", wd);
    s->report = mem_printf("%s/var/state/deployment-status.json", wd);
    s->group_json = mem_printf("%s/deployment/group/group.json", wd);
    s->deployment_json = mem_printf("%s/deployment/group/deployment.json", wd);
    return s->group && s->staging && s->marker && s->report && s->group_json && s->deployment_json
               ? ERR_OK
               : ERR_NOMEM;
}

static err_t make_folders(struct store *s, const char *wd, struct problem *why)
{
    autofree char *state = mem_printf("%s/var/state", wd);
    err_t e = state ? file_mkdirs(state, 0700) : ERR_NOMEM;

    if (e)
        return failed(e, "make the folder", state ? state : "var/state", why);
    e = file_mkdirs(s->group, 0700);
    return e ? failed(e, "make the folder", s->group, why) : ERR_OK;
}

/* A core that was never deployed runs {}. */
static err_t make_first_group(struct store *s, struct problem *why)
{
    err_t e = access(s->group_json, F_OK) == 0 ? ERR_OK
                                               : file_write_durable(s->group_json, SLICE_LIT("{}\n"), 0600);

    return e ? failed(e, "write", s->group_json, why) : ERR_OK;
}

err_t store_open(const char *write_dir, struct store **ret, struct problem *why)
{
    struct store *s = mem_calloc(1, sizeof(*s));
    err_t e;

    if (!s)
        return problem_set(why, ERR_NOMEM, "out of memory");
    e = make_paths(s, write_dir) ? problem_set(why, ERR_NOMEM, "out of memory")
                                 : make_folders(s, write_dir, why);
    e = e ? e : make_first_group(s, why);
    if (e) {
        store_close(s);
        return e;
    }
    *ret = s;
    return ERR_OK;
}

/* ---- staging and switching ---- */

err_t store_begin(struct store *s, struct problem *why)
{
    err_t e = file_remove_tree(s->staging);

    if (e)
        return failed(e, "remove", s->staging, why);
    if (mkdir(s->staging, 0700) != 0)
        return failed(file_err(errno), "make the folder", s->staging, why);
    return ERR_OK;
}

err_t store_put(struct store *s, const char *name, struct slice bytes, struct problem *why)
{
    autofree char *path = mem_printf("%s/%s", s->staging, name);
    err_t e = path ? file_write_durable(path, bytes, 0600) : ERR_NOMEM;

    return e ? failed(e, "write", path ? path : name, why) : ERR_OK;
}

static err_t put_ref(const char *path, const struct gda_ref *ref, struct problem *why)
{
    autobuf text = BUF_INIT(SMALL_FILE);
    err_t e = gda_write_ref(&text, ref);

    e = e ? e : file_write_durable(path, buf_slice(&text), 0600);
    return e ? failed(e, "write", path, why) : ERR_OK;
}

static err_t exchange(struct store *s, struct problem *why)
{
    err_t e;

    if (renameat2(AT_FDCWD, s->staging, AT_FDCWD, s->group, RENAME_EXCHANGE) != 0) {
        if (errno == EINVAL || errno == ENOSYS)
            return problem_set(why, ERR_UNSUPPORTED,
                               "cannot switch to %s: this file system cannot exchange two folders; put "
                               "writeDirectory on ext4, xfs, btrfs, f2fs or tmpfs",
                               s->staging);
        return failed(file_err(errno), "switch to", s->staging, why);
    }
    e = file_sync_parent(s->group);
    return e ? failed(e, "sync the folder of", s->group, why) : ERR_OK;
}

static void remove_marker(struct store *s)
{
    if (unlink(s->marker) == 0)
        (void)file_sync_parent(
            s->marker); /* the marker may come back after a power cut: then it is the rollback again */
}

err_t store_switch(struct store *s, const struct gda_ref *ref, struct problem *why)
{
    autofree char *staged = mem_printf("%s/deployment.json", s->staging);
    err_t e = staged ? put_ref(staged, ref, why) : ERR_NOMEM;

    e = e ? e : put_ref(s->marker, ref, why);
    e = e ? e : exchange(s, why);
    if (e)
        remove_marker(s);
    return e;
}

err_t store_commit(struct store *s, struct problem *why)
{
    if (unlink(s->marker) != 0 && errno != ENOENT)
        return failed(file_err(errno), "remove", s->marker, why);
    if (file_sync_parent(s->marker))
        return failed(ERR_IO, "sync the folder of", s->marker, why);
    (void)file_remove_tree(s->staging); /* the previous group; a leftover goes at the next start */
    return ERR_OK;
}

err_t store_rollback(struct store *s, struct problem *why)
{
    err_t e = exchange(s, why);

    if (e)
        return e;
    remove_marker(s);
    (void)file_remove_tree(s->staging);
    return ERR_OK;
}

void store_abandon(struct store *s)
{
    (void)file_remove_tree(s->staging); /* a leftover goes with the next store_begin */
}

/* ---- reading ---- */

static bool read_ref(const char *path, struct gda_ref *ret)
{
    autobuf text = BUF_INIT(SMALL_FILE);

    return file_read(path, &text) == ERR_OK && gda_parse_ref(buf_slice(&text), ret) == ERR_OK;
}

void store_read_running(struct store *s, struct gda_ref *ret)
{
    struct gda_ref none = { 0 };

    if (!read_ref(s->deployment_json, ret))
        *ret = none;
}

err_t store_read_group(struct store *s, struct buf *out, struct problem *why)
{
    err_t e = file_read(s->group_json, out);

    if (e == ERR_NOT_FOUND)
        return buf_add_str(out, "{}");
    return e ? failed(e, "read", s->group_json, why) : ERR_OK;
}

/* The marker is written before the switch, so it decides: when the running group is the one it names, the
 * core went down while that group was on trial. */
err_t store_recover(struct store *s, struct gda_report *ret_failed, struct problem *why)
{
    struct gda_report r = { 0 };
    struct gda_ref running;
    err_t e = ERR_OK;

    if (read_ref(s->marker, &r.ref)) {
        store_read_running(s, &running);
        if (strcmp(running.deployment_id, r.ref.deployment_id) == 0 && access(s->staging, F_OK) == 0) {
            e = exchange(s, why);
            r.status = GDA_FAILURE;
            (void)snprintf(
                r.message, sizeof(r.message),
                "the core ended while it started the new group; the previous deployment was brought back");
        }
    }
    if (e)
        return e;
    remove_marker(s);
    (void)file_remove_tree(s->staging);
    *ret_failed = r;
    return ERR_OK;
}

/* ---- the status the cloud has not taken yet ---- */

err_t store_save_report(struct store *s, const struct gda_report *r, struct problem *why)
{
    autobuf text = BUF_INIT(SMALL_FILE);
    err_t e = gda_write_saved(&text, r);

    e = e ? e : file_write_durable(s->report, buf_slice(&text), 0600);
    return e ? failed(e, "write", s->report, why) : ERR_OK;
}

void store_read_report(struct store *s, struct gda_report *ret)
{
    autobuf text = BUF_INIT(SMALL_FILE);

    if (file_read(s->report, &text) || gda_parse_saved(buf_slice(&text), ret))
        *ret = (struct gda_report){ 0 };
}

void store_forget_report(struct store *s)
{
    if (unlink(s->report) == 0)
        (void)file_sync_parent(
            s->report); /* should it come back: the same status again is answered with 200 (EC-14) */
}
