/* sedge/err.h - the error classes of Sedge's libraries.
 *
 * A class is what a caller can act on; a sentence for people goes with it (sedge_se_detail). The numbers do
 * not change and new classes come at the end.
 */
#ifndef SEDGE_ERR_H
#define SEDGE_ERR_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define SEDGE_API __attribute__((visibility("default")))
#define SEDGE_MUST_CHECK __attribute__((warn_unused_result))
#else
#define SEDGE_API
#define SEDGE_MUST_CHECK
#endif

typedef enum sedge_err {
    SEDGE_ERR_OK = 0,
    SEDGE_ERR_MORE = 1,         /* not yet: bring more bytes or wait; never a failure, never logged */
    SEDGE_ERR_EOF = 2,          /* the other side closed in an orderly way */
    SEDGE_ERR_PROTO = 3,        /* the peer broke the protocol: drop it */
    SEDGE_ERR_INVALID = 4,      /* a value given by the caller or a user is not acceptable */
    SEDGE_ERR_TOO_BIG = 5,      /* over a limit of ours */
    SEDGE_ERR_NOMEM = 6,        /* no memory, here or in the device */
    SEDGE_ERR_DENIED = 7,       /* not permitted */
    SEDGE_ERR_AUTH = 8,         /* wrong secret or signature */
    SEDGE_ERR_NOT_FOUND = 9,    /* no such thing */
    SEDGE_ERR_EXISTS = 10,      /* it is there already */
    SEDGE_ERR_BUSY = 11,        /* in use; try again later */
    SEDGE_ERR_TIMEOUT = 12,     /* a deadline passed */
    SEDGE_ERR_IO = 13,          /* the operating system or the wire failed; errno may tell more */
    SEDGE_ERR_NO_SPACE = 14,    /* the disk (or the device's memory) is full */
    SEDGE_ERR_UNAVAILABLE = 15, /* the other side is not there: no device, connection refused */
    SEDGE_ERR_UNSUPPORTED = 16, /* understood, not offered */
    SEDGE_ERR_WRONG_STATE = 17, /* not now: the object is in the wrong state */
    SEDGE_ERR_CORRUPT = 18,     /* stored bytes fail their check */
    SEDGE_ERR_CRYPTO = 19,      /* the crypto library refused; its error queue tells more */
    SEDGE_ERR_CONFLICT = 20,    /* somebody else changed it first */
    SEDGE_ERR_CANCELLED = 21,   /* ended on request */
} sedge_err;

/* A short phrase, static storage, never NULL. Any thread. */
SEDGE_API const char *sedge_err_text(sedge_err e);

#ifdef __cplusplus
}
#endif
#endif
