/* src/se/rsa_block.h - what the RSA files of this room share. Pure. */
#pragma once
#include "base/slice.h"

/* v without leading zeros. */
static inline struct slice se_rsa_number(struct slice v)
{
    while (v.n && v.p[0] == 0)
        v = slice_skip(v, 1);
    return v;
}
