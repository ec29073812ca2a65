/* src/cloud/env.h - what every part of the cloud may know about this installation. Constant after start; any
 * thread. */
#pragma once
#include "base/secret.h"
#include "cloud/options.h"
#include "crypto/process.h"

#include <stdbool.h>
#include <stdint.h>

struct pki;

struct cloud_env {
    const struct crypto_ctx *crypto;
    struct pki *pki;
    const char *account;                    /* 12 digits */
    const char (*accounts)[ACCOUNT_ID_MAX]; /* all that this server has */
    size_t n_accounts;
    const char *region;               /* of this installation: what device policies are judged with */
    const char *host;                 /* the first --host: DescribeEndpoint */
    bool standard;                    /* --profile standard */
    const char *limits;               /* --limit, checked; NULL: the profile's */
    uint16_t mqtt_port, https_port;   /* the real ones; 0 before the listeners stand */
    uint16_t plain_port;              /* 0: there is none */
    uint16_t api_port;                /* of the control port */
    bool api_tls;                     /* it speaks TLS */
    const char *folder;               /* the account's */
    const struct secret *session_key; /* of temporary credentials */
    const char *buckets;              /* the account's folder of input files, a folder for each bucket */
};
