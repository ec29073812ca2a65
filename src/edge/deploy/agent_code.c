/* src/edge/deploy/agent_code.c - the code of a group's functions, one after the other: taken from the running
 * deployment, or downloaded and unpacked. The slow half is done on a thread: functions go on being served.
 * Spec: docs/spec/edge-cloud.md EC-26, EC-27.
 */
#include "base/file.h"
#include "base/mem.h"
#include "edge/deploy/agent_impl.h"
#include "edge/deploy/check.h"
#include "edge/deploy/codetree.h"
#include "edge/deploy/unpack_child.h"
#include "edge/elog.h"
#include "edge/layout.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK 65536

/* What the thread works on: nothing of the agent. */
struct code_job {
    const struct crypto_ctx *crypto;
    struct deploydoc_artifact artifact;
    char arn[257];
    int zip;
    char *from; /* where the same code is already; NULL: from the zip */
    char *to;
    char *handler; /* of an executable; NULL: no */
    char want[CRYPTO_SHA256_HEX], tree[CRYPTO_SHA256_HEX];
};

static void code_job_free(struct code_job *c)
{
    if (!c)
        return;
    free(c->from);
    free(c->to);
    free(c->handler);
    free(c);
}

/* ---- on the thread ---- */

static err_t hash_file(const struct code_job *c, struct crypto_hash *hash, const atomic_bool *cancel)
{
    autofree uint8_t *block = mem_calloc(1, BLOCK);
    off_t at = 0;
    ssize_t n = 0;
    err_t e = block ? ERR_OK : ERR_NOMEM;

    while (!e && (n = pread(c->zip, block, BLOCK, at)) > 0) {
        at += n;
        e = atomic_load(cancel) ? ERR_CANCELLED : crypto_hash_add(hash, (struct slice){ block, (size_t)n });
    }
    return e ? e : n < 0 ? ERR_IO : (uint64_t)at == c->artifact.size ? ERR_OK : ERR_CORRUPT;
}

/* EC-9: size and SHA-256, before anything looks into it. */
static err_t check_zip(const struct code_job *c, const atomic_bool *cancel, struct problem *why)
{
    struct crypto_hash *hash = NULL;
    char have[CRYPTO_SHA256_HEX] = "";
    err_t e = crypto_hash_new(c->crypto, &hash);

    e = e ? e : hash_file(c, hash, cancel);
    e = e ? e : crypto_hash_hex(hash, have);
    crypto_hash_free(hash);
    if (e == ERR_CORRUPT)
        return problem_set(why, e, "%s has not the %llu bytes it should have", c->artifact.name,
                           (unsigned long long)c->artifact.size);
    if (e)
        return problem_set(why, e, "the SHA-256 of %s could not be computed: %s", c->artifact.name,
                           err_str(e));
    if (strcmp(have, c->artifact.sha256) == 0)
        return ERR_OK;
    return problem_set(why, ERR_CORRUPT, "%s was altered on the way: its SHA-256 is %s instead of %s",
                       c->artifact.name, have, c->artifact.sha256);
}

/* V1 does this where it loads a group, and these are its words. */
static err_t make_executable(const struct code_job *c, struct problem *why)
{
    autofree char *file = c->handler ? mem_printf("%s/%s", c->to, c->handler) : NULL;
    struct stat st;

    if (!c->handler)
        return ERR_OK;
    if (!file)
        return problem_set(why, ERR_NOMEM, "out of memory");
    if (lstat(file, &st) != 0 || !S_ISREG(st.st_mode) || chmod(file, 0755) != 0)
        return problem_set(why, ERR_NOT_FOUND,
                           "Unable to create server due to: failed to load group: chmod %s: no such file or "
                           "directory; the function's handler must be a file of its package",
                           file);
    return ERR_OK;
}

static err_t unpack(const struct code_job *c, const atomic_bool *cancel, struct problem *why)
{
    autofree char *program = NULL;

    if (layout_program("unpack", &program))
        return problem_set(why, ERR_IO,
                           "the program bin/unpack of this release is missing: install it again");
    return unpack_in_child(program, c->zip, c->to, cancel, why);
}

static err_t unpack_code(void *work, const atomic_bool *cancel, struct problem *why)
{
    struct code_job *c = work;
    struct problem inner = { "" };
    err_t e = check_zip(c, cancel, why);

    if (e)
        return e;
    e = unpack(c, cancel, &inner);
    if (e)
        return problem_set(why, e, "the code of function %s (%s) cannot be unpacked: %s", c->arn,
                           c->artifact.name, inner.text);
    e = make_executable(c, why);
    return e ? e : codetree_digest(c->crypto, c->to, c->tree, why);
}

static err_t take_code(void *work, const atomic_bool *cancel, struct problem *why)
{
    struct code_job *c = work;
    err_t e = codetree_link(c->from, c->to, why);

    (void)cancel;
    e = e ? e : codetree_digest(c->crypto, c->to, c->tree, why);
    if (!e && strcmp(c->tree, c->want) != 0)
        e = problem_set(why, ERR_CORRUPT, "%s is not what was unpacked there", c->from);
    if (e)
        return e;
    e = make_executable(c, why);
    return e || !c->handler ? e : codetree_digest(c->crypto, c->to, c->tree, why);
}

/* ---- on the loop ---- */

static const struct group_function *current(const struct agent *a)
{
    return &a->next_group->functions[a->function];
}

static void close_zip(struct agent *a)
{
    mem_close_fd(&a->zip);
    a->zip = -1;
}

void agent_forget_code(struct agent *a)
{
    job_cancel(a->job);
    a->job = NULL;
    code_job_free(a->work);
    a->work = NULL;
    close_zip(a);
    coderecords_done(&a->running_code);
    coderecords_done(&a->next_code);
    a->function = 0;
    a->code = CODE_NEW;
}

static err_t keep_record(struct agent *a, const struct code_job *c)
{
    err_t e = coderecords_add(&a->next_code, c->arn, c->artifact.sha256, c->tree);

    a->function++;
    a->code = CODE_NEW;
    close_zip(a);
    return e ? e : ERR_MORE;
}

static void on_unpacked(void *ctx, err_t e, const struct problem *why)
{
    struct agent *a = ctx;
    struct code_job *c = a->work;

    a->job = NULL;
    a->work = NULL;
    e = e ? e : keep_record(a, c);
    code_job_free(c);
    agent_go_on(a, e, why->text);
}

/* Without the space or the memory for links there is none for a download either; otherwise it is downloaded.
 */
static void on_taken(void *ctx, err_t e, const struct problem *why)
{
    struct agent *a = ctx;
    struct code_job *c = a->work;

    a->job = NULL;
    a->work = NULL;
    if (!e) {
        elog(ELOG_DEBUG, "The function's code is here already, it is kept.", ELOG_S("funcArn", c->arn));
        e = keep_record(a, c);
    } else if (e != ERR_NO_SPACE && e != ERR_NOMEM) {
        elog(ELOG_WARN, "The function's code on disk cannot be kept, it is downloaded.",
             ELOG_S("funcArn", c->arn), ELOG_S("errorString", why->text));
        a->code = CODE_MISSING;
        e = file_remove_tree(c->to) ? ERR_IO : ERR_MORE;
    }
    code_job_free(c);
    agent_go_on(a, e, why->text);
}

static err_t code_job_new(struct agent *a, const struct coderecord *have, bool staged, struct code_job **ret)
{
    const struct group_function *f = current(a);
    struct code_job *c = mem_calloc(1, sizeof(*c));

    if (!c)
        return ERR_NOMEM;
    c->crypto = a->o.crypto;
    c->artifact = *deploydoc_find(a->doc, f->artifact);
    c->zip = a->zip;
    (void)snprintf(c->arn, sizeof(c->arn), "%s", f->arn);
    c->to = store_staged_code(a->o.store, f->arn);
    if (check_is_executable(f))
        c->handler = mem_strdup(f->handler);
    if (have) {
        c->from =
            staged ? store_staged_code(a->o.store, have->arn) : store_running_code(a->o.store, have->arn);
        (void)snprintf(c->want, sizeof(c->want), "%s", have->tree);
    }
    if (!c->to || (have && !c->from) || (check_is_executable(f) && !c->handler)) {
        code_job_free(c);
        return ERR_NOMEM;
    }
    *ret = c;
    return ERR_OK;
}

static err_t start_job(struct agent *a, const struct coderecord *have, bool staged, struct problem *why)
{
    struct job_opts o = { a->o.loop, have ? take_code : unpack_code, NULL, have ? on_taken : on_unpacked, a };
    err_t e = code_job_new(a, have, staged, &a->work);

    o.work = a->work;
    e = e ? e : job_start(&o, &a->job);
    if (!e)
        return ERR_MORE;
    return problem_set(why, e, "the function's code cannot be unpacked: %s", err_str(e));
}

static err_t start_download(struct agent *a, struct problem *why)
{
    const struct deploydoc_artifact *d = deploydoc_find(a->doc, current(a)->artifact);
    autofree char *tail = mem_printf("/artifacts/%s", d->name);
    err_t e =
        tail ? store_check_room(a->o.store, d->size, why) : problem_set(why, ERR_NOMEM, "out of memory");

    if (!e && a->zip < 0)
        e = store_temp(a->o.store, &a->zip, why);
    if (!e && (ftruncate(a->zip, 0) != 0 || lseek(a->zip, 0, SEEK_SET) != 0))
        e = problem_set(why, ERR_IO, "cannot write on the disk: %s", strerror(errno));
    /* EC-9: stops at `size`; one byte more of room because 0 stands for the client's default. */
    return e ? e : agent_request(a, tail, d->size + 1, a->zip, why);
}

static err_t start_new(struct agent *a, struct problem *why)
{
    const char *sha256 = deploydoc_find(a->doc, current(a)->artifact)->sha256;
    const struct coderecord *staged = coderecords_find(&a->next_code, sha256);
    const struct coderecord *running = coderecords_find(&a->running_code, sha256);

    if (staged || running)
        return start_job(a, staged ? staged : running, staged != NULL, why);
    a->code = CODE_MISSING;
    return start_download(a, why);
}

static void read_running_records(struct agent *a)
{
    autobuf text = BUF_INIT(CODERECORD_MAX_BYTES);

    coderecords_done(&a->running_code);
    if (store_read_file(a->o.store, CODERECORD_FILE, &text) == ERR_OK)
        (void)coderecords_parse(buf_slice(&text), &a->running_code); /* without it everything is downloaded */
}

static err_t write_records(struct agent *a, struct problem *why)
{
    autobuf text = BUF_INIT(CODERECORD_MAX_BYTES);

    if (coderecords_write(&text, &a->next_code))
        return problem_set(why, ERR_NOMEM, "out of memory");
    return store_put(a->o.store, CODERECORD_FILE, buf_slice(&text), why);
}

err_t agent_start_code(struct agent *a, struct problem *why)
{
    if (a->function == a->next_group->function_count)
        return write_records(a, why);
    if (a->function == 0 && a->code == CODE_NEW)
        read_running_records(a);
    switch (a->code) {
    case CODE_NEW:
        return start_new(a, why);
    case CODE_MISSING:
        return start_download(a, why);
    case CODE_FETCHED:
        return start_job(a, NULL, false, why);
    }
    return ERR_INVALID;
}

/* The zip is in the file; what it is, the thread finds out. */
err_t agent_finish_code(struct agent *a, struct http_answer *answer, struct problem *why)
{
    (void)answer;
    (void)why;
    a->code = CODE_FETCHED;
    return ERR_MORE;
}
