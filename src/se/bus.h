/* src/se/bus.h - an I2C bus with the chip on it: the seam between the link and the transports.
 *
 * Blocking I/O; one thread at a time. Transports: Linux i2c-dev and the virtual chip's socket.
 * The lock is shared with other processes: flock on the device node, or on SOCKET.lock beside the
 * virtual chip's socket. It dies with its holder. It is not inherited in any useful way: a child
 * only closes (never unlocks) what it got by fork.
 */
#pragma once
#include "base/err.h"
#include "base/slice.h"
#include "se/port.h"

#include <stdbool.h>
#include <time.h>

struct se_bus;

/* Two locks: whoever wants the bus waits for SE_LOCK_TURN, keeps it while waiting for SE_LOCK_BUS, and gives
 * it up once the bus is his. So a process that uses the bus back to back has to queue behind one that waits.
 */
enum se_bus_lock { SE_LOCK_TURN, SE_LOCK_BUS };

/* When the lock's node was last touched, which anybody may set to now who may write to it. */
struct se_bus_mark {
    struct timespec modified, changed;
};

struct se_bus_ops {
    /* One I2C write transaction. ERR_MORE: the chip NACKed (try again later). ERR_UNAVAILABLE: the
     * bus itself is gone (socket closed), and nothing was written. ERR_IO otherwise. */
    err_t (*write)(struct se_bus *bus, struct slice bytes);
    /* One I2C read transaction of exactly n bytes. ERR_MORE: NACK, nothing to read yet. */
    err_t (*read)(struct se_bus *bus, uint8_t *out, size_t n);
    /* ERR_BUSY: somebody else holds it. Never blocks. */
    err_t (*try_lock)(struct se_bus *bus, enum se_bus_lock which);
    void (*unlock)(struct se_bus *bus, enum se_bus_lock which);
    /* Is the mark that this handle put last still there, so that nobody who marks has used the bus since? The
     * caller has the lock, here and below. */
    bool (*is_marked)(struct se_bus *bus, const struct se_bus_mark *mark);
    /* Put a mark unlike the one that is there. All zeros, which is never found again: it cannot be put (no
     * permission).
     */
    void (*mark)(struct se_bus *bus, struct se_bus_mark *ret_mark);
    /* Close descriptors without talking to anybody, free. */
    void (*close)(struct se_bus *bus);
};

struct se_bus {
    const struct se_bus_ops *ops;
    char name[SE_PORT_TEXT_MAX]; /* for messages */
    bool locked;                 /* by us; kept by se_bus_lock and se_bus_unlock */
};

/* ERR_UNAVAILABLE no such device or socket, ERR_DENIED no permission, ERR_UNSUPPORTED not an I2C
 * adapter; se_detail() says what to do. */
err_t se_bus_open(const struct se_port *port, struct se_bus **ret);
void se_bus_close(struct se_bus *bus); /* NULL is fine */

/* Wait for the lock for up to patience_ms; ERR_BUSY then, with se_detail(). */
err_t se_bus_lock(struct se_bus *bus, int64_t patience_ms);
void se_bus_unlock(struct se_bus *bus);
