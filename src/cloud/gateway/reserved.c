#include "cloud/gateway/reserved.h"

#include "base/mem.h"
#include "cloud/provisioning/fleet_topic.h"
#include "mqtt/topic.h"
#include "shadow/topic.h"

#define HEAR 1u    /* clients may subscribe */
#define SAY 2u     /* clients may publish: it goes to the owner */
#define CONSUME 4u /* and to nobody else */

#define SHADOW "$aws/things/+/shadow/"
#define NAMED "$aws/things/+/shadow/name/+/"
#define JOBS "$aws/things/+/jobs/"
#define STREAM "$aws/things/+/streams/+/"
#define DEFENDER "$aws/things/+/defender/metrics/+"
#define COMMANDS "$aws/commands/+/+/executions/+/"
#define EVENTS "$aws/events/"
#define GG "namespace-aws-gg-deployment/"

/* clang-format off */
static const struct {
    const char *filter;
    enum reserved_owner owner;
    unsigned flags;
} rows[] = {
    { SHADOW_FILTER_GET, RESERVED_SHADOWS, SAY | HEAR },
    { SHADOW_FILTER_UPDATE, RESERVED_SHADOWS, SAY | HEAR },
    { SHADOW_FILTER_DELETE, RESERVED_SHADOWS, SAY | HEAR },
    { SHADOW "get/accepted", RESERVED_SHADOWS, HEAR },
    { SHADOW "get/rejected", RESERVED_SHADOWS, HEAR },
    { SHADOW "update/accepted", RESERVED_SHADOWS, HEAR },
    { SHADOW "update/rejected", RESERVED_SHADOWS, HEAR },
    { SHADOW "update/delta", RESERVED_SHADOWS, HEAR },
    { SHADOW "update/documents", RESERVED_SHADOWS, HEAR },
    { SHADOW "delete/accepted", RESERVED_SHADOWS, HEAR },
    { SHADOW "delete/rejected", RESERVED_SHADOWS, HEAR },
    { SHADOW_FILTER_NAMED_GET, RESERVED_SHADOWS, SAY | HEAR },
    { SHADOW_FILTER_NAMED_UPDATE, RESERVED_SHADOWS, SAY | HEAR },
    { SHADOW_FILTER_NAMED_DELETE, RESERVED_SHADOWS, SAY | HEAR },
    { NAMED "get/accepted", RESERVED_SHADOWS, HEAR },
    { NAMED "get/rejected", RESERVED_SHADOWS, HEAR },
    { NAMED "update/accepted", RESERVED_SHADOWS, HEAR },
    { NAMED "update/rejected", RESERVED_SHADOWS, HEAR },
    { NAMED "update/delta", RESERVED_SHADOWS, HEAR },
    { NAMED "update/documents", RESERVED_SHADOWS, HEAR },
    { NAMED "delete/accepted", RESERVED_SHADOWS, HEAR },
    { NAMED "delete/rejected", RESERVED_SHADOWS, HEAR },

    /* all below: what is no request is a misuse, which its owner refuses */
    { FLEET_FILTER_CERTIFICATES, RESERVED_PROVISIONING, SAY | CONSUME },
    { "$aws/certificates/create/+/accepted", RESERVED_PROVISIONING, HEAR },
    { "$aws/certificates/create/+/rejected", RESERVED_PROVISIONING, HEAR },
    { "$aws/certificates/create-from-csr/+/accepted", RESERVED_PROVISIONING, HEAR },
    { "$aws/certificates/create-from-csr/+/rejected", RESERVED_PROVISIONING, HEAR },
    { FLEET_FILTER_TEMPLATES, RESERVED_PROVISIONING, SAY | CONSUME },
    { "$aws/provisioning-templates/+/provision/+/accepted", RESERVED_PROVISIONING, HEAR },
    { "$aws/provisioning-templates/+/provision/+/rejected", RESERVED_PROVISIONING, HEAR },

    { EVENTS "presence/connected/#", RESERVED_EVENTS, HEAR },
    { EVENTS "presence/disconnected/#", RESERVED_EVENTS, HEAR },
    { EVENTS "subscriptions/subscribed/#", RESERVED_EVENTS, HEAR },
    { EVENTS "subscriptions/unsubscribed/#", RESERVED_EVENTS, HEAR },
    { EVENTS "certificates/registered/+", RESERVED_EVENTS, HEAR },
    { EVENTS "certificate/+/+", RESERVED_EVENTS, HEAR }, /* ours, CL-84 */
    { EVENTS "caCertificate/+/+", RESERVED_EVENTS, HEAR },
    { EVENTS "policy/+/+", RESERVED_EVENTS, HEAR },
    { EVENTS "thing/+/+", RESERVED_EVENTS, HEAR },
    { EVENTS "thingType/+/+", RESERVED_EVENTS, HEAR },
    { EVENTS "thingTypeAssociation/thing/+/thingType/+/+", RESERVED_EVENTS, HEAR },
    { EVENTS "thingGroup/+/+", RESERVED_EVENTS, HEAR },
    { EVENTS "thingGroupMembership/thingGroup/+/thing/+/+", RESERVED_EVENTS, HEAR },
    { EVENTS "thingGroupHierarchy/thingGroup/+/childThingGroup/+/+", RESERVED_EVENTS, HEAR },
    { EVENTS "job/+/+", RESERVED_NOBODY, HEAR },
    { EVENTS "jobExecution/+/+", RESERVED_NOBODY, HEAR },
    { EVENTS "commandExecution/+/+", RESERVED_NOBODY, HEAR },

    { JOBS "get/accepted", RESERVED_NOBODY, HEAR },
    { JOBS "get/rejected", RESERVED_NOBODY, HEAR },
    { JOBS "start-next/accepted", RESERVED_NOBODY, HEAR },
    { JOBS "start-next/rejected", RESERVED_NOBODY, HEAR },
    { JOBS "+/get/accepted", RESERVED_NOBODY, HEAR },
    { JOBS "+/get/rejected", RESERVED_NOBODY, HEAR },
    { JOBS "+/update/accepted", RESERVED_NOBODY, HEAR },
    { JOBS "+/update/rejected", RESERVED_NOBODY, HEAR },
    { JOBS "+/" GG "get/accepted", RESERVED_NOBODY, HEAR },
    { JOBS "+/" GG "get/rejected", RESERVED_NOBODY, HEAR },
    { JOBS "+/" GG "update/accepted", RESERVED_NOBODY, HEAR },
    { JOBS "+/" GG "update/rejected", RESERVED_NOBODY, HEAR },
    { JOBS "notify", RESERVED_NOBODY, HEAR },
    { JOBS "notify-next", RESERVED_NOBODY, HEAR },
    { JOBS "notify-next-namespace-aws-gg-deployment", RESERVED_NOBODY, HEAR },
    { STREAM "description/+", RESERVED_NOBODY, HEAR },
    { STREAM "data/+", RESERVED_NOBODY, HEAR },
    { STREAM "rejected/+", RESERVED_NOBODY, HEAR },
    { "$aws/things/+/tunnels/notify", RESERVED_NOBODY, HEAR },
    { DEFENDER "/accepted", RESERVED_NOBODY, HEAR },
    { DEFENDER "/rejected", RESERVED_NOBODY, HEAR },
    { COMMANDS "request/#", RESERVED_NOBODY, HEAR },
    { COMMANDS "response/accepted/#", RESERVED_NOBODY, HEAR },
    { COMMANDS "response/rejected/#", RESERVED_NOBODY, HEAR },
};
/* clang-format on */

err_t reserved_register(struct broker *b, enum reserved_owner owner, broker_intercept_fn fn, void *ctx)
{
    err_t e = ERR_OK;

    for (size_t i = 0; i < ARRAY_LEN(rows) && !e; i++) {
        unsigned how = rows[i].flags & CONSUME ? BROKER_INTERCEPT_CONSUME : BROKER_INTERCEPT_COPY;

        if (rows[i].owner == owner && (rows[i].flags & SAY))
            e = broker_intercept(b, rows[i].filter, how, fn, ctx);
    }
    return e;
}

/* The level in front; *rest is what follows its slash, p NULL at the end. */
static struct slice level(struct slice *rest)
{
    const uint8_t *slash = rest->n ? memchr(rest->p, '/', rest->n) : NULL;
    struct slice l = { rest->p, slash ? (size_t)(slash - rest->p) : rest->n };

    *rest = slash ? slice_skip(*rest, l.n + 1) : (struct slice){ 0 };
    return l;
}

/* Is there a topic that both filters match? */
static bool overlap(struct slice a, struct slice b)
{
    while (a.p && b.p) {
        struct slice x = level(&a), y = level(&b);

        if (slice_eq(x, SLICE_LIT("#")) || slice_eq(y, SLICE_LIT("#")))
            return true;
        if (!slice_eq(x, y) && !slice_eq(x, SLICE_LIT("+")) && !slice_eq(y, SLICE_LIT("+")))
            return false;
    }
    /* a/# is a, too */
    return (!a.p || slice_eq(a, SLICE_LIT("#"))) && (!b.p || slice_eq(b, SLICE_LIT("#")));
}

bool reserved_may_subscribe(struct slice filter)
{
    struct slice group, inner = filter;

    (void)mqtt_share_parse(filter, &group, &inner); /* not shared: as it is */
    if (!slice_starts(inner, SLICE_LIT("$aws/")))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if ((rows[i].flags & HEAR) && overlap(slice_str(rows[i].filter), inner))
            return true;
    }
    return false;
}
