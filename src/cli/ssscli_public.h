/* src/cli/ssscli_public.h - a key of the chip as OpenSSL's object: its public half.
 *
 * Blocking I/O over cli->chip. Messages with cli_fail or se_detail.
 */
#pragma once
#include "cli/ssscli.h"
#include "se/curve.h"
#include "se/object.h"

#include <openssl/types.h>

bool cli_type_is_ec(uint8_t class); /* SE_TYPE_*, folded by se_type_class */
bool cli_type_is_rsa(uint8_t class);

struct cli_public {
    EVP_PKEY *key;
    uint8_t class;                     /* SE_TYPE_*, folded */
    const struct se_curve_info *curve; /* EC only */
};

enum cli_public_wanted { CLI_WANT_EC = 1, CLI_WANT_RSA = 2, CLI_WANT_KEY = 3 };

/* Read the public half of the key cli->id. ERR_INVALID: another type than wanted. The caller releases. */
err_t cli_public_read(struct cli *cli, enum cli_public_wanted wanted, struct cli_public *ret);
void cli_public_done(struct cli_public *p);
#define auto_cli_public __attribute__((cleanup(cli_public_done))) struct cli_public
