/* src/cloud/provisioning/admission.h - certificates that are not registered when they connect: registered and
 * provisioned just in time, or refused with a reason. The loop's thread.
 *
 * The device port asks once for each connection and closes it whatever the answer: the device comes again
 * (iot-core reference 2.4). A stranger costs two reads of the database; only a leaf of a registered CA gets
 * as far as its writer, and of those at most ADMISSION_RATE a second. Spec: docs/spec/provisioning.md
 * PV-30..39.
 */
#pragma once
#include "cloud/api/request.h"
#include "crypto/own.h"

#define ADMISSION_AT_ONCE_MAX 256u /* considered at the same time */
#define ADMISSION_RATE 100u        /* written a second, on the long run */
#define ADMISSION_BURST 1000u      /* and at once */

struct admission;

enum admission_outcome {
    ADMISSION_REFUSED,
    ADMISSION_REGISTERED,  /* PENDING_ACTIVATION, and the event says so */
    ADMISSION_PROVISIONED, /* by its CA's template */
};

/* On the loop, once, never from inside admission_consider. `text` says what became of it, for the log; it
 * lives for the call. */
typedef void (*admission_done_fn)(void *ctx, enum admission_outcome outcome, const char *text);

err_t admission_new(const struct api_parts *parts, struct admission **ret);
/* What the database thread still holds comes back and is dropped, its callback does not run. NULL is fine. */
void admission_free(struct admission *a);

/* Consider this certificate, whose key the peer has proven. ERR_BUSY: too many at a time, ERR_NOMEM: `done`
 * does not run. */
err_t admission_consider(struct admission *a, X509 *cert, const char *id, admission_done_fn done, void *ctx);
