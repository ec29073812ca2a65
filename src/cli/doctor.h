/* src/cli/doctor.h - `sedgectl doctor`: what its checks share.
 *
 * Each check looks at one thing, from the bus up to the cloud, and leaves one finding: a status, a sentence,
 * and where something is wrong what to do about it. A check that cannot look because an earlier one failed
 * says so (SKIP). Blocking I/O; one thread. The token is asked through its PKCS#11 module by dlopen, as any
 * program does.
 */
#pragma once
#include "base/json.h"
#include "base/secret.h"
#include "crypto/key.h"
#include "se/chip.h"
#include "se/port.h"

enum doctor_status { DOCTOR_OK, DOCTOR_SKIP, DOCTOR_WARN, DOCTOR_FAIL };

enum { DOCTOR_TEXT_MAX = 1400, DOCTOR_REMEDY_MAX = 400 };

struct doctor_finding {
    const char *check;
    enum doctor_status status;
    char text[DOCTOR_TEXT_MAX];
    char remedy[DOCTOR_REMEDY_MAX]; /* "" where nothing is wrong */
};

struct doctor {
    /* options; NULL: as configured */
    const char *root, *port, *module, *label, *pin_file, *key, *cert;
    /* from config.json and the options */
    struct crypto_ctx *crypto;
    json_t *config; /* NULL: there is none */
    char *module_path, *token_label, *key_uri, *cert_path, *ca_path, *host;
    struct secret *pin; /* NULL: none configured */
    unsigned mqtt_port;
    /* found on the way */
    struct se_port where;
    bool bus_ok, chip_ok, applet_ok, channel_ok, token_ok, pin_ok; /* what later checks stand on */
    bool token_has_pin;
    struct se_chip *chip; /* over the configured channel */
    EVP_PKEY *private_key;
    X509 *certificate;
};

struct doctor_check {
    const char *name;
    void (*run)(struct doctor *d, struct doctor_finding *f);
};
extern const struct doctor_check doctor_checks[];
extern const size_t doctor_check_count;

void doctor_config(struct doctor *d, struct doctor_finding *f);
void doctor_bus(struct doctor *d, struct doctor_finding *f);
void doctor_keyd(struct doctor *d, struct doctor_finding *f);
void doctor_chip(struct doctor *d, struct doctor_finding *f);
void doctor_applet(struct doctor *d, struct doctor_finding *f);
void doctor_channel(struct doctor *d, struct doctor_finding *f);
void doctor_token(struct doctor *d, struct doctor_finding *f);
void doctor_pin(struct doctor *d, struct doctor_finding *f);
void doctor_key(struct doctor *d, struct doctor_finding *f);
void doctor_certificate(struct doctor *d, struct doctor_finding *f);
void doctor_clock(struct doctor *d, struct doctor_finding *f);
void doctor_cloud(struct doctor *d, struct doctor_finding *f);

/* Leave a finding. */
void doctor_ok(struct doctor_finding *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void doctor_skip(struct doctor_finding *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void doctor_warn(struct doctor_finding *f, const char *remedy, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void doctor_fail(struct doctor_finding *f, const char *remedy, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* printf into the remedy of a finding that was left. */
void doctor_remedy(struct doctor_finding *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* `sedgectl doctor`; the exit status: 0 nothing failed, 1 something did, 2 a wrong command line. */
int doctor_command(int argc, char **argv);
