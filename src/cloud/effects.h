/* src/cloud/effects.h - what a committed change must tell the running gateway. Filled by handlers on the
 * database thread, applied on the loop after the commit; nothing here happens when the transaction is rolled
 * back.
 */
#pragma once
#include "base/err.h"
#include "shadow/shadow.h"

enum effect_kind {
    EFFECT_PRINCIPAL, /* a certificate, its policies or its things changed: judge its connections again; id =
                         certificateId */
    EFFECT_POLICY,  /* what a policy says changed: judge the connections that have it again; id = its name */
    EFFECT_GROUPS,  /* what applies to thing groups changed: judge all connections again; id unused */
    EFFECT_PUBLISH, /* a shadow answered: publish its messages; id = thing */
    EFFECT_BUILD,   /* a deployment waits to be built; id = deployment */
    EFFECT_TASK,    /* a bulk registration waits, or is to end; id unused */
    EFFECT_EVENT,   /* an event of the registry: publish `text`; id = topic */
};

struct effect {
    enum effect_kind kind;
    char *id;
    char *text;        /* EFFECT_EVENT: the message, JSON */
    char *shadow_name; /* EFFECT_PUBLISH: "" for the classic one */
    enum shadow_op shadow_op;
    struct shadow_result *shadow; /* EFFECT_PUBLISH */
};

struct effects {
    struct effect *e;
    size_t n, cap;
};

void effects_clear(struct effects *fx);
/* ERR_NOMEM, ERR_TOO_BIG. */
err_t effects_add(struct effects *fx, enum effect_kind kind, const char *id);
/* Publish `text` (JSON, copied) on `topic` as the service itself, after the commit. */
err_t effects_add_event(struct effects *fx, const char *topic, const char *text);
/* Takes the contents of *result (zeroed on success). */
err_t effects_add_shadow(struct effects *fx, const char *thing, const char *name, enum shadow_op op,
                         struct shadow_result *result);
