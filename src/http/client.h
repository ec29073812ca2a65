/* src/http/client.h - HTTP requests to others, by libcurl on a thread of its own.
 *
 * One client has one TLS identity and one set of trust anchors: its connections are kept and reused, so only
 * full handshakes pay for a token's signature, which happens on the client's thread and never on a loop. Any
 * thread may start requests. http_fetch is the blocking form for command line tools.
 *
 * http and https only, redirects are not followed, no environment proxy unless opts.use_proxy.
 */
#pragma once
#include "base/buf.h"
#include "crypto/error.h"
#include "http/message.h"
#include "net/loop.h"

#include <openssl/types.h>

struct http_client;

struct http_client_opts {
    const char *ca_file;   /* PEM trust anchors for https; NULL: the system's */
    const char *cert_file; /* PEM certificate (and chain), NULL: none */
    const char *key_file;  /* PEM private key, or NULL and `key` */
    EVP_PKEY *key;         /* for cert_file; may live in a token; borrowed, a reference is taken */
    const char *sigalgs;   /* see tls/context.h; NULL: OpenSSL's own */
    bool no_tls13;
    bool use_proxy;
    const char *user_agent; /* NULL: "sedge" */
};

struct http_fetch {
    const char *method; /* NULL: GET */
    const char *url;
    const struct http_header *headers;
    size_t header_count;
    struct slice body;   /* copied by http_client_start */
    int64_t connect_ms;  /* name, TCP and TLS; 0 = 30 s */
    int64_t total_ms;    /* 0 = 60 s */
    int64_t stall_ms;    /* under 1 byte/s for so long; 0 = 30 s */
    uint64_t max_answer; /* bytes of body; 0 = 1 MiB; more is ERR_TOO_BIG */
    bool to_fd;          /* write the body to `fd` (borrowed until done) instead of keeping it */
    int fd;
};

struct http_answer {
    /* ERR_OK whenever a status line came and the body was complete, whatever the status. Otherwise
     * ERR_UNAVAILABLE (name, connect), ERR_TIMEOUT, ERR_AUTH (certificates), ERR_TOO_BIG, ERR_PROTO,
     * ERR_INVALID (URL), ERR_NO_SPACE and ERR_IO (fd), ERR_NOMEM, ERR_CANCELLED. */
    err_t err;
    char *why;                   /* on failure: "GET https://h:1/x: could not connect: Connection refused" */
    int status;                  /* 0 when none came */
    struct http_header *headers; /* of the last response; point into head */
    size_t header_count;
    struct buf head;
    struct buf body;
    uint64_t body_bytes; /* also when the body went to fd */
};
void http_answer_done(struct http_answer *a);
#define auto_http_answer __attribute__((cleanup(http_answer_done))) struct http_answer

/* Starts the thread. ERR_NOMEM, ERR_IO; ERR_NOT_FOUND, ERR_INVALID for certificate or key files, with the
 * reason in *why (may be NULL). */
err_t http_client_new(const struct http_client_opts *opts, struct http_client **ret,
                      struct crypto_error *why);
/* Requests under way end with ERR_CANCELLED; their callbacks run on their loops. Free before those loops.
 * NULL is fine. */
void http_client_free(struct http_client *c);

/* On the loop's thread, exactly once per started request. `a` is the callee's to look at until it returns; it
 * may move a->body out by stealing the buf and zeroing it. */
typedef void (*http_done_fn)(void *ctx, struct http_answer *a);

/* *ret_id (may be NULL) names it for http_client_cancel. ERR_INVALID, ERR_NOMEM, ERR_BUSY (over 64 under
 * way). */
err_t http_client_start(struct http_client *c, const struct http_fetch *f, struct net_loop *loop,
                        http_done_fn done, void *ctx, uint64_t *ret_id);
/* done still comes, with ERR_CANCELLED or the answer that was faster. */
void http_client_cancel(struct http_client *c, uint64_t id);

/* One request on the calling thread, start to end. Returns ret->err; *ret is filled in every case and must
 * be done with http_answer_done. */
err_t http_fetch(const struct http_client_opts *opts, const struct http_fetch *f, struct http_answer *ret);
