/* src/cloud/auth/accesskeys.h - who may call the control plane: the access keys of DIR/admin-credentials.
 *
 * The file has the form of ~/.aws/credentials, so tools take it as it is (AWS_SHARED_CREDENTIALS_FILE). Made
 * at the first start, 0600. Loaded once; afterwards constant and safe from any thread.
 */
#pragma once
#include "base/secret.h"
#include "crypto/process.h"

struct access_keys;

#define ACCESS_KEYS_MAX 64u

/* Read `path`, or make it with one new key. *ret_made tells which. ERR_INVALID: not a credentials file (why
 * says the line); ERR_DENIED: open to others; ERR_IO ... */
err_t access_keys_open(const struct crypto_ctx *crypto, const char *path, struct access_keys **ret,
                       bool *ret_made, char *why, size_t why_n);
void access_keys_free(struct access_keys *k);

/* The secret of this access key id, NULL when there is none. Lives as long as k. */
const struct secret *access_keys_find(const struct access_keys *k, const char *id);
