#include "cloud/api/ops.h"

#include "base/mem.h"
#include "cloud/api/public.h"
#include "cloud/gateway/authorization.h"
#include "cloud/gateway/authorizer.h"
#include "cloud/gateway/dataplane.h"
#include "cloud/gateway/device.h"
#include "cloud/greengrass/handlers.h"
#include "cloud/lambda/handlers.h"
#include "cloud/provisioning/handlers.h"
#include "cloud/registry/handlers.h"
#include "cloud/shadows/handlers.h"

#define GG API_CONTROL | API_GREENGRASS
#define SHADOW API_CONTROL | API_DEVICE | API_RAW_BODY | API_SHADOW_CODES
#define DATA API_CONTROL | API_DEVICE | API_RAW_BODY | API_SHADOW_CODES | API_READS
#define CORE API_DEVICE | API_GREENGRASS
#define FUNCTIONS "/2015-03-31/functions"
#define FUNCTION "/2015-03-31/functions/{FunctionName}"
#define DEPLOYMENT "/greengrass/groups/{groupId}/deployments/{deploymentId}"

const struct api_op api_ops[] = {
    { "GetRootCertificate", "GET", "/root.ca.pem", public_root, API_PUBLIC | API_READS },
    { "GetEndpoints", "GET", "/sedge/endpoints", public_endpoints, API_PUBLIC | API_READS },

    { "GetRegistrationReport", "GET", "/sedge/registration-reports/{accountId}/{taskId}/{reportType}",
      registration_task_report, API_PUBLIC | API_READS },

    { "DescribeEndpoint", "GET", "/endpoint", endpoint_describe, API_CONTROL | API_READS },

    { "CreateThing", "POST", "/things/{thingName}", thing_create, API_CONTROL },
    { "DescribeThing", "GET", "/things/{thingName}", thing_describe, API_CONTROL | API_READS },
    { "UpdateThing", "PATCH", "/things/{thingName}", thing_update, API_CONTROL },
    { "DeleteThing", "DELETE", "/things/{thingName}", thing_delete, API_CONTROL },
    { "ListThings", "GET", "/things", thing_list, API_CONTROL | API_READS },
    { "AttachThingPrincipal", "PUT", "/things/{thingName}/principals", principal_attach, API_CONTROL },
    { "DetachThingPrincipal", "DELETE", "/things/{thingName}/principals", principal_detach, API_CONTROL },
    { "ListThingPrincipals", "GET", "/things/{thingName}/principals", principal_list,
      API_CONTROL | API_READS },

    { "CreateThingType", "POST", "/thing-types/{thingTypeName}", thing_type_create, API_CONTROL },
    { "DescribeThingType", "GET", "/thing-types/{thingTypeName}", thing_type_describe,
      API_CONTROL | API_READS },
    { "UpdateThingType", "PATCH", "/thing-types/{thingTypeName}", thing_type_update, API_CONTROL },
    { "DeprecateThingType", "POST", "/thing-types/{thingTypeName}/deprecate", thing_type_deprecate,
      API_CONTROL },
    { "DeleteThingType", "DELETE", "/thing-types/{thingTypeName}", thing_type_delete, API_CONTROL },
    { "ListThingTypes", "GET", "/thing-types", thing_type_list, API_CONTROL | API_READS },

    { "AddThingToThingGroup", "PUT", "/thing-groups/addThingToThingGroup", group_member_add, API_CONTROL },
    { "RemoveThingFromThingGroup", "PUT", "/thing-groups/removeThingFromThingGroup", group_member_remove,
      API_CONTROL },
    { "UpdateThingGroupsForThing", "PUT", "/thing-groups/updateThingGroupsForThing", group_members_update,
      API_CONTROL },
    { "CreateThingGroup", "POST", "/thing-groups/{thingGroupName}", thing_group_create, API_CONTROL },
    { "DescribeThingGroup", "GET", "/thing-groups/{thingGroupName}", thing_group_describe,
      API_CONTROL | API_READS },
    { "UpdateThingGroup", "PATCH", "/thing-groups/{thingGroupName}", thing_group_update, API_CONTROL },
    { "DeleteThingGroup", "DELETE", "/thing-groups/{thingGroupName}", thing_group_delete, API_CONTROL },
    { "ListThingGroups", "GET", "/thing-groups", thing_group_list, API_CONTROL | API_READS },
    { "ListThingsInThingGroup", "GET", "/thing-groups/{thingGroupName}/things", group_member_list,
      API_CONTROL | API_READS },
    { "ListThingGroupsForThing", "GET", "/things/{thingName}/thing-groups", thing_group_list_for_thing,
      API_CONTROL | API_READS },

    { "CreateBillingGroup", "POST", "/billing-groups/{billingGroupName}", billing_group_create, API_CONTROL },
    { "DescribeBillingGroup", "GET", "/billing-groups/{billingGroupName}", billing_group_describe,
      API_CONTROL | API_READS },
    { "UpdateBillingGroup", "PATCH", "/billing-groups/{billingGroupName}", billing_group_update,
      API_CONTROL },
    { "DeleteBillingGroup", "DELETE", "/billing-groups/{billingGroupName}", billing_group_delete,
      API_CONTROL },
    { "ListBillingGroups", "GET", "/billing-groups", billing_group_list, API_CONTROL | API_READS },
    { "AddThingToBillingGroup", "PUT", "/billing-groups/addThingToBillingGroup", billing_group_add_thing,
      API_CONTROL },
    { "RemoveThingFromBillingGroup", "PUT", "/billing-groups/removeThingFromBillingGroup",
      billing_group_remove_thing, API_CONTROL },
    { "ListThingsInBillingGroup", "GET", "/billing-groups/{billingGroupName}/things",
      billing_group_list_things, API_CONTROL | API_READS },

    { "CreateDomainConfiguration", "POST", "/domainConfigurations/{domainConfigurationName}",
      domain_configuration_create, API_CONTROL },
    { "DescribeDomainConfiguration", "GET", "/domainConfigurations/{domainConfigurationName}",
      domain_configuration_describe, API_CONTROL | API_READS },
    { "UpdateDomainConfiguration", "PUT", "/domainConfigurations/{domainConfigurationName}",
      domain_configuration_update, API_CONTROL },
    { "DeleteDomainConfiguration", "DELETE", "/domainConfigurations/{domainConfigurationName}",
      domain_configuration_delete, API_CONTROL },
    { "ListDomainConfigurations", "GET", "/domainConfigurations", domain_configuration_list,
      API_CONTROL | API_READS },

    { "CreateRoleAlias", "POST", "/role-aliases/{roleAlias}", role_alias_create, API_CONTROL },
    { "DescribeRoleAlias", "GET", "/role-aliases/{roleAlias}", role_alias_describe, API_CONTROL | API_READS },
    { "UpdateRoleAlias", "PUT", "/role-aliases/{roleAlias}", role_alias_update, API_CONTROL },
    { "DeleteRoleAlias", "DELETE", "/role-aliases/{roleAlias}", role_alias_delete, API_CONTROL },
    { "ListRoleAliases", "GET", "/role-aliases", role_alias_list, API_CONTROL | API_READS },

    { "CreateAuthorizer", "POST", "/authorizer/{authorizerName}", authorizer_create, API_CONTROL },
    { "DescribeAuthorizer", "GET", "/authorizer/{authorizerName}", authorizer_describe,
      API_CONTROL | API_READS },
    { "UpdateAuthorizer", "PUT", "/authorizer/{authorizerName}", authorizer_update, API_CONTROL },
    { "DeleteAuthorizer", "DELETE", "/authorizer/{authorizerName}", authorizer_delete, API_CONTROL },
    { "TestInvokeAuthorizer", "POST", "/authorizer/{authorizerName}/test", authorizer_test_check,
      API_CONTROL | API_READS, .after = authorizer_test },
    { "ListAuthorizers", "GET", "/authorizers/", authorizer_list, API_CONTROL | API_READS },
    { "SetDefaultAuthorizer", "POST", "/default-authorizer", authorizer_set_default, API_CONTROL },
    { "DescribeDefaultAuthorizer", "GET", "/default-authorizer", authorizer_describe_default,
      API_CONTROL | API_READS },
    { "ClearDefaultAuthorizer", "DELETE", "/default-authorizer", authorizer_clear_default, API_CONTROL },

    { "CreateProvisioningTemplate", "POST", "/provisioning-templates", provisioning_template_create,
      API_CONTROL },
    { "DescribeProvisioningTemplate", "GET", "/provisioning-templates/{templateName}",
      provisioning_template_describe, API_CONTROL | API_READS },
    { "UpdateProvisioningTemplate", "PATCH", "/provisioning-templates/{templateName}",
      provisioning_template_update, API_CONTROL },
    { "DeleteProvisioningTemplate", "DELETE", "/provisioning-templates/{templateName}",
      provisioning_template_delete, API_CONTROL },
    { "ListProvisioningTemplates", "GET", "/provisioning-templates", provisioning_template_list,
      API_CONTROL | API_READS },
    { "CreateProvisioningTemplateVersion", "POST", "/provisioning-templates/{templateName}/versions",
      provisioning_version_create, API_CONTROL },
    { "DescribeProvisioningTemplateVersion", "GET",
      "/provisioning-templates/{templateName}/versions/{versionId}", provisioning_version_describe,
      API_CONTROL | API_READS },
    { "DeleteProvisioningTemplateVersion", "DELETE",
      "/provisioning-templates/{templateName}/versions/{versionId}", provisioning_version_delete,
      API_CONTROL },
    { "ListProvisioningTemplateVersions", "GET", "/provisioning-templates/{templateName}/versions",
      provisioning_version_list, API_CONTROL | API_READS },
    { "StartThingRegistrationTask", "POST", "/thing-registration-tasks", registration_task_start,
      API_CONTROL },
    { "StopThingRegistrationTask", "PUT", "/thing-registration-tasks/{taskId}/cancel", registration_task_stop,
      API_CONTROL },
    { "DescribeThingRegistrationTask", "GET", "/thing-registration-tasks/{taskId}",
      registration_task_describe, API_CONTROL | API_READS },
    { "ListThingRegistrationTasks", "GET", "/thing-registration-tasks", registration_task_list,
      API_CONTROL | API_READS },
    { "ListThingRegistrationTaskReports", "GET", "/thing-registration-tasks/{taskId}/reports",
      registration_task_reports, API_CONTROL | API_READS },
    { "RegisterThing", "POST", "/things", provisioning_register_thing, API_CONTROL },
    { "CreateProvisioningClaim", "POST", "/provisioning-templates/{templateName}/provisioning-claim",
      provisioning_claim_create, API_CONTROL | API_NEEDS_KEY },

    { "TagResource", "POST", "/tags", tag_add, API_CONTROL },
    { "UntagResource", "POST", "/untag", tag_remove, API_CONTROL },
    { "ListTagsForResource", "GET", "/tags", tag_list, API_CONTROL | API_READS },

    { "DescribeEventConfigurations", "GET", "/event-configurations", event_configurations_describe,
      API_CONTROL | API_READS },
    { "UpdateEventConfigurations", "PATCH", "/event-configurations", event_configurations_update,
      API_CONTROL },

    { "SetLoggingOptions", "POST", "/loggingOptions", logging_set_v1, API_CONTROL },
    { "GetLoggingOptions", "GET", "/loggingOptions", logging_get_v1, API_CONTROL | API_READS },
    { "SetV2LoggingOptions", "POST", "/v2LoggingOptions", logging_set_v2, API_CONTROL },
    { "GetV2LoggingOptions", "GET", "/v2LoggingOptions", logging_get_v2, API_CONTROL | API_READS },
    { "SetV2LoggingLevel", "POST", "/v2LoggingLevel", logging_set_level, API_CONTROL },
    { "DeleteV2LoggingLevel", "DELETE", "/v2LoggingLevel", logging_delete_level, API_CONTROL },
    { "ListV2LoggingLevels", "GET", "/v2LoggingLevel", logging_list_levels, API_CONTROL | API_READS },

    { "CreateKeysAndCertificate", "POST", "/keys-and-certificate", certificate_create_keys,
      API_CONTROL | API_NEEDS_KEY },
    { "CreateCertificateFromCsr", "POST", "/certificates", certificate_create_csr, API_CONTROL },
    { "RegisterCertificate", "POST", "/certificate/register", certificate_register, API_CONTROL },
    { "RegisterCertificateWithoutCA", "POST", "/certificate/register-no-ca", certificate_register_no_ca,
      API_CONTROL },
    { "DescribeCertificate", "GET", "/certificates/{certificateId}", certificate_describe,
      API_CONTROL | API_READS },
    { "UpdateCertificate", "PUT", "/certificates/{certificateId}", certificate_update, API_CONTROL },
    { "DeleteCertificate", "DELETE", "/certificates/{certificateId}", certificate_delete, API_CONTROL },
    { "TransferCertificate", "PATCH", "/transfer-certificate/{certificateId}", transfer_certificate,
      API_CONTROL },
    { "AcceptCertificateTransfer", "PATCH", "/accept-certificate-transfer/{certificateId}", transfer_accept,
      API_CONTROL | API_ACROSS },
    { "RejectCertificateTransfer", "PATCH", "/reject-certificate-transfer/{certificateId}", transfer_reject,
      API_CONTROL | API_ACROSS },
    { "CancelCertificateTransfer", "PATCH", "/cancel-certificate-transfer/{certificateId}", transfer_cancel,
      API_CONTROL },
    { "ListOutgoingCertificates", "GET", "/certificates-out-going", transfer_list, API_CONTROL | API_READS },
    { "ListCertificates", "GET", "/certificates", certificate_list, API_CONTROL | API_READS },

    { "GetRegistrationCode", "GET", "/registrationcode", ca_registration_code, API_CONTROL },
    { "RegisterCACertificate", "POST", "/cacertificate", ca_register, API_CONTROL },
    { "DescribeCACertificate", "GET", "/cacertificate/{caCertificateId}", ca_describe,
      API_CONTROL | API_READS },
    { "UpdateCACertificate", "PUT", "/cacertificate/{caCertificateId}", ca_update, API_CONTROL },
    { "DeleteCACertificate", "DELETE", "/cacertificate/{caCertificateId}", ca_delete, API_CONTROL },
    { "DeleteRegistrationCode", "DELETE", "/registrationcode", ca_delete_registration_code, API_CONTROL },
    { "ListCACertificates", "GET", "/cacertificates", ca_list, API_CONTROL | API_READS },
    { "ListCertificatesByCA", "GET", "/certificates-by-ca/{caCertificateId}", certificate_list_by_ca,
      API_CONTROL | API_READS },
    { "ListPrincipalThings", "GET", "/principals/things", principal_list_things, API_CONTROL | API_READS },

    { "CreatePolicy", "POST", "/policies/{policyName}", policy_create, API_CONTROL },
    { "GetPolicy", "GET", "/policies/{policyName}", policy_get, API_CONTROL | API_READS },
    { "DeletePolicy", "DELETE", "/policies/{policyName}", policy_delete, API_CONTROL },
    { "ListPolicies", "GET", "/policies", policy_list, API_CONTROL | API_READS },
    { "CreatePolicyVersion", "POST", "/policies/{policyName}/version", policy_version_create, API_CONTROL },
    { "ListPolicyVersions", "GET", "/policies/{policyName}/version", policy_version_list,
      API_CONTROL | API_READS },
    { "GetPolicyVersion", "GET", "/policies/{policyName}/version/{policyVersionId}", policy_version_get,
      API_CONTROL | API_READS },
    { "SetDefaultPolicyVersion", "PATCH", "/policies/{policyName}/version/{policyVersionId}",
      policy_version_set_default, API_CONTROL },
    { "DeletePolicyVersion", "DELETE", "/policies/{policyName}/version/{policyVersionId}",
      policy_version_delete, API_CONTROL },
    { "AttachPolicy", "PUT", "/target-policies/{policyName}", policy_attach, API_CONTROL },
    { "DetachPolicy", "POST", "/target-policies/{policyName}", policy_detach, API_CONTROL },
    { "ListAttachedPolicies", "POST", "/attached-policies/{target}", policy_list_attached,
      API_CONTROL | API_READS },
    { "ListTargetsForPolicy", "POST", "/policy-targets/{policyName}", policy_list_targets,
      API_CONTROL | API_READS },
    { "AttachPrincipalPolicy", "PUT", "/principal-policies/{policyName}", policy_attach_principal,
      API_CONTROL },
    { "DetachPrincipalPolicy", "DELETE", "/principal-policies/{policyName}", policy_detach_principal,
      API_CONTROL },
    { "ListPrincipalPolicies", "GET", "/principal-policies", policy_list_of_principal,
      API_CONTROL | API_READS },
    { "ListPolicyPrincipals", "GET", "/policy-principals", policy_list_principals, API_CONTROL | API_READS },
    { "TestAuthorization", "POST", "/test-authorization", authorization_test, API_CONTROL | API_READS },
    { "GetEffectivePolicies", "POST", "/effective-policies", authorization_effective,
      API_CONTROL | API_READS },

    { "GetThingShadow", "GET", "/things/{thingName}/shadow", shadow_get, SHADOW | API_READS,
      "iot:GetThingShadow", "iot:thing/{thingName}{/name}" },
    { "UpdateThingShadow", "POST", "/things/{thingName}/shadow", shadow_update, SHADOW,
      "iot:UpdateThingShadow", "iot:thing/{thingName}{/name}" },
    { "DeleteThingShadow", "DELETE", "/things/{thingName}/shadow", shadow_delete, SHADOW,
      "iot:DeleteThingShadow", "iot:thing/{thingName}{/name}" },
    { "ListNamedShadowsForThing", "GET", "/api/things/shadow/ListNamedShadowsForThing/{thingName}",
      shadow_list_named, API_CONTROL | API_DEVICE | API_SHADOW_CODES | API_READS,
      "iot:ListNamedShadowsForThing", "iot:thing/{thingName}" },

    { "CreateDefinition", "POST", "/greengrass/definition/{kind}", definition_create, GG },
    { "ListDefinitions", "GET", "/greengrass/definition/{kind}", definition_list, GG | API_READS },
    { "GetDefinition", "GET", "/greengrass/definition/{kind}/{id}", definition_get, GG | API_READS },
    { "CreateDefinitionVersion", "POST", "/greengrass/definition/{kind}/{id}/versions",
      definition_version_create, GG },
    { "GetDefinitionVersion", "GET", "/greengrass/definition/{kind}/{id}/versions/{version}",
      definition_version_get, GG | API_READS },

    { "CreateGroup", "POST", "/greengrass/groups", group_create, GG },
    { "ListGroups", "GET", "/greengrass/groups", group_list, GG | API_READS },
    { "GetGroup", "GET", "/greengrass/groups/{groupId}", group_get, GG | API_READS },
    { "CreateGroupVersion", "POST", "/greengrass/groups/{groupId}/versions", group_version_create, GG },
    { "GetGroupVersion", "GET", "/greengrass/groups/{groupId}/versions/{version}", group_version_get,
      GG | API_READS },
    { "CreateDeployment", "POST", "/greengrass/groups/{groupId}/deployments", deployment_create, GG },
    { "ListDeployments", "GET", "/greengrass/groups/{groupId}/deployments", deployment_list, GG | API_READS },
    { "GetDeploymentStatus", "GET", DEPLOYMENT "/status", deployment_status, GG | API_READS },

    { "Publish", "POST", "/topics/{topic+}", data_publish_check, DATA | API_RETAIN | API_TRACED,
      "iot:Publish", "iot:topic/{topic}", data_publish },
    { "GetRetainedMessage", "GET", "/retainedMessage/{topic+}", data_check, DATA, "iot:GetRetainedMessage",
      "iot:topic/{topic}", data_retained_get },
    { "ListRetainedMessages", "GET", "/retainedMessage", data_check, DATA, "iot:ListRetainedMessages",
      "iot:*", data_retained_list },
    { "GetConnection", "GET", "/connections/{clientId}", data_check, DATA, "iot:GetConnection",
      "iot:client/{clientId}", data_connection_get },
    { "ListSubscriptions", "GET", "/connections/{clientId}/subscriptions", data_check, DATA,
      "iot:ListSubscriptions", "iot:client/{clientId}", data_connection_subscriptions },
    { "DeleteConnection", "DELETE", "/connections/{clientId}", data_check, DATA, "iot:DeleteConnection",
      "iot:client/{clientId}", data_connection_delete },

    { "GetCredentials", "GET", "/role-aliases/{roleAlias}/credentials", credentials_issue,
      API_DEVICE | API_READS, "iot:AssumeRoleWithCertificate", "iot:rolealias/{roleAlias}" },
    { "GetConnection", "GET", "/sedge/connection", device_connection, API_DEVICE | API_READS },
    { "CreateFunction", "POST", FUNCTIONS, function_create, API_CONTROL | API_CREATED },
    { "ListFunctions", "GET", FUNCTIONS "/", function_list, API_CONTROL | API_READS },
    { "GetFunction", "GET", FUNCTION, function_get, API_CONTROL | API_READS },
    { "DeleteFunction", "DELETE", FUNCTION, function_delete, API_CONTROL | API_NO_CONTENT },
    { "GetFunctionConfiguration", "GET", FUNCTION "/configuration", function_get_configuration,
      API_CONTROL | API_READS },
    { "UpdateFunctionConfiguration", "PUT", FUNCTION "/configuration", function_update_configuration,
      API_CONTROL },
    { "UpdateFunctionCode", "PUT", FUNCTION "/code", function_update_code, API_CONTROL },
    { "PublishVersion", "POST", FUNCTION "/versions", function_version_publish, API_CONTROL | API_CREATED },
    { "ListVersionsByFunction", "GET", FUNCTION "/versions", function_version_list, API_CONTROL | API_READS },
    { "CreateAlias", "POST", FUNCTION "/aliases", function_alias_create, API_CONTROL | API_CREATED },
    { "ListAliases", "GET", FUNCTION "/aliases", function_alias_list, API_CONTROL | API_READS },
    { "GetAlias", "GET", FUNCTION "/aliases/{Name}", function_alias_get, API_CONTROL | API_READS },
    { "UpdateAlias", "PUT", FUNCTION "/aliases/{Name}", function_alias_update, API_CONTROL },
    { "DeleteAlias", "DELETE", FUNCTION "/aliases/{Name}", function_alias_delete,
      API_CONTROL | API_NO_CONTENT },

    { "GetDeployment", "GET", DEPLOYMENT, core_document, CORE | API_READS, "greengrass:GetDeployment",
      "greengrass:" DEPLOYMENT },
    { "GetDeploymentArtifact", "GET", DEPLOYMENT "/artifacts/{name}", core_artifact, CORE | API_READS,
      "greengrass:GetDeploymentArtifacts", "greengrass:" DEPLOYMENT },
    { "UpdateCoreDeploymentStatus", "PUT", DEPLOYMENT "/cores/{coreArn}/status", core_status, CORE,
      "greengrass:UpdateCoreDeploymentStatus", "greengrass:" DEPLOYMENT "/cores/{coreArn%}" },
};
const size_t api_ops_count = ARRAY_LEN(api_ops);

const struct api_op *api_op_of_service(const struct api_op *op, const char *service)
{
    if (strcmp(service, "iot-jobs-data") != 0)
        return op;
    for (size_t i = 0; i < api_later_ops_count; i++) {
        const struct api_op *o = &api_later_ops[i];
        if ((o->flags & API_JOBS_DATA) && strcmp(o->method, op->method) == 0 &&
            strcmp(o->path, op->path) == 0)
            return o;
    }
    return op;
}

static size_t add_routes(const struct api_op *ops, size_t n, unsigned flags, http_handler_fn fn,
                         struct http_route *out)
{
    size_t added = 0;

    for (size_t i = 0; i < n; i++) {
        if (ops[i].flags & flags)
            out[added++] = (struct http_route){ ops[i].method, ops[i].path, fn, &ops[i] };
    }
    return added;
}

err_t api_ops_routes(unsigned flags, http_handler_fn fn, struct http_route **ret, size_t *ret_n)
{
    struct http_route *routes = mem_calloc(api_ops_count + api_later_ops_count, sizeof(*routes));
    size_t n;

    if (!routes)
        return ERR_NOMEM;
    n = add_routes(api_ops, api_ops_count, flags, fn, routes);
    n += add_routes(api_later_ops, api_later_ops_count, flags, fn, routes + n);
    *ret = routes;
    *ret_n = n;
    return ERR_OK;
}
