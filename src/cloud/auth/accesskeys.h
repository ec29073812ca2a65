/* src/cloud/auth/accesskeys.h - who may call the control plane: the access keys of the accounts.
 *
 * Each account's administrator has DIR/admin-credentials or DIR/accounts/ID/admin-credentials, in the form of
 * ~/.aws/credentials, so tools take it as it is (AWS_SHARED_CREDENTIALS_FILE); made at the first start, 0600.
 * Keys of `sedge-cloud keys` are one file each in DIR/keys, which is looked at with every request: one that
 * is made or deleted counts from the next request on. The loop's thread.
 */
#pragma once
#include "cloud/auth/sessions.h"

struct access_keys;

#define ACCESS_KEYS_MAX 1024u

err_t access_keys_new(const struct crypto_ctx *crypto, struct access_keys **ret);
void access_keys_free(struct access_keys *k); /* NULL is fine */

/* Add the keys of `path`, or make it with one new key. *ret_made tells which. ERR_INVALID: not a credentials
 * file (why says the line); ERR_DENIED: open to others; ERR_IO ... */
err_t access_keys_load(struct access_keys *k, const char *path, const char *account, bool *ret_made,
                       char *why, size_t why_n);
/* From now on the files in this folder count as well, also one that is made later. A file that is open to
 * others or cannot be read is no key; the log says so. */
err_t access_keys_watch(struct access_keys *k, const char *dir, const char *account);

/* Temporary credentials count as well: their key is DIR/session.key, made when it is missing, and the
 * policies of roles are below the folders of the accounts. Errors of files, ERR_INVALID, with a sentence in
 * why. */
err_t access_keys_sessions(struct access_keys *k, const char *data, const char *account, char *why,
                           size_t why_n);
const struct secret *access_keys_session_key(const struct access_keys *k);
/* The key of a token: borrowed until the next call, as is *ret_session. ERR_AUTH: none of ours; ERR_TIMEOUT:
 * it has expired; ERR_NOT_FOUND: its role has no policy any more. */
err_t access_keys_of_token(struct access_keys *k, const char *id, struct slice token, int64_t now_ms,
                           const struct access_key **ret, const struct session **ret_session);

/* NULL when there is none of that id. Borrowed from k until the next call. */
const struct access_key *access_keys_find(struct access_keys *k, const char *id);
