/* tests/bench/lock_count.c - preloaded: how often a lock was taken, and how often somebody else had it. One
 * line to standard error at the end, and at each SIGUSR1. Measures sedge-cloud's threads
 * (tests/bench/gateway-locks).
 */
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static atomic_ulong taken, waited;

static void *real(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

/* Try first: who fails has to wait. */
#define WRAP(lock_type, lock, try)                      \
    int lock(lock_type *l)                              \
    {                                                   \
        static int (*really)(lock_type *);              \
        atomic_fetch_add(&taken, 1);                    \
        if (try(l) == 0)                                \
            return 0;                                   \
        atomic_fetch_add(&waited, 1);                   \
        if (!really)                                    \
            really = (int (*)(lock_type *))real(#lock); \
        return really(l);                               \
    }

WRAP(pthread_mutex_t, pthread_mutex_lock, pthread_mutex_trylock)
WRAP(pthread_rwlock_t, pthread_rwlock_rdlock, pthread_rwlock_tryrdlock)
WRAP(pthread_rwlock_t, pthread_rwlock_wrlock, pthread_rwlock_trywrlock)

static void tell(int signum)
{
    char line[96];
    int n = snprintf(line, sizeof(line), "locks taken=%lu waited=%lu\n", atomic_load(&taken),
                     atomic_load(&waited));

    (void)signum;
    if (write(STDERR_FILENO, line, (size_t)n) != n)
        return;
}

__attribute__((constructor)) static void begin(void)
{
    struct sigaction sa;

    memset(&sa, 0, sizeof(sa));
    sa.sa_handler = tell;
    sa.sa_flags = SA_RESTART;
    (void)sigaction(SIGUSR1, &sa, NULL);
}

__attribute__((destructor)) static void finish(void)
{
    tell(0);
}
