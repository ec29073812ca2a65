/* src/broker/broker.h - the one MQTT broker of the tree, used by cloud and edge.
 *
 * It is handed connected byte streams (TLS is somebody else's), speaks MQTT 3.1.1 and 5.0 on them, keeps
 * sessions and subscriptions and delivers. It asks an authority before everything it does for a client and a
 * journal before it acknowledges.
 *
 * Thread rule: a broker and everything in it belongs to the thread of its net_loop; every function here is
 * called there. No function blocks. Callbacks may call back into the broker, except broker_free. Spec:
 * MQTT 3.1.1, MQTT 5.0; differences of the AWS profile in docs/broker.md.
 */
#pragma once
#include "base/err.h"
#include "base/slice.h"
#include "broker/authority.h"
#include "broker/config.h"
#include "broker/journal.h"

struct broker;
struct net_loop;
struct net_stream;

/* Why a connection ended; the names are those of AWS's lifecycle events (iot-core.md 1.8). */
enum broker_why {
    BROKER_WHY_CLIENT,         /* CLIENT_INITIATED_DISCONNECT: the only one without a Will */
    BROKER_WHY_CLIENT_ERROR,   /* CLIENT_ERROR */
    BROKER_WHY_LOST,           /* CONNECTION_LOST */
    BROKER_WHY_TAKEOVER,       /* DUPLICATE_CLIENTID */
    BROKER_WHY_AUTH,           /* AUTH_ERROR */
    BROKER_WHY_FORBIDDEN,      /* FORBIDDEN_ACCESS */
    BROKER_WHY_KEEP_ALIVE,     /* MQTT_KEEP_ALIVE_TIMEOUT */
    BROKER_WHY_SERVER,         /* SERVER_INITIATED_DISCONNECT */
    BROKER_WHY_SERVER_ERROR,   /* SERVER_ERROR */
    BROKER_WHY_API,            /* API_INITIATED_DISCONNECT */
    BROKER_WHY_THROTTLED,      /* THROTTLED: slow reader, output stalled */
    BROKER_WHY_WEBSOCKET_TTL,  /* WEBSOCKET_TTL_EXPIRATION: a WebSocket connection is too old */
    BROKER_WHY_AUTHORIZER_TTL, /* CUSTOMAUTH_TTL_EXPIRATION: a custom authorizer let it in for so long */
};

/* "DUPLICATE_CLIENTID" ...; static. */
const char *broker_why_str(enum broker_why why);

/* Who is at the other end of a stream. */
struct broker_peer {
    void *user;                    /* whatever the authority knows it by; owned by the connection */
    void (*user_free)(void *user); /* called once when the connection is gone; may be NULL */
    struct slice principal;        /* certificate id or the like, copied; may be empty */
    struct slice address;          /* for events and logs, copied; may be empty */
};

/* A rate that was passed: what came over it waits, but for what is said otherwise. */
enum broker_limit {
    BROKER_LIMIT_CONNECTS,        /* CONNECTs of all clients: refused */
    BROKER_LIMIT_CLIENT_CONNECTS, /* of one client id */
    BROKER_LIMIT_PUBLISHES,       /* PUBLISHes of a connection */
    BROKER_LIMIT_BYTES,           /* their payload */
    BROKER_LIMIT_ALL_PUBLISHES,   /* PUBLISHes of all clients */
    BROKER_LIMIT_RETAINED,        /* retained messages for one topic */
    BROKER_LIMITS                 /* how many there are; none of them */
};
/* "connects_per_s": the member of struct broker_config; static. */
const char *broker_limit_str(enum broker_limit l);

/* What happened to clients; all members optional. Slices live for the call. */
struct broker_events {
    void *ctx;
    void (*connected)(void *ctx, void *user, struct slice client_id, struct slice address);
    /* `detail` says in words what the peer did or what was denied, for the log (it may quote the peer: escape
     * it); never NULL. client_id is empty when it ended before CONNECT was accepted. */
    void (*disconnected)(void *ctx, void *user, struct slice client_id, enum broker_why why,
                         const char *detail);
    /* The filters that one SUBSCRIBE was granted, and those that one UNSUBSCRIBE ended; n is not 0. */
    void (*subscribed)(void *ctx, void *user, struct slice client_id, const struct slice *filters, size_t n);
    void (*unsubscribed)(void *ctx, void *user, struct slice client_id, const struct slice *filters,
                         size_t n);
    void (*denied)(void *ctx, void *user, struct slice client_id, enum broker_action action,
                   struct slice topic);
    /* At most once a second for a connection. client_id is empty before CONNECT was accepted. */
    void (*throttled)(void *ctx, void *user, struct slice client_id, enum broker_limit limit);
};

struct broker_options {
    struct broker_config config;
    struct broker_authority authority; /* may == NULL: everything is allowed (tests) */
    struct broker_journal journal;     /* write == NULL: nothing survives, acknowledged at once */
    struct broker_events events;
    /* Clocks; NULL: base/clock.h. Tests give their own and call broker_tick. */
    int64_t (*mono_ms)(void *ctx);
    int64_t (*wall_ms)(void *ctx);
    void *clock_ctx;
};

/* loop may be NULL: then nobody calls broker_tick but the caller (tests). Loads the journal.
 * ERR_NOMEM; the journal's errors from load. */
err_t broker_new(struct net_loop *loop, const struct broker_options *o, struct broker **ret);
/* Shut down in an orderly way: nobody is accepted any more, and every connection ends (v5: DISCONNECT 0x8B,
 * Wills not sent, sessions kept) once the packets taken from it are acknowledged, at the latest after
 * answer_timeout_s. Returns how many there still are; call again, with the loop running in between, until
 * that is 0. */
size_t broker_drain(struct broker *b);
/* Closes every connection (v5: DISCONNECT 0x8B) and forgets everything; the journal keeps what it has. Wills
 * of these connections are not sent. */
void broker_free(struct broker *b);

/* Take over a connected stream. The broker owns `s` and peer->user from here on, also on failure.
 * ERR_BUSY  max_connections reached; the stream was closed
 * ERR_NOMEM the stream was closed */
err_t broker_accept(struct broker *b, struct net_stream *s, const struct broker_peer *peer);

/* A message from or to the service itself. */
struct broker_message {
    struct slice topic;
    struct slice payload;
    uint8_t qos;
    bool retain;
    struct slice props; /* version 5: an encoded block without its length (mqtt_props.block); may be empty.
                         * What an interceptor sees is without the message expiry interval */
    bool secret;        /* broker_reply: every copy of ours is wiped */
    /* Set when it came from a client and an interceptor sees it: */
    struct slice client_id;
    struct slice principal;
    void *user; /* of that connection */
};

/* Publish as the service: no authority is asked for the publishing, receivers' rights are. Interceptors do
 * not see it.
 *
 * ERR_OK        it was queued where it belongs, and the journal has it
 * ERR_MORE      the same, but the journal is not done; nobody will be told
 * ERR_INVALID   no valid topic name, QoS or properties
 * ERR_TOO_BIG   over max_payload
 * ERR_NO_SPACE  no room for another retained message
 * ERR_NOMEM, or what the journal said: nobody got it */
err_t broker_publish(struct broker *b, const struct broker_message *m);

/* Publish for somebody without a connection (an HTTP request), whose right to was asked before. Topics,
 * limits and interceptors are those of a client's PUBLISH; m->client_id may be empty.
 *
 * ERR_OK           done, and durable where that was due; done is not called
 * ERR_MORE         done(ctx, err) will be called, once and later; ERR_CANCELLED: the broker is being freed
 * ERR_INVALID      no valid topic name, too long or too deep; a QoS that is not offered; bad properties
 * ERR_TOO_BIG      over max_payload
 * ERR_DENIED       a reserved topic that nobody owns, or RETAIN where there is none
 * ERR_NO_SPACE     no room for another retained message
 * ERR_BUSY         over a rate of all clients or of the topic
 * ERR_UNAVAILABLE  the broker is draining
 * ERR_NOMEM, or what the journal said: nobody got it */
typedef void (*broker_submitted_fn)(void *ctx, err_t err);
err_t broker_submit(struct broker *b, const struct broker_message *m, broker_submitted_fn done, void *ctx);

/* Deliver to one connected client only, subscribed or not (jobs and provisioning answers). ERR_NOT_FOUND: not
 * connected. */
err_t broker_send(struct broker *b, struct slice client_id, const struct broker_message *m);

/* Deliver to the connection whose message an interceptor took under this ticket, and to no other: whoever has
 * taken over its client id since gets nothing. QoS 0 whatever m says: nothing is queued or journaled.
 * Subscribed or not, but the authority is asked. ERR_NOT_FOUND: the connection is gone. */
err_t broker_reply(struct broker *b, uint64_t ticket, const struct broker_message *m);

/* Sees what clients publish to topics that match `filter`, after the authority allowed it. m lives for the
 * call only.
 *
 * ERR_OK     taken: acknowledged now
 * ERR_MORE   taken: acknowledged when broker_answer(b, ticket, BROKER_ALLOW) is called, later and not from
 *            inside fn; BROKER_DENY closes the connection instead. QoS 0 is not acknowledged, but counts
 *            among max_inflight_in until then
 * any other  no such thing: the connection is closed (a misuse of a reserved topic) */
typedef err_t (*broker_intercept_fn)(void *ctx, const struct broker_message *m, uint64_t ticket);

enum broker_intercept_flags {
    BROKER_INTERCEPT_COPY = 0,    /* the message is also delivered to subscribers, after fn accepted it */
    BROKER_INTERCEPT_CONSUME = 1, /* it is not (Basic Ingest) */
};

/* Register before the first connection. The first registered filter that matches wins. ERR_INVALID for a bad
 * filter, ERR_NOMEM. */
err_t broker_intercept(struct broker *b, const char *filter, unsigned flags, broker_intercept_fn fn,
                       void *ctx);

/* Answer a question that was put off, or release an intercepted message. A ticket whose connection is gone,
 * or that was answered, is ignored. */
void broker_answer(struct broker *b, uint64_t ticket, enum broker_verdict v);
/* The journal finished a write. err other than ERR_OK: not durable; the publisher's connection is closed
 * without acknowledgement. */
void broker_journal_done(struct broker *b, uint64_t ticket, err_t err);

/* End the connection of a client; its session goes on as configured. v5: DISCONNECT with `reason` (enum
 * mqtt_reason). with_will: publish its Will. Returns how many connections ended. */
unsigned broker_disconnect_client(struct broker *b, struct slice client_id, enum broker_why why,
                                  uint8_t reason, bool with_will);
/* The same for every connection of a principal: the revoked certificate (v5: 0x98 administrative action). */
unsigned broker_disconnect_principal(struct broker *b, struct slice principal, enum broker_why why,
                                     uint8_t reason);
/* The same, for those for which fn(ctx, user) says so: a policy changed. */
unsigned broker_disconnect_if(struct broker *b, bool (*fn)(void *ctx, void *user, struct slice client_id),
                              void *ctx, enum broker_why why, uint8_t reason);

/* A client's session, connected or not. */
struct broker_client {
    bool connected;
    bool persistent;
    uint32_t expiry_s;     /* of the session, once the client has left */
    int64_t ends_ms;       /* wall clock, of a client that has left; 0 while connected, INT64_MAX never */
    uint16_t keep_alive_s; /* while connected */
    size_t subscriptions;
};
/* ERR_NOT_FOUND: not connected, and no session. */
err_t broker_client_find(const struct broker *b, struct slice client_id, struct broker_client *ret);
/* fn must not call the broker. Unordered. */
typedef void (*broker_subscription_fn)(void *ctx, struct slice filter, uint8_t qos);
void broker_client_subscriptions(const struct broker *b, struct slice client_id, broker_subscription_fn fn,
                                 void *ctx);
/* End the session of a client that has left. ERR_NOT_FOUND; ERR_WRONG_STATE: it is connected. */
err_t broker_client_forget(struct broker *b, struct slice client_id);

/* A retained message. Slices live until the broker is called again. */
struct broker_retained {
    struct slice topic, payload;
    struct slice props; /* as in broker_message */
    uint8_t qos;
    int64_t stored_ms; /* wall clock */
};
/* ERR_NOT_FOUND, also for one that has expired. */
err_t broker_retained_find(const struct broker *b, struct slice topic, struct broker_retained *ret);
/* Tell those behind `after` (empty: from the first), in an order of their topics that never changes, while fn
 * returns true. fn must not call the broker. */
typedef bool (*broker_retained_fn)(void *ctx, const struct broker_retained *r);
void broker_retained_list(const struct broker *b, struct slice after, broker_retained_fn fn, void *ctx);

/* Is this client connected? */
bool broker_is_connected(const struct broker *b, struct slice client_id);
/* Look at the deadlines: CONNECT, keep-alive, stalls, late answers, session and message expiry. Called by the
 * loop every second; by hand when there is no loop. */
void broker_tick(struct broker *b);

/* Why a receiver did not get a message. */
enum broker_drop {
    BROKER_DROP_SLOW,    /* QoS 0, and it reads too slowly */
    BROKER_DROP_FULL,    /* its session's queue is */
    BROKER_DROP_EXPIRED, /* the message */
    BROKER_DROP_DENIED,  /* it may not receive that */
    BROKER_DROP_RATE,    /* QoS 0, and all clients together get too many */
    BROKER_DROP_UNACKED, /* given up: sent, and not acknowledged for too long */
    BROKER_DROP_OTHER,   /* over the size it takes, its connection just ended, no memory */
    BROKER_DROPS
};

struct broker_stats {
    size_t connections, sessions, subscriptions, retained, queued;
    uint64_t received, delivered, dropped;    /* messages since start */
    uint64_t drops[BROKER_DROPS];             /* `dropped`, by reason */
    uint64_t packets_in[16], packets_out[16]; /* control packets, by type */
    uint64_t throttled[BROKER_LIMITS];        /* times that a connection or a request was over a rate */
};
void broker_stats(const struct broker *b, struct broker_stats *ret);
