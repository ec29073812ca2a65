/* src/cli/ssscli_key.h - key and certificate files of ssscli.
 *
 * Files are PEM or DER, told apart by their contents unless --format says which. They are read with a
 * limit into wiped memory; a private key lives in this process only between cli_key_read and the end of the
 * command that called it. Messages are set with cli_fail.
 */
#pragma once
#include "cli/ssscli.h"

#include <openssl/types.h>

enum cli_format { CLI_FORMAT_AUTO, CLI_FORMAT_PEM, CLI_FORMAT_DER };

/* --format, --informat or --outformat. ERR_INVALID (usage). */
err_t cli_format(const struct cli *cli, enum cli_option_id option, enum cli_format *ret);

enum cli_key_kind { CLI_KEY_EC, CLI_KEY_RSA }; /* EC: Ed25519, X25519 and X448 as well */

/* Read the key file args[1]. A private key where `pair`, otherwise a public key or the public part of a
 * private one. ERR_INVALID: unreadable, or the other kind of key. The caller frees (auto_pkey). */
err_t cli_key_read(const struct cli *cli, const char *path, enum cli_key_kind kind, bool pair,
                   EVP_PKEY **ret);

/* Write the public key of `key` to path, PEM unless --format DER. */
err_t cli_key_write_public(const struct cli *cli, const char *path, const EVP_PKEY *key);

/* Write bytes to path (replacing it), with a message on failure; _private: closed to others. */
err_t cli_write_file(const char *path, struct slice bytes);
err_t cli_write_private(const char *path, struct slice bytes);
/* Read a whole file of at most out's cap, with a message on failure. */
err_t cli_read_file(const char *path, struct buf *out);
