/* src/broker/authority.h - the broker's question "who is this, and may it?", answered by whoever runs the
 * broker.
 *
 * The answer is given at once, or later from the broker's loop thread; meanwhile the broker reads nothing
 * more from that connection. Nothing is remembered between packets: every CONNECT, PUBLISH, SUBSCRIBE and
 * delivery asks again, so a changed policy or a revoked certificate counts from the next packet on (promise 5
 * of the architecture).
 */
#pragma once
#include "base/slice.h"
#include "mqtt/packet.h"

#include <stdint.h>

enum broker_action {
    BROKER_CONNECT, /* may this peer be this client? Also asked for: the Will topic, as a BROKER_PUBLISH of
                       its own */
    BROKER_PUBLISH,
    BROKER_SUBSCRIBE, /* topic is the whole filter, $share/... included */
    BROKER_RECEIVE, /* send this message to this client? Asked when it is sent, not when it is queued. Has to
                     * be answered at once: BROKER_LATER counts as deny */
};

enum broker_verdict {
    BROKER_ALLOW,
    BROKER_DENY,       /* this packet; what follows for the connection is the configuration's choice */
    BROKER_DENY_CLOSE, /* and end the connection whatever the packet was */
    BROKER_LATER,      /* broker_answer() will be called with question.ticket, not from inside may() */
};

/* All pointers live only for the call. */
struct broker_question {
    enum broker_action action;
    uint64_t ticket;        /* for broker_answer */
    void *user;             /* broker_peer.user of the connection */
    struct slice principal; /* broker_peer.principal */
    struct slice client_id;
    struct slice topic; /* PUBLISH, RECEIVE: the name; SUBSCRIBE: the filter; CONNECT: empty */
    bool retain;        /* PUBLISH: RETAIN is set, needs iot:RetainPublish besides */
    uint8_t qos;
    const struct mqtt_connect *connect; /* CONNECT only: user name and password are here */
};

struct broker_authority {
    void *ctx;
    enum broker_verdict (*may)(void *ctx, const struct broker_question *q);
};
