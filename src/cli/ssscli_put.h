/* src/cli/ssscli_put.h - an OpenSSL key into the chip. Blocking I/O over cli->chip; messages with cli_fail or
 * se_detail. */
#pragma once
#include "cli/ssscli.h"
#include "se/write.h"

#include <openssl/types.h>

/* Write the pair, or the public half, as object cli->id. The key is taken (*key becomes NULL) and freed
 * before the chip is written: no second copy of it waits meanwhile. ERR_UNSUPPORTED: a curve that the chip
 * has not. */
err_t cli_key_put(const struct cli *cli, EVP_PKEY **key, bool pair, const struct se_write *how);
