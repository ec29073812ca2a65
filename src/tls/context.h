/* src/tls/context.h - what the TLS connections of one kind share: certificate, key, trust, policy.
 *
 * Safe from any thread; read-only once built, but for tls_context_renew. TLS 1.2 and 1.3 only, no
 * renegotiation. RSA key exchange is off: every private key operation is a signature in the handshake.
 *
 * A server resumes sessions only where it is told to (`resume`), by TLS 1.2 tickets and TLS 1.3 PSKs, never
 * with early data. A resumed session brings the client certificate of its first handshake along: whoever
 * reads tls_stream_peer_cert judges it as it stands today, like every other (iot-core 1.3).
 *
 * X509 and EVP_PKEY arguments are borrowed; a context takes its own references. A key may come from an
 * engine (a token): then give a signer as well and no signature runs on a loop thread.
 */
#pragma once
#include "crypto/error.h"

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tls_context;
struct tls_signer;

enum tls_client_cert {
    TLS_CLIENT_CERT_NONE,    /* do not ask */
    TLS_CLIENT_CERT_REQUEST, /* ask, go on without */
    TLS_CLIENT_CERT_REQUIRE, /* ask, refuse the handshake without */
};

struct tls_alpn {
    const char *name;                 /* "x-amzn-mqtt-ca" */
    enum tls_client_cert client_cert; /* for connections that choose it */
};

/* May this leaf certificate go on? Called inside the handshake on the loop's thread, must not block.
 * Whether the peer holds the key is proven by TLS in any case. ERR_OK or ERR_DENIED (the peer sees
 * the alert bad_certificate). */
typedef err_t (*tls_verify_fn)(void *ctx, X509 *leaf);

struct tls_server_opts {
    X509 *cert;
    X509 *const *chain; /* sent behind cert; may be empty */
    size_t chain_count;
    EVP_PKEY *key;
    struct tls_signer *signer; /* for token keys; must outlive every connection */
    /* A client's certificate is asked for and proven, not judged: any leaf is accepted, without a chain
     * (iot-core 1.3). Judging it is the business of `verify` or of whoever reads tls_peer_cert after
     * on_open. */
    enum tls_client_cert client_cert;
    tls_verify_fn verify; /* NULL: accept */
    void *verify_ctx;
    /* At most 32 characters: sessions are resumed, those of this context within a day and until it is
     * renewed. Not together with `verify`, which no resumed session would meet. NULL: none is. */
    const char *resume;
    /* In our order of preference; a client that offers none of them goes on without. */
    const struct tls_alpn *alpn;
    size_t alpn_count;
    /* Under way at once; 0 = 1000. One more ends the oldest of them, so that peers who connect and say
     * nothing cannot keep others out: of the newcomer's own address where that has a quarter of the places.
     */
    size_t max_handshakes;
    int64_t handshake_ms; /* 0 = 10 s */
};

/* why may be NULL; it is filled on failure only.
 * ERR_INVALID    certificate or key missing, not a pair, or of a kind TLS cannot use (too short, say)
 * ERR_CRYPTO, ERR_NOMEM */
err_t tls_server_context_new(const struct tls_server_opts *opts, struct tls_context **ret,
                             struct crypto_error *why);

/* A server's handshakes from now on show this certificate; connections and handshakes that have begun stay as
 * they are. On failure nothing has changed. Errors as above. */
err_t tls_context_renew(struct tls_context *c, X509 *cert, X509 *const *chain, size_t chain_count,
                        EVP_PKEY *key, struct crypto_error *why);

struct tls_client_opts {
    const char *ca_file; /* PEM, one or more trust anchors; the system's are not used */
    X509 *cert;          /* with `key`: our certificate; NULL: none */
    X509 *const *chain;
    size_t chain_count;
    EVP_PKEY *key;
    struct tls_signer *signer;
    const char *alpn;    /* the one protocol offered, NULL: none */
    const char *sigalgs; /* OpenSSL list for tokens that cannot do everything, e.g. without PSS
                          * "RSA+SHA256:RSA+SHA384", which also leaves only TLS 1.2; NULL: OpenSSL's own */
    bool no_tls13;
    int64_t handshake_ms; /* 0 = 30 s */
};

/* ERR_NOT_FOUND  ca_file cannot be read or holds no certificate
 * others as above */
err_t tls_client_context_new(const struct tls_client_opts *opts, struct tls_context **ret,
                             struct crypto_error *why);

/* Streams made from it keep working. NULL is fine. */
void tls_context_free(struct tls_context *c);
