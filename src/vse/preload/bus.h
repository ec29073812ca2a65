/* src/vse/preload/bus.h - inside libsedge-i2c.so: descriptors that stand for the I2C device node.
 *
 * A descriptor of ours is a socket to the virtual chip, so that it survives dup, fork and exec as any
 * other; what it means is in a table of this process. The bus is there when the chip is not: opening
 * succeeds, transactions are NACKed, and they work again once the chip is back.
 *
 * Any thread. After fork the child connects anew: two masters, not one shared.
 * Environment: SEDGE_I2C_SOCKET (without it the library does nothing), SEDGE_I2C_DEV, SEDGE_I2C_STATS.
 */
#pragma once
#include "se/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct preload_bus;

#define PRELOAD_EXPORT __attribute__((visibility("default")))

/* A function that would have been called without us. They stand in a section, and all are looked up when the
 * library is loaded: dlsym waits for the loader's lock, and a first call may come from a thread that the
 * holder of the lock waits for (GLib's, from a constructor within dlopen). */
struct preload_next {
    const char *name;
    void *fn;
} __attribute__((aligned(16)));
void preload_find(struct preload_next *next);

/* Call it. (Looked up here only by calls that come before our constructor.) */
#define CALL_NEXT(called, ...)                                                                               \
    ({                                                                                                       \
        static struct preload_next next_ __attribute__((section("preload_next"), used)) = { #called, NULL }; \
        __typeof__(&called) next_fn_;                                                                        \
        if (!next_.fn)                                                                                       \
            preload_find(&next_);                                                                            \
        *(void **)&next_fn_ = next_.fn;                                                                      \
        next_fn_(__VA_ARGS__);                                                                               \
    })

/* Is this the path of the node? */
bool preload_is_node(const char *path);
/* The same for a path that counts from the folder `dir` is open on, or AT_FDCWD. errno is kept. */
bool preload_is_node_at(int dir, const char *path);
/* Minor device number of the node: the digits at the end of its name. */
unsigned preload_node_minor(void);

/* A new bus on a new descriptor, or -1 and errno. */
int preload_open(int flags);

/* The bus behind fd, held until preload_put; NULL when fd is not ours. */
struct preload_bus *preload_get(int fd);
void preload_put(struct preload_bus *bus);
/* `fresh` was made from `old` by dup: it stands for the same bus. Nothing when old is not ours. */
void preload_dup(int old, int fresh);
/* fd is about to be closed. */
void preload_forget(int fd);

/* One I2C transaction of n bytes to or from `data`: 0, or -1 and errno: ENXIO nobody answers at the
 * address, EIO otherwise. */
int preload_transact(struct preload_bus *bus, int fd, uint8_t op, uint16_t address, bool repeated_start,
                     void *data, size_t n);
/* Keep transactions of other threads from coming between several of one. */
void preload_lock(struct preload_bus *bus);
void preload_unlock(struct preload_bus *bus);

/* I2C_SLAVE's address. */
void preload_set_address(struct preload_bus *bus, uint16_t address);
uint16_t preload_address(const struct preload_bus *bus);

/* Locks on the node go to a file beside the socket, so that all processes share them: its descriptor,
 * which the bus keeps, or -1 and errno. */
int preload_lock_file(struct preload_bus *bus);

/* stats.c: what happened on one bus. */
struct preload_stats {
    uint64_t writes, reads, bytes_written, bytes_read, nacks;
    uint64_t bus_bits; /* START, address, data with acknowledges, STOP */
};
void preload_stats_count(struct preload_stats *s, uint8_t op, size_t n, bool acked, bool repeated_start);
/* Append one JSON line to SEDGE_I2C_STATS, if that is set and anything happened. */
void preload_stats_write(const struct preload_stats *s);

/* ioctl.c */
int preload_ioctl(struct preload_bus *bus, int fd, unsigned long request, void *arg);
