/* src/tls/signer.c - see signer.h: one thread, one bounded queue. */
#include "tls/signer.h"

#include "base/mem.h"
#include "tls/signer_impl.h"

#include <pthread.h>
#include <signal.h>

struct tls_signer {
    pthread_t thread;
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t wake;
    struct tls_job *head, **tail;
    size_t queued, max_queue;
    bool stop;
};

/* The next job, NULL when stopping and nothing is left. */
static struct tls_job *take(struct tls_signer *s, bool *ret_stopping)
{
    pthread_mutex_lock(&s->lock);
    while (!s->head && !s->stop)
        pthread_cond_wait(&s->wake, &s->lock);
    struct tls_job *job = s->head;
    if (job) {
        s->head = job->next;
        if (!s->head)
            s->tail = &s->head;
        s->queued--;
    }
    *ret_stopping = s->stop;
    pthread_mutex_unlock(&s->lock);
    return job;
}

static void *signer_main(void *arg)
{
    struct tls_job *job;
    bool stopping;
    while ((job = take(arg, &stopping)))
        job->run(job, stopping);
    return NULL;
}

err_t tls_signer_push(struct tls_signer *s, struct tls_job *job)
{
    err_t e = ERR_OK;
    pthread_mutex_lock(&s->lock);
    if (s->stop) {
        e = ERR_CANCELLED;
    } else if (s->queued >= s->max_queue) {
        e = ERR_BUSY;
    } else {
        job->next = NULL;
        *s->tail = job;
        s->tail = &job->next;
        s->queued++;
        pthread_cond_signal(&s->wake);
    }
    pthread_mutex_unlock(&s->lock);
    return e;
}

/* Signals are the loop's business: the thread starts with all of them blocked. */
static int start_thread(struct tls_signer *s)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&s->thread, NULL, signer_main, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

err_t tls_signer_new(size_t max_queue, struct tls_signer **ret)
{
    struct tls_signer *s = mem_calloc(1, sizeof(*s));
    if (!s)
        return ERR_NOMEM;
    s->max_queue = max_queue ? max_queue : 64;
    s->tail = &s->head;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->wake, NULL);
    if (start_thread(s)) {
        pthread_cond_destroy(&s->wake);
        pthread_mutex_destroy(&s->lock);
        free(s);
        return ERR_IO;
    }
    *ret = s;
    return ERR_OK;
}

void tls_signer_free(struct tls_signer *s)
{
    if (!s)
        return;
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    pthread_cond_destroy(&s->wake);
    pthread_mutex_destroy(&s->lock);
    free(s);
}
