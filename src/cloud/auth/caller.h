/* src/cloud/auth/caller.h - who signed this request? SigV4 against the access keys. Pure but for the time it
 * is given.
 *
 * Spec: iot-core reference 9.4, traps 36 and 38; docs/spec/cloud.md CL-10..13.
 */
#pragma once
#include "cloud/api/error.h"
#include "cloud/auth/accesskeys.h"
#include "http/server.h"
#include "sigv4/sigv4.h"

#define CALLER_WHY_MAX (SIGV4_WHY_MAX + 64u)

struct caller {
    char access_key_id[SIGV4_NAME_MAX];
    const char *policy;            /* of the key, borrowed from the keys; NULL: everything */
    const struct session *session; /* of temporary credentials, borrowed as well; NULL */
    char account[ACCOUNT_ID_MAX];  /* whose key it is; "": any key is believed and this one not known */
    char region[SIGV4_NAME_MAX];
    char service[SIGV4_NAME_MAX];
};

/* API_OK with *ret filled, or the error to answer with a sentence in `why`. `any_key`: --insecure-dev,
 * whoever claims to be somebody is believed. */
enum api_error caller_identify(const struct crypto_ctx *crypto, struct access_keys *keys, bool any_key,
                               const struct http_request *req, int64_t now_ms, struct caller *ret,
                               char why[CALLER_WHY_MAX]);
