/* src/cli/lock_copy.h - a chip's objects made again on another chip: ids, types, sizes and policies, which
 * are public; values are new ones. Blocking I/O on both. */
#pragma once
#include "base/err.h"
#include "se/chip.h"

struct lock_copied {
    size_t done, left_out; /* of types or sizes that cannot be made again, or refused */
};
/* All but object `but`. */
err_t lock_copy_objects(struct se_chip *from, struct se_chip *to, uint32_t but, struct lock_copied *ret);
