/* src/pkcs11/device.h - the chip behind the slot: opened when first needed, one retry, presence.
 *
 * Blocking I/O, any thread. PKCS#11 sessions are the module's own; all of them share this one handle,
 * which shares the bus with other processes command sequence by command sequence (se/chip.h).
 */
#pragma once
#include "base/err.h"
#include "se/chip.h"

struct p11_device;

/* No I/O. NULL when out of memory. */
struct p11_device *p11_device_new(void);
void p11_device_free(struct p11_device *d);
/* For the child of a fork: close our copies of descriptors, touch no lock, leave the memory be. */
void p11_device_leave(struct p11_device *d);

/* Run fn on the chip as one sequence. After a link fault it is run a second time on a fresh link: fn
 * starts its results over. The error is fn's; ERR_UNAVAILABLE when the chip cannot be reached (no bus, no
 * permission, no such port, nobody answers). */
typedef err_t (*p11_device_fn)(struct se_chip *chip, void *arg);
err_t p11_device_do(struct p11_device *d, p11_device_fn fn, void *arg);

/* Is the chip there? Believed for a second after the last answer, otherwise asked. A chip that is busy
 * or ill is present. */
bool p11_device_present(struct p11_device *d);
