#include "cloud/shadows/mqtt.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "cloud/gateway/reserved.h"
#include "cloud/shadows/service.h"

#define TOPIC_MAX 512u
#define REQUEST_MAX (128u << 10)

struct request {
    struct store_job job; /* first */
    const struct shadows_service *svc;
    uint64_t ticket;
    char *thing, *name;
    enum shadow_op op;
    struct buf body;
    struct shadow_result result;
};

static void request_free(struct request *r)
{
    shadow_result_done(&r->result);
    buf_done(&r->body);
    free(r->thing);
    free(r->name);
    free(r);
}

static void publish(struct broker *b, const struct shadow_topic *t, struct slice payload)
{
    autobuf topic = BUF_INIT(TOPIC_MAX);
    err_t e = shadow_topic_build(&topic, t);

    if (!e) {
        struct broker_message m = { .topic = buf_slice(&topic), .payload = payload, .qos = 1 };
        e = broker_publish(b, &m);
    }
    if (e && e != ERR_MORE)
        log_error("shadow answer not published thing=%.*s: %s", SLICE_FMT(t->thing), err_str(e));
}

void shadows_publish(struct broker *b, const char *thing, const char *name, enum shadow_op op,
                     const struct shadow_result *result)
{
    for (size_t i = 0; i < result->n_messages; i++) {
        struct shadow_topic t = { slice_str(thing), slice_str(name), op, result->messages[i].kind };
        publish(b, &t, buf_slice(&result->messages[i].payload));
    }
}

static void reject(const struct request *r, int code)
{
    struct shadow_topic t = { slice_str(r->thing), slice_str(r->name), r->op, SHADOW_REJECTED };
    autobuf payload = BUF_INIT(REQUEST_MAX);

    if (shadow_rejected(&payload, code, NULL, buf_slice(&r->body), clock_wall_ms() / 1000) == ERR_OK)
        publish(r->svc->broker, &t, buf_slice(&payload));
}

static err_t run(struct store_job *job, struct db *db)
{
    struct request *r = CONTAINER_OF(job, struct request, job);

    shadow_result_done(&r->result);
    r->result = (struct shadow_result){ 0 };
    return shadows_apply(db, r->thing, r->name, r->op, buf_slice(&r->body), clock_wall_ms(), &r->result);
}

static void done(struct store_job *job, err_t result)
{
    struct request *r = CONTAINER_OF(job, struct request, job);

    if (result) {
        log_error("shadow thing=%s: %s", r->thing, err_str(result));
        reject(r, SHADOW_INTERNAL);
    } else {
        shadows_publish(r->svc->broker, r->thing, r->name, r->op, &r->result);
    }
    if (r->ticket)
        broker_answer(r->svc->broker, r->ticket, result ? BROKER_DENY : BROKER_ALLOW);
    request_free(r);
}

static err_t request_new(const struct shadows_service *svc, const struct broker_message *m,
                         const struct shadow_topic *t, uint64_t ticket, struct request **ret)
{
    struct request *r = mem_calloc(1, sizeof(*r));
    err_t e = ERR_NOMEM;

    if (!r)
        return ERR_NOMEM;
    *r = (struct request){ .job = { .run = run, .done = done }, .svc = svc, .ticket = ticket, .op = t->op };
    buf_init(&r->body, REQUEST_MAX);
    r->thing = mem_str(t->thing);
    r->name = mem_str(t->name);
    if (!r->thing || !r->name || (e = buf_add(&r->body, m->payload))) {
        request_free(r);
        return e;
    }
    *ret = r;
    return ERR_OK;
}

static err_t on_message(void *ctx, const struct broker_message *m, uint64_t ticket)
{
    const struct shadows_service *svc = ctx;
    struct shadow_topic t;
    struct request *r;
    err_t e = shadow_topic_parse(m->topic, &t);

    if (e || t.kind != SHADOW_REQUEST)
        return ERR_INVALID; /* the shape of a shadow topic with a name that cannot be */
    if ((e = request_new(svc, m, &t, ticket, &r)))
        return e == ERR_TOO_BIG ? ERR_INVALID : e;
    if (store_submit(svc->store, svc->loop, &r->job)) {
        reject(r, SHADOW_TOO_MANY_REQUESTS);
        request_free(r);
        return ERR_OK;
    }
    return ERR_MORE;
}

err_t shadows_mqtt_register(struct shadows_service *svc)
{
    return reserved_register(svc->broker, RESERVED_SHADOWS, on_message, svc);
}
