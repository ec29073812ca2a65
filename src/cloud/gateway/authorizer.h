/* src/cloud/gateway/authorizer.h - custom authorizers: whether and as whom somebody is let in, and with which
 * policies, is asked of the operator's own service. The loop's thread.
 *
 * The registry keeps what an authorizer is (registry/authorizers.c); what its function's ARN stands for says
 * only the server's own list (provisioning/hook.h: five seconds, 64 KiB). A signed token is checked here, so
 * that nobody without one costs a call. Spec: iot-core reference 9.6, docs/spec/cloud.md CL-106..109.
 */
#pragma once
#include "base/json.h"
#include "cloud/api/call.h"
#include "cloud/api/request.h"

struct authorizers;
struct hooks;

#define AUTHORIZER_PRINCIPAL_MAX 129u
#define AUTHORIZER_DOCUMENTS_MAX 10u
#define AUTHORIZER_UNDER_WAY_MAX 256u

struct authorizer_answer {
    char principal[AUTHORIZER_PRINCIPAL_MAX];
    const char *documents[AUTHORIZER_DOCUMENTS_MAX];
    size_t n;
    int64_t disconnect_s, refresh_s; /* 300..86400 */
    bool authenticated;
};

enum authorizer_outcome {
    AUTHORIZER_ANSWERED, /* `answer` is set; it lives for the call */
    AUTHORIZER_THERE,    /* authorizer_find: there is one, and what was shown is not wrong */
    AUTHORIZER_REFUSED,  /* before anybody was asked: `why` */
    AUTHORIZER_FAILED,   /* its service gave no usable answer: `why` */
    AUTHORIZER_UNKNOWN,  /* there is none of that name, or no default one */
    AUTHORIZER_CANCELLED /* the server ends */
};
/* On the loop, once, never from inside a call below. */
typedef void (*authorizer_fn)(void *ctx, enum authorizer_outcome outcome,
                              const struct authorizer_answer *answer, const char *why);

/* Both are borrowed. ERR_NOMEM. */
err_t authorizers_new(const struct api_parts *parts, struct hooks *hooks, struct authorizers **ret);
/* Whoever waits is told AUTHORIZER_CANCELLED. Before its hooks and its gateway. NULL is fine. */
void authorizers_free(struct authorizers *a);

/* What somebody brought: `protocolData` of the event. Each part may be missing. */
struct authorizer_show {
    const char *name;    /* NULL: the default authorizer */
    const json_t *shown; /* {"tls": {"serverName"}, "http": {"headers", "queryString"}, "mqtt": {"username",
                          * "password", "clientId"}}; copied */
    const char *token, *signature; /* given apart (TestInvokeAuthorizer); NULL: looked for in `shown` */
    bool test;                     /* also one that is not ACTIVE */
};

/* Ask. ERR_BUSY: too many are asking, ERR_NOMEM: fn does not run. */
err_t authorizer_ask(struct authorizers *a, const struct authorizer_show *show, authorizer_fn fn, void *ctx);
/* Only look whether there is one, and whether a token shown is good. */
err_t authorizer_find(struct authorizers *a, const struct authorizer_show *show, authorizer_fn fn, void *ctx);

/* TestInvokeAuthorizer's handler: are the parameters what they may be? InvalidRequestException. */
err_t authorizer_test_check(struct api_call *c);
/* The second half of it, on the loop. */
err_t authorizer_test(struct api_call *c, struct gateway *gw, api_late_fn late, void *ctx);
