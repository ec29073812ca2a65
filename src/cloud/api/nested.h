/* src/cloud/api/nested.h - run another operation's handler as a part of this call: its transaction, its time
 * and region, its effects. On the database thread.
 */
#pragma once
#include "cloud/api/call.h"

#define API_NESTED_PARAMS_MAX 4u

struct api_nested {
    api_handler_fn run;
    struct {
        const char *name, *value;
    } params[API_NESTED_PARAMS_MAX]; /* borrowed; up to the first without a name */
    json_t *body;                    /* taken over; NULL: {} */
};

/* The handler's answer in *ret (a new reference, {} when it gave none; ret may be NULL). When it fails, what
 * it recorded (error, message, members) is recorded in `c`: the caller may replace it. Whatever the failure,
 * the transaction is to be rolled back unless the handler only looked. */
err_t api_nested_run(struct api_call *c, const struct api_nested *n, json_t **ret);
/* Forget a failure that was expected. */
void api_nested_forget(struct api_call *c);
