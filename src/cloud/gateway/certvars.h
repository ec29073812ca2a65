/* src/cloud/gateway/certvars.h - what a policy may say about a client's certificate:
 * iot:Certificate.Subject.CommonName and the like. Pure; any thread. Spec: iot-core reference 3.4.
 */
#pragma once
#include "cloud/policy/vars.h"
#include "crypto/cert.h"

/* Add iot:CertificateId, iot:Certificate.Subject.*, .Issuer.*, .SerialNumber and .AvailableKeys. ERR_NOMEM,
 * ERR_TOO_BIG. */
err_t certvars_add(struct policy_vars *vars, const char *cert_id, const X509 *cert);

/* Add aws:SourceIp: the address of `peer`, which is "127.0.0.1:4711" or "[::1]:4711". ERR_NOMEM, ERR_TOO_BIG.
 */
err_t certvars_add_source(struct policy_vars *vars, const char *peer);
