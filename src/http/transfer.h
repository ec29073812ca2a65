/* src/http/transfer.h - private to src/http: one request by libcurl, on the client's thread or in http_fetch.
 */
#pragma once
#include "http/client.h"

#include <curl/curl.h>
#include <openssl/x509.h>

/* What all transfers of a client share; constant once made, then safe from any thread. */
struct http_identity {
    char *ca_file;
    STACK_OF(X509) *chain; /* ours, leaf first; NULL: none */
    EVP_PKEY *key;
    char *sigalgs;
    char *user_agent;
    bool no_tls13;
    bool use_proxy;
};
err_t http_identity_init(struct http_identity *id, const struct http_client_opts *opts,
                         struct crypto_error *why);
void http_identity_done(struct http_identity *id);

struct http_transfer {
    CURL *easy;
    const struct http_identity *id;
    struct curl_slist *headers;
    char *label; /* "GET https://host/path": no query, which may hold signatures */
    struct buf request_body;
    uint64_t max_answer;
    bool to_fd;
    int fd;
    err_t local; /* what a callback of ours failed with */
    char text[CURL_ERROR_SIZE];
    struct http_answer answer;
};

/* Copies everything from f. ERR_INVALID (method, URL, headers), ERR_NOMEM. _done releases it in both cases.
 */
err_t http_transfer_init(struct http_transfer *t, const struct http_identity *id, const struct http_fetch *f);
/* libcurl is through: fill t->answer. */
void http_transfer_finish(struct http_transfer *t, CURLcode code);
/* It was not carried out: the reason instead of an answer. */
void http_transfer_fail(struct http_transfer *t, err_t e, const char *reason);
void http_transfer_done(struct http_transfer *t);
