/* src/cloud/provisioning/provision_impl.h - the parts of provision_run, for provision*.c. */
#pragma once
#include "cloud/provisioning/provision.h"

/* Make the plan's thing, or bring the one that is there into line. `name` gets its name. Errors of
 * provision_run. */
err_t provision_thing(struct api_call *c, const struct template_plan *p, char name[129]);

/* Find, register or sign the plan's certificate; not active yet when it is new. Fills the result's id and
 * PEM; *ret_new becomes true
 * when its status is the template's to say, whatever the overrides. */
err_t provision_certificate(struct api_call *c, const struct provision_request *rq,
                            const struct template_plan *p, struct provision_result *ret, bool *ret_new);
/* The last step: set the status that the template says. */
err_t provision_status(struct api_call *c, const struct template_plan *p, const char *id, bool is_new);
