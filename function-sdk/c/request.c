/* function-sdk/c/request.c - gg_request_*, and how every call of the library reaches the core. */
#include "request.h"

#include "http.h"
#include "settings.h"

gg_error request_error(err_t e)
{
    switch (e) {
    case ERR_OK:
        return GGE_SUCCESS;
    case ERR_NOMEM:
        return GGE_OUT_OF_MEMORY;
    case ERR_CANCELLED:
        return GGE_TERMINATE;
    case ERR_INVALID:
    case ERR_TOO_BIG:
        return GGE_INVALID_PARAMETER;
    default:
        return GGE_INTERNAL_FAILURE;
    }
}

gg_error gg_request_init(gg_request *ggreq)
{
    if (!ggreq)
        return GGE_INVALID_PARAMETER;
    gg_request made = mem_calloc(1, sizeof(*made));
    if (!made)
        return GGE_OUT_OF_MEMORY;
    *ggreq = made;
    return GGE_SUCCESS;
}

gg_error gg_request_reuse(gg_request ggreq)
{
    if (!ggreq)
        return GGE_INVALID_PARAMETER;
    buf_done(&ggreq->body);
    *ggreq = (struct _gg_request){ 0 };
    return GGE_SUCCESS;
}

gg_error gg_request_close(gg_request ggreq)
{
    if (!ggreq)
        return GGE_INVALID_PARAMETER;
    buf_done(&ggreq->body);
    free(ggreq);
    return GGE_SUCCESS;
}

gg_error gg_request_read(gg_request ggreq, void *buffer, size_t buffer_size, size_t *amount_read)
{
    size_t n;
    if (!ggreq || !amount_read || (!buffer && buffer_size))
        return GGE_INVALID_PARAMETER;
    if (!ggreq->answered)
        return GGE_INVALID_STATE;
    n = ggreq->body.n - ggreq->read;
    n = n < buffer_size ? n : buffer_size;
    if (n)
        memcpy(buffer, ggreq->body.p + ggreq->read, n);
    ggreq->read += n;
    *amount_read = n;
    return GGE_SUCCESS;
}

static bool accepted(const struct http_answer *answer)
{
    return answer->status >= 200 && answer->status <= 299;
}

static gg_request_status refusal(const struct http_ask *ask, const struct http_answer *answer)
{
    (void)gg_log(GG_LOG_ERROR, "%s of %s: HTTP Error %d, %.*s", ask->method, ask->function_arn,
                 answer->status, (int)(answer->body.n < 500 ? answer->body.n : 500), buf_str(&answer->body));
    return answer->status == 429 || answer->status == 503 ? GG_REQUEST_AGAIN : GG_REQUEST_UNKNOWN;
}

static gg_request_status outcome(const struct http_answer *answer)
{
    struct slice error = buf_slice(&answer->function_error);
    if (error.n == 0)
        return GG_REQUEST_SUCCESS;
    if (slice_eq(error, SLICE_LIT("Handled")))
        return GG_REQUEST_HANDLED;
    return slice_eq(error, SLICE_LIT("Unhandled")) ? GG_REQUEST_UNHANDLED : GG_REQUEST_UNKNOWN;
}

static gg_error exchange(const struct http_ask *ask, struct http_answer *answer)
{
    err_t e = http_exchange(ask, answer);
    if (e && e != ERR_CANCELLED)
        (void)gg_log(GG_LOG_ERROR, "%s of %s: the core's IPC cannot be used: %s", ask->method,
                     ask->function_arn, err_str(e));
    return e == ERR_INVALID || e == ERR_TOO_BIG ? GGE_INTERNAL_FAILURE : request_error(e);
}

static void keep_body(gg_request request, struct http_answer *answer)
{
    buf_done(&request->body);
    *request = (struct _gg_request){ .answered = true, .body = answer->body };
    answer->body = BUF_INIT(0);
}

static gg_error wait_for_result(gg_request request, const struct request_call *call, const char *id,
                                gg_request_status *ret)
{
    struct http_ask ask = {
        .method = "GET", .function_arn = call->function_arn, .what = "", .invocation_id = id
    };
    auto_http_answer answer;
    http_answer_init(&answer);
    gg_error e = exchange(&ask, &answer);
    if (e)
        return e;
    *ret = accepted(&answer) ? outcome(&answer) : refusal(&ask, &answer);
    keep_body(request, &answer);
    return GGE_SUCCESS;
}

gg_error request_make(gg_request request, const struct request_call *call, gg_request_result *result)
{
    bool wait = call->type == GG_INVOKE_REQUEST_RESPONSE;
    struct http_ask ask = { .method = "POST",
                            .function_arn = call->function_arn,
                            .what = "",
                            .invocation_type = wait ? "RequestResponse" : "Event",
                            .client_context = call->context,
                            .has_body = true,
                            .body = call->payload };
    auto_http_answer answer;
    gg_request_status status = GG_REQUEST_UNKNOWN;

    if (!settings_get()->ready)
        return GGE_INVALID_STATE;
    http_answer_init(&answer);
    (void)gg_request_reuse(request); /* not NULL: the callers look */
    gg_error e = exchange(&ask, &answer);
    if (e)
        return e;
    if (!accepted(&answer)) {
        status = refusal(&ask, &answer);
        keep_body(request, &answer);
    } else if (wait) {
        e = wait_for_result(request, call, buf_str(&answer.invocation_id), &status);
    } else {
        status = GG_REQUEST_SUCCESS;
        buf_cut(&answer.body, 0); /* there is no result to read */
        keep_body(request, &answer);
    }
    if (!e)
        result->request_status = status;
    return e;
}
