/* src/edge/link/refusal.h - ask the cloud why it closed the connection: MQTT 3.1.1 has no word for it.
 *
 * refusal_parse is pure, refusal_ask I/O on the loop's thread. Spec: docs/spec/edge-cloud.md EC-17. A cloud
 * that does not know the question answers with an error, and then nothing is said.
 */
#pragma once
#include "edge/config.h"
#include "http/client.h"

#define REFUSAL_MAX_BYTES 65536

/* The answer's message. ERR_NOT_FOUND: it says that the connection would be let in, or nothing. ERR_INVALID:
 * not such an answer. */
err_t refusal_parse(struct slice text, struct problem *ret_message);

/* `said` is called once with the message, or with NULL when the cloud gave none. ERR_BUSY, ERR_NOMEM: it will
 * not be called. */
struct refusal_ask {
    struct net_loop *loop;
    struct http_client *http;
    const struct config *config;
    void (*said)(void *ctx, const char *message);
    void *ctx;
};
/* `ask` must live until `said` was called or the client was freed. */
err_t refusal_ask(struct refusal_ask *ask);
