#include "keyd/worker.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/tlv.h"
#include "keyd/apdu.h"
#include "keyd/login.h"
#include "se/apdu.h"
#include "se/detail.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>

enum { LIST_MAX = 4096 * 4, LIST_PAGES_MAX = 256 };

struct keyd_worker {
    struct net_loop *loop;
    struct net_task done;
    struct se_path *path;
    struct keyd_login login;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    struct keyd_job *job; /* under the mutex */
    bool stop;            /* under the mutex */
};

/* ---- one command ---- */

static err_t wrapped(struct keyd_worker *w, const uint8_t session[SE_SESSION_ID_LEN], struct slice apdu,
                     struct slice *ret_answer)
{
    autobuf outer = BUF_SECRET(SE_APDU_MAX);
    struct keyd_apdu a;
    err_t e = keyd_apdu_parse(apdu, KEYD_APDU_OUTER, &a);

    if (!e)
        e = keyd_session_wrap(session, a.stem, &outer);
    return e ? e : keyd_exchange(w->path, buf_slice(&outer), ret_answer);
}

static err_t once(struct keyd_worker *w, const struct keyd_job *job, struct slice apdu,
                  struct slice *ret_answer)
{
    err_t e;

    if (job->generation && job->generation != w->path->state.generation)
        return ERR_CONFLICT;
    if (job->wrap)
        return wrapped(w, job->session, apdu, ret_answer);
    if (!w->login.pin || job->bare)
        return keyd_exchange(w->path, apdu, ret_answer);
    e = keyd_login_ensure(&w->login, w->path);
    return e ? e : wrapped(w, w->login.session, apdu, ret_answer);
}

/* What was certainly not executed is tried once more, in the chip's new life. */
static err_t exchange(struct keyd_worker *w, const struct keyd_job *job, struct slice apdu,
                      struct slice *ret_answer)
{
    err_t e = once(w, job, apdu, ret_answer);

    return e == ERR_CONFLICT ? once(w, job, apdu, ret_answer) : e;
}

/* ---- jobs ---- */

static err_t do_command(struct keyd_worker *w, struct keyd_job *job)
{
    struct slice answer;
    err_t e = ERR_OK;

    if (job->before.n) /* closing somebody's session: whatever comes of it */
        (void)keyd_exchange(w->path, buf_slice(&job->before), &answer);
    e = exchange(w, job, buf_slice(&job->apdu), &answer);
    return e ? e : buf_add(&job->answer, answer);
}

/* "more" and ids out of one answer. */
static err_t take_page(struct slice raw, struct buf *ids, bool *ret_more, uint16_t *ret_sw)
{
    struct slice data, more, page = { 0 };
    err_t e = se_answer_split(raw, &data, ret_sw);

    *ret_more = false;
    if (e || *ret_sw != SE_SW_OK)
        return e;
    e = se_answer_take(&data, SE_TAG_1, &more);
    if (!e)
        e = se_answer_only(data, SE_TAG_2, &page);
    if (e || more.n != 1 || page.n % 4)
        return se_fail(ERR_PROTO, "listing the objects: malformed answer");
    *ret_more = more.p[0] == SE_MORE_YES && page.n;
    return buf_add(ids, page);
}

static err_t list_command(struct slice apdu, size_t offset, struct buf *out)
{
    auto_command c = { 0 };
    struct keyd_apdu a;
    err_t e = keyd_apdu_parse(apdu, KEYD_APDU_OUTER, &a);

    if (e)
        return e;
    se_command_init(&c, a.ins, a.p1, a.p2, SE_COMMAND_EXT_ANSWER);
    tlv_put_be16(&c.w, SE_TAG_1, (uint16_t)offset);
    tlv_put(&c.w, SE_TAG_2, keyd_apdu_field(&a, SE_TAG_2));
    return se_command_encode(&c, out);
}

static err_t list_page(struct keyd_worker *w, struct keyd_job *job, struct buf *ids, bool *ret_more,
                       uint16_t *ret_sw)
{
    autobuf apdu = BUF_INIT(SE_APDU_MAX);
    struct slice answer;
    err_t e = list_command(buf_slice(&job->apdu), ids->n / 4, &apdu);

    if (!e)
        e = exchange(w, job, buf_slice(&apdu), &answer);
    return e ? e : take_page(answer, ids, ret_more, ret_sw);
}

static err_t do_list(struct keyd_worker *w, struct keyd_job *job)
{
    autobuf ids = BUF_INIT(LIST_MAX);
    uint16_t sw = SE_SW_OK;
    bool more = true;
    err_t e = ERR_OK;

    for (int i = 0; !e && more && i < LIST_PAGES_MAX; i++)
        e = list_page(w, job, &ids, &more, &sw);
    if (!e && sw == SE_SW_OK)
        e = buf_add(&job->answer, buf_slice(&ids));
    return e ? e : buf_add_be16(&job->answer, sw);
}

/* The answer is the list of the crypto objects there are; empty where the chip does not give it. */
static err_t do_open(struct keyd_worker *w, struct keyd_job *job)
{
    static const uint8_t list[] = { SE_CLA_APPLET, SE_INS_READ, SE_P1_CRYPTO_OBJECT, SE_P2_LIST, 0 };
    struct slice answer;
    err_t e = exchange(w, job, SLICE_ARRAY(list), &answer);

    return e ? e : buf_add(&job->answer, answer);
}

static err_t (*const kinds[])(struct keyd_worker *, struct keyd_job *) = {
    [KEYD_JOB_OPEN] = do_open,
    [KEYD_JOB_COMMAND] = do_command,
    [KEYD_JOB_LIST] = do_list,
};

static void run(struct keyd_worker *w, struct keyd_job *job)
{
    int64_t start_us = clock_mono_us();

    se_detail_clear();
    buf_clear(&job->answer);
    job->err = w->path->ops->begin(w->path);
    if (!job->err) {
        job->err = kinds[job->kind](w, job);
        if (job->err) /* before the end of the sequence says something else */
            (void)snprintf(job->detail, sizeof(job->detail), "%s", se_detail());
        w->path->ops->end(w->path);
    } else {
        (void)snprintf(job->detail, sizeof(job->detail), "%s", se_detail());
    }
    job->state = w->path->state;
    job->took_us = clock_mono_us() - start_us;
}

/* ---- the thread ---- */

static void *work(void *arg)
{
    struct keyd_worker *w = arg;

    (void)pthread_mutex_lock(&w->mutex);
    while (!w->stop || w->job) {
        struct keyd_job *job = w->job;

        if (!job) {
            (void)pthread_cond_wait(&w->wake, &w->mutex);
            continue;
        }
        (void)pthread_mutex_unlock(&w->mutex);
        run(w, job);
        (void)pthread_mutex_lock(&w->mutex);
        w->job = NULL;
        net_loop_post_task(w->loop, &w->done);
    }
    (void)pthread_mutex_unlock(&w->mutex);
    return NULL;
}

/* Signals are the loop's. */
static int start_thread(struct keyd_worker *w)
{
    sigset_t all, old;
    int rc;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, &old);
    rc = pthread_create(&w->thread, NULL, work, w);
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    return rc;
}

static err_t start(const struct keyd_worker_options *o, struct keyd_worker *w)
{
    struct se_port port;
    err_t e = se_port_resolve(o->port, true, &port);

    if (!e && port.kind == SE_PORT_KEYD)
        e = se_fail(ERR_INVALID, "port %s: that is a sedge-keyd; this one needs the chip's bus", port.path);
    if (!e)
        e = se_path_open(&port, o->scp03, &w->path);
    if (!e && start_thread(w) != 0) {
        w->path->ops->close(w->path);
        e = ERR_NOMEM;
    }
    return e;
}

err_t keyd_worker_new(const struct keyd_worker_options *o, struct keyd_worker **ret)
{
    struct keyd_worker *w = mem_calloc(1, sizeof(*w));
    err_t e;

    if (!w)
        return ERR_NOMEM;
    w->loop = o->loop;
    w->done = (struct net_task){ .fn = o->done, .ctx = o->ctx };
    w->login = (struct keyd_login){ .pin = o->pin, .object = o->pin_object };
    (void)pthread_mutex_init(&w->mutex, NULL);
    (void)pthread_cond_init(&w->wake, NULL);
    e = start(o, w);
    if (e) {
        free(w);
        return e;
    }
    *ret = w;
    return ERR_OK;
}

void keyd_worker_free(struct keyd_worker *w)
{
    if (!w)
        return;
    (void)pthread_mutex_lock(&w->mutex);
    w->stop = true;
    (void)pthread_cond_signal(&w->wake);
    (void)pthread_mutex_unlock(&w->mutex);
    (void)pthread_join(w->thread, NULL);
    w->path->ops->close(w->path);
    (void)pthread_mutex_destroy(&w->mutex);
    (void)pthread_cond_destroy(&w->wake);
    free(w);
}

void keyd_worker_do(struct keyd_worker *w, struct keyd_job *job)
{
    (void)pthread_mutex_lock(&w->mutex);
    w->job = job;
    (void)pthread_cond_signal(&w->wake);
    (void)pthread_mutex_unlock(&w->mutex);
}
