/* function-sdk/c/answer.h - the head of an HTTP/1.1 answer of the core's IPC. Pure. Spec: RFC 9112,
 * greengrass-v1 4.4. */
#pragma once
#include "base/err.h"
#include "base/slice.h"

#define ANSWER_HEAD_MAX (192 * 1024) /* a client context travels in it */
#define ANSWER_BODY_MAX (64 * 1024 * 1024)

/* The slices point into the input. Headers that were not there are empty. */
struct answer_head {
    int status;
    size_t head_size; /* the body begins here */
    size_t body_size;
    bool keep; /* the connection can be used again */
    struct slice invocation_id, function_error, client_context;
};

/* ERR_MORE: the head is not complete. ERR_PROTO: no such answer, or one whose body has no length (the core
 * always says it). ERR_TOO_BIG: head or body over the limits above. ret is set on ERR_OK only. */
err_t answer_head_parse(struct slice in, struct answer_head *ret);
