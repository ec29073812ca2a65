/* src/tls/stream_impl.h - private to src/tls: what a context and a stream are made of. */
#pragma once
#include "net/stream_impl.h"
#include "tls/signer_impl.h"
#include "tls/stream.h"

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>

struct tls_context {
    atomic_int refs;
    SSL_CTX *ssl; /* of a server: guarded by the lock */
    bool server;
    enum tls_client_cert client_cert; /* of those who choose nothing by ALPN */
    struct tls_signer *signer;
    tls_verify_fn verify;
    void *verify_ctx;
    char *resume;          /* NULL: no session is */
    struct tls_alpn *alpn; /* copies, names too */
    size_t alpn_count;
    size_t max_handshakes;
    int64_t handshake_ms;
    /* Handshakes of the server side under way, the oldest first. The lock guards `ssl`, the list and the
     * fields `next` and `link` of its streams; the streams belong to their loops. */
    pthread_mutex_t lock;
    struct tls_stream *oldest, **newest;
    size_t handshakes;
};

void tls_context_ref(struct tls_context *c);
/* A connection with the certificate of this moment. NULL when out of memory. */
SSL *tls_context_connection(struct tls_context *c);

/* What OpenSSL reads from and writes to. While a signer has the stream only its thread touches this. */
struct tls_io {
    struct buf held; /* input taken over from the transport for the signer's thread; read first */
    struct slice in; /* borrowed from the transport's on_read */
    struct buf out;  /* written by OpenSSL, not yet given to the transport */
};

/* A BIO over io, which must outlive it. NULL when out of memory. */
BIO *tls_bio_new(struct tls_io *io);

enum tls_step { TLS_STEP_MORE, TLS_STEP_DONE, TLS_STEP_SIGN, TLS_STEP_FAILED };

#define TLS_WHY_MAX 512

/* One call of SSL_do_handshake and what came of it: filled by whichever thread made the call, because
 * OpenSSL's error queue is per thread. */
struct tls_result {
    enum tls_step step;
    err_t err;
    char why[TLS_WHY_MAX];
};

struct tls_stream {
    struct net_stream base;
    struct net_stream *transport; /* NULL once given up */
    struct tls_context *c;
    SSL *ssl;
    struct tls_io io;
    struct buf plain;                /* written, not encrypted yet: during the handshake, and in this turn */
    struct net_later seal;           /* encrypts it */
    struct tls_stream *next, **link; /* in c's list of handshakes; link is NULL outside of it */
    bool away;                       /* the signer has it */
    err_t lost;                      /* the transport ended while away: why */
    atomic_bool cancelled;           /* tells the signer not to bother */
    struct tls_job job;
    struct net_task back;      /* the signer's way to the loop */
    struct tls_result *result; /* the signer's; NULL while it has nothing of this stream */
};

struct tls_stream *tls_stream_of_ssl(const SSL *ssl);

/* Runs one SSL_do_handshake. */
void tls_handshake_step(SSL *ssl, bool signing, struct tls_result *ret);
/* Classify the failure of an SSL call whose SSL_get_error was `ssl_error`; empties the error queue. */
err_t tls_why(SSL *ssl, int ssl_error, bool signing, char why[TLS_WHY_MAX]);
