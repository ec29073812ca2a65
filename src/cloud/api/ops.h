/* src/cloud/api/ops.h - all operations the cloud offers, as one table. */
#pragma once
#include "cloud/api/later.h"
#include "http/route.h"

extern const struct api_op api_ops[];
extern const size_t api_ops_count;

/* Of the operations with the method and path of `op`, the one of the service that the caller signed for: `op`
 * itself unless that is iot-jobs-data (trap 37). */
const struct api_op *api_op_of_service(const struct api_op *op, const char *service);

/* Routes for a server: the operations of both tables that have one of `flags`, each with `fn` and the
 * operation as arg. ERR_NOMEM. Caller frees *ret (the strings are the table's). */
err_t api_ops_routes(unsigned flags, http_handler_fn fn, struct http_route **ret, size_t *ret_n);
