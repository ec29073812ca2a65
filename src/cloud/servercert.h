/* src/cloud/servercert.h - the server's certificate while the server runs: read again on SIGHUP, and looked
 * at once a day, so that it is renewed before it ends. Connections go on with the certificate they began
 * with. The home loop's thread. Spec: docs/spec/cloud.md CL-171.
 */
#pragma once
#include "cloud/pki/pki.h"
#include "net/loop.h"
#include "tls/context.h"

struct servercert;

/* All are borrowed. *not_after_ms is kept at the end of the certificate in use. ERR_NOMEM, ERR_IO. */
err_t servercert_new(struct net_loop *loop, struct pki *pki, int64_t *not_after_ms, struct servercert **ret);
/* `c` shows the new certificate, too; borrowed. ERR_TOO_BIG. */
#define SERVERCERT_CONTEXTS_MAX 4u
err_t servercert_add(struct servercert *sc, struct tls_context *c);
void servercert_free(struct servercert *sc); /* NULL is fine */
