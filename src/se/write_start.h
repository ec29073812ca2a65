/* src/se/write_start.h - what the commands that write objects share; for the files of this room only.
 */
#pragma once
#include "se/command.h"
#include "se/write.h"

/* Before a write: is `id` free (*ret_fresh), or an object of the same type class and size whose value may be
 * replaced? ERR_EXISTS otherwise, and when `how` can be given to a new object only. Size as ReadSize gives
 * it. */
err_t se_write_clear_way(struct se_chip *chip, uint32_t id, uint8_t type, size_t size,
                         const struct se_write *how, bool *ret_fresh);

/* Begin a WRITE command: INS with its flags, [POL][MAXATT] when fresh, T1=id. Put the rest, then
 * se_write_finish, which closes it with the version. `how` may be NULL. */
void se_write_start(struct se_command *c, uint8_t p1, uint8_t p2, uint32_t id, const struct se_write *how,
                    bool fresh);
void se_write_finish(struct se_command *c, const struct se_write *how);
