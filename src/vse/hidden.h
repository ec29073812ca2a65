/* src/vse/hidden.h - what the part keeps beside its objects and shows nobody: the key of the CA that made
 * its certificates, the key of exported objects, the epoch of its timestamps.
 *
 * Kept in non-volatile memory as VSE_NVM_HIDDEN, by enum vse_hidden_id. One thread at a time.
 */
#pragma once
#include "base/buf.h"

enum vse_hidden_id {
    VSE_HIDDEN_CA_KEY = 1, /* PEM */
    VSE_HIDDEN_CA_CERT,    /* DER; the only one that is no secret */
    VSE_HIDDEN_EXPORT_KEY, /* 32 bytes */
    VSE_HIDDEN_EPOCH,      /* 4 bytes */
    VSE_HIDDEN_END,
};

enum { VSE_EXPORT_KEY = 32, VSE_TIMESTAMP = 12 };

struct vse_hidden {
    struct buf kept[VSE_HIDDEN_END]; /* by enum vse_hidden_id; empty: not made yet */
    bool ticking;                    /* this run has an epoch of its own */
    uint64_t tick;                   /* the last one told in it */
};

struct vse_applet;

void vse_hidden_init(struct vse_hidden *h);
void vse_hidden_done(struct vse_hidden *h);

/* Take over one entry from non-volatile memory, or one that was made durable. ERR_CORRUPT, ERR_NOMEM. */
err_t vse_hidden_load(struct vse_hidden *h, uint32_t which, struct slice value);

/* The key that exported objects are wrapped with, made when first wanted. Borrowed.
 * The error of the non-volatile memory or of the random generator. */
err_t vse_hidden_export_key(struct vse_applet *a, struct slice *ret);

/* Number of the start this is (4 bytes), and milliseconds of a clock that stands still while the part is off
 * (8 bytes); never the same twice, never going back. The first of a run is made durable before it is told.
 * The error of the non-volatile memory. */
err_t vse_timestamp_next(struct vse_applet *a, uint8_t ret[VSE_TIMESTAMP]);
