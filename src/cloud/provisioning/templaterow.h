/* src/cloud/provisioning/templaterow.h - stored provisioning templates. On the database thread. */
#pragma once
#include "cloud/api/call.h"
#include "cloud/provisioning/template.h"

#define TEMPLATE_NAME_MAX 36u
#define TEMPLATE_KIND "provisioningtemplate" /* in ARNs */

struct template_row {
    /* type, description, enabled, provisioningRoleArn, preProvisioningHook {payloadVersion, targetArn}: what
     * DescribeProvisioningTemplate says of them. Owned. */
    json_t *settings;
    char *body; /* of the default version; owned */
    int64_t default_version, last_version, created_ms, modified_ms;
};
void template_row_done(struct template_row *r);
#define auto_template_row __attribute__((cleanup(template_row_done))) struct template_row

bool template_name_ok(const char *s); /* [0-9A-Za-z_-]{1,36} */

/* ERR_NOT_FOUND. *ret is to be freed in every case. */
err_t template_row_load(struct db *db, const char *name, struct template_row *ret);
/* The one that the label templateName names: InvalidRequestException, ResourceNotFoundException. */
err_t template_row_of_label(struct api_call *c, const char **ret_name, struct template_row *ret);
/* Is it of this type (FLEET_PROVISIONING, JITP)? */
bool template_row_is(const struct template_row *r, const char *type);

/* A template's text as it comes from a user: InvalidRequestException when it is none; device: it is for
 * provisioning devices (template_check_device). ret may be NULL. */
err_t template_of_body(struct api_call *c, const char *text, bool device, struct template **ret);
/* Store the text of one version. Errors of db_run. */
err_t template_version_store(struct api_call *c, const char *name, int64_t version, const char *body);
