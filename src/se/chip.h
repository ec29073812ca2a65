/* src/se/chip.h - one open SE05x: the handle that everything else in this room takes.
 *
 * Blocking I/O. Any thread: a handle has one recursive mutex, taken for each call (or for a whole
 * sequence between se_chip_begin and se_chip_end), so calls from many threads queue up. Do not hold a
 * lock of your own that a cheap call needs: RSA generation keeps the chip busy for seconds.
 *
 * Processes share the bus: each sequence takes the bus lock (se/bus.h), brings the T=1 link in step
 * (resync) and selects the applet, because somebody else may have used the chip in between. Nothing
 * stays locked between sequences, and the kernel frees the lock of a killed process.
 *
 * fork: a handle belongs to the process that opened it. In a child every call answers ERR_WRONG_STATE
 * without touching lock, mutex or bus; se_chip_close there only closes the child's copies of the
 * descriptors, which disturbs nothing in the parent. Open anew in the child.
 *
 * A chip that goes away and comes back (the virtual one restarted) is found again by the next
 * sequence: a handle never needs to be reopened.
 *
 * When a call fails, se_detail() (se/detail.h) has a sentence about it for this thread.
 * Error classes of every call that talks to the chip:
 *   ERR_UNAVAILABLE no chip: bus or socket missing, nobody answers at the address
 *   ERR_BUSY        another process kept the bus locked for longer than our patience
 *   ERR_TIMEOUT     the chip answered before but is silent now (after recovery was tried)
 *   ERR_PROTO       the chip's answer is not what the protocol allows
 *   ERR_IO          the bus failed
 *   ERR_WRONG_STATE       the handle is the parent process's
 *   ERR_NOT_FOUND, ERR_DENIED, ERR_NO_SPACE, ERR_INVALID, ERR_UNSUPPORTED  the applet's refusal
 *                   (se_err_from_sw in se/apdu.h)
 */
#pragma once
#include "base/err.h"
#include "base/slice.h"
#include "se/wire.h"

#include <stdbool.h>

struct se_chip;
struct se_auth;

/* Open the chip at `port` ("/dev/i2c-1:0x48", "vse:/run/chip.sock", "keyd:/run/sedge/keyd.sock"); NULL takes
 * the configured one (se/port.h). Talks to it once: SELECT must be answered. ERR_INVALID port malformed,
 * ERR_NOMEM, and the classes above. A missing bus fails at once, a bus without a chip within about half a
 * second. */
err_t se_chip_open(const char *port, struct se_chip **ret);

struct se_chip_options {
    const char *port; /* NULL: the configured one */
    /* Keys of the platform's secure channel: "none", "auto" (the published set that fits), the name of a
     * published set ("se050-a1f4", "a921" ...), the absolute path of a key file, "credential:NAME"
     * (se/keyset.h). NULL: the configured ones, none where nothing is configured. */
    const char *scp03;
    /* A session in which every sequence of the handle runs (se/session.h); NULL: none. Borrowed for the call.
     */
    const struct se_auth *auth;
    bool direct; /* for the access daemon: the bus, though the daemon is configured (se_port_resolve) */
};
/* The same with options; se_chip_open takes the configured ones. Errors of se/keyset.h besides; ERR_AUTH: the
 * keys are not the chip's. */
err_t se_chip_open_options(const struct se_chip_options *options, struct se_chip **ret);
/* Ends the chip's session when the bus is free, closes, frees. NULL is fine. */
void se_chip_close(struct se_chip *chip);

/* Keep the chip for a sequence of calls by this thread: one bus lock, one resync, one SELECT. Nests.
 * Each successful begin needs its end. Other threads and processes wait meanwhile: keep it short. */
err_t se_chip_begin(struct se_chip *chip);
void se_chip_end(struct se_chip *chip);

struct se_version {
    uint8_t major, minor, patch;
    uint16_t config;     /* SE_CONFIG_* bits */
    uint16_t secure_box; /* 0 when the applet does not say */
};

/* What SELECT answered when the handle was opened. No I/O, never waits. */
struct se_version se_chip_version(const struct se_chip *chip);

#define SE_CHANNEL_KEYS_MAX 64
/* The platform's secure channel, as it was when the handle was opened. */
struct se_channel {
    bool on;
    bool published;                 /* with keys that anybody can look up: no secrecy */
    char keys[SE_CHANNEL_KEYS_MAX]; /* "se050-a1f4", "file", "credential:NAME"; "" when off */
};
/* No I/O, never waits. */
struct se_channel se_chip_channel(const struct se_chip *chip);
/* Inside a sequence: grows whenever somebody else may have used the chip since our last sequence. What was
 * read under the same number still holds, but for what this process changed itself. No I/O. */
uint64_t se_chip_generation(const struct se_chip *chip);
/* The access daemon has logged in for its clients: no PIN is needed. No I/O; as of the last begin. */
bool se_chip_pin_held(const struct se_chip *chip);
/* The port as text, for messages. Lives as long as the handle. */
const char *se_chip_port(const struct se_chip *chip);

err_t se_chip_uid(struct se_chip *chip, uint8_t ret_uid[SE_UNIQUE_ID_LEN]);
/* The 10 bytes of a unique id that certificates carry: bytes 2, 3, 8..15. Pure. */
void se_cert_uid(const uint8_t uid[SE_UNIQUE_ID_LEN], uint8_t out[SE_CERT_UID_LEN]);
/* Fill out with n bytes from the chip's generator. out is wiped when it fails. */
err_t se_chip_random(struct se_chip *chip, uint8_t *out, size_t n);
/* which: SE_MEM_*. Applets of 3.x report SE_MEM_REPORT_MAX for "that or more". */
err_t se_chip_free_memory(struct se_chip *chip, uint8_t which, uint32_t *ret);

/* Send one command APDU and take its answer: the low call under all others. Only inside a sequence
 * (se_chip_begin). ret_answer is the answer without the status word and points into the handle: dead
 * with the next call on it or the sequence's end.
 * A status word other than 9000 is mapped by se_err_from_sw. */
err_t se_chip_command(struct se_chip *chip, struct slice apdu, struct slice *ret_answer);

/* The same in two steps, for commands that take long. Between them the thread may do other work but no other
 * call on this handle; the sequence goes on. receive waits until deadline_ms of clock_mono_ms: ERR_MORE is
 * "not yet". Whoever no longer wants the answer calls cancel; what the chip does meanwhile it finishes. */
err_t se_chip_send(struct se_chip *chip, struct slice apdu);
err_t se_chip_receive(struct se_chip *chip, int64_t deadline_ms, struct slice *ret_answer);
void se_chip_cancel(struct se_chip *chip);
/* From any thread or signal handler: the wait that is under way on this handle, or the next one, ends soon
 * with ERR_CANCELLED. */
void se_chip_interrupt(struct se_chip *chip);
