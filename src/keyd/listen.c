/* The socket, from the service manager (sd_listen_fds(3), sd_notify(3): their protocols are a few bytes, the
 * library is not needed) or made here. */
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "keyd/server.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { FIRST_FD = 3 };

static bool is_listening_socket(int fd)
{
    int on = 0, type = 0, domain = 0;
    socklen_t n = sizeof(int);

    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &n) == 0 && on &&
           getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) == 0 && type == SOCK_STREAM &&
           getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &n) == 0 && domain == AF_UNIX;
}

/* -1: none was given to us. */
static int given_fd(void)
{
    const char *pid = secure_getenv("LISTEN_PID"), *fds = secure_getenv("LISTEN_FDS");
    bool ours = pid && fds && strtol(pid, NULL, 10) == (long)getpid() && strcmp(fds, "1") == 0;

    (void)unsetenv("LISTEN_PID");
    (void)unsetenv("LISTEN_FDS");
    (void)unsetenv("LISTEN_FDNAMES");
    return ours && is_listening_socket(FIRST_FD) ? FIRST_FD : -1;
}

static void make_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    autofree char *folder = slash && slash != path ? mem_str(slice_of(path, (size_t)(slash - path))) : NULL;

    if (folder)
        (void)file_mkdirs(folder, 0755); /* binding says it better if this failed */
}

err_t keyd_listen(struct keyd_server *s, net_accept_fn fn)
{
    const char *path = s->config.socket;
    struct net_listen_opts opts = { .max_open = s->config.clients + 64, .backlog = 512 };
    int fd = given_fd();
    err_t e;

    if (fd >= 0) {
        e = net_listen_fd(s->loop, fd, &opts, fn, s, &s->listener);
        if (e)
            log_error("cannot listen on the service manager's socket: %s", err_str(e));
        return e;
    }
    make_folder(path);
    e = net_listen_unix(s->loop, path, s->config.socket_mode, &opts, fn, s, &s->listener);
    if (e == ERR_BUSY)
        log_error("cannot listen on %s: another sedge-keyd is there", path);
    else if (e)
        log_error("cannot listen on %s: %s (%s)", path, err_str(e), strerror(errno));
    return e;
}

void keyd_notify(const char *state)
{
    const char *where = secure_getenv("NOTIFY_SOCKET");
    struct sockaddr_un sa = { .sun_family = AF_UNIX };
    size_t n = where ? strlen(where) : 0;

    if (n < 2 || n >= sizeof(sa.sun_path))
        return;
    memcpy(sa.sun_path, where, n);
    if (sa.sun_path[0] == '@') /* an abstract name */
        sa.sun_path[0] = '\0';
    autoclose int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0) /* it is only news */
        (void)sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&sa,
                     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
}
