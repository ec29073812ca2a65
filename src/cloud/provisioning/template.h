/* src/cloud/provisioning/template.h - provisioning templates: read one, fill in the parameters, get what is
 * to be made. Pure; a template is constant and safe from any thread once it was read.
 *
 * Spec: iot-core reference 2.5, docs/spec/provisioning.md PV-1..15.
 */
#pragma once
#include "base/json.h"
#include "cloud/provisioning/expression.h"

#define TEMPLATE_BODY_MAX 10240u  /* characters */
#define TEMPLATE_POLICIES_MAX 10u /* as many as a certificate can have */
#define TEMPLATE_PARAMETERS_MAX 100u
#define TEMPLATE_VALUE_MAX 65536u /* bytes of one parameter's value: a certificate in PEM fits */
#define TEMPLATE_WHY_MAX (EXPRESSION_WHY_MAX + 160u)
#define TEMPLATE_CERTIFICATE_ID "AWS::IoT::Certificate::Id"

struct template;

/* Read a template's text and check all that can be checked without parameters. ERR_INVALID: `why` says what
 * is the matter; ERR_TOO_BIG: over TEMPLATE_BODY_MAX, with a `why` too; ERR_NOMEM. */
err_t template_parse(struct slice text, struct template **ret, char why[TEMPLATE_WHY_MAX]);
void template_free(struct template *t); /* NULL is fine */
void template_free_ptr(struct template **t);
#define auto_template __attribute__((cleanup(template_free_ptr))) struct template

/* Is it one that devices are provisioned with (fleet provisioning, JITP)? Its certificate must be
 * {"CertificateId": {"Ref": "AWS::IoT::Certificate::Id"}}. ERR_INVALID with `why`. */
err_t template_check_device(const struct template *t, char why[TEMPLATE_WHY_MAX]);

/* What happens to a resource's property when the resource is there already. */
enum template_override {
    TEMPLATE_DO_NOTHING, /* also when the template says nothing about it */
    TEMPLATE_REPLACE,
    TEMPLATE_FAIL,
    TEMPLATE_MERGE, /* attributes and groups of things */
};

/* What a template makes of its parameters. Properties are owned objects without functions, NULL where the
 * template has no such resource; the texts are theirs or the template's and live as long. */
struct template_plan {
    const char *thing_key, *certificate_key; /* the resources' names in the template */
    json_t *thing, *certificate;             /* Properties */
    json_t *policies;                        /* {key: Properties} */
    json_t *device_configuration;            /* an object; {} when the template has none */
    enum template_override attributes, type, groups, status;
};
void template_plan_done(struct template_plan *p);
#define auto_plan __attribute__((cleanup(template_plan_done))) struct template_plan

/* params: an object of texts (NULL: none); those the template does not declare and that are not the service's
 * are left aside. Declared ones without value and default: ERR_INVALID, as are texts that are no Number where
 * one is declared. ERR_TOO_BIG: a function's result or a value is over its bound. `why` says what. ERR_NOMEM.
 */
err_t template_resolve(const struct template *t, const json_t *params, struct template_plan *ret,
                       char why[TEMPLATE_WHY_MAX]);
