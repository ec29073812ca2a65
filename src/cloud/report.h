/* src/cloud/report.h - how the process is: for `sedge-cloud status` and for Prometheus. The home loop's
 * thread. */
#pragma once
#include "base/buf.h"
#include "broker/broker.h"
#include "cloud/accounts.h"

#include <jansson.h>

struct report_source {
    struct accounts *accounts;
    int64_t started_ms; /* monotonic clock */
    int64_t cert_not_after_ms;
    unsigned threads;
};

/* The text format of everything there is, counters included. */
err_t report_metrics(const struct report_source *src, struct buf *out);
/* The same as an object for people's programs; `database`: "ok" or what is wrong with it. NULL: no memory. */
json_t *report_json(const struct report_source *src, const char *database);
