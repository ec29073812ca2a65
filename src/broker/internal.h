/* src/broker/internal.h - the parts of a broker and who calls whom. Inside src/broker only.
 *
 * One thread: the loop's. Life times: nothing that another function on the stack may hold is freed in the
 * middle of work. A connection that has to end is doomed (conn_doom), and torn down when the outermost call
 * into the broker returns (broker_leave).
 *
 *   conn.c     a connection: its beginning, bytes out, its end
 *   packets.c  bytes in, packets to handlers
 *   connect.c  CONNECT; publish.c PUBLISH; subscribe.c SUBSCRIBE and UNSUBSCRIBE
 *   submit.c   a publish without a connection; client.c what there is to know about a client
 *   acks.c     PUBACK, PUBREC, PUBREL, PUBCOMP
 *   ask.c      questions to the authority; a packet whose question is open stays unread
 *              and is handled again when the answer is there
 *   owed.c     acknowledgements that wait for journal or interceptor, sent in order
 *   session.c  sessions and their subscriptions
 *   queue.c    the messages on their way to one session
 *   route.c    who gets a message
 *   deliver.c  sending what is due
 *   hold.c     QoS 2 messages that wait for the journal
 *   image.c    the bytes of a PUBLISH, encoded once
 *   retain.c   retained messages
 *   message.c  the message itself
 *   limit.c    rates; rate.c those of many names
 *   load.c     the journal read back; tick.c deadlines
 */
#pragma once
#include "base/buf.h"
#include "broker/broker.h"
#include "broker/queue.h"
#include "broker/rate.h"
#include "broker/tree.h"
#include "mqtt/image.h"
#include "mqtt/packet.h"
#include "mqtt/qos.h"
#include "mqtt/reason.h"
#include "net/stream.h"

/* ---- message.c ---- */

/* One message, shared by all who wait for it. */
struct broker_msg {
    uint64_t serial; /* no other message of the broker has it */
    unsigned refs;
    uint8_t qos;
    bool retain;
    bool secret;       /* wiped when it goes */
    int64_t ends_ms;   /* wall clock; 0: never */
    int64_t stored_ms; /* wall clock; only of one that is retained */
    struct slice topic, payload;
    struct slice props; /* encoded block of what goes unaltered to every receiver */
    uint8_t bytes[];
};

/* ERR_NOMEM. props: an encoded block. */
err_t broker_msg_new(struct broker *b, const struct broker_message *m, int64_t ends_ms,
                     struct broker_msg **ret);
struct broker_msg *broker_msg_ref(struct broker_msg *m);
void broker_msg_unref(struct broker_msg *m);
/* From a PUBLISH or a Will of a client: properties that concern the hop are left out. */
err_t broker_msg_from(struct broker *b, struct slice topic, struct slice payload, uint8_t qos, bool retain,
                      const struct mqtt_props *props, struct broker_msg **ret);
static inline size_t broker_msg_size(const struct broker_msg *m)
{
    return m->topic.n + m->payload.n + m->props.n;
}
bool broker_msg_expired(const struct broker_msg *m, int64_t wall_ms);

/* ---- session.c ---- */

struct session;

struct sub {
    struct broker_leaf leaf; /* first */
    struct session *session;
    struct sub *next;
    struct slice filter;
    uint32_t id;          /* subscription identifier; 0: none */
    uint8_t qos, options; /* options as in struct broker_record */
    uint8_t bytes[];
};
/* What a SUBSCRIBE says about one filter. */
struct sub_how {
    uint32_t id;
    uint8_t qos, options;
};
#define SUB_NO_LOCAL 1
#define SUB_RETAIN_AS_PUBLISHED 2

struct session {
    struct slice id; /* client id; first, the key of the broker's tree */
    struct broker *b;
    struct conn *conn; /* NULL: away */
    enum mqtt_version version;
    uint32_t expiry_s; /* 0: ends with the connection */
    int64_t ends_ms;   /* wall clock; 0: connected; INT64_MAX: never */
    struct sub *subs;
    unsigned n_subs;
    struct queue queue;
    uint16_t window;          /* so many of them may be in flight */
    bool was_connected;       /* when the broker went down: what it was sent then is not known */
    struct mqtt_ids received; /* QoS 2 identifiers of the client that it has not released */
    uint64_t last_seq;
    uint64_t stored_seq;     /* messages up to here were stored while the client was away */
    struct broker_msg *will; /* delayed */
    int64_t will_due_ms;     /* wall clock */
    uint64_t
        mark; /* the last routed message that concerns it, and its place among the targets; see route.c */
    size_t mark_target;
    bool pumping;    /* session_pump is on the stack */
    unsigned n_held; /* holds it has a part in */
    struct session *next, *prev;
    uint8_t bytes[];
};

struct session *session_find(const struct broker *b, struct slice id);
/* ERR_NOMEM. Whether there may be one more was asked before. */
err_t session_new(struct broker *b, struct slice id, struct session **ret);
/* Everything of it goes, here; in the journal too when it was persistent. A delayed Will is published. */
void session_end(struct session *s);
void session_free(struct session *s);   /* only memory */
void session_record(struct session *s); /* tell the journal that it exists */
/* When a session that is left now ends. */
int64_t session_ends(const struct session *s);
static inline bool session_persistent(const struct session *s)
{
    return s->expiry_s > 0;
}

/* ---- the delayed Will: 5.0 §3.1.3.2.2. It survives a restart. ---- */

void session_delay_will(struct session *s, struct broker_msg *will, int64_t due_ms); /* takes the reference */
void session_publish_will(struct session *s);
void session_forget_will(struct session *s); /* there may be none */

struct sub *session_sub_find(const struct session *s, struct slice filter);
/* Add or change. *ret_new: it was not there. ERR_NOMEM. */
err_t session_subscribe(struct session *s, struct slice filter, const struct sub_how *how, bool *ret_new);
void session_unsubscribe(struct session *s, struct sub *sub);

/* One message for one session. */
struct delivery {
    uint64_t seq;         /* QoS 1 and 2: ++last_seq, or that of the journal */
    struct slice sub_ids; /* encoded */
    uint8_t qos;          /* of this delivery */
    bool retain;
    bool held; /* hold.c */
};

bool session_has_room(const struct session *s, const struct broker_msg *m);
/* Append to the queue; QoS 1 or 2. Whether there is room was asked before: what the journal kept is taken
 * back whatever the limits are now. ERR_NOMEM. */
err_t session_enqueue(struct session *s, struct broker_msg *m, const struct delivery *d);
/* From the journal: the client has this message. False: no such message. */
bool session_released(struct session *s, uint64_t seq);
/* All of it has been loaded: what may have been sent before is to be sent as a repetition. */
void session_loaded(struct session *s);
struct broker_record session_queued_record(const struct session *s, const struct broker_msg *m,
                                           const struct delivery *d);

/* ---- conn.c ---- */

enum conn_state {
    CONN_NEW,   /* waiting for CONNECT */
    CONN_UP,    /* CONNACK sent */
    CONN_DOOMED /* to be torn down; sends and reads nothing more */
};

struct owed;

#define CONN_QUESTIONS 256 /* in one packet: the filters of a SUBSCRIBE; CONNECT and its Will are two */

struct conn {
    uint32_t serial; /* upper half of its tickets; first, the key of the broker's tree */
    enum conn_state state;
    struct broker *b;
    struct conn *next, *prev; /* all connections */
    struct conn *next_doomed;
    struct conn *newer, *older; /* those before CONNECT, in order of age */
    struct net_stream *stream;
    void *user;
    void (*user_free)(void *user);
    char *principal, *address; /* owned; the principal with its length, it may hold any byte */
    size_t principal_n;
    /* what CONNECT said */
    struct session *session;
    struct broker_msg *will;
    struct slice *aliases, *aliases_out; /* v5, client to server and back; owned copies */
    enum mqtt_version version;
    uint32_t max_packet; /* the client takes no larger one */
    uint32_t will_delay_s;
    uint16_t keep_alive_s;
    uint16_t n_aliases, n_aliases_out, max_aliases_out;
    /* deadlines, monotonic */
    int64_t started_ms, last_rx_ms, over_soft_ms, asked_ms;
    /* the question that is open, and answers of the packet being handled */
    uint64_t ticket; /* 0: none */
    uint32_t last_ticket;
    uint8_t *answers; /* given so far to a packet that waits for more; NULL: none */
    unsigned n_answers;
    /* acknowledgements to come; n_unacked: publishes with QoS 1 or 2 among them */
    unsigned n_owed, n_unacked;
    struct owed *owed_head, *owed_tail;
    /* until the next tick: stored messages that may be sent, publishes and payload that may be taken */
    unsigned stored_left, publishes_left;
    size_t bytes_left;
    enum broker_why why; /* it ended */
    uint8_t reason;      /* v5 DISCONNECT; 0: none is sent */
    bool welcomed;       /* CONNACK was sent */
    bool counted;        /* its CONNECT, for connects_per_s */
    bool client_counted; /* and for connects_per_client_s */
    bool no_will;
    bool paused;  /* the stream is, by us */
    bool held;    /* the next packet is a PUBLISH that has to wait */
    bool waits;   /* the packet at hand is over a rate: it is handled again in the next second */
    bool slowed;  /* said so, in this second */
    char *detail; /* set when doomed; NULL then: no memory for it */
};

/* The connection ends, with the first reason given. `detail` is a sentence for the log. reason: v5 DISCONNECT
 * code, 0 none. */
void conn_doom(struct conn *c, enum broker_why why, uint8_t reason, const char *detail, ...)
    __attribute__((format(printf, 4, 5)));
/* Now; not while c is on the stack. */
void conn_teardown(struct conn *c);
/* The connection a ticket belongs to; NULL when it has gone or is going. */
struct conn *conn_find(const struct broker *b, uint64_t ticket);
/* Queue one encoded packet. A connection that cannot take it is doomed, and so is a client that takes no
 * packets of that size (5.0 [MQTT-3.1.2-24]; a PUBLISH is left out instead, see conn_publish). */
void conn_send(struct conn *c, struct slice packet);
extern const struct net_handler conn_stream_handler;
/* Stop or start reading as the connection's state asks. */
void conn_flow(struct conn *c);
static inline bool conn_up(const struct conn *c)
{
    return c && c->state == CONN_UP;
}
static inline struct slice conn_principal(const struct conn *c)
{
    return slice_of(c->principal, c->principal_n);
}
struct slice conn_client_id(const struct conn *c); /* empty before CONNECT was accepted */
bool conn_output_full(const struct conn *c);
/* It has said CONNECT. */
void conn_not_new(struct conn *c);
/* What the stream may hold, by the connection's state. */
void conn_set_limits(struct conn *c);

/* ---- limit.c ---- */

/* A second has passed: what has a rate begins again. */
void conn_new_second(struct conn *c);
void broker_new_second(struct broker *b);
/* The rate that keeps the next PUBLISH of c out; BROKER_LIMITS: none. */
enum broker_limit conn_over_rate(const struct conn *c);
/* A PUBLISH was taken; c may be NULL. */
void broker_count_publish(struct broker *b, struct conn *c, size_t payload);
/* Its CONNECT, or its retained message, is one too many in this second: it has to be handled again. The
 * handler returns ERR_MORE then. */
bool conn_connect_waits(struct conn *c, struct slice client_id);
bool conn_retain_waits(struct conn *c, struct slice topic, size_t payload);
/* What conn_retain_waits asks, for somebody without a connection. */
bool broker_may_retain(struct broker *b, struct slice topic, size_t payload);
void broker_throttled(struct broker *b, enum broker_limit l);
/* Tell, once a second for a connection. */
void conn_throttled(struct conn *c, enum broker_limit l);

/* What a decoder said against a packet ends the connection: 0x81 or 0x82. */
void conn_refuse_packet(struct conn *c, unsigned type, err_t e);

/* Packet handlers: ERR_OK handled; ERR_MORE keep the packet and show it again (an answer is awaited); errors
 * other than these do not leave a handler: it dooms the connection and returns ERR_OK. */
err_t conn_handle_connect(struct conn *c, const struct mqtt_frame *f);
err_t conn_handle_publish(struct conn *c, const struct mqtt_frame *f);
err_t conn_handle_subscribe(struct conn *c, const struct mqtt_frame *f);
err_t conn_handle_unsubscribe(struct conn *c, const struct mqtt_frame *f);
err_t conn_handle_puback(struct conn *c, const struct mqtt_frame *f);
err_t conn_handle_pubrec(struct conn *c, const struct mqtt_frame *f);
err_t conn_handle_pubrel(struct conn *c, const struct mqtt_frame *f);
err_t conn_handle_pubcomp(struct conn *c, const struct mqtt_frame *f);

/* ---- ask.c ---- */

/* Ask, or take the answer given before. BROKER_LATER: return ERR_MORE from the handler. q needs action,
 * topic, retain, qos, connect and, before CONNECT was accepted, client_id. */
enum broker_verdict conn_ask(struct conn *c, struct broker_question q);
/* A question that must be answered at once. */
bool conn_may_receive(struct conn *c, const struct broker_msg *m);
void conn_denied(struct conn *c, enum broker_action action, struct slice topic);
uint64_t conn_next_ticket(struct conn *c);

/* ---- owed.c ---- */

struct owed {
    struct owed *next;
    uint64_t ticket;
    unsigned waits; /* journal, interceptor */
    int64_t since_ms;
    bool publish;         /* it is for a PUBLISH with QoS 1 or 2 */
    uint16_t received_id; /* a QoS 2 identifier to be forgotten when the answer is no; 0: none */
    size_t n;             /* 0: only the place counts */
    uint8_t bytes[];
};

/* An acknowledgement: sent when `waits` answers for `ticket` came and all before it are sent. */
struct owed_what {
    struct slice packet;
    uint64_t ticket;
    unsigned waits;
    bool publish;
    uint16_t received_id;
};
/* The connection is doomed if there is no memory. */
void owed_add(struct conn *c, const struct owed_what *what);
/* PUBACK, PUBREC, PUBREL or PUBCOMP in its shortest form. */
void owed_ack(struct conn *c, enum mqtt_type type, uint16_t packet_id, uint8_t code, struct owed_what what);
/* One answer. ok false: the connection ends without the acknowledgement. */
void owed_answer(struct conn *c, uint64_t ticket, bool ok, const char *what);
void owed_clear(struct conn *c);

/* ---- image.c ---- */

struct broker_images {
    uint64_t serial;             /* of the message that `shared` is */
    struct mqtt_image shared[4]; /* version, with packet identifier or not */
    bool made[4];
    struct mqtt_image own;
};
/* Lets go of the images' memory; they may be used again. */
void broker_images_done(struct broker *b);
/* What is encoded from here to broker_images_done is wiped with it. */
void broker_images_guard(struct broker *b);
/* Send one copy of m. False: too large for this client, or no memory; to be treated as sent. */
bool conn_publish(struct conn *c, const struct broker_msg *m, struct mqtt_image_vary v, struct slice sub_ids);

/* ---- route.c ---- */

struct target;

/* Memory that routing keeps from message to message. */
struct route_room {
    struct target *targets;
    size_t room_targets;
    struct broker_record *recs;
    size_t room_recs;
};
void route_room_done(struct route_room *r);

/* Route to all subscribers, keep it if it is to be retained, tell the journal all of that in one write.
 * ERR_OK, ERR_MORE as struct broker_journal; else nobody got it. */
struct route_from {
    const struct session *session;    /* the publisher's, for No Local; may be NULL */
    const struct broker_record *also; /* one more change for the journal's write; may be NULL */
    uint64_t ticket;
};
err_t broker_route(struct broker *b, struct broker_msg *m, const struct route_from *from);

/* ---- deliver.c ---- */

/* Send what may be sent now. */
void session_pump(struct session *s);
/* A message of the queue is done with: acknowledged, or given up. */
void session_settle(struct session *s, struct queued *e);
/* Give up what was not acknowledged for too long. */
void session_give_up(struct session *s);
/* One QoS 0 copy. */
void conn_send_qos0(struct conn *c, struct broker_msg *m, const struct delivery *d);
/* To one connected session, whatever it subscribed to: retained messages, answers of the service. d->seq is
 * set here. */
void session_deliver(struct session *s, struct broker_msg *m, struct delivery d);

/* ---- hold.c ---- */

struct hold;

/* A ticket that belongs to no connection. */
uint64_t hold_ticket(struct broker *b);
/* The copies of m with QoS 2 that at most n sessions get wait until broker_journal_done(ticket). ERR_NOMEM.
 */
err_t hold_new(struct broker *b, uint64_t ticket, struct broker_msg *m, size_t n, struct hold **ret);
/* The session's queue has one of them now, marked `held`. */
void hold_add(struct hold *h, struct session *s);
/* The journal is done: they are sent, or taken out. */
void hold_settle(struct broker *b, uint64_t ticket, err_t err);
void hold_forget(struct session *s); /* it ends */
void hold_free_all(struct broker *b);

/* ---- retain.c ---- */

/* Is there room for it, should it be kept? */
bool retain_room(const struct broker *b, const struct broker_msg *m);
/* Keep or delete (empty payload). The journal is the caller's business. ERR_NOMEM. */
err_t retain_set(struct broker *b, struct broker_msg *m);
struct broker_record retain_record(const struct broker_msg *m);
/* What a new subscription gets. */
void retain_deliver(struct session *s, struct slice filter, const struct sub_how *how);
/* Forget those that have expired. */
void retain_expire(struct broker *b);
void retain_free_all(struct broker *b);

/* ---- broker.c ---- */

struct intercept {
    struct intercept *next;
    char *filter;
    unsigned flags;
    broker_intercept_fn fn;
    void *ctx;
};

/* ---- submit.c ---- */

struct submitted;
/* An answer for a ticket that belongs to no connection. */
void submitted_answer(struct broker *b, uint64_t ticket, err_t err);
void submitted_free_all(struct broker *b);
static inline bool ticket_is_submitted(uint64_t ticket)
{
    return !(ticket >> 32);
}

struct broker {
    struct net_loop *loop;
    struct net_timer *timer;
    struct broker_options o;
    struct broker_tree tree;
    void *sessions; /* tsearch(3) by id */
    struct session *session_list;
    void *retained; /* tsearch(3) by topic */
    struct conn *conns, *doomed;
    struct conn *newest, *oldest; /* before CONNECT */
    void *conns_by_serial;        /* tsearch(3) */
    struct intercept *intercepts, **intercepts_end;
    struct submitted *submitted;
    int64_t swept_ms;
    unsigned depth; /* calls into the broker on the stack */
    bool draining;
    unsigned connects_left, publishes_left, deliveries_left; /* until the next tick */
    struct broker_rate client_connects, retained_sets;
    uint64_t throttled[BROKER_LIMITS];
    uint32_t last_serial;
    uint64_t mark, last_msg;
    struct broker_images images;
    struct route_room spare;         /* unless it is in use */
    uint8_t answers[CONN_QUESTIONS]; /* of the packet being handled */
    unsigned n_asked;
    uint64_t id_seed[2];             /* for assigned client ids */
    struct hold *holds, **holds_end; /* in the order of their writes */
    uint32_t last_own_ticket;
    struct broker_msg *loaded; /* while the journal is read: the last message */
    uint64_t loaded_message;
    size_t n_conns, n_new, n_sessions, n_subs, n_retained;
    uint64_t received, delivered;
    uint64_t drops[BROKER_DROPS], packets_in[16], packets_out[16]; /* as struct broker_stats */
};

static inline void broker_enter(struct broker *b)
{
    b->depth++;
}
void broker_leave(struct broker *b);
int64_t broker_mono(const struct broker *b);
int64_t broker_wall(const struct broker *b);
/* The journal's write, or ERR_OK without one. */
err_t broker_write(struct broker *b, const struct broker_record *recs, size_t n, uint64_t ticket);
/* A change nobody waits for. A journal that fails is the journal's to report. */
void broker_note(struct broker *b, const struct broker_record *rec);
/* Takes one record of the journal; arg: the broker. ERR_CORRUPT, ERR_NOMEM. */
err_t broker_load(void *arg, const struct broker_record *rec);
/* A message of the service as one of ours. ERR_INVALID, ERR_TOO_BIG, ERR_NOMEM. */
err_t broker_own_message(struct broker *b, const struct broker_message *m, struct broker_msg **ret);
struct intercept *broker_intercept_find(struct broker *b, struct slice topic);
/* Are length and slashes within the limits? */
bool broker_topic_fits(const struct broker *b, struct slice topic);
bool broker_topic_reserved(const struct broker *b, struct slice topic);
