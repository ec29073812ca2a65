/* A native function that does what its payload says, for test_function_sdk_c.py. Written as one is for the
 * published SDK. */
#include <greengrasssdk.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST (4 * 1024 * 1024)
#define THREADS 8
#define EACH 20

static char payload[MOST];

static size_t read_payload(size_t step)
{
    size_t n, total = 0;
    while (gg_lambda_handler_read(payload + total, total + step < MOST ? step : MOST - 1 - total, &n) ==
               GGE_SUCCESS &&
           n)
        total += n;
    payload[total] = 0;
    return total;
}

static void respond(const char *text)
{
    if (gg_lambda_handler_write_response(text, strlen(text)) != GGE_SUCCESS)
        gg_log(GG_LOG_ERROR, "no response");
}

/* ERROR STATUS BODY of a call. */
static void respond_result(gg_request request, gg_error e, const gg_request_result *result)
{
    char text[64], body[4096];
    size_t n;
    snprintf(text, sizeof(text), "%d %d ", (int)e, e ? -1 : (int)result->request_status);
    respond(text);
    while (gg_request_read(request, body, sizeof(body), &n) == GGE_SUCCESS && n)
        gg_lambda_handler_write_response(body, n);
}

static gg_error publish(gg_request request, char *arguments, gg_request_result *result)
{
    const char *policy = strsep(&arguments, " "), *topic = strsep(&arguments, " ");
    gg_publish_options options = NULL;
    if (strcmp(policy, "plain") == 0)
        return gg_publish(request, topic, arguments, strlen(arguments), result);
    gg_publish_options_init(&options);
    gg_publish_options_set_queue_full_policy(options, strcmp(policy, "all") == 0
                                                          ? GG_QUEUE_FULL_POLICY_ALL_OR_ERROR
                                                          : GG_QUEUE_FULL_POLICY_BEST_EFFORT);
    gg_error e = gg_publish_with_options(request, topic, arguments, strlen(arguments), options, result);
    gg_publish_options_free(options);
    return e;
}

static gg_error invoke(gg_request request, char *arguments, gg_request_result *result)
{
    gg_invoke_options options = { .function_arn = strsep(&arguments, " ") };
    const char *qualifier = strsep(&arguments, " "), *context = strsep(&arguments, " "),
               *type = strsep(&arguments, " ");
    options.qualifier = strcmp(qualifier, "-") == 0 ? NULL : qualifier;
    options.customer_context = strcmp(context, "-") == 0 ? NULL : context;
    options.type = (gg_invoke_type)atoi(type);
    options.payload = arguments;
    options.payload_size = strlen(arguments);
    return gg_invoke(request, &options, result);
}

static gg_error call(gg_request request, const char *verb, char *arguments, gg_request_result *result)
{
    if (strcmp(verb, "publish") == 0)
        return publish(request, arguments, result);
    if (strcmp(verb, "invoke") == 0)
        return invoke(request, arguments, result);
    if (strcmp(verb, "get") == 0)
        return gg_get_thing_shadow(request, arguments, result);
    if (strcmp(verb, "delete") == 0)
        return gg_delete_thing_shadow(request, arguments, result);
    if (strcmp(verb, "update") == 0) {
        const char *thing = strsep(&arguments, " ");
        return gg_update_thing_shadow(request, thing, arguments, result);
    }
    const char *stage = strsep(&arguments, " ");
    return gg_get_secret_value(request, arguments, NULL, strcmp(stage, "-") == 0 ? NULL : stage, result);
}

static void *publish_some(void *p)
{
    gg_request request;
    gg_request_result result;
    char text[32];
    gg_request_init(&request);
    for (int i = 0; i < EACH; i++) {
        snprintf(text, sizeof(text), "%d/%d", *(int *)p, i);
        if (gg_publish(request, "t", text, strlen(text), &result) || result.request_status)
            gg_log(GG_LOG_ERROR, "publish failed");
    }
    gg_request_close(request);
    return NULL;
}

static void publish_from_threads(void)
{
    pthread_t threads[THREADS];
    int numbers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        pthread_create(&threads[i], NULL, publish_some, &numbers[i]);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    respond("done");
}

static void log_all(void)
{
    gg_log(GG_LOG_DEBUG, "d %d", 1);
    gg_log(GG_LOG_INFO, "i %s", "x");
    gg_log(GG_LOG_WARN, "w\n");
    gg_log(GG_LOG_ERROR, "e");
    gg_log(GG_LOG_FATAL, "f");
    gg_log(GG_LOG_INFO, "%s", "");
    printf("printed");
    fflush(stdout);
    char text[64];
    snprintf(text, sizeof(text), "%d %d", (int)gg_log(GG_LOG_RESERVED_NOTSET, "no"),
             (int)gg_log(GG_LOG_RESERVED_MAX, "no"));
    respond(text);
}

static void fork_here(void)
{
    pid_t child = fork();
    if (child == 0)
        return; /* as if nothing had happened */
    waitpid(child, NULL, 0);
    respond("parent");
}

static void handler(const gg_lambda_context *context)
{
    gg_request request = NULL;
    gg_request_result result;
    char *rest = payload, *verb;
    size_t n = read_payload(1000);

    if (n && payload[0] == 0) { /* binary: back as it is */
        gg_lambda_handler_write_response(payload, n);
        return;
    }
    verb = strsep(&rest, " ");
    if (strcmp(verb, "context") == 0) {
        respond(context->function_arn);
        respond(" ");
        respond(context->client_context);
    } else if (strcmp(verb, "error") == 0) {
        respond("half a response");
        gg_lambda_handler_write_error(rest);
        if (gg_lambda_handler_write_response("x", 1) != GGE_INVALID_STATE ||
            gg_lambda_handler_write_error("x") != GGE_INVALID_STATE)
            gg_log(GG_LOG_ERROR, "two errors");
    } else if (strcmp(verb, "threads") == 0) {
        publish_from_threads();
    } else if (strcmp(verb, "log") == 0) {
        log_all();
    } else if (strcmp(verb, "fork") == 0) {
        fork_here();
    } else if (strcmp(verb, "crash") == 0) {
        abort();
    } else if (strcmp(verb, "exit") == 0) {
        exit(3);
    } else if (strcmp(verb, "hang") == 0) {
        gg_log(GG_LOG_INFO, "hanging");
        for (;;)
            pause();
    } else if (strcmp(verb, "nothing") != 0) {
        gg_request_init(&request);
        respond_result(request, call(request, verb, rest, &result), &result);
        gg_request_close(request);
    }
}

#define CHECK(what, wanted)                                                                            \
    do {                                                                                               \
        int got_ = (int)(what);                                                                        \
        if (got_ != (int)(wanted))                                                                     \
            gg_log(GG_LOG_ERROR, "line %d: " #what " gave %d, not %d", __LINE__, got_, (int)(wanted)); \
    } while (0)

/* What every call says to arguments that are none. */
static void misuse(void)
{
    gg_request request;
    gg_request_result result = { GG_REQUEST_AGAIN };
    gg_invoke_options options = {
        "arn:aws:lambda:us-east-1:123456789012:function:F:1", NULL, NULL, GG_INVOKE_EVENT, NULL, 0
    };
    gg_publish_options policy;
    size_t n = 77;
    CHECK(gg_request_init(NULL), GGE_INVALID_PARAMETER);
    CHECK(gg_request_init(&request), GGE_SUCCESS);
    CHECK(gg_request_read(request, payload, 1, &n), GGE_INVALID_STATE);
    CHECK(gg_request_read(NULL, payload, 1, &n), GGE_INVALID_PARAMETER);
    CHECK(gg_request_read(request, NULL, 1, &n), GGE_INVALID_PARAMETER);
    CHECK(gg_request_close(NULL), GGE_INVALID_PARAMETER);
    CHECK(gg_request_reuse(NULL), GGE_INVALID_PARAMETER);
    CHECK(gg_request_reuse(request), GGE_SUCCESS);
    CHECK(gg_invoke(NULL, &options, &result), GGE_INVALID_PARAMETER);
    CHECK(gg_invoke(request, NULL, &result), GGE_INVALID_PARAMETER);
    CHECK(gg_invoke(request, &options, NULL), GGE_INVALID_PARAMETER);
    options.type = GG_INVOKE_RESERVED_MAX;
    CHECK(gg_invoke(request, &options, &result), GGE_INVALID_PARAMETER);
    CHECK(gg_publish(request, NULL, "x", 1, &result), GGE_INVALID_PARAMETER);
    CHECK(gg_publish(request, "", "x", 1, &result), GGE_INVALID_PARAMETER);
    CHECK(gg_publish(request, "t", NULL, 1, &result), GGE_INVALID_PARAMETER);
    CHECK(gg_publish(request, "\xff", "x", 1, &result), GGE_INVALID_PARAMETER);
    CHECK(gg_publish_options_init(NULL), GGE_INVALID_PARAMETER);
    CHECK(gg_publish_options_init(&policy), GGE_SUCCESS);
    CHECK(gg_publish_options_set_queue_full_policy(policy, GG_QUEUE_FULL_POLICY_RESERVED_MAX),
          GGE_INVALID_PARAMETER);
    CHECK(gg_publish_options_set_queue_full_policy(NULL, GG_QUEUE_FULL_POLICY_BEST_EFFORT),
          GGE_INVALID_PARAMETER);
    CHECK(gg_publish_options_free(policy), GGE_SUCCESS);
    CHECK(gg_publish_options_free(NULL), GGE_INVALID_PARAMETER);
    CHECK(gg_get_thing_shadow(request, "no/name", &result), GGE_INVALID_PARAMETER);
    CHECK(gg_get_thing_shadow(request, "", &result), GGE_INVALID_PARAMETER);
    CHECK(gg_update_thing_shadow(request, "thing", NULL, &result), GGE_INVALID_PARAMETER);
    CHECK(gg_get_secret_value(request, NULL, NULL, NULL, &result), GGE_INVALID_PARAMETER);
    CHECK(gg_get_secret_value(request, "s", "a-version", NULL, &result), GGE_INVALID_PARAMETER);
    CHECK(gg_lambda_handler_read(payload, 1, &n), GGE_INVALID_STATE);
    CHECK(gg_lambda_handler_write_response("x", 1), GGE_INVALID_STATE);
    CHECK(gg_lambda_handler_write_error("x"), GGE_INVALID_STATE);
    CHECK(gg_lambda_handler_write_error(NULL), GGE_INVALID_PARAMETER);
    CHECK(gg_runtime_start(NULL, 0), GGE_INVALID_PARAMETER);
    CHECK(gg_runtime_start(handler, 2), GGE_INVALID_PARAMETER);
    CHECK(gg_log(GG_LOG_INFO, NULL), GGE_INVALID_PARAMETER);
    CHECK(gg_global_init(0), GGE_SUCCESS); /* a second time */
    CHECK(gg_request_close(request), GGE_SUCCESS);
    CHECK(n, 77); /* untouched on failure */
    CHECK(result.request_status, GG_REQUEST_AGAIN);
}

/* gg_function [misuse|async|early] */
int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "";
    if (strcmp(how, "early") == 0)
        CHECK(gg_runtime_start(handler, 0), GGE_INVALID_STATE);
    CHECK(gg_global_init(1), GGE_INVALID_PARAMETER);
    gg_error e = gg_global_init(0);
    if (e)
        return (int)e;
    if (strcmp(how, "misuse") == 0) {
        misuse();
        return 0;
    }
    e = gg_runtime_start(handler, strcmp(how, "async") == 0 ? GG_RT_OPT_ASYNC : 0);
    if (e)
        return 100;
    CHECK(gg_runtime_start(handler, 0), GGE_INVALID_STATE);
    for (;;)
        pause();
}
