/* src/sigv4/sigv4.h - AWS Signature Version 4: sign (clients), verify (the cloud), presign.
 *
 * Pure: no clock, no sockets; any thread. Spec: iot-core.md 9.4, 9.5, traps 17, 18, 36.
 * Path and query are taken as they stand on the wire; the path is normalised and encoded once more
 * (services other than S3), so wire "/topics/a%2Fb" is signed as "/topics/a%252Fb".
 */
#pragma once
#include "base/buf.h"
#include "crypto/process.h"

struct sigv4_header {
    struct slice name;  /* any case */
    struct slice value; /* as received; trimmed and collapsed here */
};

/* Borrowed views of one HTTP request. */
struct sigv4_request {
    struct slice method;
    struct slice path;  /* raw, without the query, at least "/" */
    struct slice query; /* raw, without '?'; empty when there is none */
    const struct sigv4_header *headers;
    size_t header_count;
    struct slice body;
};

#define SIGV4_NAME_MAX 129    /* access key id, region, service; with NUL */
#define SIGV4_SIGNED_MAX 2048 /* SignedHeaders, with NUL */
#define SIGV4_WHY_MAX 200

enum sigv4_form {
    SIGV4_IN_HEADER, /* Authorization: AWS4-HMAC-SHA256 ... */
    SIGV4_IN_QUERY,  /* X-Amz-Signature=... (presigned; MQTT over WebSocket) */
};

/* What a request says about its own signature; nothing of it is believed before sigv4_verify. */
struct sigv4_auth {
    enum sigv4_form form;
    char access_key_id[SIGV4_NAME_MAX];
    char date[9]; /* yyyymmdd of the scope */
    char region[SIGV4_NAME_MAX];
    char service[SIGV4_NAME_MAX];          /* "execute-api" and "iot" both mean the control plane (trap 36) */
    char amz_date[17];                     /* yyyymmddThhmmssZ */
    char signed_headers[SIGV4_SIGNED_MAX]; /* as sent: lower case, sorted, ';' between */
    char signature[65];                    /* 64 lower-case hex */
    int64_t expires_s;                     /* query form; 0 when absent */
    struct slice security_token; /* empty when absent; points into the request; in the query form still
                                    percent-encoded */
};

/* Why a signature is refused, one class each so that the API can answer with AWS's own error types. */
enum sigv4_verdict {
    SIGV4_OK,
    SIGV4_MISSING,    /* no signature at all: MissingAuthenticationTokenException */
    SIGV4_INCOMPLETE, /* malformed, or a header that must be signed is not: IncompleteSignatureException */
    SIGV4_EXPIRED,    /* InvalidSignatureException, "Signature expired: ..." */
    SIGV4_NOT_YET,    /* InvalidSignatureException, "Signature not yet current: ..." */
    SIGV4_MISMATCH,   /* InvalidSignatureException */
};

/* Read the Authorization header or the X-Amz-* query parameters.
 * ERR_OK: *ret filled. ERR_NOT_FOUND: SIGV4_MISSING. ERR_INVALID: SIGV4_INCOMPLETE, with a sentence for the
 * client in why (SIGV4_WHY_MAX bytes, may be NULL). *ret untouched on failure. */
err_t sigv4_auth_parse(const struct sigv4_request *req, struct sigv4_auth *ret, char *why);

#define SIGV4_SKEW_MS (5 * 60 * 1000) /* 9.4: at most five minutes */
#define SIGV4_EXPIRES_MAX (7 * 86400) /* presigned: at most a week */

/* Check `auth` (of the same request) against the secret of its access key id.
 * Demands host and every x-amz-* header of the request among the signed ones, dates that agree, a clock
 * within SIGV4_SKEW_MS (query form: from then until expires), and the signature, compared in constant
 * time. In the query form X-Amz-Security-Token may be outside the signature (9.5).
 * ERR_OK; ERR_AUTH with *ret_verdict set and a sentence in why (both may be NULL); ERR_CRYPTO, ERR_NOMEM,
 * ERR_TOO_BIG (over 64 KiB of headers, or 128 signed headers or query parameters: refuse). */
err_t sigv4_verify(const struct crypto_ctx *ctx, const struct sigv4_request *req,
                   const struct sigv4_auth *auth, struct slice secret_key, int64_t now_ms,
                   enum sigv4_verdict *ret_verdict, char *why);

/* Who signs, and for what. Borrowed. */
struct sigv4_signer {
    const char *access_key_id;
    struct slice secret_key;
    const char *session_token; /* NULL: none */
    const char *region;
    const char *service;
};

/* Sign a request. All headers in req are signed (give at least Host, exactly as it will be sent; do not
 * give X-Amz-Date, X-Amz-Security-Token or Authorization). The caller then sends in addition
 *   X-Amz-Date: ret_amz_date,  Authorization: *authorization (appended),
 * and X-Amz-Security-Token when it has one. ERR_INVALID: no Host; ERR_CRYPTO, ERR_TOO_BIG. */
err_t sigv4_sign(const struct crypto_ctx *ctx, const struct sigv4_request *req,
                 const struct sigv4_signer *who, int64_t now_ms, char ret_amz_date[17],
                 struct buf *authorization);

/* The query string (without '?') of a presigned URL: req->query, the X-Amz-* parameters and the signature.
 * Only Host is signed unless req has more headers. With service "iotdevicegateway" the session token follows
 * the signature instead of being part of it (trap 18). expires_s 0: no X-Amz-Expires. Appended to `query`. */
err_t sigv4_presign(const struct crypto_ctx *ctx, const struct sigv4_request *req,
                    const struct sigv4_signer *who, int64_t now_ms, int64_t expires_s, struct buf *query);
