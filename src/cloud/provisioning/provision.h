/* src/cloud/provisioning/provision.h - make what a provisioning template says: certificate, thing, policies
 * and what ties them together. On the database thread, in the transaction of the call it is part of.
 *
 * It runs the registry's own handlers, so names, limits and rules are theirs, and so are their effects and
 * events. A failure leaves an API error in the call; the transaction must then be rolled back. Spec: iot-core
 * reference 2.5, docs/spec/provisioning.md PV-20..29.
 */
#pragma once
#include "cloud/api/call.h"
#include "cloud/provisioning/template.h"

struct provision_request {
    const struct template *template;
    const json_t *params; /* an object of texts; NULL: none */
    /* The certificate that a device asks with (fleet provisioning, JITP): registered already, and the
     * template must mean this one; AWS::IoT::Certificate::Id is supplied. NULL: RegisterThing of the API,
     * which may name, register or sign any. */
    const char *certificate_id;
};

struct provision_result {
    char thing[129];              /* "" when the template has none */
    char certificate_id[65];      /* the same */
    char *certificate_pem;        /* NULL when there is none */
    json_t *arns;                 /* {key of the resource: ARN} */
    json_t *device_configuration; /* an object of texts */
};
void provision_result_done(struct provision_result *r);
#define auto_provision_result __attribute__((cleanup(provision_result_done))) struct provision_result

/* API_REGISTRATION_FAILURE: a parameter is missing or something cannot be made, c->message says what;
 * API_RESOURCE_CONFLICT: an override is FAIL and what is there differs. */
err_t provision_run(struct api_call *c, const struct provision_request *rq, struct provision_result *ret);
