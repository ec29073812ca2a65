/* src/shadow/document.h - a stored shadow and a request, parsed. Inside src/shadow only.
 *
 * Pure; one thread at a time per document.
 */
#pragma once
#include "shadow/shadow.h"
#include "shadow/tree.h"

#define SHADOW_STORED_VERSION 1

/* A shadow in memory. Without one, state and meta are empty objects and version is the counter a deletion
 * left, or 0. */
struct shadow_doc {
    bool exists;
    json_t *state, *meta; /* {"desired"?, "reported"?} each */
    int64_t version;
    int64_t deleted_s; /* when it was deleted; 0: never */
};

void shadow_doc_done(struct shadow_doc *d);
#define auto_doc __attribute__((cleanup(shadow_doc_done))) struct shadow_doc

/* Parse the stored form; empty input is a document that never was. A deletion 48 hours old counts as never
 * was. ERR_CORRUPT, ERR_NOMEM; *ret untouched. */
err_t shadow_doc_load(struct slice stored, int64_t now_s, struct shadow_doc *ret);
/* Append the stored form. */
err_t shadow_doc_store(const struct shadow_doc *d, int64_t now_s, struct buf *out);
err_t shadow_doc_copy(const struct shadow_doc *d, struct shadow_doc *ret);

/* A request's body, parsed and checked. */
struct shadow_body {
    json_t *root;      /* owned; NULL when the body was empty or ignored */
    json_t *state;     /* borrowed from root; update only */
    const char *token; /* borrowed from root; NULL without */
    int64_t version;   /* -1 without */
};

void shadow_body_done(struct shadow_body *b);
#define auto_body __attribute__((cleanup(shadow_body_done))) struct shadow_body

/* Returns 200 or the code of the refusal, whose text is put into `message` (of `size` bytes). *ret is filled
 * as far as the body could be understood, so that a rejection can carry the token. */
int shadow_body_parse(const struct shadow_limits *limits, enum shadow_op op, struct slice body,
                      struct shadow_body *ret, char *message, size_t size);

/* ---- payloads: each appends one JSON document to out. ERR_NOMEM, ERR_TOO_BIG ---- */

err_t shadow_payload_get(struct buf *out, const struct shadow_doc *d, const char *token, int64_t now_s);
err_t shadow_payload_updated(struct buf *out, json_t *request_state, int64_t version, const char *token,
                             int64_t now_s);
err_t shadow_payload_deleted(struct buf *out, int64_t version, const char *token, int64_t now_s);
/* ERR_NOT_FOUND when there is no difference: send nothing. */
err_t shadow_payload_delta(struct buf *out, const struct shadow_doc *d, const char *token, int64_t now_s);
err_t shadow_payload_documents(struct buf *out, const struct shadow_doc *before,
                               const struct shadow_doc *after, const char *token, int64_t now_s);
err_t shadow_payload_rejected(struct buf *out, int code, const char *message, const char *token,
                              int64_t now_s);

/* Cap of one payload: two documents with metadata fit at the largest limit AWS knows. */
#define SHADOW_PAYLOAD_MAX ((size_t)4 << 20)
