#include "cloud/metrics.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define OPERATIONS_MAX 512u

static _Atomic uint64_t counters[METRIC_COUNT];

static const struct {
    const char *family, *labels;
} ids[METRIC_COUNT] = {
#define METRIC_ID(name, family, labels) [METRIC_##name] = { family, labels },
    METRICS(METRIC_ID)
#undef METRIC_ID
};

static const struct {
    const char *family, *help;
} helps[] = {
    { "sedge_tls_handshakes_total", "TLS handshakes on the device ports, by how they ended." },
    { "sedge_policy_denials_total", "What policies refused MQTT clients." },
    { "sedge_https_denials_total", "Requests on the device HTTPS port that were refused." },
    { "sedge_database_write_batches_total", "Transactions of the writing thread." },
    { "sedge_database_write_jobs_total", "Jobs done in them." },
    { "sedge_database_read_jobs_total", "Jobs of the reading threads." },
    { "sedge_database_syncs_total", "Commits that were made durable." },
    { "sedge_mqtt_journal_commits_total", "Transactions of the gateway's journal." },
    { "sedge_mqtt_journal_acknowledgements_total",
      "Acknowledgements that waited for the journal: sent, or refused because nothing could be written." },
    { "sedge_log_lines_suppressed_total", "Log lines about refusals that were counted instead of written." },
};

/* Answers by operation and class of status; operations are found by the address of their name. */
static struct operation {
    const char *name;
    uint64_t n[6];
} operations[OPERATIONS_MAX];

void metric_add(enum metric m, uint64_t n)
{
    (void)atomic_fetch_add_explicit(&counters[m], n, memory_order_relaxed);
}

uint64_t metric_value(enum metric m)
{
    return atomic_load_explicit(&counters[m], memory_order_relaxed);
}

void metric_api(const char *operation, int status)
{
    size_t class = status >= 100 && status < 600 ? (size_t)status / 100 : 5, at;

    operation = operation ? operation : "unknown";
    at = (uintptr_t)operation / 8 % OPERATIONS_MAX;
    for (size_t i = 0; i < OPERATIONS_MAX; i++, at = (at + 1) % OPERATIONS_MAX) {
        if (!operations[at].name)
            operations[at].name = operation;
        if (operations[at].name == operation) {
            operations[at].n[class]++;
            return;
        }
    }
}

err_t metrics_sample(struct buf *out, const char **last, const char *family, const char *type,
                     const char *help, const char *labels, double value)
{
    const char *open = *labels ? "{" : "", *close = *labels ? "}" : "";
    err_t e = ERR_OK;

    if (!*last || strcmp(*last, family) != 0)
        e = buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", family, help, family, type);
    *last = family;
    return e ? e : buf_printf(out, "%s%s%s%s %.15g\n", family, open, labels, close, value);
}

static const char *help_of(const char *family)
{
    for (size_t i = 0; i < ARRAY_LEN(helps); i++) {
        if (strcmp(helps[i].family, family) == 0)
            return helps[i].help;
    }
    return "";
}

static err_t write_operations(struct buf *out)
{
    const char *last = NULL;
    char labels[160];
    err_t e = ERR_OK;

    for (size_t i = 0; i < OPERATIONS_MAX * 6 && !e; i++) {
        const struct operation *o = &operations[i / 6];
        if (!o->name || !o->n[i % 6])
            continue;
        (void)snprintf(labels, sizeof(labels), "operation=\"%s\",status=\"%zuxx\"", o->name, i % 6);
        e = metrics_sample(out, &last, "sedge_api_requests_total", "counter",
                           "Answers of the API, by class of status.", labels, (double)o->n[i % 6]);
    }
    return e;
}

err_t metrics_write(struct buf *out)
{
    const char *last = NULL;
    err_t e = ERR_OK;

    for (size_t i = 0; i < METRIC_COUNT && !e; i++)
        e = metrics_sample(out, &last, ids[i].family, "counter", help_of(ids[i].family), ids[i].labels,
                           (double)metric_value((enum metric)i));
    return e ? e : write_operations(out);
}
