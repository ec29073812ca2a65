/* src/sigv4/canonical.h - the pieces that signing and verifying share. Pure. For this room only. */
#pragma once
#include "crypto/digest.h"
#include "sigv4/sigv4.h"

#define SIGV4_ALGORITHM "AWS4-HMAC-SHA256"
#define SIGV4_HEADERS_MAX 128
#define SIGV4_PARAMS_MAX 128
#define SIGV4_CANONICAL_MAX (64 * 1024)

/* Which of the readings of one query string is meant: clients differ, and each reading is as strict. */
enum {
    SIGV4_QUERY_NORMALISED = 1, /* escapes undone and made again; otherwise as it stands (botocore, curl) */
    SIGV4_QUERY_NO_TOKEN = 2,   /* X-Amz-Security-Token was added after signing (iot-core.md 9.5) */
    SIGV4_QUERY_READINGS = 4,
};

struct sigv4_canonical {
    const struct sigv4_request *req;
    const char *signed_headers; /* lower case, sorted, ';' between */
    const char *payload_hash;   /* hex, or UNSIGNED-PAYLOAD */
    unsigned query_reading;
};

/* Append the canonical request. ERR_NOT_FOUND: a signed header is not in the request; ERR_TOO_BIG, ERR_NOMEM;
 * ERR_INVALID: a broken %XX under SIGV4_QUERY_NORMALISED. */
err_t sigv4_canonical_request(const struct sigv4_canonical *c, struct buf *out);
err_t sigv4_canonical_path(struct slice path, struct buf *out);
err_t sigv4_canonical_query(struct slice query, unsigned reading, struct buf *out);

/* Append `text` with everything but unreserved characters (and '/' when keep_slash) as %XX. */
err_t sigv4_escape(struct slice text, bool keep_slash, struct buf *out);

/* One name=value of a query string, raw. */
struct sigv4_param {
    struct slice name, value;
};
/* Take the next one off the front; false at the end. */
bool sigv4_param_next(struct slice *query, struct sigv4_param *ret);

/* Compare header names without case (ASCII). */
bool sigv4_name_eq(struct slice a, struct slice b);
/* The only header of that name; empty with *ret_count 0 or more than 1 otherwise. */
struct slice sigv4_header_find(const struct sigv4_request *req, struct slice name, size_t *ret_count);

struct sigv4_scope {
    const char *amz_date; /* 16 characters; the first 8 are the scope's date */
    const char *region, *service;
};
/* The signature over a canonical request as 64 hex digits with a NUL. */
err_t sigv4_signature(const struct crypto_ctx *ctx, const struct sigv4_scope *scope, struct slice secret_key,
                      struct slice canonical, char ret[65]);

/* 20260102T030405Z <-> milliseconds. Parsing: ERR_INVALID. */
void sigv4_date_format(int64_t ms, char ret[17]);
err_t sigv4_date_parse(const char *text, int64_t *ret_ms);
