/* src/cli/sedgectl_aws.h - a small AWS client: credentials as AWS tools find them, one signed request at a
 * time.
 *
 * I/O, blocking; one thread.
 */
#pragma once
#include "base/json.h"
#include "base/secret.h"
#include "crypto/process.h"

#define AWS_WHY_MAX 1024u

struct aws_account {
    char *access_key_id;
    struct secret *secret_key;
    char *session_token; /* NULL: none */
    char *region;
};

void aws_account_done(struct aws_account *a);

/* AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, else profile AWS_PROFILE (or default) of
 * AWS_SHARED_CREDENTIALS_FILE (or
 * ~/.aws/credentials); region from AWS_DEFAULT_REGION or AWS_REGION. ERR_NOT_FOUND, ERR_INVALID, ERR_DENIED:
 * `why` (AWS_WHY_MAX bytes) says what to set. *ret is to be done in every case. */
err_t aws_account_find(struct aws_account *ret, char *why);

/* GET `path` (with its query) from an endpoint such as http://localhost:4566, signed for the service iot;
 * account NULL: unsigned. ERR_NOT_FOUND: 404; ERR_DENIED: 403; ERR_UNAVAILABLE: nobody answers; ERR_PROTO: no
 * JSON object, another status. `why` holds the server's own message. Caller releases *ret. */
err_t aws_get(const struct crypto_ctx *crypto, const struct aws_account *account, const char *endpoint,
              const char *path, json_t **ret, char *why);
