/* function-sdk/c/http.h - one request to the core's IPC and its answer. Any thread: each has a connection of
 * its own, and so has a process that forked away. Spec: greengrass-v1 4.4. */
#pragma once
#include "base/buf.h"

/* Everything is borrowed for the call. Texts go into the head as they are: the caller has looked at them. */
struct http_ask {
    const char *method;
    const char *function_arn;
    const char *what;          /* behind the ARN: "" or "/work" */
    const char *invocation_id; /* the headers; NULL: not sent */
    const char *invocation_type;
    const char *client_context;
    const char *function_error;
    bool has_body;
    struct slice body;
};

struct http_answer {
    int status;
    struct buf invocation_id, function_error, client_context;
    struct buf body;
};
#define auto_http_answer __attribute__((cleanup(http_answer_done))) struct http_answer

void http_answer_init(struct http_answer *a);
void http_answer_done(struct http_answer *a);

/* Waits as long as the core takes. `ret` is initialised; it is filled on ERR_OK, whatever the status.
 * ERR_CANCELLED: SIGTERM; ERR_NOMEM; ERR_PROTO, ERR_TOO_BIG: no answer of a core; ERR_UNAVAILABLE, ERR_IO:
 * nobody there. */
err_t http_exchange(const struct http_ask *ask, struct http_answer *ret);
