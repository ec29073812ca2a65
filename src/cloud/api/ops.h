/* src/cloud/api/ops.h - all operations the cloud offers, as one table. */
#pragma once
#include "cloud/api/call.h"
#include "http/route.h"

extern const struct api_op api_ops[];
extern const size_t api_ops_count;

/* Routes for a server: the operations that have one of `flags`, each with `fn` and the operation as arg.
 * ERR_NOMEM. Caller frees *ret (the strings are the table's). */
err_t api_ops_routes(unsigned flags, http_handler_fn fn, struct http_route **ret, size_t *ret_n);
