#include "cloud/provisioning/tasks.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "cloud/provisioning/provision.h"
#include "cloud/provisioning/taskinput.h"
#include "cloud/provisioning/taskrow.h"
#include "cloud/provisioning/templaterow.h"

#include <stdio.h>

#define RETRY_MS 5000
#define LINES_MAX 1000000
#define REPORT_MAX 8192u /* bytes of one line of a report */
#define LINE_DEPTH 3u
#define EMPTY_MAX 1000u

/* What the database thread is asked to do next. */
enum step {
    STEP_PICK, /* find the task to work on */
    STEP_LINE, /* provision one line */
    STEP_FAIL, /* note that it could not be */
    STEP_END,  /* write the task's last status */
};

struct tasks {
    struct store_job job; /* of the step under way */
    const struct api_parts *parts;
    struct net_timer *retry;
    struct api_call call;
    struct task_row task; /* as it was committed */
    struct task_input *input;
    struct template *template;
    struct buf line;
    int64_t next; /* where the line after this one begins */
    enum step step;
    bool busy, again, closing;
    bool over;                 /* found in the transaction: somebody cancelled the task */
    char why[API_MESSAGE_MAX]; /* what the line failed with */
};

static const struct api_op task_op = { "RegisterInBulk", "", "", NULL, 0 };

static void start(struct tasks *t, enum step step);

static void forget_task(struct tasks *t)
{
    task_input_free(t->input);
    t->input = NULL;
    template_free(t->template);
    t->template = NULL;
    task_row_done(&t->task);
}

static void really_free(struct tasks *t)
{
    forget_task(t);
    api_call_done(&t->call);
    buf_done(&t->line);
    free(t);
}

/* ---- on the database thread: these may run twice, so they change nothing of *t but `over` (and pick the
 * task, anew) ---- */

static err_t pick(struct tasks *t)
{
    err_t e = task_row_current(t->call.db, &t->task);

    t->over = !e && strcmp(t->task.status, "Cancelling") == 0;
    if (!t->over)
        return e;
    (void)snprintf(t->task.status, sizeof(t->task.status), "Cancelled");
    return task_row_store(&t->call, &t->task);
}

/* A line: {"parameter": "text", ...}. */
static err_t line_params(struct tasks *t, json_t **ret)
{
    struct json_where where;

    if (json_parse(buf_slice(&t->line), LINE_DEPTH, ret, &where))
        return api_fail(&t->call, API_INVALID_REQUEST, "the line is not JSON: column %d: %s", where.column,
                        where.text);
    return json_is_object(*ret) ? ERR_OK
                                : api_fail(&t->call, API_INVALID_REQUEST, "the line is not a JSON object");
}

/* The task's numbers after this line. */
static void advance(const struct tasks *t, bool succeeded, struct task_row *row)
{
    row->position = t->next;
    row->line++;
    row->succeeded += succeeded;
    row->failed += !succeeded;
}

static err_t store_line(struct tasks *t, bool succeeded, const char *member, json_t *content)
{
    struct task_row row = t->task; /* its texts are borrowed */
    autobuf text = BUF_INIT(REPORT_MAX);
    auto_json *j = NULL;
    err_t e;

    advance(t, succeeded, &row);
    j = json_pack("{s:I,s:I,s:O}", "lineNumber", (json_int_t)row.line, "offset", (json_int_t)t->task.position,
                  member, content);
    if (!j)
        return ERR_NOMEM;
    if ((e = json_write(&text, j, 0)) == ERR_TOO_BIG) { /* without the certificate it is not */
        (void)json_object_del(content, "certificatePem");
        e = json_write(&text, j, 0);
    }
    if (e || (e = task_row_report(&t->call, &row, succeeded ? "RESULTS" : "ERRORS", buf_str(&text))))
        return e;
    return task_row_store(&t->call, &row);
}

static err_t still_wanted(struct tasks *t)
{
    int64_t n;
    err_t e = db_one_int(t->call.db,
                         "SELECT count(*) FROM registration_tasks WHERE id = $1 AND status = 'InProgress'",
                         DB_ARGS(DB_TEXT(t->task.id)), &n);

    t->over = !e && n == 0;
    return e;
}

static err_t do_line(struct tasks *t)
{
    auto_provision_result result = { 0 };
    auto_json *params = NULL, *response = NULL;
    err_t e;

    if ((e = still_wanted(t)) || t->over || (e = line_params(t, &params)))
        return e;
    const struct provision_request rq = { .template = t->template, .params = params };
    if ((e = provision_run(&t->call, &rq, &result)))
        return e;
    response = json_pack("{s:O,s:s*}", "resourceArns", result.arns, "certificatePem", result.certificate_pem);
    return response ? store_line(t, true, "response", response) : ERR_NOMEM;
}

static err_t do_fail(struct tasks *t)
{
    auto_json *text = NULL;
    err_t e;

    if ((e = still_wanted(t)) || t->over)
        return e;
    text = json_string(t->why);
    return text ? store_line(t, false, "errorMessage", text) : ERR_NOMEM;
}

static err_t do_end(struct tasks *t)
{
    err_t e = still_wanted(t);

    return e || t->over ? e : task_row_store(&t->call, &t->task);
}

static err_t run(struct store_job *job, struct db *db)
{
    static err_t (*const steps[])(struct tasks * t) = {
        [STEP_PICK] = pick, [STEP_LINE] = do_line, [STEP_FAIL] = do_fail, [STEP_END] = do_end
    };
    struct tasks *t = CONTAINER_OF(job, struct tasks, job);
    err_t e;

    t->over = false;
    api_call_reset(&t->call);
    t->call.now_ms = clock_wall_ms();
    t->call.db = db;
    e = steps[t->step](t);
    t->call.db = NULL;
    return e;
}

/* ---- on the loop ---- */

static void wait_a_little(struct tasks *t, err_t e)
{
    log_warn("registration task %s: %s; trying again in %d s", t->task.id, err_str(e), RETRY_MS / 1000);
    forget_task(t);
    net_timer_set(t->retry, RETRY_MS);
}

static void end(struct tasks *t, const char *status, const char *message)
{
    autofree char *copy = mem_strdup(message);

    if (!copy) {
        wait_a_little(t, ERR_NOMEM);
        return;
    }
    free(t->task.message);
    t->task.message = steal(&copy);
    (void)snprintf(t->task.status, sizeof(t->task.status), "%s", status);
    log_info("registration task %s: %s, %lld things, %lld errors %s", t->task.id, status,
             (long long)t->task.succeeded, (long long)t->task.failed, message);
    start(t, STEP_END);
}

static void fail_line(struct tasks *t, const char *why)
{
    (void)snprintf(t->why, sizeof(t->why), "%s", why);
    start(t, STEP_FAIL);
}

/* Empty lines are passed over, a few at a time. */
static void next_line(struct tasks *t)
{
    unsigned passed = 0;
    err_t e;

    do {
        e = task_input_line(t->input, &t->line, &t->next);
    } while (!e && t->line.n == 0 && ++passed < EMPTY_MAX);
    if (e == ERR_EOF)
        end(t, "Completed", "");
    else if (e == ERR_TOO_BIG)
        end(t, "Failed", "a line of the input is longer than 131072 bytes");
    else if (e)
        end(t, "Failed", "the input cannot be read any more");
    else if (t->task.line >= LINES_MAX)
        end(t, "Failed", "the input has more than 1000000 lines: split it");
    else if (t->line.n == 0)
        fail_line(t, "too many empty lines");
    else
        start(t, STEP_LINE);
}

static void begin(struct tasks *t)
{
    char why[TEMPLATE_WHY_MAX] = "", input_why[TASK_INPUT_WHY_MAX] = "";

    if (template_parse(slice_str(t->task.template), &t->template, why)) {
        end(t, "Failed", why);
        return;
    }
    if (task_input_open(t->parts->env->buckets, t->task.bucket, t->task.key, t->task.position, &t->input,
                        input_why)) {
        end(t, "Failed", input_why);
        return;
    }
    t->task.size = task_input_size(t->input);
    next_line(t);
}

static void look_for_another(struct tasks *t)
{
    forget_task(t);
    start(t, STEP_PICK);
}

static void line_done(struct tasks *t, err_t result)
{
    if (t->over) {
        look_for_another(t);
    } else if (!result) {
        t->parts->apply(t->parts->apply_ctx, &t->call.effects);
        advance(t, t->step == STEP_LINE, &t->task);
        next_line(t);
    } else if (t->step == STEP_LINE && t->call.error && t->call.error != API_INTERNAL) {
        fail_line(t, t->call.message);
    } else {
        wait_a_little(t, result);
    }
}

static void pick_done(struct tasks *t, err_t result)
{
    if (result == ERR_NOT_FOUND) {
        forget_task(t);
        if (t->again)
            start(t, STEP_PICK);
    } else if (result) {
        wait_a_little(t, result);
    } else if (t->over) {
        look_for_another(t);
    } else {
        begin(t);
    }
}

static void done(struct store_job *job, err_t result)
{
    struct tasks *t = CONTAINER_OF(job, struct tasks, job);

    t->busy = false;
    if (t->closing) {
        really_free(t);
    } else if (t->step == STEP_PICK) {
        pick_done(t, result);
    } else if (t->step == STEP_END) {
        if (result)
            wait_a_little(t, result);
        else
            look_for_another(t);
    } else {
        line_done(t, result);
    }
}

static void start(struct tasks *t, enum step step)
{
    err_t e;

    t->step = step;
    t->again = false;
    t->job = (struct store_job){ .run = run, .done = done };
    if ((e = store_submit(t->parts->store, t->parts->loop, &t->job)))
        wait_a_little(t, e);
    else
        t->busy = true;
}

static void on_retry(void *ctx)
{
    tasks_wake(ctx);
}

/* A task that is made while one is looked for may not be seen yet. */
void tasks_wake(struct tasks *t)
{
    if (t->busy)
        t->again = true;
    else
        start(t, STEP_PICK);
}

err_t tasks_new(const struct api_parts *parts, struct tasks **ret)
{
    struct tasks *t = mem_calloc(1, sizeof(*t));
    err_t e;

    if (!t)
        return ERR_NOMEM;
    t->parts = parts;
    t->line = BUF_INIT(TASK_LINE_MAX);
    api_call_init(&t->call, parts->env, &task_op);
    if ((e = net_timer_new(parts->loop, on_retry, t, &t->retry))) {
        really_free(t);
        return e;
    }
    *ret = t;
    return ERR_OK;
}

void tasks_free(struct tasks *t)
{
    if (!t)
        return;
    net_timer_free(t->retry);
    t->retry = NULL;
    t->closing = true;
    if (!t->busy)
        really_free(t);
}
