/* src/cloud/registry/handlers.h - the iot control plane's operations, a handler each. See api/call.h for how
 * they run.
 *
 * Spec: iot-core reference 2.1-2.3, 3.8, 4.3.
 */
#pragma once
#include "cloud/api/call.h"

err_t endpoint_describe(struct api_call *c);

err_t thing_create(struct api_call *c);
err_t thing_describe(struct api_call *c);
err_t thing_delete(struct api_call *c);
err_t thing_list(struct api_call *c);
err_t thing_update(struct api_call *c);

err_t thing_group_create(struct api_call *c);
err_t thing_group_describe(struct api_call *c);
err_t thing_group_update(struct api_call *c);
err_t thing_group_delete(struct api_call *c);
err_t thing_group_list(struct api_call *c);
err_t thing_group_list_for_thing(struct api_call *c);
err_t group_member_add(struct api_call *c);
err_t group_member_remove(struct api_call *c);
err_t group_members_update(struct api_call *c);
err_t group_member_list(struct api_call *c);

err_t thing_type_create(struct api_call *c);
err_t thing_type_describe(struct api_call *c);
err_t thing_type_update(struct api_call *c);
err_t thing_type_deprecate(struct api_call *c);
err_t thing_type_delete(struct api_call *c);
err_t thing_type_list(struct api_call *c);

err_t principal_attach(struct api_call *c);
err_t principal_detach(struct api_call *c);
err_t principal_list(struct api_call *c);
err_t principal_list_things(struct api_call *c);

err_t certificate_create_keys(struct api_call *c);
err_t certificate_create_csr(struct api_call *c);
err_t certificate_register(struct api_call *c);
err_t certificate_register_no_ca(struct api_call *c);
err_t certificate_describe(struct api_call *c);
err_t certificate_update(struct api_call *c);
err_t certificate_delete(struct api_call *c);
err_t transfer_certificate(struct api_call *c);
err_t transfer_accept(struct api_call *c); /* also in other accounts' databases: c->abroad */
err_t transfer_reject(struct api_call *c); /* the same */
err_t transfer_cancel(struct api_call *c);
err_t transfer_list(struct api_call *c);
err_t credentials_issue(struct api_call *c); /* for a device */

err_t domain_configuration_create(struct api_call *c);
err_t domain_configuration_describe(struct api_call *c);
err_t domain_configuration_update(struct api_call *c);
err_t domain_configuration_delete(struct api_call *c);
err_t domain_configuration_list(struct api_call *c);
err_t certificate_list(struct api_call *c);
err_t certificate_list_by_ca(struct api_call *c);

err_t ca_registration_code(struct api_call *c);
err_t ca_register(struct api_call *c);
err_t ca_describe(struct api_call *c);
err_t ca_update(struct api_call *c);
err_t ca_delete(struct api_call *c);
err_t ca_delete_registration_code(struct api_call *c);
err_t ca_list(struct api_call *c);

err_t policy_create(struct api_call *c);
err_t policy_get(struct api_call *c);
err_t policy_delete(struct api_call *c);
err_t policy_list(struct api_call *c);
err_t policy_version_create(struct api_call *c);
err_t policy_version_get(struct api_call *c);
err_t policy_version_set_default(struct api_call *c);
err_t policy_version_delete(struct api_call *c);
err_t policy_version_list(struct api_call *c);

err_t policy_attach(struct api_call *c);
err_t policy_detach(struct api_call *c);
err_t policy_attach_principal(struct api_call *c);
err_t policy_detach_principal(struct api_call *c);
err_t policy_list_attached(struct api_call *c);
err_t policy_list_of_principal(struct api_call *c);
err_t policy_list_targets(struct api_call *c);
err_t policy_list_principals(struct api_call *c);

err_t billing_group_create(struct api_call *c);
err_t billing_group_describe(struct api_call *c);
err_t billing_group_update(struct api_call *c);
err_t billing_group_delete(struct api_call *c);
err_t billing_group_list(struct api_call *c);
err_t billing_group_add_thing(struct api_call *c);
err_t billing_group_remove_thing(struct api_call *c);
err_t billing_group_list_things(struct api_call *c);

err_t role_alias_create(struct api_call *c);
err_t role_alias_describe(struct api_call *c);
err_t role_alias_update(struct api_call *c);
err_t role_alias_delete(struct api_call *c);
err_t role_alias_list(struct api_call *c);

err_t tag_add(struct api_call *c);
err_t tag_remove(struct api_call *c);
err_t tag_list(struct api_call *c);

err_t event_configurations_describe(struct api_call *c);
err_t event_configurations_update(struct api_call *c);
/* Is this type of event switched on? `type` is one of the eleven. */
err_t event_is_on(struct api_call *c, const char *type, bool *ret);

err_t logging_set_v1(struct api_call *c);
err_t logging_get_v1(struct api_call *c);
err_t logging_set_v2(struct api_call *c);
err_t logging_get_v2(struct api_call *c);
err_t logging_set_level(struct api_call *c);
err_t logging_delete_level(struct api_call *c);
err_t logging_list_levels(struct api_call *c);

err_t authorizer_create(struct api_call *c);
err_t authorizer_describe(struct api_call *c);
err_t authorizer_update(struct api_call *c);
err_t authorizer_delete(struct api_call *c);
err_t authorizer_list(struct api_call *c);
err_t authorizer_set_default(struct api_call *c);
err_t authorizer_describe_default(struct api_call *c);
err_t authorizer_clear_default(struct api_call *c);
