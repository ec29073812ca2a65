/* src/edge/deploy/agent_impl.h - what the parts of the deployment agent share: messages and life (agent.c),
 * the driver (agent_steps.c), what each step does (agent_fetch.c, agent_code.c, agent_switch.c). On the
 * agent's loop.
 */
#pragma once
#include "base/buf.h"
#include "edge/backoff.h"
#include "edge/deploy/agent.h"
#include "edge/deploy/coderecord.h"
#include "edge/deploy/courier.h"
#include "edge/deploy/dataplane.h"
#include "edge/deploy/deploydoc.h"
#include "edge/deploy/group.h"
#include "edge/deploy/job.h"
#include "edge/runtime.h"

/* How far the code of one function is. */
enum code_state {
    CODE_NEW,     /* perhaps the running deployment has it */
    CODE_MISSING, /* it has to be downloaded */
    CODE_FETCHED, /* the zip is there */
};

struct code_job; /* agent_code.c */

struct agent {
    struct agent_opts o;
    struct dataplane dataplane;
    struct courier *courier;
    char *get_topic;
    struct group *group; /* what runs */

    /* one deployment */
    bool busy;
    bool switched;
    bool ended; /* the core ends */
    size_t step;
    unsigned tries;
    struct gda_ref ref;
    struct deploydoc *doc;
    struct buf document;
    struct buf group_text;
    struct group *next_group;
    struct net_timer *retry;
    struct backoff backoff;

    /* the code of its functions */
    struct coderecords running_code, next_code;
    size_t function; /* whose turn it is */
    enum code_state code;
    int zip;         /* -1: none */
    struct job *job; /* under way, with */
    struct code_job *work;
};

/* Begin this deployment; one under way is forgotten. Ends with a report owed to the courier. */
void agent_deploy(struct agent *a, const struct gda_ref *ref);
/* The retry timer's callback: the step under way, again. */
void agent_on_retry(void *ctx);

/* ---- for the steps ---- */

/* A step has done what it could not do at once: on to the next part, or the failure. */
void agent_go_on(struct agent *a, err_t e, const char *why);
/* GET .../deployments/DID + tail, answered to the step under way. ERR_MORE, or a failure with *why. */
err_t agent_request(struct agent *a, const char *tail, uint64_t max, int fd, struct problem *why);
/* What a deployment holds beside its folders. */
void agent_forget_code(struct agent *a);

/* Each step: ERR_OK done, ERR_MORE an answer follows (its finish, or agent_go_on), otherwise it failed. Each
 * finish: ERR_OK done, ERR_MORE start it again. */
struct http_answer;
typedef err_t (*agent_start_fn)(struct agent *, struct problem *);
typedef err_t (*agent_finish_fn)(struct agent *, struct http_answer *, struct problem *);
err_t agent_start_document(struct agent *a, struct problem *why);
err_t agent_finish_document(struct agent *a, struct http_answer *answer, struct problem *why);
err_t agent_verify_document(struct agent *a, struct problem *why);
err_t agent_stage(struct agent *a, struct problem *why);
err_t agent_start_group_file(struct agent *a, struct problem *why);
err_t agent_finish_group_file(struct agent *a, struct http_answer *answer, struct problem *why);
err_t agent_check_group(struct agent *a, struct problem *why);
err_t agent_start_code(struct agent *a, struct problem *why);
err_t agent_finish_code(struct agent *a, struct http_answer *answer, struct problem *why);
err_t agent_switch(struct agent *a, struct problem *why);
err_t agent_start_group(struct agent *a, struct problem *why);
err_t agent_commit(struct agent *a, struct problem *why);

/* Let the core work as the group says; functions, routes and loggers. `done` as runtime_apply has it. */
err_t agent_run_group(struct agent *a, const struct group *g, runtime_healthy_fn done, struct problem *why);
/* EC-13: the previous deployment is brought back, or still runs. */
void agent_bring_back(struct agent *a);
