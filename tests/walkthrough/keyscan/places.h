/* places.h - where a copy of a key may lie: files below a folder (also inside gzip and tar), the memory of a
 * process. One thread. */
#pragma once
#include "search.h"

struct scan {
    struct search *search;
    const char *const *except; /* paths left out */
    size_t except_count;
    uint64_t found;
    uint64_t unreadable; /* each one told on standard output */
};

/* Every find and every place that could not be read becomes a line on standard output; never the bytes. */
void scan_tree(struct scan *s,
               const char *path); /* a file, or a folder and all below; links are not followed */
void scan_process(struct scan *s, long pid);
