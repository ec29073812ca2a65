/* src/cloud/provisioning/ownership.h - who may have a new certificate provisioned: ownership tokens. On the
 * database thread.
 *
 * A token is a random text that only the device that asked for the certificate was told; the database keeps
 * its hash. It is good for one certificate, in the account of this database, in the hands of the principal
 * that asked, for one registration (which may be repeated as it was: an answer can get lost), and for an
 * hour. Spec: iot-core reference 2.6, docs/spec/fleet.md FP-1..9.
 */
#pragma once
#include "cloud/api/call.h"
#include "crypto/digest.h"

#define OWNERSHIP_TOKEN_MAX 65
#define OWNERSHIP_LIFE_MS 3600000

/* A token for the certificate; c->cert_id is who asked. */
err_t ownership_new(struct api_call *c, const char *certificate, char token[OWNERSHIP_TOKEN_MAX]);

/* What the token is good for: its certificate's id. API_UNAUTHORIZED: nothing that c->cert_id may have. */
err_t ownership_check(struct api_call *c, const char *token, char certificate[CRYPTO_SHA256_HEX]);

/* The token serves this registration (template and parameters) from here on and no other. API_UNAUTHORIZED:
 * it has served another. */
err_t ownership_use(struct api_call *c, const char *token, const char *template, const json_t *parameters);

/* Handler of the service itself: forget tokens that are over, and delete their certificates where nothing was
 * made of them. Answers {"more": true} when it did not come to the end. */
err_t ownership_sweep(struct api_call *c);
