/* src/edge/deploy/agent_impl.h - what the halves of the deployment agent share: messages and life (agent.c),
 * the steps of one deployment (agent_steps.c). On the agent's loop.
 */
#pragma once
#include "base/buf.h"
#include "edge/backoff.h"
#include "edge/deploy/agent.h"
#include "edge/deploy/courier.h"
#include "edge/deploy/dataplane.h"
#include "edge/deploy/deploydoc.h"
#include "edge/deploy/group.h"

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
    size_t artifact;
    struct gda_ref ref;
    struct deploydoc *doc;
    struct buf document;
    struct buf group_text;
    struct group *next_group;
    struct net_timer *retry;
    struct backoff backoff;
};

/* Begin this deployment; one under way is forgotten. Ends with a report owed to the courier. */
void agent_deploy(struct agent *a, const struct gda_ref *ref);
/* Let the core work as the group says: its logger's level and space. */
void agent_apply_group(const struct group *g);
/* The retry timer's callback: the step under way, again. */
void agent_on_retry(void *ctx);
