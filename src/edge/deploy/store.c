/* src/edge/deploy/store.c */
#include "edge/deploy/store_layout.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define SMALL_FILE 16384
#define DISK_RESERVE (1u << 20)

struct store {
    char *dir; /* WD/deployment; the next ones are below it */
    char *current, *group, *code, *staging, *marker;
    char *report;
    char *group_json, *deployment_json;
};

void store_close(struct store *s)
{
    if (!s)
        return;
    char *all[] = { s->dir,    s->current, s->group,      s->code,           s->staging,
                    s->marker, s->report,  s->group_json, s->deployment_json };
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        free(all[i]);
    free(s);
}

static err_t make_paths(struct store *s, const char *wd)
{
    const struct {
        char **to;
        const char *below;
    } paths[] = {
        { &s->dir, "deployment" },
        { &s->current, "deployment/current" },
        { &s->group, "deployment/current/group" },
        { &s->code, "deployment/lambda" },
        { &s->staging, "deployment/staging" },
        { &s->marker, "deployment/switching" },
        { &s->report, "var/state/deployment-status.json" },
        { &s->group_json, "deployment/current/group/group.json" },
        { &s->deployment_json, "deployment/current/group/deployment.json" },
    };

    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        if (!(*paths[i].to = mem_printf("%s/%s", wd, paths[i].below)))
            return ERR_NOMEM;
    return ERR_OK;
}

static err_t make_folders(struct store *s, const char *wd, struct problem *why)
{
    autofree char *state = mem_printf("%s/var/state", wd);
    err_t e = state ? file_mkdirs(state, 0700) : ERR_NOMEM;

    if (e)
        return store_failed(e, "make the folder", state ? state : "var/state", why);
    return store_make_layout(s->dir, why);
}

/* A core that was never deployed runs {}. */
static err_t make_first_group(struct store *s, struct problem *why)
{
    err_t e = access(s->group_json, F_OK) == 0 ? ERR_OK
                                               : file_write_durable(s->group_json, SLICE_LIT("{}\n"), 0600);

    return e ? store_failed(e, "write", s->group_json, why) : ERR_OK;
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
        return store_failed(e, "remove", s->staging, why);
    return store_make_deployment(s->staging, why);
}

err_t store_put(struct store *s, const char *name, struct slice bytes, struct problem *why)
{
    autofree char *path = mem_printf("%s/group/%s", s->staging, name);
    err_t e = path ? file_write_durable(path, bytes, 0600) : ERR_NOMEM;

    return e ? store_failed(e, "write", path ? path : name, why) : ERR_OK;
}

err_t store_temp(struct store *s, int *ret_fd, struct problem *why)
{
    autofree char *name = mem_printf("%s/download-XXXXXX", s->staging);
    int fd = open(s->staging, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (fd < 0 && errno != ENOSPC && name) { /* a file system without nameless files */
        fd = mkostemp(name, O_CLOEXEC);
        if (fd >= 0)
            (void)unlink(name); /* a leftover goes with the staging folder */
    }
    if (fd < 0)
        return store_failed(file_err(errno), "write in", s->staging, why);
    *ret_fd = fd;
    return ERR_OK;
}

err_t store_check_room(const struct store *s, uint64_t bytes, struct problem *why)
{
    struct statvfs st;

    if (statvfs(s->dir, &st) != 0)
        return store_failed(file_err(errno), "ask for the free space of", s->dir, why);
    if ((uint64_t)st.f_bavail * st.f_frsize >= bytes + DISK_RESERVE)
        return ERR_OK;
    return problem_set(
        why, ERR_NO_SPACE,
        "%llu kB are to be written below %s and the disk has %llu kB free; free some space there "
        "and deploy again",
        (unsigned long long)bytes / 1024, s->dir, (unsigned long long)st.f_bavail * st.f_frsize / 1024);
}

char *store_staged_code(const struct store *s, const char *arn)
{
    return mem_printf("%s/lambda/%s", s->staging, arn);
}

char *store_running_code(const struct store *s, const char *arn)
{
    return mem_printf("%s/lambda/%s", s->current, arn);
}

const char *store_code_dir(const struct store *s)
{
    return s->code;
}

static err_t put_ref(const char *path, const struct gda_ref *ref, struct problem *why)
{
    autobuf text = BUF_INIT(SMALL_FILE);
    err_t e = gda_write_ref(&text, ref);

    e = e ? e : file_write_durable(path, buf_slice(&text), 0600);
    return e ? store_failed(e, "write", path, why) : ERR_OK;
}

static err_t exchange(struct store *s, struct problem *why)
{
    return store_exchange(s->staging, s->current, why);
}

/* Everything staged is on the disk before the switch is: one call for thousands of small files. */
static err_t sync_staged(struct store *s, struct problem *why)
{
    autoclose int fd = open(s->staging, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 || syncfs(fd) != 0)
        return store_failed(file_err(errno), "sync", s->staging, why);
    return ERR_OK;
}

static void remove_marker(struct store *s)
{
    if (unlink(s->marker) == 0)
        (void)file_sync_parent(
            s->marker); /* the marker may come back after a power cut: then it is the rollback again */
}

err_t store_switch(struct store *s, const struct gda_ref *ref, struct problem *why)
{
    autofree char *staged = mem_printf("%s/group/deployment.json", s->staging);
    err_t e = staged ? put_ref(staged, ref, why) : ERR_NOMEM;

    e = e ? e : sync_staged(s, why);
    e = e ? e : put_ref(s->marker, ref, why);
    e = e ? e : exchange(s, why);
    if (e)
        remove_marker(s);
    return e;
}

err_t store_commit(struct store *s, struct problem *why)
{
    if (unlink(s->marker) != 0 && errno != ENOENT)
        return store_failed(file_err(errno), "remove", s->marker, why);
    if (file_sync_parent(s->marker))
        return store_failed(ERR_IO, "sync the folder of", s->marker, why);
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
    return e ? store_failed(e, "read", s->group_json, why) : ERR_OK;
}

err_t store_read_file(const struct store *s, const char *name, struct buf *out)
{
    autofree char *path = mem_printf("%s/%s", s->group, name);

    return path ? file_read(path, out) : ERR_NOMEM;
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
    return e ? store_failed(e, "write", s->report, why) : ERR_OK;
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
