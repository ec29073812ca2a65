/* src/cloud/gateway/principal.h - one MQTT connection's certificate and what may be done with it. The loop's
 * thread.
 *
 * Counted: the connection holds one reference, every load under way another.
 */
#pragma once
#include "broker/authority.h"
#include "cloud/gateway/facts.h"
#include "cloud/gateway/mqtt.h"
#include "cloud/loglimit.h"
#include "crypto/digest.h"

#define PRINCIPAL_WAITING_MAX 16u
#define PRINCIPAL_ID_MAX 129u

enum principal_state {
    PRINCIPAL_NEW,     /* TLS is done, nothing asked yet */
    PRINCIPAL_LOADING, /* the registry is being asked */
    PRINCIPAL_READY,
};

/* A question that waits for the facts. */
struct principal_question {
    uint64_t ticket;
    char *topic;
    enum broker_action action;
    bool retain;
};

struct principal {
    struct gateway *gw;
    struct principal *next, **link; /* all of the gateway's */
    unsigned refs;
    enum principal_state state;
    bool again;                /* it changed once more while loading */
    bool cut;                  /* not to be asked for anything any more */
    bool refused;              /* its certificate was not admitted, and the log says why */
    bool receive_refused;      /* a delivery was, and it was logged */
    char id[PRINCIPAL_ID_MAX]; /* a certificate's, or a guest's */
    struct guest *guest;       /* NULL: it has a certificate */
    X509 *cert;                /* a reference, until CONNECT was answered */
    char *client_id;           /* from CONNECT on */
    char address[64];
    struct loglimit log;     /* lines about what it was refused */
    struct policy_vars vars; /* of the certificate and the connection */
    struct facts facts;
    struct policy_matcher *policies;    /* the facts' policies, compiled; NULL: nothing is allowed */
    struct principal_question *waiting; /* room for PRINCIPAL_WAITING_MAX; NULL: none */
    size_t n_waiting;
};

/* A principal for the certificate of `id`, borrowed, who is at the other end of s. ERR_AUTH: there is none.
 */
err_t principal_new(struct gateway *g, const struct net_stream *s, const struct tls_identity *id,
                    struct principal **ret);
/* A principal whose policies are known: the contents of *facts, which are taken on ERR_OK. The caller gives
 * it a guest. */
err_t principal_new_guest(struct gateway *g, const struct net_stream *s, const char *id, struct facts *facts,
                          struct principal **ret);
void guest_free(struct guest *guest); /* NULL is fine */
/* Somebody else says at CONNECT what it may do: guest_ask leads to principal_settle, later. */
bool guest_asks(const struct guest *guest);
err_t guest_ask(struct principal *p, const struct broker_question *q);
/* The guest's policies, now or anew; takes *facts on ERR_OK. */
err_t principal_take(struct principal *p, struct facts *facts);
/* It is known whether it is let in (still): what waited is answered. The caller holds a reference. */
void principal_settle(struct principal *p, bool ok);
void principal_unref(void *p); /* broker_peer.user_free */

/* The broker's question. */
enum broker_verdict principal_may(struct principal *p, const struct broker_question *q);

/* End the connection now: nothing is allowed any more. The caller holds a reference. */
void principal_cut(struct principal *p);

/* Ask the registry (again); the answer is put to effect when it comes. ERR_BUSY, ERR_NOMEM: nobody was asked.
 */
err_t principal_load(struct principal *p);
