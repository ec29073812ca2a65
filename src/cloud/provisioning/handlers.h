/* src/cloud/provisioning/handlers.h - the operations on provisioning templates and registration tasks, a
 * handler each. See api/call.h for how they run.
 *
 * Spec: iot-core reference 2.5, docs/spec/provisioning.md.
 */
#pragma once
#include "cloud/api/call.h"

err_t provisioning_template_create(struct api_call *c);
err_t provisioning_template_describe(struct api_call *c);
err_t provisioning_template_update(struct api_call *c);
err_t provisioning_template_delete(struct api_call *c);
err_t provisioning_template_list(struct api_call *c);

err_t provisioning_version_create(struct api_call *c);
err_t provisioning_version_describe(struct api_call *c);
err_t provisioning_version_delete(struct api_call *c);
err_t provisioning_version_list(struct api_call *c);

err_t provisioning_register_thing(struct api_call *c);
err_t provisioning_claim_create(struct api_call *c);

err_t registration_task_start(struct api_call *c);
err_t registration_task_stop(struct api_call *c);
err_t registration_task_describe(struct api_call *c);
err_t registration_task_list(struct api_call *c);
err_t registration_task_reports(struct api_call *c);
/* What the links of the reports name: lines of JSON, to whoever knows the link. */
err_t registration_task_report(struct api_call *c);
