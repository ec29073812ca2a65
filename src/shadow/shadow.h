/* src/shadow/shadow.h - device shadow documents: one request in, the new document and the messages out.
 *
 * Pure: bytes and `now` in, bytes out; no I/O, no clock; any thread. Used by the cloud and by the edge.
 * Reference: iot-core.md section 5. Whoever calls loads the stored bytes, calls shadow_handle, stores
 * result.stored durably when result.changed, and only then publishes result.messages in their order.
 *
 * Stored form: {"v":1,"state":{"desired"?,"reported"?},"metadata":{...},"version":n,"timestamp":s}, or after
 * a deletion {"v":1,"version":n,"deleted":s}, which keeps the version counter for 48 hours (5.4).
 */
#pragma once
#include "base/buf.h"
#include "shadow/topic.h"

#include <stdint.h>

struct shadow_limits {
    size_t max_document; /* bytes of the state without metadata, compact JSON (8 KB, adjustable to 30) */
    size_t max_request;  /* bytes of a request as it arrives */
    unsigned max_depth;  /* nesting of desired and reported (8) */
    size_t max_token;    /* bytes of clientToken (64) */
};

/* The published defaults. */
extern const struct shadow_limits SHADOW_LIMITS_DEFAULT;

/* Codes as in `rejected` messages; equal to the HTTP status of the REST operations (5.5). */
enum shadow_code {
    SHADOW_OK = 200,
    SHADOW_BAD_REQUEST = 400,
    SHADOW_UNAUTHORIZED = 401,
    SHADOW_FORBIDDEN = 403,
    SHADOW_NOT_FOUND = 404,
    SHADOW_CONFLICT = 409,
    SHADOW_TOO_LARGE = 413,
    SHADOW_UNSUPPORTED_ENCODING = 415,
    SHADOW_TOO_MANY_REQUESTS = 429,
    SHADOW_INTERNAL = 500,
};

struct shadow_request {
    enum shadow_op op;
    struct slice thing; /* for messages only */
    struct slice name;  /* empty: classic; for messages only */
    struct slice body;  /* as it came */
    int64_t now_s;      /* seconds since 1970 */
};

struct shadow_message {
    enum shadow_kind kind; /* which topic: see shadow_topic_build with the request's op */
    struct buf payload;
};

#define SHADOW_MESSAGES_MAX 3

struct shadow_result {
    int code;          /* enum shadow_code */
    char message[128]; /* the error's text; empty when code is 200 */
    bool changed;      /* stored holds the new document */
    struct buf stored;
    int64_t version;   /* after the request; 0 when there is no shadow */
    size_t n_messages; /* accepted [delta] [documents], or rejected */
    struct shadow_message messages[SHADOW_MESSAGES_MAX];
};

/* Carry out one request on `stored` (empty: there is none). A request that is refused is ERR_OK, with
 * result.code and a `rejected` message. messages[0].payload of an accepted get, update or delete is also the
 * body of the REST answer.
 *
 * ERR_CORRUPT  stored is not a document of ours: answer 500
 * ERR_NOMEM
 * The result is untouched then. */
err_t shadow_handle(const struct shadow_limits *limits, struct slice stored, const struct shadow_request *req,
                    struct shadow_result *ret);
void shadow_result_done(struct shadow_result *r); /* a zeroed result is fine */

/* The payload of a `rejected` message for a refusal that did not come from shadow_handle (401, 403, 429,
 * 500). clientToken is taken from `body` if that can be parsed. message NULL: the usual text of the code.
 * now_s 0: no timestamp. */
err_t shadow_rejected(struct buf *out, int code, const char *message, struct slice body, int64_t now_s);
/* The usual text of a code. Static, never NULL. */
const char *shadow_code_str(int code);

/* Is the stored document only the memory of a shadow that was deleted, and when? Such a one has at most
 * SHADOW_DELETED_MAX bytes. */
#define SHADOW_DELETED_MAX 96
bool shadow_is_deleted(struct slice stored, int64_t *ret_deleted_s);
/* May a stored document be forgotten? True for a deletion older than 48 hours. */
bool shadow_is_expired(struct slice stored, int64_t now_s);
