/* src/cloud/provisioning/jitp.h - just-in-time registration and provisioning of one certificate, in the
 * call's transaction. On the database thread. Spec: iot-core reference 2.4, 2.5, docs/spec/provisioning.md
 * PV-30..39.
 */
#pragma once
#include "cloud/api/call.h"
#include "cloud/provisioning/admissible.h"

/* What the service supplies of a certificate's subject: {"AWS::IoT::Certificate::CommonName": ...}, a new
 * object. Pure. ERR_NOMEM. */
err_t jitp_parameters(const X509 *cert, json_t **ret);

/* Register the certificate as PENDING_ACTIVATION unless that was done; then, when its CA has a template, do
 * what that says (thing gets the thing's name, "" without), otherwise record the event for the CA's owner.
 * Errors as provision_run's: c->message says what is the matter. */
err_t jitp_run(struct api_call *c, X509 *cert, const char *id, const struct admissible *a, char thing[129]);
