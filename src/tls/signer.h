/* src/tls/signer.h - the thread on which a token signs for TLS handshakes.
 *
 * A chip needs hundreds of milliseconds for a signature; libp11 cannot pause inside one. So a connection
 * whose context has a signer stops (SSL_CTX_set_cert_cb returns -1) just before the flight that signs, is
 * handed to this thread, which runs that one SSL_do_handshake, and is handed back to its loop. One signer per
 * token: tokens do one thing at a time anyway. Only full handshakes come here.
 *
 * A connection that is freed or runs into its handshake deadline while it waits here is told so at once; its
 * memory goes when it comes back.
 */
#pragma once
#include "base/err.h"

#include <stddef.h>

struct tls_signer;

/* Starts the thread. max_queue: connections waiting; one more is closed with ERR_BUSY. 0 = 64.
 * ERR_NOMEM, ERR_IO. */
err_t tls_signer_new(size_t max_queue, struct tls_signer **ret);
/* Waits for the signature under way; connections still queued come back with ERR_CANCELLED. Call before
 * freeing the loops they belong to. NULL is fine. */
void tls_signer_free(struct tls_signer *s);
