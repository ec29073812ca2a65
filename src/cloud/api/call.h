/* src/cloud/api/call.h - one API request as its handler sees it: parameters in, JSON or an error out.
 *
 * Handlers run on the database thread inside a transaction and may run more than once (store.h):
 * api_call_reset comes before each run. They touch nothing but the call and its database, so unit tests call
 * them directly.
 */
#pragma once
#include "base/buf.h"
#include "base/json.h"
#include "cloud/api/error.h"
#include "cloud/effects.h"
#include "cloud/env.h"
#include "cloud/policy/vars.h"
#include "db/db.h"

#define API_MESSAGE_MAX 512u
#define API_REGION_MAX 64u
#define API_REPLY_MAX (17u << 20) /* above PACKAGE_ZIP_MAX and GG_GROUP_MAX */
#define API_KEY_MAX 8192u
#define API_CALLER_ID_MAX 129u

struct api_call;
struct gateway;
typedef err_t (*api_handler_fn)(struct api_call *c);
/* The second half of a handler, on the loop, after the first one's transaction. ERR_MORE: late(ctx, err)
 * follows, once and not from inside; ERR_CANCELLED then: nobody is to be answered any more. */
typedef void (*api_late_fn)(void *ctx, err_t e);
typedef err_t (*api_after_fn)(struct api_call *c, struct gateway *gw, api_late_fn late, void *ctx);

enum api_flags {
    API_GREENGRASS = 1,    /* errors as {"Message": ...} */
    API_RAW_BODY = 2,      /* the body is not ours to parse */
    API_NEEDS_KEY = 4,     /* a key pair is made in a child before the handler runs */
    API_CONTROL = 8,       /* offered on the control port, to SigV4 callers */
    API_DEVICE = 16,       /* offered on the device port, to certificates */
    API_PUBLIC = 32,       /* on the control port without a signature */
    API_SHADOW_CODES = 64, /* errors as the data plane's */
    API_JOBS_DATA = 256,   /* of iot-jobs-data, two of whose paths are the control plane's, too */
    API_RETAIN = 2048,     /* with retain=true the right to iot:RetainPublish is needed, too */
    API_TRACED = 4096,     /* errors carry a traceId (iot-core reference 1.7) */
    API_READS = 128,       /* the handler writes nothing: it waits for no writer (store.h) */
    API_CREATED = 512,     /* answers 201 */
    API_NO_CONTENT = 1024, /* answers 204 */
    API_ACROSS = 8192,     /* is about an object of another account (registry/transfer.h) */
};

/* One operation: a row of the route table. */
struct api_op {
    const char *name;
    const char *method;
    const char *path;
    api_handler_fn run;
    unsigned flags;
    /* For API_DEVICE: the policy action and how its resource is named: a format with {labels}
     * (gateway/device.c), put behind arn:aws:SERVICE:REGION:ACCOUNT: (a '/' after the account belongs to the
     * format). */
    const char *action;
    const char *resource;
    api_after_fn after; /* NULL: there is no second half */
};

struct api_param {
    char *name, *value;
};

/* Whose access key signed the request. */
struct api_caller {
    char id[API_CALLER_ID_MAX];
    char *policy; /* what the key may do; NULL: everything */
};

struct api_call {
    const struct cloud_env *env;
    const struct api_op *op;
    struct db *db; /* while the handler runs */
    int64_t now_ms;
    char region[API_REGION_MAX]; /* of the credential scope (trap 38) */
    struct api_param *params;    /* labels and query, decoded; their names never collide */
    size_t n_params, cap_params;
    json_t *body;                       /* an object; {} when there was none */
    struct buf raw;                     /* API_RAW_BODY */
    struct buf key_private, key_public; /* API_NEEDS_KEY: PEM */
    char *cert_id;                      /* API_DEVICE: who asks */
    struct policy_vars vars;            /* and what policies may say about him */
    struct api_caller caller;           /* API_CONTROL */
    const char *abroad; /* API_ACROSS: the account whose database this is, when it is not the caller's own */
    char *moved;        /* API_ACROSS: what that account let go of (registry/transfer.h) */
    api_handler_fn authorize; /* runs before the handler, in its transaction; NULL: the caller may */

    /* the answer */
    json_t *reply;
    struct buf text;          /* instead of `reply`: bytes as they are */
    const char *content_type; /* of `text`; NULL: application/json */
    enum api_error error;
    char message[API_MESSAGE_MAX];
    json_t *error_members; /* more members of the error's body */
    struct effects effects;
};

void api_call_init(struct api_call *c, const struct cloud_env *env, const struct api_op *op);
void api_call_done(struct api_call *c);
void api_call_reset(struct api_call *c); /* forget the answer of an earlier run */
/* Run the handler on `db` and write its answer to c->text. An error of the API leaves c->error set. ERR_OK
 * also when `authorize` refuses: nothing was written, and who shares the transaction is not to be rolled back
 * for a stranger's request. */
err_t api_call_run(struct api_call *c, struct db *db);
/* Run the second half; ERR_MORE as api_after_fn. Any other failure leaves c->error set. */
err_t api_call_after(struct api_call *c, struct gateway *gw, api_late_fn late, void *ctx);

/* ERR_NOMEM, ERR_TOO_BIG. */
err_t api_call_add(struct api_call *c, const char *name, const char *value);
const char *api_param(const struct api_call *c, const char *name); /* NULL: absent */
/* "true" and "false"; *ret untouched when absent. */
err_t api_param_bool(struct api_call *c, const char *name, bool *ret);
/* A whole number of at most 18 digits, not negative; *ret untouched when absent. */
err_t api_param_int(struct api_call *c, const char *name, int64_t *ret);
/* Page size: 1..max, `def` when absent. */
err_t api_param_size(struct api_call *c, const char *name, int64_t def, int64_t max, int64_t *ret);

/* Record an AWS error; the value is the class that ends the transaction. A macro so that compilers and
 * analysers see that it is never ERR_OK. */
#define api_fail(c, e, ...) (api_note((c), (e), __VA_ARGS__), ERR_INVALID)
void api_note(struct api_call *c, enum api_error e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* ResourceAlreadyExistsException with resourceId and resourceArn. */
err_t api_fail_exists(struct api_call *c, const char *arn, const char *id, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Set the answer; takes the reference. NULL (jansson had no memory, or text was not UTF-8): ERR_NOMEM. */
err_t api_reply(struct api_call *c, json_t *j);

/* Times as the APIs write them: seconds with a fraction. */
json_t *api_seconds(int64_t ms);
