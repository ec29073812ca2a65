/* src/edge/deploy/job.c */
#include "edge/deploy/job.h"

#include "base/mem.h"
#include "net/worker.h"

struct job {
    struct job_opts o;
    struct net_worker *worker;
    struct net_task work, answer;
    atomic_bool cancel;
    err_t e;
    struct problem why;
};

static void job_free(struct job *j)
{
    net_worker_free(j->worker); /* waits for the thread */
    free(j);
}

/* The last thing the thread does with the job is to post this. */
static void on_answer(void *ctx)
{
    struct job *j = ctx;

    if (!j->o.done) { /* cancelled, and the thread was faster */
        job_free(j);
        return;
    }
    net_worker_free(j->worker);
    j->o.done(j->o.ctx, j->e, &j->why);
    free(j);
}

static void on_work(void *ctx)
{
    struct job *j = ctx;

    j->e = j->o.run(j->o.work, &j->cancel, &j->why);
    net_loop_post_task(j->o.loop, &j->answer);
}

err_t job_start(const struct job_opts *o, struct job **ret)
{
    struct job *j = mem_calloc(1, sizeof(*j));
    err_t e;

    if (!j)
        return ERR_NOMEM;
    j->o = *o;
    j->work = (struct net_task){ .fn = on_work, .ctx = j };
    j->answer = (struct net_task){ .fn = on_answer, .ctx = j };
    atomic_init(&j->cancel, false);
    e = net_worker_new(&j->worker);
    if (!e)
        e = net_worker_start(j->worker);
    if (e) {
        job_free(j);
        return e;
    }
    net_loop_post_task(net_worker_loop(j->worker), &j->work);
    *ret = j;
    return ERR_OK;
}

/* The answer comes to the loop in any case and frees the job: what the thread works on must be there until
 * then, so it is waited for here. */
void job_cancel(struct job *j)
{
    if (!j)
        return;
    j->o.done = NULL;
    atomic_store(&j->cancel, true);
    net_worker_free(j->worker);
    j->worker = NULL;
}
