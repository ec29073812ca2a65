/* src/cloud/registry/transfer.h - a certificate on its way from one account's database into another's.
 *
 * The offer is a state of the row in the source: whoever rejects or cancels it changes one database.
 * Accepting is three transactions: the source moves the row into its table `transfers` (from here on the
 * target owns the certificate, whatever happens); the target inserts it; the source forgets it. The last two
 * may be done again and again (docs/decisions/accounts.md, docs/spec/cloud.md CL-130..133). On the database
 * threads.
 */
#pragma once
#include "cloud/api/call.h"

/* A row of `transfers`: accepted, and not yet known to have arrived. */
struct transfer {
    char id[65];
    char target[13];
    char *content; /* JSON: all that the target's row will hold */
};
void transfer_done(struct transfer *t);
#define auto_transfer __attribute__((cleanup(transfer_done))) struct transfer

/* The oldest one that is left with this database as its source and an id above `after`. ERR_NOT_FOUND. */
err_t transfer_next(struct db *db, const char *after, struct transfer *ret);
/* In the target's database. A certificate that is there already stays as it is. */
err_t transfer_arrive(struct db *db, const char *content);
/* In the source's, afterwards. */
err_t transfer_forget(struct db *db, const char *id);

/* previousOwnedBy and transferData of a certificate's description. */
err_t transfer_describe(struct api_call *c, const char *id, json_t *description);

#define TRANSFER_PENDING "PENDING_TRANSFER"
