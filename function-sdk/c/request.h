/* function-sdk/c/request.h - a request and the answer it brought. One thread at a time. */
#pragma once
#include "greengrasssdk.h"

#include "base/buf.h"

struct _gg_request {
    bool answered;
    struct buf body;
    size_t read; /* so much of it was given out */
};

/* One invocation: what goes to the core. Everything is borrowed. */
struct request_call {
    const char *function_arn; /* with its qualifier */
    const char *context;      /* base64, "" for none */
    gg_invoke_type type;
    struct slice payload;
};

/* Queues the work and, for GG_INVOKE_REQUEST_RESPONSE, waits for its result, which gg_request_read gives out
 * then. */
gg_error request_make(gg_request request, const struct request_call *call, gg_request_result *result);

/* The library's word for a failure. */
gg_error request_error(err_t e);
