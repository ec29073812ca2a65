#include "vse/preload/bus.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

enum { FDS_MAX = 1024, TRANSFER_MAX = 8192 /* as i2c-dev */ };

struct preload_bus {
    unsigned refs; /* descriptors and calls under way; under table_lock */
    pthread_mutex_t lock;
    bool connected;
    uint16_t address;
    int lock_fd; /* of preload_lock_file, or -1 */
    struct preload_stats stats;
};

static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;
static struct preload_bus *table[FDS_MAX];
static unsigned in_table; /* read without the lock: most programs' most calls are not for us */

/* ---- configuration ---- */

static const char *socket_path(void)
{
    return secure_getenv("SEDGE_I2C_SOCKET");
}

static const char *node_path(void)
{
    const char *dev = secure_getenv("SEDGE_I2C_DEV");

    return dev && *dev ? dev : "/dev/i2c-1";
}

static const char *last_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* The path of an open folder in `out` (PATH_MAX bytes). */
static bool folder_path(int dir, char *out)
{
    char link[sizeof("/proc/self/fd/") + 3 * sizeof(int)];
    ssize_t n;

    if (dir == AT_FDCWD)
        return getcwd(out, PATH_MAX) != NULL;
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", dir);
    n = readlink(link, out, PATH_MAX - 1);
    if (n < 0)
        return false;
    out[n] = 0;
    return true;
}

/* A bare name only, as in "i2c-1" with /dev open: whoever says ../dev/./i2c-1 gets what is really there. */
static bool is_node_in(int dir, const char *name)
{
    char folder[PATH_MAX];
    const char *node = node_path();
    size_t n = (size_t)(last_name(node) - node);

    if (strcmp(name, last_name(node)) != 0 || !folder_path(dir, folder))
        return false;
    return n > 0 && strlen(folder) == n - 1 && strncmp(folder, node, n - 1) == 0;
}

bool preload_is_node_at(int dir, const char *path)
{
    int saved = errno;
    bool is;

    if (!path || !socket_path())
        return false;
    is = strcmp(path, node_path()) == 0 || is_node_in(dir, path);
    errno = saved;
    return is;
}

bool preload_is_node(const char *path)
{
    return preload_is_node_at(AT_FDCWD, path);
}

unsigned preload_node_minor(void)
{
    const char *p = node_path() + strlen(node_path());

    while (p > node_path() && p[-1] >= '0' && p[-1] <= '9')
        p--;
    return (unsigned)strtoul(p, NULL, 10);
}

/* ---- the table ---- */

static void bus_free(struct preload_bus *bus)
{
    preload_stats_write(&bus->stats);
    if (bus->lock_fd >= 0)
        (void)CALL_NEXT(close, bus->lock_fd);
    (void)pthread_mutex_destroy(&bus->lock);
    free(bus);
}

struct preload_bus *preload_get(int fd)
{
    struct preload_bus *bus;

    if (fd < 0 || fd >= FDS_MAX || __atomic_load_n(&in_table, __ATOMIC_RELAXED) == 0)
        return NULL;
    (void)pthread_mutex_lock(&table_lock);
    bus = table[fd];
    if (bus)
        bus->refs++;
    (void)pthread_mutex_unlock(&table_lock);
    return bus;
}

void preload_put(struct preload_bus *bus)
{
    bool last;

    (void)pthread_mutex_lock(&table_lock);
    last = --bus->refs == 0;
    (void)pthread_mutex_unlock(&table_lock);
    if (last)
        bus_free(bus);
}

/* Takes over one reference. */
static void table_set(int fd, struct preload_bus *bus)
{
    struct preload_bus *old;

    (void)pthread_mutex_lock(&table_lock);
    old = table[fd];
    table[fd] = bus;
    in_table += (bus != NULL) - (old != NULL);
    (void)pthread_mutex_unlock(&table_lock);
    if (old)
        preload_put(old);
}

void preload_forget(int fd)
{
    if (fd >= 0 && fd < FDS_MAX && __atomic_load_n(&in_table, __ATOMIC_RELAXED))
        table_set(fd, NULL);
}

void preload_dup(int old, int fresh)
{
    struct preload_bus *bus = preload_get(old);

    if (bus && fresh >= 0 && fresh < FDS_MAX)
        table_set(fresh, bus);
    else if (bus)
        preload_put(bus);
}

/* ---- fork and exit ---- */

static void before_fork(void)
{
    (void)pthread_mutex_lock(&table_lock);
}

static void after_fork_parent(void)
{
    (void)pthread_mutex_unlock(&table_lock);
}

static void after_fork_child(void)
{
    (void)pthread_mutex_init(&table_lock, NULL);
    for (size_t i = 0; i < FDS_MAX; i++) {
        if (!table[i])
            continue;
        (void)pthread_mutex_init(&table[i]->lock, NULL);
        table[i]->connected = false;
        table[i]->stats = (struct preload_stats){ 0 };
    }
}

void preload_find(struct preload_next *next)
{
    next->fn = dlsym(RTLD_NEXT, next->name);
}

/* The section's ends, as the linker names them. */
__attribute__((visibility("hidden"))) extern struct preload_next __start_preload_next[],
    __stop_preload_next[];

static void find_all(void)
{
    /* cppcheck-suppress comparePointers ; both are ends of one section */
    for (struct preload_next *next = __start_preload_next; next < __stop_preload_next; next++) {
        if (next->name) /* not padding */
            preload_find(next);
    }
}

__attribute__((constructor)) static void start(void)
{
    find_all();
    (void)pthread_atfork(before_fork, after_fork_parent, after_fork_child);
}

__attribute__((destructor)) static void finish(void)
{
    for (int fd = 0; fd < FDS_MAX; fd++)
        preload_forget(fd);
}

/* ---- the connection ---- */

static int new_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int connect_chip(int fd)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    const char *path = socket_path();

    if (!path || strlen(path) >= sizeof(a.sun_path)) {
        errno = ENXIO;
        return -1;
    }
    memcpy(a.sun_path, path, strlen(path));
    return connect(fd, (const struct sockaddr *)&a, sizeof(a));
}

int preload_open(int flags)
{
    struct preload_bus *bus = calloc(1, sizeof(*bus));
    int fd = bus ? new_socket() : -1;

    if (fd >= FDS_MAX) {
        (void)CALL_NEXT(close, fd);
        errno = EMFILE;
        fd = -1;
    }
    if (fd < 0) {
        free(bus);
        return -1;
    }
    if (!(flags & O_CLOEXEC))
        (void)fcntl(fd, F_SETFD, 0);
    bus->refs = 1;
    bus->lock_fd = -1;
    (void)pthread_mutex_init(&bus->lock, NULL);
    table_set(fd, bus);
    return fd;
}

/* Put a fresh connection behind every descriptor of the bus, keeping their numbers. */
static int reconnect(struct preload_bus *bus)
{
    int fresh = new_socket();
    int r = fresh < 0 ? -1 : connect_chip(fresh);

    (void)pthread_mutex_lock(&table_lock);
    for (int fd = 0; fd < FDS_MAX && r == 0; fd++) {
        int flags = table[fd] == bus ? CALL_NEXT(fcntl, fd, F_GETFD) : -1;
        if (flags >= 0 && CALL_NEXT(dup3, fresh, fd, flags & FD_CLOEXEC ? O_CLOEXEC : 0) < 0)
            r = -1;
    }
    (void)pthread_mutex_unlock(&table_lock);
    if (fresh >= 0)
        (void)CALL_NEXT(close, fresh);
    bus->connected = r == 0;
    return r;
}

static int send_all(int fd, struct iovec *v, size_t count)
{
    while (count) {
        struct msghdr m = { .msg_iov = v, .msg_iovlen = count };
        ssize_t n = sendmsg(fd, &m, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        for (; count && (size_t)n >= v->iov_len; v++, count--)
            n -= (ssize_t)v->iov_len;
        if (count) {
            v->iov_base = (char *)v->iov_base + n;
            v->iov_len -= (size_t)n;
        }
    }
    return 0;
}

static int recv_all(int fd, void *data, size_t n)
{
    char *p = data;

    while (n) {
        ssize_t r = recv(fd, p, n, 0);
        if (r < 0 && errno == EINTR)
            continue;
        if (r <= 0)
            return -1;
        p += r;
        n -= (size_t)r;
    }
    return 0;
}

/* ---- transactions ---- */

static int send_request(int fd, uint8_t op, uint16_t address, bool repeated_start, void *data, size_t n)
{
    uint8_t head[SE_BUS_REQUEST_HEADER] = {
        op, (uint8_t)address,  repeated_start ? SE_BUS_FLAG_REPEATED_START : 0,
        0,  (uint8_t)(n >> 8), (uint8_t)n,
    };
    struct iovec v[] = { { head, sizeof(head) }, { data, op == SE_BUS_OP_WRITE ? n : 0 } };

    return send_all(fd, v, v[1].iov_len ? 2 : 1);
}

/* The status of the reply, or -1 when the connection failed. */
static int receive_reply(int fd, uint8_t op, void *data, size_t n)
{
    uint8_t head[SE_BUS_REPLY_HEADER];
    size_t have;

    if (recv_all(fd, head, sizeof(head)))
        return -1;
    have = (size_t)head[2] << 8 | head[3];
    if (have != (op == SE_BUS_OP_READ && head[0] == SE_BUS_STATUS_DONE ? n : 0))
        return -1;
    return recv_all(fd, data, have) ? -1 : head[0];
}

/* A request that could not be sent was not executed: once more on a fresh connection. One whose reply
 * is missing may have been, and is not repeated. */
static int transact(struct preload_bus *bus, int fd, uint8_t op, uint16_t address, bool repeated_start,
                    void *data, size_t n)
{
    bool fresh = !bus->connected;
    int status;

    if (fresh && reconnect(bus))
        return SE_BUS_STATUS_ADDRESS_NACK; /* the bus is there, the chip is not */
    if (send_request(fd, op, address, repeated_start, data, n)) {
        bus->connected = false;
        return fresh ? SE_BUS_STATUS_ADDRESS_NACK : transact(bus, fd, op, address, repeated_start, data, n);
    }
    status = receive_reply(fd, op, data, n);
    bus->connected = status >= 0;
    return status < 0 ? SE_BUS_STATUS_BUS_ERROR : status;
}

int preload_transact(struct preload_bus *bus, int fd, uint8_t op, uint16_t address, bool repeated_start,
                     void *data, size_t n)
{
    int status;

    if (n > TRANSFER_MAX || address > 0x7f) {
        errno = EINVAL;
        return -1;
    }
    status = transact(bus, fd, op, address, repeated_start, data, n);
    preload_stats_count(&bus->stats, op, n, status == SE_BUS_STATUS_DONE, repeated_start);
    if (status == SE_BUS_STATUS_DONE)
        return 0;
    errno = status == SE_BUS_STATUS_ADDRESS_NACK ? ENXIO : EIO;
    return -1;
}

void preload_lock(struct preload_bus *bus)
{
    (void)pthread_mutex_lock(&bus->lock);
}

void preload_unlock(struct preload_bus *bus)
{
    (void)pthread_mutex_unlock(&bus->lock);
}

void preload_set_address(struct preload_bus *bus, uint16_t address)
{
    bus->address = address;
}

uint16_t preload_address(const struct preload_bus *bus)
{
    return bus->address;
}

/* ---- locks ---- */

static int open_lock_file(void)
{
    char path[sizeof(((struct sockaddr_un *)0)->sun_path) + sizeof(".lock")];
    int n = snprintf(path, sizeof(path), "%s.lock", socket_path() ? socket_path() : "");

    if (n < 0 || (size_t)n >= sizeof(path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return CALL_NEXT(open, path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
}

int preload_lock_file(struct preload_bus *bus)
{
    int fd;

    preload_lock(bus);
    if (bus->lock_fd < 0)
        bus->lock_fd = open_lock_file();
    fd = bus->lock_fd;
    preload_unlock(bus);
    return fd;
}
