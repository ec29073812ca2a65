/* src/cli/scratch_chip.h - a virtual chip for a while: a process of sedge-chip with its memory in a private
 * folder.
 *
 * The program is the one beside ours. Process and folder are gone after scratch_chip_stop, and the process
 * also when ours dies. Blocking; messages with cli_fail.
 */
#pragma once
#include "base/err.h"
#include "se/chip.h"

#include <sys/types.h>

struct scratch_chip {
    pid_t pid;
    char folder[64]; /* "" when not started */
    struct se_chip *chip;
};

/* A fresh chip of applet 3.1 or 7.2, whichever `like` is nearer to. */
err_t scratch_chip_start(const struct se_version *like, struct scratch_chip *ret);
void scratch_chip_stop(struct scratch_chip *s); /* also half started, also twice */
