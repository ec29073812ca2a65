/* src/tls/stream.h - a net_stream spoken through TLS over another net_stream.
 *
 * I/O. Belongs to its loop's thread; while a signer works on it nobody else touches it (tls/signer.h).
 * on_open comes after the handshake; a failed handshake is on_close with ERR_AUTH, ERR_PROTO, ERR_TIMEOUT,
 * ERR_CRYPTO (our private key did not sign) ... and a text that says which side refused what. In TLS 1.3 a
 * client is open before the server has judged its certificate: a refusal then comes as on_close with ERR_AUTH
 * a little later. Idle connections hold no buffers (SSL_MODE_RELEASE_BUFFERS).
 */
#pragma once
#include "net/stream.h"
#include "tls/context.h"

/* Wrap an accepted or connected stream, open or still opening. Takes `transport` on success.
 * ERR_BUSY when max_handshakes are under way on other loops (one of this loop makes room: it ends with
 * ERR_BUSY), ERR_NOMEM, ERR_CRYPTO. */
err_t tls_server_stream_new(struct tls_context *c, struct net_stream *transport, struct net_stream **ret);
/* The server's certificate must be valid for `host` (a name or a numeric address), which is also sent as SNI
 * when it is a name. */
err_t tls_client_stream_new(struct tls_context *c, struct net_stream *transport, const char *host,
                            struct net_stream **ret);
/* net_connect_tcp and the above in one. */
err_t tls_connect(struct net_loop *loop, struct tls_context *c, const char *host, uint16_t port,
                  int64_t connect_ms, struct net_stream **ret);

/* All below: about an open TLS stream, borrowed from it. Other streams give NULL or "". */

bool tls_stream_is_tls(const struct net_stream *s);
/* The peer's certificate, whose key it has proven to hold. NULL when it sent none. */
X509 *tls_stream_peer_cert(const struct net_stream *s);
const char *tls_stream_sni(const struct net_stream *s);     /* server side: the name asked for, or "" */
const char *tls_stream_alpn(const struct net_stream *s);    /* chosen protocol, or "" */
const char *tls_stream_version(const struct net_stream *s); /* "TLSv1.3", or "" */
