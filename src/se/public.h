/* src/se/public.h - what the files of the installed library (include/sedge) share: its types and ours.
 *
 * The installed calls are those of this room under names and types that stay; they have no thoughts of their
 * own.
 */
#pragma once
#include "base/buf.h"
#include "se/attribute.h"
#include "se/chip.h"
#include "se/write.h"

#include <sedge/se_all.h>

static inline struct se_chip *chip(sedge_se *se)
{
    return (struct se_chip *)se;
}

static inline struct slice in(sedge_bytes b)
{
    return (struct slice){ b.p, b.n };
}

/* A buf that holds no more than there is room for outside. */
static inline struct buf room_for(const sedge_out *out)
{
    return BUF_SECRET(out->room);
}

/* Hand b over, unless e says that nothing came of it. */
static inline sedge_err give(err_t e, const struct buf *b, sedge_out *ret)
{
    if (e)
        return (sedge_err)e;
    if (b->n)
        memcpy(ret->p, b->p, b->n);
    ret->n = b->n;
    return SEDGE_ERR_OK;
}

static inline sedge_err give_two(err_t e, const struct buf *a, sedge_out *ret_a, const struct buf *b,
                                 sedge_out *ret_b)
{
    if (!e)
        (void)give(ERR_OK, a, ret_a);
    return give(e, b, ret_b);
}

/* A public `how` in our types. */
struct how {
    struct se_policy policy;
    struct se_write write;
    const struct se_write *how; /* NULL when there is none */
};
/* ERR_TOO_BIG: too many rules. `ret` must not move while it is used. */
err_t se_how_of(const struct sedge_se_write *how, struct how *ret);

void se_attributes_of(const struct se_attributes *a, struct sedge_se_attributes *ret);

/* Steps on the chip's own bus as bytes, and the results back into them: an answer that was found to be
 * theirs. */
err_t se_i2cm_list_of(const struct sedge_se_i2cm *steps, size_t n, struct buf *list);
void se_i2cm_results_of(struct slice answer, struct sedge_se_i2cm *steps, size_t n);
