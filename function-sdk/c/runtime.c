/* function-sdk/c/runtime.c - gg_runtime_start: take work, call the handler, give the answer. Spec:
 * greengrass-v1 4.4, 4.5. */
#include "http.h"
#include "request.h"
#include "settings.h"
#include "stop.h"
#include "text.h"

#include <pthread.h>
#include <unistd.h>

#define RESPONSE_MAX (64 * 1024 * 1024)
#define ATTEMPTS 10
#define TOTAL_MS 3000
#define FIRST_MS 50
#define MOST_MS 500

/* What the handler works at. Threads that the handler starts may read and write, too. */
struct item {
    struct http_answer work;
    struct buf context;
    struct buf response;
    size_t read;
    bool failed; /* response is that of gg_lambda_handler_write_error */
};

static struct {
    pthread_mutex_t lock;
    bool started;
    gg_lambda_handler handler;
    pid_t pid;
    struct item *item; /* NULL outside of the handler */
} runtime = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* ---- what a handler calls ---- */

static gg_error read_item(struct item *item, void *buffer, size_t size, size_t *amount_read)
{
    size_t n = item->work.body.n - item->read;
    n = n < size ? n : size;
    if (n)
        memcpy(buffer, item->work.body.p + item->read, n);
    item->read += n;
    *amount_read = n;
    return GGE_SUCCESS;
}

gg_error gg_lambda_handler_read(void *buffer, size_t buffer_size, size_t *amount_read)
{
    if (!amount_read || (!buffer && buffer_size))
        return GGE_INVALID_PARAMETER;
    pthread_mutex_lock(&runtime.lock);
    gg_error e = runtime.item ? read_item(runtime.item, buffer, buffer_size, amount_read) : GGE_INVALID_STATE;
    pthread_mutex_unlock(&runtime.lock);
    return e;
}

gg_error gg_lambda_handler_write_response(const void *response, size_t response_size)
{
    gg_error e = GGE_INVALID_STATE;
    if (!response && response_size)
        return GGE_INVALID_PARAMETER;
    pthread_mutex_lock(&runtime.lock);
    if (runtime.item && !runtime.item->failed)
        e = request_error(buf_add_mem(&runtime.item->response, response, response_size));
    pthread_mutex_unlock(&runtime.lock);
    return e;
}

static gg_error fail_item(struct item *item, const char *message)
{
    autobuf body = BUF_INIT(RESPONSE_MAX);
    err_t e = buf_add_str(&body, "{");
    if (!e)
        e = text_add_member(&body, "errorMessage", message);
    if (!e)
        e = buf_add_str(&body, "}");
    if (e)
        return request_error(e);
    buf_done(&item->response);
    item->response = body;
    body = BUF_INIT(0);
    item->failed = true;
    return GGE_SUCCESS;
}

gg_error gg_lambda_handler_write_error(const char *error_message)
{
    gg_error e = GGE_INVALID_STATE;
    if (!error_message)
        return GGE_INVALID_PARAMETER;
    pthread_mutex_lock(&runtime.lock);
    if (runtime.item && !runtime.item->failed)
        e = fail_item(runtime.item, error_message);
    pthread_mutex_unlock(&runtime.lock);
    return e;
}

/* ---- the loop ---- */

static bool good(const struct http_answer *answer)
{
    return answer->status >= 200 && answer->status <= 299;
}

/* Refusals stay what they are; no answer, or one that says "not now", may get better. */
static bool may_pass(err_t e, const struct http_answer *answer)
{
    return e ? e != ERR_CANCELLED && e != ERR_NOMEM
             : answer->status >= 500 || answer->status == 408 || answer->status == 429;
}

/* An IPC server that is away for a moment costs no worker: 50 ms, doubling up to 500 ms, 10 attempts or 3 s
 * in all. */
static err_t patiently(const struct http_ask *ask, struct http_answer *answer)
{
    unsigned seed = (unsigned)getpid() ^ (unsigned)(uintptr_t)answer;
    int delay = FIRST_MS, waited = 0;
    for (int attempt = 1;; attempt++) {
        http_answer_done(answer);
        http_answer_init(answer);
        err_t e = http_exchange(ask, answer);
        if ((!e && good(answer)) || !may_pass(e, answer) || attempt == ATTEMPTS || waited >= TOTAL_MS)
            return e;
        int pause =
            delay - (int)((unsigned)rand_r(&seed) % (unsigned)(delay / 10 + 1)); /* not all workers at once */
        e = stop_wait(-1, 0, pause);
        if (e != ERR_TIMEOUT)
            return e;
        waited += pause;
        delay = delay * 2 > MOST_MS ? MOST_MS : delay * 2;
    }
}

/* Ends the process: the core starts another worker when there is need. */
static void give_up(const char *what, err_t e, const struct http_answer *answer)
{
    if (e == ERR_CANCELLED)
        exit(0);
    if (e)
        (void)gg_log(GG_LOG_FATAL, "%s, the worker ends: %s", what, err_str(e));
    else
        (void)gg_log(GG_LOG_FATAL, "%s, the worker ends: HTTP Error %d", what, answer->status);
    exit(1);
}

static void take(struct item *item)
{
    struct http_ask ask = { .method = "GET", .function_arn = settings_get()->function_arn, .what = "/work" };
    err_t e = patiently(&ask, &item->work);
    if (e || !good(&item->work))
        give_up("No work can be had from the core", e, &item->work);
    if (item->work.invocation_id.n == 0)
        give_up("The core gave work without an invocation id", ERR_PROTO, &item->work);
}

static void answer(const struct item *item)
{
    struct http_ask ask = { .method = "POST",
                            .function_arn = settings_get()->function_arn,
                            .what = "/work",
                            .invocation_id = buf_str(&item->work.invocation_id),
                            .function_error = item->failed ? "Handled" : NULL,
                            .has_body = true,
                            .body = buf_slice(&item->response) };
    auto_http_answer taken;
    http_answer_init(&taken);
    err_t e = patiently(&ask, &taken);
    if (e || (!good(&taken) && may_pass(e, &taken)))
        give_up("The result could not be given to the core", e, &taken);
    if (!good(&taken))
        (void)gg_log(
            GG_LOG_WARN,
            "The core does not take the result (the work item has timed out, perhaps): HTTP Error %d",
            taken.status);
}

static void set_item(struct item *item)
{
    pthread_mutex_lock(&runtime.lock);
    runtime.item = item;
    pthread_mutex_unlock(&runtime.lock);
}

static void handle(struct item *item)
{
    const gg_lambda_context context = { settings_get()->function_arn, buf_str(&item->context) };
    set_item(item);
    runtime.handler(&context);
    set_item(NULL);
    if (getpid() != runtime.pid)
        _exit(0); /* the handler forked, and this is the child: its parent answers */
}

static void work_once(void)
{
    struct item item = { .context = BUF_INIT(256 * 1024), .response = BUF_INIT(RESPONSE_MAX) };
    http_answer_init(&item.work);
    take(&item);
    if (text_client_context(buf_slice(&item.work.client_context), &item.context) != ERR_OK) {
        (void)gg_log(
            GG_LOG_ERROR,
            "Cannot parse the client context of this invocation: it is not the base64 of a JSON object "
            "(RequestId: %s)",
            buf_str(&item.work.invocation_id));
    } else {
        handle(&item);
        answer(&item);
    }
    buf_done(&item.response);
    buf_done(&item.context);
    http_answer_done(&item.work);
}

static void *work_for_ever(void *unused)
{
    (void)unused;
    while (!stop_asked())
        work_once();
    exit(0);
}

static gg_error start_thread(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, work_for_ever, NULL) != 0)
        return GGE_INTERNAL_FAILURE;
    pthread_detach(thread);
    return GGE_SUCCESS;
}

gg_error gg_runtime_start(gg_lambda_handler handler, uint32_t opt)
{
    if (!handler || (opt & ~(uint32_t)GG_RT_OPT_ASYNC))
        return GGE_INVALID_PARAMETER;
    pthread_mutex_lock(&runtime.lock);
    bool mine = settings_get()->ready && !runtime.started;
    if (mine) {
        runtime.started = true;
        runtime.handler = handler;
        runtime.pid = getpid();
    }
    pthread_mutex_unlock(&runtime.lock);
    if (!mine)
        return GGE_INVALID_STATE;
    if (!stop_catch_signal())
        return GGE_INTERNAL_FAILURE;
    if (opt & GG_RT_OPT_ASYNC)
        return start_thread();
    work_for_ever(NULL);
    return GGE_SUCCESS; /* not reached */
}
