/* src/tls/identity.h - who a TLS peer has proven to be: plain data that outlives the stream and may move to
 * another thread. */
#pragma once
#include "net/stream.h"

#include <openssl/types.h>

#define TLS_SNI_MAX 255u /* RFC 6066 §3: a DNS name */

struct tls_identity {
    X509 *cert; /* a reference of its own; NULL: the peer sent none */
    char sni[TLS_SNI_MAX + 1];
    char alpn[32]; /* chosen protocol, or "" */
};

/* What an open TLS stream of the server side knows. ERR_NOMEM; ERR_WRONG_STATE: not such a stream. */
err_t tls_identity_of(const struct net_stream *s, struct tls_identity **ret);
void tls_identity_free(struct tls_identity *id); /* NULL is fine */
#define auto_tls_identity __attribute__((cleanup(tls_identity_freep))) struct tls_identity
static inline void tls_identity_freep(struct tls_identity **id)
{
    tls_identity_free(*id);
}
