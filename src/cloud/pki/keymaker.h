/* src/cloud/pki/keymaker.h - key pairs for CreateKeysAndCertificate, made in short-lived children.
 *
 * The child is this same program, started afresh as `sedge-cloud make-key`: it prints a private and a public
 * key and ends. The parent passes the text on to the one answer that carries it, in memory that is wiped, and
 * keeps nothing. Belongs to its loop's thread.
 */
#pragma once
#include "base/buf.h"
#include "net/loop.h"

struct keymaker;

#define KEYMAKER_CHILDREN_MAX 4u
#define KEYMAKER_DEADLINE_MS 30000

/* On the loop's thread, once per start. The bufs are the callee's to read (or move out) until it returns. */
typedef void (*keymaker_done_fn)(void *ctx, err_t e, struct buf *private_pem, struct buf *public_pem);

err_t keymaker_new(struct net_loop *loop, struct keymaker **ret);
/* Ends the children; their callbacks do not run. NULL is fine. */
void keymaker_free(struct keymaker *k);
/* ERR_BUSY: KEYMAKER_CHILDREN_MAX are at work; ERR_IO: no process. `done` runs only after ERR_OK. */
err_t keymaker_start(struct keymaker *k, keymaker_done_fn done, void *ctx);

/* The child's whole life: write the two PEM texts to standard output. Returns the exit status. */
int keymaker_child(void);
