#include "edge/runner/client.h"

#include "base/mem.h"
#include "edge/runner/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define QUEUE_MAX 4096u /* packets the runner has not taken yet */

struct packet {
    struct packet *next;
    struct buf bytes;
    int fds[RUNNER_FDS_MAX];
    size_t fd_count;
};

struct runner {
    struct net_watch *watch;
    int fd;
    const struct runner_events *events;
    void *ctx;
    struct packet *first, **last;
    size_t queued;
    bool lost;
};

static void packet_free(struct packet *p)
{
    runner_close_fds(p->fds, p->fd_count);
    buf_done(&p->bytes);
    free(p);
}

static void lose(struct runner *r)
{
    if (r->lost)
        return;
    r->lost = true;
    (void)net_watch_set(r->watch, false, false); /* nothing is read from it any more anyway */
    r->events->on_lost(r->ctx);
}

/* ---- to the runner ---- */

/* Sends what it takes. A runner that is gone is told of when the end of its packets is read. */
static void flush(struct runner *r)
{
    while (r->first) {
        struct packet *p = r->first;
        if (runner_send(r->fd, buf_slice(&p->bytes), p->fds, p->fd_count) == ERR_MORE)
            break;
        r->first = p->next;
        r->queued--;
        packet_free(p);
    }
    if (!r->first)
        r->last = &r->first;
    if (!r->lost)
        (void)net_watch_set(r->watch, true, r->first != NULL); /* worst case: sent with the next packet */
}

static err_t copy_fds(struct packet *p, const int *fds, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int one = fcntl(fds[i], F_DUPFD_CLOEXEC, 3);
        if (one < 0)
            return ERR_IO;
        p->fds[p->fd_count++] = one;
    }
    return ERR_OK;
}

static err_t enqueue(struct runner *r, const struct runner_message *m)
{
    struct packet *p;
    err_t e;

    if (r->lost)
        return ERR_UNAVAILABLE;
    if (r->queued == QUEUE_MAX || m->command.fd_count > RUNNER_FDS_MAX)
        return ERR_TOO_BIG;
    if (!(p = mem_calloc(1, sizeof(*p))))
        return ERR_NOMEM;
    p->bytes = BUF_SECRET(RUNNER_PACKET_MAX); /* an environment has the worker's token */
    if ((e = runner_write(&p->bytes, m)) || (e = copy_fds(p, m->command.fds, m->command.fd_count))) {
        packet_free(p);
        return e;
    }
    *r->last = p;
    r->last = &p->next;
    r->queued++;
    flush(r);
    return ERR_OK;
}

err_t runner_start(struct runner *r, uint64_t worker, const struct runner_command *c)
{
    return enqueue(r, &(struct runner_message){ .kind = RUNNER_START, .worker = worker, .command = *c });
}

err_t runner_stop(struct runner *r, uint64_t worker, int64_t grace_ms)
{
    return enqueue(r, &(struct runner_message){ .kind = RUNNER_STOP, .worker = worker, .number = grace_ms });
}

/* ---- from the runner ---- */

static bool pass_on(struct runner *r, const struct runner_message *m)
{
    switch (m->kind) {
    case RUNNER_STARTED:
        r->events->on_started(r->ctx, m->worker, (pid_t)m->number);
        return true;
    case RUNNER_NOT_STARTED:
        r->events->on_not_started(r->ctx, m->worker, m->text);
        return true;
    case RUNNER_ENDED:
        r->events->on_ended(r->ctx, m->worker, (int)m->number);
        return true;
    case RUNNER_START:
    case RUNNER_STOP:
        break;
    }
    return false;
}

/* One packet. False: no more now. */
static bool take_one(struct runner *r)
{
    autobuf packet = BUF_INIT(RUNNER_PACKET_MAX + 1);
    struct runner_message m = { 0 };
    int fds[RUNNER_FDS_MAX];
    size_t n = 0;
    err_t e = runner_receive(r->fd, &packet, fds, &n);

    if (e == ERR_MORE || e == ERR_NOMEM)
        return false;
    if (!e)
        e = runner_read(buf_slice(&packet), &m);
    runner_close_fds(fds, n);
    if (e || !pass_on(r, &m)) {
        runner_message_done(&m);
        lose(r);
        return false;
    }
    runner_message_done(&m);
    return true;
}

#define PACKETS_A_TURN 64

static void on_ready(void *ctx, bool readable, bool writable)
{
    struct runner *r = ctx;

    if (writable)
        flush(r);
    for (int i = 0; readable && i < PACKETS_A_TURN && take_one(r); i++)
        ;
}

err_t runner_new(struct net_loop *loop, int fd, const struct runner_events *events, void *ctx,
                 struct runner **ret)
{
    struct runner *r = mem_calloc(1, sizeof(*r));
    err_t e;

    if (!r) {
        mem_close_fd(&fd);
        return ERR_NOMEM;
    }
    *r = (struct runner){ .fd = fd, .events = events, .ctx = ctx };
    r->last = &r->first;
    e = fcntl(fd, F_SETFL, O_NONBLOCK) != 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 ? ERR_IO : ERR_OK;
    e = e ? e : net_watch_new(loop, fd, on_ready, r, &r->watch);
    e = e ? e : net_watch_set(r->watch, true, false);
    if (e) {
        runner_free(r);
        return e;
    }
    *ret = r;
    return ERR_OK;
}

void runner_free(struct runner *r)
{
    if (!r)
        return;
    while (r->first) {
        struct packet *p = r->first;
        r->first = p->next;
        packet_free(p);
    }
    net_watch_free(r->watch);
    mem_close_fd(&r->fd);
    free(r);
}
