/* greengrasssdk.h - functions in C on a Greengrass core: run a handler, invoke others, publish, shadows,
 * secrets, log.
 *
 * The names, values and calling conventions of the published Greengrass Core SDK for C 1.2; written anew from
 * its interface. A program built with the published header runs with this library and the other way round.
 * C89 and C++.
 *
 * Threads: gg_global_init comes first, while there is one thread only. Everything else may be called from any
 * thread; a gg_request and a gg_publish_options belong to one thread at a time. In a child after fork the
 * same holds, but the runtime is the parent's.
 *
 * GGE_TERMINATE: the core has asked the process to end (SIGTERM) and the call was given up.
 */
#ifndef _GREENGRASS_SDK_H_
#define _GREENGRASS_SDK_H_

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif
#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

typedef enum gg_error {
    GGE_SUCCESS = 0,
    GGE_OUT_OF_MEMORY = 1,
    GGE_INVALID_PARAMETER = 2,
    GGE_INVALID_STATE = 3,
    GGE_INTERNAL_FAILURE = 4, /* the log says more */
    GGE_TERMINATE = 5,
    GGE_RESERVED_MAX = 6,
    GGE_RESERVED_PAD = 0x7FFFFFFF
} gg_error;

/* What came of a request that reached the core. */
typedef enum gg_request_status {
    GG_REQUEST_SUCCESS = 0,
    GG_REQUEST_HANDLED = 1,   /* the function reported an error: gg_request_read has it */
    GG_REQUEST_UNHANDLED = 2, /* the function crashed or ran out of time: gg_request_read says which */
    GG_REQUEST_UNKNOWN = 3,   /* the core refused: the log says more */
    GG_REQUEST_AGAIN = 4,     /* a queue is full: try again later */
    GG_REQUEST_RESERVED_MAX = 5,
    GG_REQUEST_RESERVED_PAD = 0x7FFFFFFF
} gg_request_status;

typedef enum gg_invoke_type {
    GG_INVOKE_EVENT = 0,            /* do not wait */
    GG_INVOKE_REQUEST_RESPONSE = 1, /* wait for the result */
    GG_INVOKE_RESERVED_MAX = 2,
    GG_INVOKE_RESERVED_PAD = 0x7FFFFFFF
} gg_invoke_type;

typedef enum gg_runtime_opt {
    GG_RT_OPT_ASYNC =
        0x1, /* in a thread of its own: gg_runtime_start returns; the process ends with its main thread */
    GG_RT_OPT_RESERVED_PAD = 0x7FFFFFFF
} gg_runtime_opt;

typedef enum gg_log_level {
    GG_LOG_RESERVED_NOTSET = 0,
    GG_LOG_DEBUG = 1,
    GG_LOG_INFO = 2,
    GG_LOG_WARN = 3,
    GG_LOG_ERROR = 4,
    GG_LOG_FATAL = 5,
    GG_LOG_RESERVED_MAX = 6,
    GG_LOG_RESERVED_PAD = 0x7FFFFFFF
} gg_log_level;

typedef enum gg_queue_full_policy_options {
    GG_QUEUE_FULL_POLICY_BEST_EFFORT = 0,  /* to as many targets as have room */
    GG_QUEUE_FULL_POLICY_ALL_OR_ERROR = 1, /* to all, or to none and GG_REQUEST_AGAIN */
    GG_QUEUE_FULL_POLICY_RESERVED_MAX = 2,
    GG_QUEUE_FULL_POLICY_RESERVED_PAD = 0x7FFFFFFF
} gg_queue_full_policy_options;

typedef struct _gg_request *gg_request;
typedef struct _gg_publish_options *gg_publish_options;

typedef struct gg_request_result {
    gg_request_status request_status;
} gg_request_result;

/* Both live as long as the handler's call. */
typedef struct gg_lambda_context {
    const char *function_arn;
    const char
        *client_context; /* JSON text, "{}" when there is none: {"custom":{"subject":TOPIC}} for a message */
} gg_lambda_context;

typedef struct gg_invoke_options {
    const char *function_arn;
    const char *customer_context; /* base64 of a JSON object, or NULL */
    const char *qualifier;        /* a version, or NULL when the ARN has it */
    gg_invoke_type type;
    const void *payload;
    size_t payload_size;
} gg_invoke_options;

typedef void (*gg_lambda_handler)(const gg_lambda_context *cxt);

/* Before every other call; opt is 0. GGE_INVALID_STATE: the process was not started by a core. */
gg_error gg_global_init(uint32_t opt);

/* A line in the function's log, as printf makes it. */
gg_error gg_log(gg_log_level level, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 2, 3)))
#endif
    ;

/* A request can be used again and again; what the last call brought is gone then. */
gg_error gg_request_init(gg_request *ggreq);
gg_error gg_request_reuse(gg_request ggreq);
gg_error gg_request_close(gg_request ggreq);
/* The next bytes of the answer; *amount_read is 0 at its end. GGE_INVALID_STATE: there is no answer. */
gg_error gg_request_read(gg_request ggreq, void *buffer, size_t buffer_size, size_t *amount_read);

/* Take work and call the handler, again and again; on SIGTERM the process ends with 0. Returns on an error,
 * and with GG_RT_OPT_ASYNC. GGE_INVALID_STATE: no gg_global_init before, or a second start. */
gg_error gg_runtime_start(gg_lambda_handler handler, uint32_t opt);

/* In the handler only, otherwise GGE_INVALID_STATE: the payload, to be read until *amount_read is 0, and the
 * answer. */
gg_error gg_lambda_handler_read(void *buffer, size_t buffer_size, size_t *amount_read);
/* What is written in several calls is one answer. GGE_INVALID_STATE after gg_lambda_handler_write_error. */
gg_error gg_lambda_handler_write_response(const void *response, size_t response_size);
/* Takes the place of a response. Once for each call of the handler. */
gg_error gg_lambda_handler_write_error(const char *error_message);

/* version_id must be NULL (secrets are found by their stage); version_stage may be. */
gg_error gg_get_secret_value(gg_request ggreq, const char *secret_id, const char *version_id,
                             const char *version_stage, gg_request_result *result);

gg_error gg_invoke(gg_request ggreq, const gg_invoke_options *opts, gg_request_result *result);

gg_error gg_publish_options_init(gg_publish_options *opts);
gg_error gg_publish_options_free(gg_publish_options opts);
gg_error gg_publish_options_set_queue_full_policy(gg_publish_options opts,
                                                  gg_queue_full_policy_options policy);
gg_error gg_publish_with_options(gg_request ggreq, const char *topic, const void *payload,
                                 size_t payload_size, const gg_publish_options opts,
                                 gg_request_result *result);
gg_error gg_publish(gg_request ggreq, const char *topic, const void *payload, size_t payload_size,
                    gg_request_result *result);

gg_error gg_get_thing_shadow(gg_request ggreq, const char *thing_name, gg_request_result *result);
gg_error gg_update_thing_shadow(gg_request ggreq, const char *thing_name, const char *update_payload,
                                gg_request_result *result);
gg_error gg_delete_thing_shadow(gg_request ggreq, const char *thing_name, gg_request_result *result);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif
