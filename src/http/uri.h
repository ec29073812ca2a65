/* src/http/uri.h - percent escapes, query strings, decoded names and values. Pure; one thread at a time.
 *
 * RFC 3986 §2.1. Decoding happens once, after splitting on the raw '/', '&' and '='. Decoded text may hold
 * any byte but NUL: %00 is refused, so values are C strings.
 */
#pragma once
#include "base/buf.h"

/* Names and values as the request gave them, in its order. */
struct http_params {
    struct http_param {
        char *name;
        char *value;
    } * list;
    size_t n;
    size_t room;
};

#define HTTP_PARAMS_MAX 64

void http_params_done(struct http_params *p);
/* The first value of that name, NULL when absent. */
const char *http_params_get(const struct http_params *p, const char *name);
/* Decodes both halves and appends. plus_is_space: for query strings, where '+' means a space in values that
 * forms wrote (AWS clients send %20). ERR_INVALID, ERR_TOO_BIG over HTTP_PARAMS_MAX, ERR_NOMEM; p unchanged.
 */
err_t http_params_add(struct http_params *p, struct slice name, struct slice value, bool plus_is_space);

/* Undo %XX. ERR_INVALID for a broken escape or %00; out unchanged on failure. */
err_t http_percent_decode(struct buf *out, struct slice in, bool plus_is_space);
/* All but unreserved characters (RFC 3986 §2.3) become %XX; '/' too unless keep_slash. */
err_t http_percent_encode(struct buf *out, struct slice in, bool keep_slash);
/* a=1&b=&c -> three pairs; empty pieces are skipped. As http_params_add, but pairs before a bad one stay. */
err_t http_query_parse(struct http_params *out, struct slice query);
