/* src/se/curve_table.h - the constants behind se/curve.h. Static data; any thread. */
#pragma once
#include "se/curve.h"

struct se_curve_entry {
    struct se_curve_info info;
    const char *aliases; /* separated by blanks */
    struct slice a, b, g, n, prime;
};

extern const struct se_curve_entry se_curve_table[];
extern const size_t se_curve_count;
