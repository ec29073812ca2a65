/* src/edge/deploy/agent.h - the deployment agent: learns of a deployment, fetches, checks, switches, reports.
 *
 * I/O on one loop; everything here belongs to its thread. The driver is a table of steps; each step's rules
 * are in the pure files (gda, deploydoc, group) and on disk in store. Spec: docs/spec/edge-cloud.md.
 */
#pragma once
#include "crypto/own.h"
#include "crypto/process.h"
#include "edge/config.h"
#include "edge/deploy/store.h"
#include "http/client.h"
#include "net/loop.h"

struct agent;
struct runtime;

struct agent_opts {
    struct net_loop *loop;
    const struct crypto_ctx *crypto;
    struct http_client *http;
    const struct config *config;
    STACK_OF(X509) *roots;
    struct store *store;
    struct runtime *runtime;
    /* Publish to the cloud, QoS 1: link_publish. */
    err_t (*publish)(void *ctx, const char *topic, struct slice payload);
    void *publish_ctx;
};

/* Everything is borrowed. Recovers from a crash during a deployment, then runs the group on disk (a
 * group.json that cannot be run is said in the log, and the core runs as if it were {}). ERR_NOMEM, ERR_IO
 * ... with *why. */
err_t agent_new(const struct agent_opts *opts, struct agent **ret, struct problem *why);
/* The core ends: no more steps, answers on their way find nothing to do; a deployment under way starts again
 * with the next process. Before the link and the HTTP client are freed. NULL is fine. */
void agent_end(struct agent *a);
void agent_free(struct agent *a); /* NULL is fine; http requests must have ended (free the client first) */

/* The link is up and subscribed: send what is owed, ask what is desired. */
void agent_on_ready(struct agent *a);
/* A message on one of the -gda topics. */
void agent_on_message(struct agent *a, struct slice topic, struct slice payload);
