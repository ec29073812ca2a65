/* src/http/route.h - a table of methods and paths. Pure; any thread.
 *
 *     { "GET",   "/things/{thingName}",          get_thing,     NULL },
 *     { "PATCH", "/things/{thingName}/shadow",   update_shadow, NULL },
 *
 * The raw path is split on '/', then each piece is decoded once: literals match decoded ("$reset" and
 * "%24reset" are the same), "{name}" matches any one non-empty piece and becomes a label (which may thus hold
 * a slash). "{name+}"
 * at the end matches all pieces that are left, which may be empty but for the whole, with a slash between
 * them. The route with the longest literal start wins ("/things/x" before "/things/{t}"); otherwise the
 * first in the table.
 */
#pragma once
#include "base/slice.h"
#include "http/uri.h"

struct http_request;
typedef void (*http_handler_fn)(void *ctx, struct http_request *req);

struct http_route {
    const char *method;
    const char *path; /* begins with '/' */
    http_handler_fn fn;
    const void *arg; /* the caller's: an operation's description, say */
};

#define HTTP_ROUTE_LABELS_MAX 8

/* Is every row well formed? ERR_INVALID. Empty names, unclosed braces, over HTTP_ROUTE_LABELS_MAX labels. */
err_t http_routes_check(const struct http_route *routes, size_t n);

/* ERR_OK        *ret set, labels filled (must be empty before)
 * ERR_NOT_FOUND no path matches
 * ERR_DENIED    a path matches, not with this method (405)
 * ERR_INVALID   a broken escape in the path, or a piece "." or ".." (400)
 * ERR_NOMEM */
err_t http_route_match(const struct http_route *routes, size_t n, struct slice method, struct slice path,
                       const struct http_route **ret, struct http_params *labels);
/* The methods a path has, for an Allow header: "GET, PUT". Errors as above and those of buf. */
err_t http_route_allow(const struct http_route *routes, size_t n, struct slice path, struct buf *out);
