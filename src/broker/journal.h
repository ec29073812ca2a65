/* src/broker/journal.h - what a broker must not lose: persistent sessions, their subscriptions and messages,
 * retained messages.
 *
 * The broker keeps all of it in memory and tells the journal every change. A QoS 1 or 2 PUBLISH is
 * acknowledged only after the journal said that the changes it caused are durable [MQTT-4.3.2-2]: promise 1
 * of the architecture. An implementation applies one write() as a whole or not at all, and writes in the
 * order they came.
 */
#pragma once
#include "base/err.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum broker_record_kind {
    BROKER_REC_SESSION,          /* client_id, version, expiry_s, ends_ms: upsert */
    BROKER_REC_SESSION_END,      /* client_id: with all its subscriptions and messages */
    BROKER_REC_SUBSCRIPTION,     /* client_id, topic (filter), qos, options: upsert */
    BROKER_REC_SUBSCRIPTION_END, /* client_id, topic */
    BROKER_REC_QUEUED,           /* client_id, seq, topic, payload, props, sub_ids, qos, retain, ends_ms */
    BROKER_REC_RELEASED,         /* client_id, seq: a QoS 2 message the client has: only PUBREL is due */
    BROKER_REC_QUEUED_END,       /* client_id, seq: with its RELEASED */
    BROKER_REC_RECEIVED,     /* client_id, packet_id: a QoS 2 message taken from the client, not released */
    BROKER_REC_RECEIVED_END, /* client_id, packet_id */
    BROKER_REC_RETAINED,     /* topic, payload, props, qos, ends_ms: upsert */
    BROKER_REC_RETAINED_END, /* topic */
    BROKER_REC_WILL,         /* client_id, topic, payload, props, qos, retain, ends_ms, due_ms: upsert */
    BROKER_REC_WILL_END,     /* client_id */
};

/* Slices live only for the call. */
struct broker_record {
    enum broker_record_kind kind;
    struct slice client_id;
    struct slice topic;
    struct slice payload;
    struct slice props;   /* version 5 properties of a message, an encoded block without its length */
    struct slice sub_ids; /* encoded subscription identifiers */
    uint64_t message;     /* QUEUED: records that follow each other with the same number, not 0, have the same
                           * topic, payload, props and ends_ms: one message for several sessions */
    uint64_t seq;         /* rises within a session: the order of its messages, and their identifiers */
    uint32_t sub_id;      /* subscription: its identifier, 0 none */
    uint16_t packet_id;
    uint8_t version; /* session: enum mqtt_version */
    uint8_t qos;
    uint8_t options; /* subscription: bit 0 no local, bit 1 retain as published */
    bool retain;
    uint32_t expiry_s; /* session: so long after the client left */
    int64_t stored_ms; /* RETAINED: wall clock when the message came */
    int64_t
        ends_ms; /* wall clock. Session: when it expires, 0 while connected. Message: its expiry, 0 never */
    int64_t due_ms; /* wall clock: a delayed Will is published then */
};

struct broker_journal {
    void *ctx;
    /* Make the changes durable, all or none.
     * ERR_OK: they are. ERR_MORE: broker_journal_done(broker, ticket, ...) will be called from the broker's
     * loop thread; an implementation keeps copies until then. Anything else: they are not and will not be;
     * the publisher gets no acknowledgement. ticket 0: nobody waits, no call back. */
    err_t (*write)(void *ctx, const struct broker_record *recs, size_t n, uint64_t ticket);
    /* Tell everything kept, sessions before what belongs to them, messages of a session in the order of seq,
     * each before its RELEASED, which may follow at once. fn's error stops and is returned. Called once, by
     * broker_new, which waits: fn may be called on another thread. */
    err_t (*load)(void *ctx, err_t (*fn)(void *arg, const struct broker_record *rec), void *arg);
};

/* A journal in memory: survives the broker, not the process. One thread. */
struct broker_memory;
/* ERR_NOMEM. `max_bytes` bounds what it keeps: beyond it write() is ERR_NO_SPACE. */
err_t broker_memory_new(size_t max_bytes, struct broker_memory **ret);
void broker_memory_free(struct broker_memory *m);
struct broker_journal broker_memory_journal(struct broker_memory *m);
/* Records kept, for tests and status. */
size_t broker_memory_count(const struct broker_memory *m);
