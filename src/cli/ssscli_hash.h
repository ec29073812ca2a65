/* src/cli/ssscli_hash.h - --hashalgo, and the digest of an input file.
 *
 * The chip signs digests: files are hashed on the host, a piece at a time, whatever their size. Blocking file
 * I/O; messages with cli_fail.
 */
#pragma once
#include "cli/ssscli.h"

#include <openssl/types.h>

enum cli_padding { CLI_PAD_NONE, CLI_PAD_PKCS1, CLI_PAD_PSS };

struct cli_hash {
    const char *name; /* OpenSSL's */
    size_t len;
    enum cli_padding padding; /* of RSA signatures */
};

/* --hashalgo for a key of that kind, SHA256 (and PKCS#1 v1.5) where not given. ERR_INVALID (usage): not a
 * name, or for the other kind of key. */
err_t cli_hash_option(const struct cli *cli, bool rsa, struct cli_hash *ret);

#define CLI_HASH_MAX 64
/* The digest of what is signed: the bytes of the file, with --informat PEM those inside its PEM armour. */
err_t cli_hash_file(const struct cli *cli, const struct cli_hash *h, const char *path,
                    uint8_t ret[CLI_HASH_MAX]);
/* Those bytes themselves; ERR_TOO_BIG over the cap of out. */
err_t cli_input_file(const struct cli *cli, const char *path, struct buf *out);
/* The fetched digest; the caller frees with EVP_MD_free. NULL: OpenSSL has none of that name. */
EVP_MD *cli_hash_md(const struct cli *cli, const struct cli_hash *h);

/* Take the PEM armour off: ERR_INVALID when there is none, or another label than `label` (NULL: any). */
err_t cli_pem_open(struct slice pem, const char *label, struct buf *out);
err_t cli_pem_close(struct slice bytes, const char *label, struct buf *out);
