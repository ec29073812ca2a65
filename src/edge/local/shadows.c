/* src/edge/local/shadows.c */
#include "edge/local/shadows.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "edge/elog.h"
#include "edge/function/context.h"
#include "shadow/shadow.h"

#include <dirent.h>
#include <errno.h>
#include <unistd.h>

#define DOCUMENT_MAX (256 * 1024) /* a state of 8 KB with its time stamps, as stored */
#define TOPIC_MAX 512
#define SET_ASIDE ".damaged"

struct local_shadows {
    struct local_shadows_opts o;
    char *folder;
    size_t count; /* files */
};

/* ---- files ---- */

static char *path_of(const struct local_shadows *s, struct slice thing)
{
    return mem_printf("%s/%.*s.json", s->folder, SLICE_FMT(thing));
}

/* An absent file reads as nothing; one that is larger than any shadow is damaged. */
static err_t load(const char *path, struct buf *out)
{
    err_t e = file_read(path, out);

    return e == ERR_NOT_FOUND ? ERR_OK : e == ERR_TOO_BIG ? ERR_CORRUPT : e;
}

static bool is_set_aside(const char *name)
{
    const char *dot = strchr(name, '.');

    return dot && strcmp(dot, ".json" SET_ASIDE) == 0;
}

/* The shadow begins anew; what is left of it is kept for a person, in place of what was kept before. */
static err_t set_aside(struct local_shadows *s, const char *path)
{
    autofree char *aside = mem_printf("%s" SET_ASIDE, path);

    if (!aside)
        return ERR_NOMEM;
    if (rename(path, aside) != 0)
        return file_err(errno);
    s->count--;
    elog(ELOG_ERROR, "A local shadow's file is damaged and was set aside: the shadow begins anew.",
         ELOG_S("path", aside));
    return ERR_OK;
}

static err_t save(struct local_shadows *s, const char *path, bool is_new, struct slice document)
{
    err_t e;

    if (is_new && s->count >= s->o.max_shadows)
        return ERR_TOO_BIG;
    e = file_write_durable(path, document, 0600);
    if (!e && is_new)
        s->count++;
    return e;
}

/* ---- one request ---- */

/* What went wrong with the disk, for a person; the asker is answered 500. */
static void tell_failure(const char *path, err_t e)
{
    elog(ELOG_ERROR,
         e == ERR_CORRUPT   ? "A local shadow's file is damaged and cannot be set aside: delete it."
         : e == ERR_TOO_BIG ? "No more local shadows fit: delete some that no thing uses."
                            : "A local shadow cannot be kept: check the disk and the owner of its folder.",
         ELOG_S("path", path), ELOG_S("errorString", err_str(e)));
}

/* A refusal that did not come from the document. */
static err_t refuse(struct shadow_result *r, const struct shadow_request *req, int code)
{
    struct shadow_message *m = &r->messages[0];
    err_t e;

    *r = (struct shadow_result){ .code = code, .n_messages = 1 };
    *m = (struct shadow_message){ SHADOW_REJECTED, BUF_INIT(DOCUMENT_MAX) };
    e = shadow_rejected(&m->payload, code, NULL, req->body, req->now_s);
    if (e)
        shadow_result_done(r);
    return e;
}

static err_t attempt(const char *path, const struct shadow_request *req, struct buf *stored,
                     struct shadow_result *ret)
{
    err_t e;

    buf_clear(stored);
    e = load(path, stored);
    return e ? e : shadow_handle(&SHADOW_LIMITS_DEFAULT, buf_slice(stored), req, ret);
}

static err_t carry_out(struct local_shadows *s, const struct shadow_request *req, struct shadow_result *ret)
{
    autofree char *path = path_of(s, req->thing);
    autobuf stored = BUF_INIT(DOCUMENT_MAX);
    struct shadow_result r = { 0 };
    err_t e = path ? attempt(path, req, &stored, &r) : ERR_NOMEM;

    if (e == ERR_CORRUPT && !set_aside(s, path))
        e = attempt(path, req, &stored, &r);
    if (!e && r.changed)
        e = save(s, path, stored.n == 0, buf_slice(&r.stored));
    if (!e) {
        *ret = r;
        return ERR_OK;
    }
    shadow_result_done(&r);
    if (e == ERR_NOMEM)
        return e;
    tell_failure(path, e);
    return refuse(ret, req, SHADOW_INTERNAL);
}

static void publish(struct local_shadows *s, const struct shadow_topic *asked, const struct shadow_result *r)
{
    for (size_t i = 0; i < r->n_messages; i++) {
        struct shadow_topic t = { asked->thing, asked->name, asked->op, r->messages[i].kind };
        autobuf topic = BUF_INIT(TOPIC_MAX);
        err_t e = shadow_topic_build(&topic, &t);

        if (e)
            elog(ELOG_ERROR, "A local shadow's message is lost.", ELOG_S("errorString", err_str(e)));
        else
            s->o.publish(s->o.ctx, buf_str(&topic), buf_slice(&r->messages[i].payload));
    }
}

/* A request for a classic shadow. */
static err_t parse_topic(struct slice topic, struct shadow_topic *ret)
{
    struct shadow_topic t;

    if (shadow_topic_parse(topic, &t) || t.kind != SHADOW_REQUEST || t.name.n)
        return ERR_INVALID;
    *ret = t;
    return ERR_OK;
}

static err_t handle(struct local_shadows *s, const struct shadow_topic *t, struct slice body,
                    struct shadow_result *ret)
{
    struct shadow_request req = { t->op, t->thing, t->name, body, clock_wall_ms() / 1000 };

    return carry_out(s, &req, ret);
}

err_t local_shadows_message(struct local_shadows *s, struct slice topic, struct slice payload)
{
    struct shadow_result r = { 0 };
    struct shadow_topic t;
    err_t e = parse_topic(topic, &t);

    e = e ? e : handle(s, &t, payload, &r);
    if (e)
        return e;
    publish(s, &t, &r);
    shadow_result_done(&r);
    return ERR_OK;
}

err_t local_shadows_builtin(void *ctx, const char *invoker_arn, struct slice context, struct slice payload,
                            struct buf *result, char *function_error)
{
    struct local_shadows *s = ctx;
    auto_client_context c = { 0 };
    struct shadow_result r = { 0 };
    struct shadow_topic t;
    err_t e = client_context_parse(context, &c);

    (void)invoker_arn;
    (void)function_error; /* a refusal is a result, too: the SDKs look for code and message in it */
    e = e ? e : parse_topic(slice_str(c.subject), &t);
    e = e ? e : handle(s, &t, payload, &r);
    if (e)
        return e;
    e = buf_add(result, buf_slice(&r.messages[0].payload));
    if (!e && r.code == SHADOW_OK && t.op != SHADOW_GET)
        publish(s, &t, &r);
    shadow_result_done(&r);
    return e;
}

/* ---- life ---- */

/* What an interrupted write left, and deletions that are old enough to be forgotten. */
static bool is_waste(const char *path, const char *name)
{
    autobuf stored = BUF_INIT(DOCUMENT_MAX);
    const char *dot = strchr(name, '.');

    if (!dot || strcmp(dot, ".json") != 0)
        return true;
    return file_read(path, &stored) == ERR_OK &&
           shadow_is_expired(buf_slice(&stored), clock_wall_ms() / 1000);
}

static err_t sweep(struct local_shadows *s)
{
    DIR *d = opendir(s->folder);
    struct dirent *entry;
    err_t e = ERR_OK;

    if (!d)
        return file_err(errno);
    while (!e && (entry = readdir(d))) {
        autofree char *path = mem_printf("%s/%s", s->folder, entry->d_name);
        if (entry->d_name[0] == '.' || is_set_aside(entry->d_name))
            continue;
        if (!path)
            e = ERR_NOMEM;
        else if (is_waste(path, entry->d_name))
            (void)unlink(path); /* tried again at the next start */
        else
            s->count++;
    }
    (void)closedir(d);
    return e;
}

static err_t open_folder(struct local_shadows *s)
{
    err_t e;

    s->folder = mem_printf("%s/var/state/shadows", s->o.write_dir);
    e = s->folder ? file_mkdirs(s->folder, 0700) : ERR_NOMEM;
    return e ? e : sweep(s);
}

err_t local_shadows_new(const struct local_shadows_opts *opts, struct local_shadows **ret,
                        struct problem *why)
{
    struct local_shadows *s = mem_calloc(1, sizeof(*s));
    err_t e = ERR_NOMEM;

    if (s) {
        s->o = *opts;
        s->o.max_shadows = opts->max_shadows ? opts->max_shadows : SHADOWS_MAX;
        e = open_folder(s);
    }
    if (e) {
        local_shadows_free(s);
        return problem_set(why, e, "cannot use %s/var/state/shadows, where local shadows are kept: %s",
                           opts->write_dir, err_str(e));
    }
    *ret = s;
    return ERR_OK;
}

void local_shadows_free(struct local_shadows *s)
{
    if (!s)
        return;
    free(s->folder);
    free(s);
}
