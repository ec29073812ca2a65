#include "cloud/report.h"

#include "base/clock.h"
#include "cloud/gateway/mqtt.h"
#include "cloud/metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

static const char *const packet_names[16] = { "",          "connect",  "connack",     "publish",
                                              "puback",    "pubrec",   "pubrel",      "pubcomp",
                                              "subscribe", "suback",   "unsubscribe", "unsuback",
                                              "pingreq",   "pingresp", "disconnect",  "auth" };
static const char *const drop_names[BROKER_DROPS] = {
    [BROKER_DROP_SLOW] = "slow_reader", [BROKER_DROP_FULL] = "queue_full",
    [BROKER_DROP_EXPIRED] = "expired",  [BROKER_DROP_DENIED] = "denied",
    [BROKER_DROP_RATE] = "over_rate",   [BROKER_DROP_UNACKED] = "not_acknowledged",
    [BROKER_DROP_OTHER] = "other"
};

struct sums {
    struct broker_stats broker;
    size_t writes, reads; /* waiting for the database */
};

static void add_broker(struct broker_stats *sum, const struct broker_stats *b)
{
    sum->connections += b->connections;
    sum->sessions += b->sessions;
    sum->subscriptions += b->subscriptions;
    sum->retained += b->retained;
    sum->queued += b->queued;
    sum->received += b->received;
    sum->delivered += b->delivered;
    sum->dropped += b->dropped;
    for (size_t i = 0; i < BROKER_DROPS; i++)
        sum->drops[i] += b->drops[i];
    for (size_t i = 0; i < BROKER_LIMITS; i++)
        sum->throttled[i] += b->throttled[i];
    for (size_t i = 0; i < 16; i++) {
        sum->packets_in[i] += b->packets_in[i];
        sum->packets_out[i] += b->packets_out[i];
    }
}

static struct sums add_up(const struct report_source *src)
{
    struct sums all = { 0 };

    for (size_t i = 0; i < accounts_count(src->accounts); i++) {
        const struct account *a = accounts_at(src->accounts, i);
        struct broker_stats b;
        size_t writes, reads;

        broker_stats(gateway_broker(a->gateway), &b);
        store_waiting(a->store, &writes, &reads);
        add_broker(&all.broker, &b);
        all.writes += writes;
        all.reads += reads;
    }
    return all;
}

static double uptime_s(const struct report_source *src)
{
    return (double)(clock_mono_ms() - src->started_ms) / 1000;
}

static size_t resident_bytes(void)
{
    size_t total, pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");

    if (!f)
        return 0;
    if (fscanf(f, "%zu %zu", &total, &pages) != 2)
        pages = 0;
    (void)fclose(f);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static err_t write_gauges(const struct report_source *src, const struct sums *s, struct buf *out)
{
    const struct {
        const char *family, *help, *labels;
        double value;
    } all[] = {
        { "sedge_mqtt_connections", "MQTT connections.", "", (double)s->broker.connections },
        { "sedge_mqtt_sessions", "MQTT sessions, those of absent clients among them.", "",
          (double)s->broker.sessions },
        { "sedge_mqtt_subscriptions", "Subscriptions of all sessions.", "", (double)s->broker.subscriptions },
        { "sedge_mqtt_retained_messages", "Retained messages.", "", (double)s->broker.retained },
        { "sedge_mqtt_queued_messages", "Messages in the queues of sessions.", "", (double)s->broker.queued },
        { "sedge_database_queue_length", "Jobs that wait for the database.", "queue=\"write\"",
          (double)s->writes },
        { "sedge_database_queue_length", "", "queue=\"read\"", (double)s->reads },
        { "sedge_server_certificate_expiry_timestamp_seconds", "When the server's certificate ends.", "",
          (double)src->cert_not_after_ms / 1000 },
        { "sedge_event_loops", "Threads with an event loop.", "", src->threads },
        { "sedge_uptime_seconds", "Since the process began to serve.", "", uptime_s(src) },
        { "process_resident_memory_bytes", "Resident memory.", "", (double)resident_bytes() },
    };
    const char *last = NULL;
    err_t e = ERR_OK;

    for (size_t i = 0; i < ARRAY_LEN(all) && !e; i++)
        e = metrics_sample(out, &last, all[i].family, "gauge", all[i].help, all[i].labels, all[i].value);
    return e;
}

static err_t write_family(struct buf *out, const char *family, const char *help, const char *form,
                          const char *const *names, const uint64_t *values, size_t n)
{
    const char *last = NULL;
    char labels[64];
    err_t e = ERR_OK;

    for (size_t i = 0; i < n && !e; i++) {
        if (!names[i][0])
            continue;
        (void)snprintf(labels, sizeof(labels), "%s=\"%s\"", form, names[i]);
        e = metrics_sample(out, &last, family, "counter", help, labels, (double)values[i]);
    }
    return e;
}

err_t report_metrics(const struct report_source *src, struct buf *out)
{
    static const char *const message_names[] = { "received", "delivered" };
    const char *limit_names[BROKER_LIMITS];
    struct sums s = add_up(src);
    const uint64_t messages[] = { s.broker.received, s.broker.delivered };
    err_t e;

    for (size_t i = 0; i < BROKER_LIMITS; i++)
        limit_names[i] = broker_limit_str((enum broker_limit)i);
    if ((e = write_gauges(src, &s, out)) ||
        (e = write_family(out, "sedge_mqtt_messages_total", "Messages from clients and to them.", "direction",
                          message_names, messages, ARRAY_LEN(messages))) ||
        (e = write_family(out, "sedge_mqtt_messages_dropped_total",
                          "Messages that a receiver did not get, by reason.", "reason", drop_names,
                          s.broker.drops, BROKER_DROPS)) ||
        (e = write_family(out, "sedge_mqtt_throttled_total",
                          "Times that a client was over a rate, at most once a second each.", "limit",
                          limit_names, s.broker.throttled, BROKER_LIMITS)) ||
        (e = write_family(out, "sedge_mqtt_packets_received_total", "Control packets from clients.", "type",
                          packet_names, s.broker.packets_in, 16)) ||
        (e = write_family(out, "sedge_mqtt_packets_sent_total", "Control packets to clients.", "type",
                          packet_names, s.broker.packets_out, 16)))
        return e;
    return metrics_write(out);
}

json_t *report_json(const struct report_source *src, const char *database)
{
    struct sums s = add_up(src);
    char expiry[CLOCK_ISO_MAX];

    clock_iso(expiry, src->cert_not_after_ms);
    return json_pack("{s:i,s:i,s:I,s:i,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:s,s:I,s:I,s:s,s:I}", "v", 1, "pid",
                     (int)getpid(), "uptimeSeconds", (json_int_t)uptime_s(src), "threads", (int)src->threads,
                     "connections", (json_int_t)s.broker.connections, "sessions",
                     (json_int_t)s.broker.sessions, "subscriptions", (json_int_t)s.broker.subscriptions,
                     "retained", (json_int_t)s.broker.retained, "queued", (json_int_t)s.broker.queued,
                     "received", (json_int_t)s.broker.received, "delivered", (json_int_t)s.broker.delivered,
                     "dropped", (json_int_t)s.broker.dropped, "database", database, "databaseWritesWaiting",
                     (json_int_t)s.writes, "databaseReadsWaiting", (json_int_t)s.reads,
                     "serverCertificateExpires", expiry, "residentBytes", (json_int_t)resident_bytes());
}
