/* src/se/command.h - run one command on a chip; for the files of this room only.
 *
 * Thread and error rules in se/chip.h. Commands run inside a sequence: hold the chip first, with
 * auto_hold it is released when the local leaves scope.
 */
#pragma once
#include "se/apdu.h"
#include "se/chip.h"

/* A sequence that ends with the scope: `auto_hold *held = NULL; e = se_hold(chip, &held);` */
err_t se_hold(struct se_chip *chip, struct se_chip **ret_held);
void se_release(struct se_chip **held);
#define auto_hold __attribute__((cleanup(se_release))) struct se_chip

/* `what` starts the message of a failure: "object 20181001: reading the size". */
err_t se_command_run(struct se_chip *chip, const struct se_command *c, const char *what,
                     struct slice *ret_answer);
/* No data is expected back: ERR_PROTO when some comes. */
err_t se_command_status(struct se_chip *chip, const struct se_command *c, const char *what);
/* ERR_PROTO: the answer does not have the shape the specification gives it. */
err_t se_command_malformed(const char *what);
