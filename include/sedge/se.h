/* sedge/se.h - an SE050 or SE051 secure element: open it, ask what it is.
 */
#ifndef SEDGE_SE_H
#define SEDGE_SE_H

#include <sedge/err.h>
#include <sedge/se_constants.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A handle is for any thread, one call at a time by a lock of its own; calls queue up. It belongs to the
 * process that opened it: in a child of fork every call is SEDGE_ERR_WRONG_STATE, and sedge_se_close only
 * frees. Processes share the chip by a lock on the bus, taken for each call, or from sedge_se_begin to
 * sedge_se_end.
 *
 * Results leave through ret_ parameters, untouched on failure. Besides the classes a call names, any may be
 * SEDGE_ERR_UNAVAILABLE (no chip), _BUSY (another process keeps it), _TIMEOUT, _PROTO (its answer is not what
 * the protocol allows), _IO, _NOMEM, or the chip's refusal: _NOT_FOUND (no such object, or not of the type
 * this needs), _DENIED (policy, or authentication is missing), _NO_SPACE, _INVALID, _UNSUPPORTED.
 *
 * The library writes to neither stdout nor stderr, installs no handlers and starts no thread.
 */
typedef struct sedge_se sedge_se;

/* Bytes to read. p may be NULL when n is 0. */
typedef struct sedge_bytes {
    const uint8_t *p;
    size_t n;
} sedge_bytes;

/* Where bytes go: `room` of them at p. n is set on success, also to 0. SEDGE_ERR_TOO_BIG: there is not room
 * enough; the chip has done its work then. */
typedef struct sedge_out {
    uint8_t *p;
    size_t room;
    size_t n;
} sedge_out;

/* How to open. Zero is the default of each. */
struct sedge_se_options {
    /* "/dev/i2c-1:0x48", or "vse:PATH" for a virtual chip; NULL: EX_SSS_BOOT_SSS_PORT, or the configured one.
     */
    const char *port;
    /* The platform's secure channel: "none", "auto", a published key set's name, the path of a key file,
     * "credential:NAME". NULL: as configured. */
    const char *scp03;
};

/* Open the chip. options may be NULL. SEDGE_ERR_AUTH: the keys are not the chip's. */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_open(const struct sedge_se_options *options, sedge_se **ret);

/* NULL is fine. */
SEDGE_API void sedge_se_close(sedge_se *se);

/* Keep the chip for several calls of this thread; nests. Each begin that succeeded needs its end. Work in
 * steps (digests, ciphers, MACs, DESFire) belongs between the two: whoever gets at the chip in between may
 * end it. */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_begin(sedge_se *se);
SEDGE_API void sedge_se_end(sedge_se *se);

/* A sentence about this thread's last failure: what was attempted, why it failed, what to look at. Never
 * holds a secret. Valid until the thread's next call. */
SEDGE_API const char *sedge_se_detail(void);

struct sedge_se_version {
    uint8_t major, minor, patch;
    uint16_t config;     /* SEDGE_SE_CONFIG_* */
    uint16_t secure_box; /* 0 when the applet does not say */
};

/* The applet's version as it was when the handle was opened; no I/O. */
SEDGE_API void sedge_se_version(const sedge_se *se, struct sedge_se_version *ret);

/* The chip's unique id. */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_uid(sedge_se *se, uint8_t ret[SEDGE_SE_UNIQUE_ID_LEN]);

/* n bytes of the chip's generator; wiped when it fails. */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_random(sedge_se *se, uint8_t *ret, size_t n);

/* kind: SEDGE_SE_MEM_*. Applets of 3.x say 32767 for that much or more. */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_free_memory(sedge_se *se, uint8_t kind, uint32_t *ret);

/* One command APDU of your own, without its status word in the answer: for what this library has no call
 * for. */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_command(sedge_se *se, sedge_bytes apdu, sedge_out *ret_answer);

#ifdef __cplusplus
}
#endif
#endif
