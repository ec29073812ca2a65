/* tests/unit/edge/route/log.h - runtime.log in a folder of its own, for tests that look at its lines. */
#pragma once
#include "base/file.h"
#include "edge/elog.h"

#include <stdio.h>
#include <stdlib.h>

struct log_room {
    char folder[32], path[96];
};

static inline void log_begin(struct log_room *l, enum elog_level level)
{
    (void)snprintf(l->folder, sizeof(l->folder), "/tmp/sedge-log-XXXXXX");
    assert_non_null(mkdtemp(l->folder));
    (void)snprintf(l->path, sizeof(l->path), "%s/var/log/system/runtime.log", l->folder);
    assert_int_equal(elog_open(l->folder), ERR_OK);
    elog_configure(level, 1024);
}

static inline void log_end(struct log_room *l)
{
    elog_close();
    assert_int_equal(file_remove_tree(l->folder), ERR_OK);
}

/* Lines that hold `text`. */
static inline unsigned log_count(const struct log_room *l, const char *text)
{
    autobuf b = BUF_INIT(1024 * 1024);
    unsigned n = 0;

    assert_int_equal(file_read(l->path, &b), ERR_OK);
    for (const char *at = buf_str(&b); (at = strstr(at, text)); at++)
        n++;
    return n;
}
