/* src/http/client.c - libcurl multi on a thread of its own; see client.h. */
#include "http/client.h"

#include "http/transfer.h"

#include <pthread.h>
#include <signal.h>

#define UNDER_WAY_MAX 64
#define PER_HOST_MAX 4

struct job {
    struct http_transfer t;
    uint64_t id;
    bool cancelled; /* guarded by the client's lock */
    struct net_loop *loop;
    http_done_fn done;
    void *ctx;
    struct net_task back;
    struct job *next;
};

struct http_client {
    struct http_identity id;
    CURLM *multi; /* the thread's, but for curl_multi_wakeup */
    pthread_t thread;
    pthread_mutex_t lock; /* guards all below */
    struct job *fresh;    /* not given to libcurl yet */
    struct job *active;   /* changed by the thread only */
    size_t under_way;
    uint64_t last_id;
    bool stop;
};

/* ---- completion: from the thread to the loop ---- */

static void job_free(struct job *j)
{
    http_transfer_done(&j->t);
    free(j);
}

static void tell(void *ctx)
{
    struct job *j = ctx;
    j->done(j->ctx, &j->t.answer);
    job_free(j);
}

static void job_complete(struct http_client *c, struct job *j)
{
    pthread_mutex_lock(&c->lock);
    c->under_way--;
    pthread_mutex_unlock(&c->lock);
    /* libcurl's handle ends on this thread: its last connection may use the token. */
    curl_easy_cleanup(j->t.easy);
    j->t.easy = NULL;
    j->back = (struct net_task){ .fn = tell, .ctx = j };
    net_loop_post_task(j->loop, &j->back); /* j is the loop's now */
}

/* ---- the thread ---- */

static void take_fresh(struct http_client *c)
{
    pthread_mutex_lock(&c->lock);
    struct job *j = c->fresh;
    c->fresh = NULL;
    while (j) {
        struct job *next = j->next;
        j->next = c->active;
        c->active = j;
        curl_multi_add_handle(c->multi, j->t.easy);
        j = next;
    }
    pthread_mutex_unlock(&c->lock);
}

static void unlink_active(struct http_client *c, struct job *j)
{
    pthread_mutex_lock(&c->lock);
    struct job **at = &c->active;
    while (*at != j)
        at = &(*at)->next;
    *at = j->next;
    pthread_mutex_unlock(&c->lock);
    curl_multi_remove_handle(c->multi, j->t.easy);
}

static void collect_finished(struct http_client *c)
{
    CURLMsg *msg;
    int left;
    while ((msg = curl_multi_info_read(c->multi, &left))) {
        char *private = NULL;
        CURLcode code = msg->data.result; /* msg dies with the handle */
        if (msg->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &private);
        struct job *j = CONTAINER_OF(private, struct job, t);
        unlink_active(c, j);
        http_transfer_finish(&j->t, code);
        job_complete(c, j);
    }
}

static struct job *next_cancelled(struct http_client *c)
{
    pthread_mutex_lock(&c->lock);
    struct job *j = c->active;
    while (j && !j->cancelled && !c->stop)
        j = j->next;
    pthread_mutex_unlock(&c->lock);
    return j;
}

static void collect_cancelled(struct http_client *c)
{
    struct job *j;
    while ((j = next_cancelled(c))) {
        unlink_active(c, j);
        http_transfer_fail(&j->t, ERR_CANCELLED, "cancelled");
        job_complete(c, j);
    }
}

static bool stopped(struct http_client *c)
{
    pthread_mutex_lock(&c->lock);
    bool stop = c->stop;
    pthread_mutex_unlock(&c->lock);
    return stop;
}

static void *client_main(void *arg)
{
    struct http_client *c = arg;
    int running;
    for (;;) {
        bool stop = stopped(c); /* before taking: nothing is queued after it was set */
        take_fresh(c);
        collect_cancelled(c);
        if (stop)
            return NULL;
        curl_multi_perform(c->multi, &running);
        collect_finished(c);
        curl_multi_poll(c->multi, NULL, 0, 60000, NULL); /* libcurl shortens this to its own deadlines */
    }
}

/* ---- any thread ---- */

/* Once this returns ERR_OK the job may be finished and gone already. */
static err_t enqueue(struct http_client *c, struct job *j, uint64_t *ret_id)
{
    err_t e = ERR_OK;
    pthread_mutex_lock(&c->lock);
    if (c->stop || c->under_way >= UNDER_WAY_MAX) {
        e = ERR_BUSY;
    } else {
        c->under_way++;
        j->id = ++c->last_id;
        if (ret_id)
            *ret_id = j->id;
        j->next = c->fresh;
        c->fresh = j;
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}

err_t http_client_start(struct http_client *c, const struct http_fetch *f, struct net_loop *loop,
                        http_done_fn done, void *ctx, uint64_t *ret_id)
{
    struct job *j = mem_calloc(1, sizeof(*j));
    if (!j)
        return ERR_NOMEM;
    j->loop = loop;
    j->done = done;
    j->ctx = ctx;
    err_t e = http_transfer_init(&j->t, &c->id, f);
    if (!e)
        e = enqueue(c, j, ret_id);
    if (e) {
        job_free(j);
        return e;
    }
    curl_multi_wakeup(c->multi);
    return ERR_OK;
}

static bool mark(struct job *list, uint64_t id)
{
    for (struct job *j = list; j; j = j->next)
        if (j->id == id)
            return j->cancelled = true;
    return false;
}

void http_client_cancel(struct http_client *c, uint64_t id)
{
    pthread_mutex_lock(&c->lock);
    bool found = mark(c->fresh, id) || mark(c->active, id);
    pthread_mutex_unlock(&c->lock);
    if (found)
        curl_multi_wakeup(c->multi);
}

/* ---- life ---- */

static int start_thread(struct http_client *c)
{
    sigset_t all, before;
    sigfillset(&all); /* signals are the loop's business */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&c->thread, NULL, client_main, c);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

static void client_release(struct http_client *c)
{
    if (c->multi)
        curl_multi_cleanup(c->multi);
    http_identity_done(&c->id);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

err_t http_client_new(const struct http_client_opts *opts, struct http_client **ret, struct crypto_error *why)
{
    struct http_client *c = mem_calloc(1, sizeof(*c));
    if (!c)
        return crypto_fail(why, ERR_NOMEM, "no memory");
    pthread_mutex_init(&c->lock, NULL);
    err_t e = http_identity_init(&c->id, opts, why);
    if (!e) {
        c->multi = curl_multi_init();
        e = c->multi ? ERR_OK : crypto_fail(why, ERR_NOMEM, "no memory");
    }
    if (!e) {
        curl_multi_setopt(c->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)PER_HOST_MAX);
        if (start_thread(c))
            e = crypto_fail(why, ERR_IO, "cannot start a thread for HTTP");
    }
    if (e) {
        client_release(c);
        return e;
    }
    *ret = c;
    return ERR_OK;
}

void http_client_free(struct http_client *c)
{
    if (!c)
        return;
    pthread_mutex_lock(&c->lock);
    c->stop = true;
    pthread_mutex_unlock(&c->lock);
    curl_multi_wakeup(c->multi);
    pthread_join(c->thread, NULL);
    client_release(c);
}
