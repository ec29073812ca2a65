#include "keyd/peer.h"

#include "base/buf.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77 /* Linux 6.5; older headers do not know it */
#endif

enum { CGROUP_MAX = 16 * 1024 };

/* ---- the unit ---- */

static struct slice cut(struct slice *rest, char at)
{
    const uint8_t *end = rest->n ? memchr(rest->p, at, rest->n) : NULL;
    struct slice part = slice_head(*rest, end ? (size_t)(end - rest->p) : rest->n);

    *rest = slice_skip(*rest, part.n + 1);
    return part;
}

static bool ends_with(struct slice s, struct slice end)
{
    return s.n >= end.n && slice_eq(slice_skip(s, s.n - end.n), end);
}

static err_t unit_of_path(struct slice path, char ret_unit[KEYD_UNIT_MAX])
{
    (void)cut(&path, '/'); /* the root */
    while (path.n) {
        struct slice part = cut(&path, '/');

        if (ends_with(part, SLICE_LIT(".slice")))
            continue;
        if (slice_starts(part, SLICE_LIT("_"))) /* systemd's escape for names the kernel uses itself */
            part = slice_skip(part, 1);
        if (part.n == 0 || part.n >= KEYD_UNIT_MAX || !memchr(part.p, '.', part.n) || part.p[0] == '.' ||
            memchr(part.p, 0, part.n))
            return ERR_NOT_FOUND;
        memcpy(ret_unit, part.p, part.n);
        ret_unit[part.n] = '\0';
        return ERR_OK;
    }
    return ERR_NOT_FOUND;
}

err_t keyd_unit_of_cgroup(struct slice text, char ret_unit[KEYD_UNIT_MAX])
{
    while (text.n) {
        struct slice line = cut(&text, '\n');
        struct slice number = cut(&line, ':'), controllers = cut(&line, ':');

        if ((slice_eq(number, SLICE_LIT("0")) && controllers.n == 0) ||
            slice_eq(controllers, SLICE_LIT("name=systemd")))
            return unit_of_path(line, ret_unit);
    }
    return ERR_NOT_FOUND;
}

/* ---- the process ---- */

/* A descriptor of the very process that connected where the kernel has that, otherwise of the one that has
 * its number now: between connecting and here the number may have gone to another process of the same user.
 */
static int open_process(int fd, const struct ucred *cred)
{
    int pidfd = -1;
    socklen_t n = sizeof(pidfd);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &n) == 0)
        return pidfd;
    return errno == ENOPROTOOPT ? (int)syscall(SYS_pidfd_open, cred->pid, 0) : -1;
}

static bool is_alive(int pidfd)
{
    struct pollfd p = { .fd = pidfd, .events = POLLIN };

    return poll(&p, 1, 0) == 0;
}

static err_t read_cgroup(const struct ucred *cred, struct buf *out)
{
    char path[64];
    uint8_t chunk[1024];
    struct stat st;
    ssize_t n;
    err_t e = ERR_OK;

    (void)snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)cred->pid);
    autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0)
        return ERR_NOT_FOUND;
    while (!e && (n = read(fd, chunk, sizeof(chunk))) > 0)
        e = buf_add_mem(out, chunk, (size_t)n);
    return n < 0 ? ERR_IO : e;
}

static void find_unit(int fd, const struct ucred *cred, struct keyd_peer *peer)
{
    autobuf text = BUF_INIT(CGROUP_MAX);
    char unit[KEYD_UNIT_MAX] = "";

    if (cred->pid <= 0) /* in a process namespace we do not see */
        return;
    autoclose int pidfd = open_process(fd, cred);
    if (pidfd < 0 || read_cgroup(cred, &text))
        return;
    if (keyd_unit_of_cgroup(buf_slice(&text), unit)) /* it is in none */
        unit[0] = '\0';
    peer->unit_known = is_alive(pidfd); /* so the number was its own while we read */
    if (peer->unit_known)
        memcpy(peer->unit, unit, sizeof(unit));
}

static err_t find_groups(int fd, struct keyd_peer *peer)
{
    socklen_t n = sizeof(peer->groups);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, peer->groups, &n) != 0)
        return errno == ERANGE ? ERR_TOO_BIG : ERR_IO;
    peer->group_count = n / sizeof(peer->groups[0]);
    return ERR_OK;
}

err_t keyd_peer_of(int fd, struct keyd_peer *ret)
{
    struct keyd_peer peer = { 0 };
    struct ucred cred;
    socklen_t n = sizeof(cred);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) != 0 || n != sizeof(cred))
        return ERR_IO;
    peer.uid = cred.uid;
    peer.gid = cred.gid;
    peer.pid = cred.pid;
    err_t e = find_groups(fd, &peer);
    if (e)
        return e;
    find_unit(fd, &cred, &peer);
    *ret = peer;
    return ERR_OK;
}
