/* src/cloud/metrics.h - counters of the whole process, and their text for Prometheus.
 *
 * Counting is one relaxed addition, from any thread. What can be asked when it is wanted (connections, queue
 * lengths) is not counted here but in report.c. Names follow Prometheus' conventions: sedge_, base units,
 * _total.
 */
#pragma once
#include "base/buf.h"

#include <stdint.h>

/* name, family, labels. Those of a family stand together; metrics.c has a line of help for each family. */
#define METRICS(X)                                                                        \
    X(HANDSHAKE_OK, "sedge_tls_handshakes_total", "result=\"ok\"")                        \
    X(HANDSHAKE_REFUSED, "sedge_tls_handshakes_total", "result=\"certificate_refused\"")  \
    X(HANDSHAKE_PROTOCOL, "sedge_tls_handshakes_total", "result=\"protocol_error\"")      \
    X(HANDSHAKE_TIMEOUT, "sedge_tls_handshakes_total", "result=\"timeout\"")              \
    X(HANDSHAKE_BUSY, "sedge_tls_handshakes_total", "result=\"too_many\"")                \
    X(HANDSHAKE_LOST, "sedge_tls_handshakes_total", "result=\"connection_lost\"")         \
    X(DENIED_CONNECT, "sedge_policy_denials_total", "action=\"iot:Connect\"")             \
    X(DENIED_PUBLISH, "sedge_policy_denials_total", "action=\"iot:Publish\"")             \
    X(DENIED_RETAIN, "sedge_policy_denials_total", "action=\"iot:RetainPublish\"")        \
    X(DENIED_SUBSCRIBE, "sedge_policy_denials_total", "action=\"iot:Subscribe\"")         \
    X(DENIED_RECEIVE, "sedge_policy_denials_total", "action=\"iot:Receive\"")             \
    X(DENIED_HTTPS, "sedge_https_denials_total", "")                                      \
    X(DB_BATCHES, "sedge_database_write_batches_total", "")                               \
    X(DB_WRITES, "sedge_database_write_jobs_total", "")                                   \
    X(DB_READS, "sedge_database_read_jobs_total", "")                                     \
    X(DB_SYNCS, "sedge_database_syncs_total", "")                                         \
    X(JOURNAL_COMMITS, "sedge_mqtt_journal_commits_total", "")                            \
    X(JOURNAL_KEPT, "sedge_mqtt_journal_acknowledgements_total", "result=\"kept\"")       \
    X(JOURNAL_REFUSED, "sedge_mqtt_journal_acknowledgements_total", "result=\"refused\"") \
    X(LOG_SUPPRESSED, "sedge_log_lines_suppressed_total", "")

enum metric {
#define METRIC_ENUM(name, family, labels) METRIC_##name,
    METRICS(METRIC_ENUM)
#undef METRIC_ENUM
        METRIC_COUNT
};

void metric_add(enum metric m, uint64_t n);
uint64_t metric_value(enum metric m);

/* An answer of the API; `operation` is a static name, NULL: none that is known. The home loop's thread. */
void metric_api(const char *operation, int status);

/* The text format (version 0.0.4) of one sample; writes HELP and TYPE where `family` differs from *last.
 * `labels` without braces, "" for none. */
err_t metrics_sample(struct buf *out, const char **last, const char *family, const char *type,
                     const char *help, const char *labels, double value);
/* All counters. The home loop's thread. ERR_NOMEM, ERR_TOO_BIG. */
err_t metrics_write(struct buf *out);
