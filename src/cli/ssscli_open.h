/* src/cli/ssscli_open.h - open the chip as a session says. Blocking I/O; messages with cli_fail or se_detail.
 */
#pragma once
#include "cli/ssscli.h"
#include "cli/ssscli_session.h"

/* Open `s` into cli->chip. */
err_t cli_open_chip(struct cli *cli, const struct cli_session *s);
/* The same with the session that connect stored. ERR_NOT_FOUND: none. */
err_t cli_open_session(struct cli *cli);
