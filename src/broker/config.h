/* src/broker/config.h - what a broker allows: limits and the places where AWS IoT differs from the
 * specification.
 *
 * Plain data; any thread. Reference: iot-core.md 1.4 and 1.5.
 */
#pragma once
#include "base/err.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct broker_config {
    /* limits */
    size_t max_client_id;       /* bytes */
    size_t max_topic;           /* bytes of a name or filter; the $share/GROUP/ prefix not counted */
    unsigned max_slashes;       /* in a name or filter; $aws topics exempt; 0: no limit */
    size_t max_payload;         /* bytes */
    size_t max_packet;          /* bytes of one control packet */
    unsigned max_filters;       /* in one SUBSCRIBE */
    unsigned max_subscriptions; /* of one session */
    uint16_t
        max_inflight_in;   /* publishes not acknowledged yet, or with an interceptor (v5: Receive Maximum) */
    uint16_t max_received; /* 3.1.1, which has no Receive Maximum: QoS 2 identifiers not released */
    uint16_t max_inflight_out;      /* by the client */
    unsigned max_queued;            /* messages waiting in one session */
    size_t max_queued_bytes;        /* topic and payload of them */
    unsigned max_connections;       /* of the broker, including those before CONNECT */
    unsigned max_new;               /* of those before CONNECT: over it the oldest has to go */
    unsigned connects_per_s;        /* of all clients together; more are refused; 0: no limit */
    unsigned connects_per_client_s; /* of one client id; more wait for the next second; 0: no limit */
    size_t max_connect;             /* bytes of a CONNECT: all that a stranger can make the broker keep */
    unsigned max_sessions;          /* of the broker */
    unsigned max_retained;          /* messages; 0: RETAIN is refused (v5: 0x9A) */
    uint16_t topic_alias_max;       /* v5, client to server */
    uint16_t topic_alias_out; /* v5, server to client: at most so many, and no more than the client takes */
    /* Asked values are brought into this range and 0 becomes the maximum; with keep_alive_max_s 0 the
     * client's value counts as it is. */
    uint16_t keep_alive_min_s, keep_alive_max_s;
    uint32_t session_expiry_s;  /* of a 3.1.1 persistent session, and the most a v5 client gets */
    uint32_t message_expiry_s;  /* the longest life of a message that asks for one; 0: as asked */
    uint32_t connect_timeout_s; /* from accept to CONNECT */
    uint32_t answer_timeout_s;  /* a connection that waits longer for authority or journal is dropped */
    size_t output_soft;         /* bytes waiting for a slow reader: above, QoS 0 to it is dropped and it is
                                 * not read from */
    uint32_t output_stall_s;    /* so long over output_soft: dropped */
    unsigned stored_per_s;      /* messages stored while away, sent per second once back; 0: no limit */
    uint32_t unacked_s;         /* a sent message not acknowledged for so long is given up; 0: never */
    /* of one connection; what comes faster stays on the wire until the next second; 0: no limit */
    unsigned publishes_per_s;
    size_t bytes_per_s; /* payload */
    /* of all clients together; 0: no limit. What comes in faster waits likewise; of what goes out QoS 0 is
     * left out, and QoS 1 and 2 wait in their sessions */
    unsigned publishes_all_per_s, deliveries_all_per_s;
    unsigned retained_per_topic_s; /* RETAIN with a payload; more wait for the next second; 0: no limit */
    uint32_t websocket_s; /* the longest life of a WebSocket connection; for the door that lets it in */
    /* behaviour */
    uint8_t max_qos;               /* 1: PUBLISH with QoS 2 ends the connection (v5: 0x9B) */
    bool close_on_qos;             /* and so does SUBSCRIBE; otherwise it is granted max_qos */
    bool subscription_ids;         /* v5; false: 0xA1 */
    bool assign_any_id;            /* v5: an empty client id is fine without Clean Start */
    bool hash_below;               /* a/# does not match a */
    bool close_on_refused_connect; /* 3.1.1: close without CONNACK instead of return code 5 */
    bool close_on_denied_publish;  /* 3.1.1: close; otherwise acknowledged and dropped, which 3.1.1 allows */
    bool close_is_goodbye;         /* a WebSocket that is closed in an orderly way: as after DISCONNECT */
    bool retained_exact_only;      /* retained messages only for filters without wildcard */
    /* Clients publish under $aws/ only where an interceptor is registered, to $ topics never with RETAIN, and
     * client ids that begin with $ are refused. Who may subscribe below $aws/ is the authority's to judge. */
    bool reserved_dollar_aws;
};

/* Change limits by their names above, as far as they are numbers: "NAME=N,NAME=N"; NULL: none.
 * ERR_INVALID, and then *ret_bad is the first that is no limit, no number or out of its range; may be NULL.
 */
err_t broker_config_set(struct broker_config *c, const char *changes, struct slice *ret_bad);

/* AWS IoT Core's behaviour and default limits. */
void broker_config_aws(struct broker_config *ret);
/* The MQTT specification's behaviour with the same order of limits. */
void broker_config_standard(struct broker_config *ret);
