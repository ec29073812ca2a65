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
/* For tests: how the chip is opened, instead of as configured. Before it is used. */
typedef err_t p11_device_opener(struct se_chip **ret);
void p11_device_set_opener(p11_device_opener *open);
/* For the child of a fork: close our copies of descriptors, touch no lock, leave the memory be. */
void p11_device_leave(struct p11_device *d);

/* Run fn on the chip as one sequence. After a link fault it is run a second time on a fresh link: fn
 * starts its results over. The error is fn's; ERR_CONFLICT when the login does not hold any more (the PIN was
 * changed elsewhere), ERR_UNAVAILABLE when the chip cannot be reached (no bus, no
 * permission, no such port, nobody answers). */
typedef err_t (*p11_device_fn)(struct se_chip *chip, void *arg);
err_t p11_device_do(struct p11_device *d, p11_device_fn fn, void *arg);

/* Is the chip there? Believed for a second after the last answer, otherwise asked. A chip that is busy
 * or ill is present. */
bool p11_device_present(struct p11_device *d);

/* Prove a PIN to its UserID object and have every sequence from now on run in that session, in place of an
 * earlier one. The PIN is kept, out of swap, to open the session again after a reset or another process,
 * until p11_device_logout. One attempt, whatever happens. Errors of se_session_open. */
err_t p11_device_login(struct p11_device *d, uint32_t id, struct slice pin);
void p11_device_logout(struct p11_device *d);
/* The access daemon has logged in for its clients. */
bool p11_device_pin_held(struct p11_device *d);
/* The chip is sedge-keyd's, which does not tell when another client changed its objects. */
bool p11_device_through_daemon(struct p11_device *d);
