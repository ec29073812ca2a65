#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "cloud/gateway/certvars.h"
#include "cloud/gateway/gateway_impl.h"
#include "cloud/metrics.h"
#include "mqtt/reason.h"

#include <stdio.h>

#define RESOURCE_MAX 1024u /* kind, topic of at most 256 bytes, $share prefix */

struct load {
    struct store_job job; /* first */
    struct principal *p;  /* a reference */
    char id[CRYPTO_SHA256_HEX];
    char *client_id, *server_name;
    struct facts facts;
};

static void log_left_out(const struct principal *p);

static void principal_free(struct principal *p)
{
    log_left_out(p);
    *p->link = p->next;
    if (p->next)
        p->next->link = p->link;
    for (size_t i = 0; i < p->n_waiting; i++)
        free(p->waiting[i].topic);
    free(p->waiting);
    facts_done(&p->facts);
    policy_matcher_free(p->policies);
    policy_vars_done(&p->vars);
    X509_free(p->cert);
    guest_free(p->guest);
    free(p->client_id);
    free(p);
}

void principal_unref(void *arg)
{
    struct principal *p = arg;

    if (p && --p->refs == 0)
        principal_free(p);
}

static void enlist(struct gateway *g, struct principal *p)
{
    p->gw = g;
    p->refs = 1;
    p->next = g->principals;
    p->link = &g->principals;
    if (p->next)
        p->next->link = &p->next;
    g->principals = p;
}

static err_t fill_vars(struct principal *p, const struct net_stream *s, const struct tls_identity *id)
{
    struct slice sni = slice_str(id->sni);
    err_t e;

    if ((e = certvars_add(&p->vars, p->id, id->cert)) ||
        (e = certvars_add_source(&p->vars, net_stream_peer(s))))
        return e;
    return sni.n ? policy_vars_add(&p->vars, "iot:DomainName", sni) : ERR_OK;
}

err_t principal_new(struct gateway *g, const struct net_stream *s, const struct tls_identity *id,
                    struct principal **ret)
{
    struct principal *p;
    err_t e;

    if (!id->cert)
        return ERR_AUTH;
    if (!(p = mem_calloc(1, sizeof(*p))))
        return ERR_NOMEM;
    enlist(g, p);
    (void)snprintf(p->address, sizeof(p->address), "%s", net_stream_peer(s));
    if ((e = crypto_cert_id(g->env->crypto, id->cert, p->id)) || (e = fill_vars(p, s, id))) {
        principal_unref(p);
        return e;
    }
    X509_up_ref(id->cert);
    p->cert = id->cert;
    *ret = p;
    return ERR_OK;
}

err_t principal_new_guest(struct gateway *g, const struct net_stream *s, const char *id, struct facts *facts,
                          struct principal **ret)
{
    struct principal *p = mem_calloc(1, sizeof(*p));
    err_t e;

    if (!p)
        return ERR_NOMEM;
    enlist(g, p);
    (void)snprintf(p->id, sizeof(p->id), "%s", id);
    (void)snprintf(p->address, sizeof(p->address), "%s", net_stream_peer(s));
    if ((e = certvars_add_source(&p->vars, net_stream_peer(s)))) {
        principal_unref(p);
        return e;
    }
    p->facts = *facts;
    *facts = (struct facts){ 0 };
    *ret = p;
    return ERR_OK;
}

/* ---- judging ---- */

static const struct {
    enum policy_right right;
    const char *action, *kind;
} rights[] = {
    [BROKER_CONNECT] = { POLICY_CONNECT, "iot:Connect", "client" },
    [BROKER_PUBLISH] = { POLICY_PUBLISH, "iot:Publish", "topic" },
    [BROKER_SUBSCRIBE] = { POLICY_SUBSCRIBE, "iot:Subscribe", "topicfilter" },
    [BROKER_RECEIVE] = { POLICY_RECEIVE, "iot:Receive", "topic" },
};

static const enum metric denied[] = {
    [POLICY_CONNECT] = METRIC_DENIED_CONNECT,       [POLICY_PUBLISH] = METRIC_DENIED_PUBLISH,
    [POLICY_SUBSCRIBE] = METRIC_DENIED_SUBSCRIBE,   [POLICY_RECEIVE] = METRIC_DENIED_RECEIVE,
    [POLICY_RETAIN_PUBLISH] = METRIC_DENIED_RETAIN,
};

static void log_refused_connect(const struct principal *p, const char *why)
{
    char client[LOG_ESC_MAX], note[LOGLIMIT_NOTE_MAX];

    if (loglimit_pass(&p->gw->refused_log, LOGLIMIT_KIND, clock_mono_ms(), note))
        log_warn("mqtt connect refused certificateId=%s peer=%s clientId=%s: %s%s", p->id, p->address,
                 log_esc(client, slice_str(p->client_id)), why, note);
}

static void log_denied(struct principal *p, enum policy_right right, const char *action,
                       struct slice resource, const char *where)
{
    char name[LOG_ESC_MAX], client[LOG_ESC_MAX], note[LOGLIMIT_NOTE_MAX];

    if (loglimit_pass(&p->log, LOGLIMIT_CONNECTION, clock_mono_ms(), note))
        log_warn("mqtt AUTHORIZATION_FAILURE clientId=%s certificateId=%s action=%s resource=%s: %s%s%s",
                 log_esc(client, slice_str(p->client_id)), p->id, action, log_esc(name, resource), where,
                 right == POLICY_RECEIVE ? " (further deliveries to this connection are refused in silence)"
                                         : "",
                 note);
}

/* Which action on what, and which statement it was. Of deliveries only a connection's first: a subscriber of
 * `#` would fill the log. */
static void log_refusal(struct principal *p, enum policy_right right, const char *action,
                        struct slice resource, int where)
{
    char what[FACTS_WHERE_MAX];

    metric_add(denied[right], 1);
    facts_where(&p->facts, where, what);
    if (right == POLICY_CONNECT)
        log_refused_connect(p, what);
    else if (right != POLICY_RECEIVE || !p->receive_refused)
        log_denied(p, right, action, resource, what);
    p->receive_refused |= right == POLICY_RECEIVE;
}

/* What was left out is told at the latest here. */
static void log_left_out(const struct principal *p)
{
    char client[LOG_ESC_MAX];

    if (p->log.left_out)
        log_warn("mqtt AUTHORIZATION_FAILURE clientId=%s certificateId=%s: %llu further lines like these "
                 "were left out",
                 log_esc(client, slice_str(p->client_id)), p->id, (unsigned long long)p->log.left_out);
}

static bool allowed(struct principal *p, enum policy_right right, const char *action, struct slice resource)
{
    int where;

    if (policy_matcher_check(p->policies, right, resource, &where) == POLICY_ALLOW)
        return true;
    log_refusal(p, right, action, resource, where);
    return false;
}

/* `name` is the client id, topic or filter. */
static bool judge(struct principal *p, enum broker_action action, struct slice name, bool retain)
{
    char text[RESOURCE_MAX];
    size_t kind = strlen(rights[action].kind);

    if (kind + 1 + name.n > sizeof(text))
        return false;
    memcpy(text, rights[action].kind, kind);
    text[kind] = '/';
    if (name.n)
        memcpy(text + kind + 1, name.p, name.n);
    struct slice resource = slice_of(text, kind + 1 + name.n);
    return allowed(p, rights[action].right, rights[action].action, resource) &&
           (!retain || allowed(p, POLICY_RETAIN_PUBLISH, "iot:RetainPublish", resource));
}

/* CONNECT: the certificate first, then the policies. The log says which of them it was. */
static bool judge_connect(struct principal *p)
{
    char why[FACTS_WHY_MAX];

    if (facts_admit(&p->facts, p->id, clock_wall_ms(), why))
        return judge(p, BROKER_CONNECT, slice_str(p->client_id), false);
    log_refused_connect(p, why);
    return false;
}

static enum broker_verdict verdict(struct principal *p, enum broker_action action, struct slice name,
                                   bool retain)
{
    if (p->cut)
        return BROKER_DENY_CLOSE;
    if (p->refused)
        return BROKER_DENY;
    if (action == BROKER_CONNECT)
        return judge_connect(p) ? BROKER_ALLOW : BROKER_DENY;
    if (clock_wall_ms() > p->facts.not_after_ms) /* expired since CONNECT */
        return BROKER_DENY_CLOSE;
    return judge(p, action, name, retain) ? BROKER_ALLOW : BROKER_DENY;
}

/* ---- loading ---- */

static void answer_waiting(struct principal *p)
{
    autofree struct principal_question *waiting = steal(&p->waiting);
    size_t n = p->n_waiting;

    p->n_waiting = 0;
    for (size_t i = 0; i < n; i++) {
        const struct principal_question *q = &waiting[i];
        broker_answer(p->gw->broker, q->ticket, verdict(p, q->action, slice_str(q->topic), q->retain));
        free(waiting[i].topic);
    }
}

static bool is_this(void *ctx, void *user, struct slice client_id)
{
    (void)client_id;
    return ctx == user;
}

void principal_cut(struct principal *p)
{
    p->cut = true;
    (void)broker_disconnect_if(p->gw->broker, is_this, p, BROKER_WHY_FORBIDDEN,
                               MQTT_RC_ADMINISTRATIVE_ACTION);
}

/* After a change: does the connection still have the right to be? */
static void enforce(struct principal *p)
{
    if (!p->cut && p->client_id && !judge_connect(p))
        principal_cut(p);
}

static err_t load_run(struct store_job *job, struct db *db)
{
    struct load *l = CONTAINER_OF(job, struct load, job);

    err_t e = facts_load(db, l->id, l->client_id, &l->facts);

    return e ? e : facts_take_domain(db, l->p->gw->env, l->server_name, DOMAIN_MQTT_CERT, &l->facts);
}

static void load_free(struct load *l)
{
    facts_done(&l->facts);
    free(l->client_id);
    free(l->server_name);
    free(l);
}

/* ---- a certificate that the registry does not know, or that waits for its activation ---- */

/* Registered just in time or not, this connection ends: the device comes again (iot-core reference 2.4). */
static void admitted(void *ctx, enum admission_outcome outcome, const char *text)
{
    struct principal *p = ctx;

    if (outcome == ADMISSION_REFUSED)
        log_refused_connect(p, text);
    else
        log_info("mqtt connection ends peer=%s: %s", p->address, text);
    p->cut = outcome != ADMISSION_REFUSED;
    p->state = PRINCIPAL_READY;
    p->refused = true;
    answer_waiting(p);
    principal_unref(p);
}

static bool ask_admission(struct principal *p)
{
    const char *status = p->facts.status;

    if (p->facts.closed[0] || !p->gw->admission || !p->cert ||
        (status[0] && strcmp(status, "PENDING_ACTIVATION") != 0))
        return false;
    if (admission_consider(p->gw->admission, p->cert, p->id, admitted, p))
        return false;
    p->refs++;
    return true;
}

/* The caller holds a reference: enforcing may end the connection. */
static void take_facts(struct principal *p, struct load *l, err_t result)
{
    bool first = p->n_waiting > 0 && p->waiting[0].action == BROKER_CONNECT;

    facts_done(&p->facts);
    if (result)
        log_error("mqtt certificateId=%s: the registry cannot be read: %s; nothing is allowed", p->id,
                  err_str(result));
    else
        p->facts = l->facts;
    l->facts = (struct facts){ 0 };
    policy_matcher_free(p->policies);
    p->policies = NULL;
    if (!result && (result = facts_compile(&p->facts, p->gw->env, &p->vars, &p->policies)))
        log_error("mqtt certificateId=%s: its policies cannot be compiled: %s; nothing is allowed", p->id,
                  err_str(result));
    if (first && !result && ask_admission(p))
        return; /* still PRINCIPAL_LOADING */
    p->state = PRINCIPAL_READY;
    if (!first)
        enforce(p);
    answer_waiting(p);
    if (first) { /* not needed any more */
        X509_free(p->cert);
        p->cert = NULL;
    }
}

static void load_done(struct store_job *job, err_t result)
{
    struct load *l = CONTAINER_OF(job, struct load, job);
    struct principal *p = l->p;

    if (p->gw->closing) {
        /* the broker is gone */
    } else if (p->again) { /* what came may be older than the change */
        p->again = false;
        p->state = PRINCIPAL_NEW;
        if (principal_load(p))
            take_facts(p, l, ERR_BUSY);
    } else {
        take_facts(p, l, result);
    }
    load_free(l);
    principal_unref(p);
}

static err_t submit_load(struct principal *p)
{
    const char *server_name = policy_vars_first(&p->vars, SLICE_LIT("iot:DomainName"));
    struct load *l = mem_calloc(1, sizeof(*l));
    err_t e = ERR_NOMEM;

    if (!l)
        return ERR_NOMEM;
    *l = (struct load){ .job = { .run = load_run, .done = load_done }, .p = p };
    memcpy(l->id, p->id, sizeof(l->id));
    l->server_name = mem_strdup(server_name ? server_name : "");
    if (l->server_name && (!p->client_id || (l->client_id = mem_strdup(p->client_id))) &&
        !(e = store_submit(p->gw->store, p->gw->loop, &l->job))) {
        p->refs++;
        return ERR_OK;
    }
    load_free(l);
    return e;
}

err_t principal_load(struct principal *p)
{
    err_t e;

    if (p->state == PRINCIPAL_LOADING) {
        p->again = true;
        return ERR_OK;
    }
    if (!(e = submit_load(p)))
        p->state = PRINCIPAL_LOADING;
    return e;
}

/* ---- questions ---- */

static enum broker_verdict wait(struct principal *p, const struct broker_question *q)
{
    struct principal_question *w;

    if (!p->waiting && !(p->waiting = mem_calloc(PRINCIPAL_WAITING_MAX, sizeof(*w))))
        return BROKER_DENY;
    w = &p->waiting[p->n_waiting];
    if (p->n_waiting == PRINCIPAL_WAITING_MAX || !(w->topic = mem_str(q->topic)))
        return BROKER_DENY;
    w->ticket = q->ticket;
    w->action = q->action;
    w->retain = q->retain;
    p->n_waiting++;
    return BROKER_LATER;
}

/* Conditions may ask for the Will and for a persistent session (iot-core 3.5). */
static err_t connect_vars(struct principal *p, const struct broker_question *q)
{
    char arn[RESOURCE_MAX];
    err_t e;

    if (!(p->client_id = mem_str(q->client_id)))
        return ERR_NOMEM;
    if ((e = policy_vars_add(&p->vars, "iot:ClientId", q->client_id)))
        return e;
    if (!q->connect->clean &&
        (e = policy_vars_add(&p->vars, "iot:ConnectAttributes", SLICE_LIT("PersistentConnect"))))
        return e;
    if (!q->connect->has_will)
        return ERR_OK;
    (void)snprintf(arn, sizeof(arn), "arn:aws:iot:%s:%s:topic/%.*s", p->gw->env->region, p->gw->env->account,
                   SLICE_FMT(q->connect->will.topic));
    if ((e = policy_vars_add(&p->vars, "iot:ConnectAttributes", SLICE_LIT("LastWill"))))
        return e;
    return policy_vars_add(&p->vars, "iot:LastWillTopic", slice_str(arn));
}

err_t principal_take(struct principal *p, struct facts *facts)
{
    struct policy_matcher *m = NULL;
    err_t e = facts_compile(facts, p->gw->env, &p->vars, &m);

    if (e)
        return e;
    facts_done(&p->facts);
    p->facts = *facts;
    *facts = (struct facts){ 0 };
    policy_matcher_free(p->policies);
    p->policies = m;
    return ERR_OK;
}

void principal_settle(struct principal *p, bool ok)
{
    bool first = p->n_waiting > 0 && p->waiting[0].action == BROKER_CONNECT;

    p->state = PRINCIPAL_READY;
    if (!ok && first)
        p->refused = true;
    else if (!ok)
        principal_cut(p);
    else if (!first)
        enforce(p);
    answer_waiting(p);
}

static enum broker_verdict connect_stranger(struct principal *p, const struct broker_question *q)
{
    if (guest_ask(p, q))
        return BROKER_DENY_CLOSE;
    p->state = PRINCIPAL_LOADING;
    return wait(p, q);
}

/* Its policies are there already; now its client id is known, too. */
static enum broker_verdict connect_guest(struct principal *p)
{
    err_t e = facts_compile(&p->facts, p->gw->env, &p->vars, &p->policies);

    if (e)
        log_error("mqtt principal=%s: its policies cannot be compiled: %s", p->id, err_str(e));
    p->state = PRINCIPAL_READY;
    return e ? BROKER_DENY_CLOSE : verdict(p, BROKER_CONNECT, slice_str(p->client_id), false);
}

enum broker_verdict principal_may(struct principal *p, const struct broker_question *q)
{
    if (q->action == BROKER_CONNECT) {
        if (p->client_id || connect_vars(p, q))
            return BROKER_DENY_CLOSE;
        if (p->guest)
            return guest_asks(p->guest) ? connect_stranger(p, q) : connect_guest(p);
        return principal_load(p) ? BROKER_DENY_CLOSE : wait(p, q);
    }
    /* A delivery cannot wait: it is judged by what was known last, a few milliseconds old at most. */
    if (p->state == PRINCIPAL_LOADING && q->action != BROKER_RECEIVE)
        return wait(p, q);
    return verdict(p, q->action, q->topic, q->retain);
}
