/* src/cloud/auth/accesskeys.h - who may call the control plane: the access keys of the accounts.
 *
 * Each account's administrator has DIR/admin-credentials or DIR/accounts/ID/admin-credentials, in the form of
 * ~/.aws/credentials, so tools take it as it is (AWS_SHARED_CREDENTIALS_FILE). Made at the first start, 0600.
 * The loop's thread.
 */
#pragma once
#include "base/secret.h"
#include "cloud/options.h"
#include "crypto/process.h"

struct access_keys;

#define ACCESS_KEY_ID_MAX 128u

struct access_key {
    char id[ACCESS_KEY_ID_MAX + 1];
    char account[ACCOUNT_ID_MAX];
    struct secret *secret;
};

#define ACCESS_KEYS_MAX 64u

err_t access_keys_new(const struct crypto_ctx *crypto, struct access_keys **ret);
void access_keys_free(struct access_keys *k); /* NULL is fine */

/* Add the keys of `path`, or make it with one new key. *ret_made tells which. ERR_INVALID: not a credentials
 * file (why says the line); ERR_DENIED: open to others; ERR_IO ... */
err_t access_keys_load(struct access_keys *k, const char *path, const char *account, bool *ret_made,
                       char *why, size_t why_n);

/* NULL when there is none of that id. Borrowed from k. */
const struct access_key *access_keys_find(const struct access_keys *k, const char *id);
