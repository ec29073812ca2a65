/* src/edge/deploy/courier.h - brings a deployment's status to the cloud and does not give up: EC-14, EC-15.
 *
 * PUT, then the shadow's reported state, then the shadow's answer; from the start again, with backoff,
 * whenever one of them fails. What is owed is on disk until then. I/O on one loop; everything here belongs to
 * its thread.
 */
#pragma once
#include "crypto/process.h"
#include "edge/deploy/dataplane.h"
#include "edge/deploy/store.h"

struct courier;

struct courier_opts {
    const struct crypto_ctx *crypto;
    const struct dataplane *dataplane;
    struct store *store;
    /* Publish to the cloud, QoS 1: link_publish. */
    err_t (*publish)(void *ctx, const char *topic, struct slice payload);
    void *publish_ctx;
    /* What was owed has been taken. */
    void (*on_delivered)(void *ctx);
    void *ctx;
};

/* Objects are borrowed. ERR_NOMEM. */
err_t courier_new(const struct courier_opts *opts, struct courier **ret);
void courier_free(struct courier *c); /* NULL is fine; http requests must have ended */

/* The core ends: nothing is asked or published any more, answers on their way find nothing to do. Before the
 * link and the HTTP client are freed. */
void courier_end(struct courier *c);

/* Take what a former process left on disk; nothing is sent yet. */
void courier_restore(struct courier *c);
/* Keep `r` on disk and deliver it. */
void courier_owe(struct courier *c, const struct gda_report *r);
bool courier_owes(const struct courier *c);
/* Deliver now what is owed: the link is ready. */
void courier_hurry(struct courier *c);

/* Publish a reported state once, without following it up: EC-3's InProgress. */
err_t courier_publish(struct courier *c, const struct gda_report *r);

/* The shadow's answer to an update with this clientToken. */
void courier_on_accepted(struct courier *c, const char *token);
void courier_on_rejected(struct courier *c, const char *token);
