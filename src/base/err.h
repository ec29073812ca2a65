/* src/base/err.h - the one error convention of the tree.
 *
 * Pure; any thread. Every fallible function returns err_t; results leave through ret_ parameters
 * that are untouched on failure. Classes are what a caller can act on; device codes, CK_RV, MQTT
 * reason codes and HTTP statuses stay in their rooms and are converted at the border.
 */
#pragma once

typedef enum [[nodiscard]] err{
    ERR_OK = 0,      ERR_MORE, /* not yet: bring more bytes or wait; never a failure, never logged */
    ERR_EOF,                   /* the other side closed in an orderly way */
    ERR_PROTO,                 /* the peer broke the protocol: drop it */
    ERR_INVALID,               /* a value given by the caller or a user is not acceptable */
    ERR_TOO_BIG,               /* over a limit of ours */
    ERR_NOMEM,                 /* no memory, here or in the device */
    ERR_DENIED,                /* not permitted */
    ERR_AUTH,                  /* wrong secret or signature */
    ERR_NOT_FOUND,             /* no such thing */
    ERR_EXISTS,                /* it is there already */
    ERR_BUSY,                  /* in use; try again later */
    ERR_TIMEOUT,               /* a deadline passed */
    ERR_IO,                    /* the operating system or the wire failed; errno may tell more */
    ERR_NO_SPACE,              /* the disk (or the device's memory) is full */
    ERR_UNAVAILABLE,           /* the other side is not there: no device, connection refused */
    ERR_UNSUPPORTED,           /* understood, not offered */
    ERR_WRONG_STATE,           /* not now: the object is in the wrong state */
    ERR_CORRUPT,               /* stored bytes fail their check */
    ERR_CRYPTO,                /* the crypto library refused; its error queue tells more */
    ERR_CONFLICT,              /* somebody else changed it first */
    ERR_CANCELLED,             /* ended on request */
} err_t;

/* A short lower-case phrase for `e`, static storage, never NULL. */
const char *err_str(err_t e);
