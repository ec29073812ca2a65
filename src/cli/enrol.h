/* src/cli/enrol.h - `sedgectl enrol`: a device gets its identity. The key is made in the chip and never
 * leaves it; the certificate comes by fleet provisioning with a claim, or from a customer's CA.
 *
 * Every step looks first whether it was done already: after a failure the same command goes on. Blocking I/O;
 * one thread. Spec: docs/cli.md, iot-core reference 2.6.
 */
#pragma once
#include "base/json.h"
#include "base/secret.h"
#include "crypto/cert.h"
#include "crypto/issue.h"

#include <limits.h>

#define ENROL_PARAMETERS_MAX 64u
#define ENROL_TEXT_MAX 1024u
#define ENROL_HASH_LEN 10

struct enrol_token; /* the PKCS#11 module, logged in */

struct enrol {
    /* options */
    const char *root, *module, *slot, *pin_file, *key_label, *key_type;
    const char *cloud, *ca_file, *account, *region;
    const char *template, *claim_cert, *claim_key; /* by claim */
    const char *thing;                             /* by a customer's CA: */
    const char *write_csr, *certificate;           /* one of them */
    const char *parameters[ENROL_PARAMETERS_MAX];  /* NAME=VALUE */
    size_t n_parameters;
    /* from them */
    char root_path[PATH_MAX], host[256];
    uint16_t mqtt_port, https_port;
    struct secret *pin;
    char key_uri[256];
    /* found on the way */
    struct crypto_ctx *crypto;
    struct enrol_token *token;
    EVP_PKEY *key; /* of the token */
    X509 *cert;
    char *thing_name; /* owned */
    char hash[ENROL_HASH_LEN + 1];
    char why[ENROL_TEXT_MAX]; /* of a failure */
};

#define ENROL_FAIL(o, e, ...) ((void)snprintf((o)->why, sizeof((o)->why), __VA_ARGS__), (e))

/* The command. 0, 1 when it failed, 2 for a wrong command line. */
int enrol_command(int argc, char **argv);

/* ---- enrol_options.c ---- */

/* ERR_INVALID with o->why. */
err_t enrol_options(struct enrol *o, int argc, char **argv);
extern const char enrol_usage[];

/* ---- enrol_token.c ---- */

/* Load the module, find the slot, log in. ERR_NOT_FOUND, ERR_AUTH (never tried twice), ERR_UNSUPPORTED. */
err_t enrol_token_open(struct enrol *o);
void enrol_token_close(struct enrol_token *t); /* NULL is fine */
/* A key pair under o->key_label, made inside unless it is there. *ret_made: it was not. */
err_t enrol_token_key(struct enrol *o, bool *ret_made);
/* The certificate under the same label, unless it is there. */
err_t enrol_token_certificate(struct enrol *o, bool *ret_made);

/* ---- enrol_claim.c ---- */

/* o->cert and o->thing_name by fleet provisioning. What was got is kept in ROOT/certs/enrol.json until the
 * end, so that a repetition goes on. */
err_t enrol_by_claim(struct enrol *o);

/* ---- enrol_files.c ---- */

/* A path below the root. NULL: no memory; the caller frees. */
char *enrol_path(const struct enrol *o, const char *name);
/* ROOT/certs/enrol.json: an object; ERR_NOT_FOUND: there is none (or one of another key: it is deleted). */
err_t enrol_state_read(struct enrol *o, json_t **ret);
err_t enrol_state_write(struct enrol *o, const json_t *state);
err_t enrol_state_drop(struct enrol *o);
/* Certificate, trust anchor and config.json, then the state goes. */
err_t enrol_install(struct enrol *o);
/* Is everything in place for o->key already? Fills o->cert, o->hash. */
bool enrol_is_installed(struct enrol *o);
/* Take over a certificate if it is the key's: o->cert, o->hash. ERR_CONFLICT. `where` is for the message. */
err_t enrol_take_certificate(struct enrol *o, struct slice pem, const char *where);

/* ---- enrol_mqtt.c ---- */

struct enrol_mqtt;

/* Connect with the claim certificate. */
err_t enrol_mqtt_open(struct enrol *o, struct enrol_mqtt **ret);
void enrol_mqtt_close(struct enrol_mqtt *m); /* NULL is fine */
/* Publish on TOPIC/json and wait for the answer: its object in *ret, accepted or not. ERR_TIMEOUT,
 * ERR_DENIED (the connection was ended), ERR_PROTO. */
err_t enrol_mqtt_ask(struct enrol_mqtt *m, const char *topic, const json_t *message, bool *ret_accepted,
                     json_t **ret);
