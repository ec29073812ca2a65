#include "stop.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Readable from the first SIGTERM on, for every thread that waits: nobody takes the count away. */
static int stop_fd = -1;
static volatile sig_atomic_t asked;

static void on_sigterm(int number)
{
    int before = errno;
    (void)number;
    asked = 1;
    (void)!write(stop_fd, &(uint64_t){ 1 }, sizeof(uint64_t)); /* full only after 2^64 signals */
    errno = before;
}

bool stop_init(void)
{
    stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return stop_fd >= 0;
}

bool stop_catch_signal(void)
{
    struct sigaction action = { .sa_handler = on_sigterm, .sa_flags = SA_RESTART };
    return sigemptyset(&action.sa_mask) == 0 && sigaction(SIGTERM, &action, NULL) == 0;
}

bool stop_asked(void)
{
    return asked;
}

err_t stop_wait(int fd, short events, int timeout_ms)
{
    struct pollfd on[] = { { .fd = stop_fd, .events = POLLIN }, { .fd = fd, .events = events } };
    int n;
    do
        n = poll(on, 2, timeout_ms);
    while (n < 0 && errno == EINTR && !asked);
    if (asked || (n > 0 && on[0].revents))
        return ERR_CANCELLED;
    if (n < 0)
        return ERR_IO;
    return n == 0 ? ERR_TIMEOUT : ERR_OK;
}
