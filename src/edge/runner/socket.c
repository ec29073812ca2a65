#include "edge/runner/socket.h"

#include "base/mem.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(int) * RUNNER_FDS_MAX)];
};

void runner_close_fds(int *fds, size_t n)
{
    for (size_t i = 0; i < n; i++)
        mem_close_fd(&fds[i]);
}

static err_t socket_err(void)
{
    if (errno == EAGAIN || errno == EWOULDBLOCK)
        return ERR_MORE;
    return errno == EPIPE || errno == ECONNRESET ? ERR_EOF : ERR_IO;
}

static void attach(struct msghdr *m, union control *c, const int *fds, size_t n)
{
    struct cmsghdr *h;

    memset(c, 0, sizeof(*c));
    m->msg_control = c->bytes;
    m->msg_controllen = CMSG_SPACE(sizeof(int) * n);
    h = CMSG_FIRSTHDR(m);
    h->cmsg_level = SOL_SOCKET;
    h->cmsg_type = SCM_RIGHTS;
    h->cmsg_len = CMSG_LEN(sizeof(int) * n);
    memcpy(CMSG_DATA(h), fds, sizeof(int) * n);
}

err_t runner_send(int fd, struct slice packet, const int *fds, size_t fd_count)
{
    struct iovec part = { (void *)(uintptr_t)packet.p, packet.n };
    struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1 };
    union control c;
    ssize_t n;

    if (fds && fd_count)
        attach(&m, &c, fds, fd_count);
    do {
        n = sendmsg(fd, &m, MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? socket_err() : ERR_OK;
}

static size_t detach(struct msghdr *m, int ret_fds[RUNNER_FDS_MAX])
{
    size_t n = 0;

    for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h; h = CMSG_NXTHDR(m, h)) {
        size_t got = h->cmsg_len < CMSG_LEN(0) ? 0 : (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t i = 0; i < got; i++) {
            int one;
            memcpy(&one, CMSG_DATA(h) + i * sizeof(int), sizeof(int));
            if (n < RUNNER_FDS_MAX)
                ret_fds[n++] = one;
            else
                (void)close(one);
        }
    }
    return n;
}

err_t runner_receive(int fd, struct buf *out, int ret_fds[RUNNER_FDS_MAX], size_t *ret_count)
{
    union control c;
    struct iovec part;
    struct msghdr m = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = c.bytes, .msg_controllen = sizeof(c.bytes)
    };
    err_t e = buf_reserve(out, RUNNER_PACKET_MAX + 1);
    ssize_t n;

    if (e)
        return e;
    part = (struct iovec){ out->p, RUNNER_PACKET_MAX + 1 };
    do {
        n = recvmsg(fd, &m, MSG_CMSG_CLOEXEC);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return socket_err();
    *ret_count = detach(&m, ret_fds);
    out->n = (size_t)n;
    if (n > 0 && (size_t)n <= RUNNER_PACKET_MAX && !(m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
        return ERR_OK;
    runner_close_fds(ret_fds, *ret_count);
    *ret_count = 0;
    return n == 0 ? ERR_EOF : ERR_PROTO;
}
