/* src/edge/link/link_explain.c - from "where it ended and how" to what the reader should look at. */
#include "edge/link/link.h"

#include "base/buf.h"
#include "base/mem.h"

#define POLICY_GDA                                                           \
    "the certificate's policy must allow iot:Subscribe and iot:Receive for " \
    "$aws/things/{thing}-gda/shadow/* (the -gda topics) and iot:Publish to " \
    "$aws/things/{thing}-gda/shadow/get and update"
#define POLICY_DATA                                                                                     \
    "the certificate's policy must allow iot:Connect for client ids {thing}*, and iot:Subscribe and "   \
    "iot:Receive for the topics that the group's subscriptions take from the cloud; topics that begin " \
    "with $ are the cloud's own and not all of them may be subscribed to"
#define CONNECT_CLOSED                                                                                       \
    "the cloud closed the connection after CONNECT, which is how it refuses one: check that the "            \
    "certificate is ACTIVE, that a policy is attached to it, that the policy allows iot:Connect for client " \
    "id {id}, and that no other core uses this client id"

#define SUBSCRIBE_CLOSED "the cloud closed the connection while the core subscribed: "
#define UNREACHABLE                                                                                    \
    "is the cloud running and reachable? check coreThing.iotHost and iotMqttPort in config.json, the " \
    "network and firewalls"
#define ANY (-1)

#define ROLE_ANY (-1)

/* The first row that fits is used. */
static const struct {
    int role;
    enum link_state at;
    int e;
    const char *holds; /* part of the detail (the texts of src/tls/why.c); NULL: anything */
    const char *hint;
} hints[] = {
    { ROLE_ANY, LINK_CONNECTING, ERR_UNAVAILABLE, NULL, UNREACHABLE },
    { ROLE_ANY, LINK_CONNECTING, ERR_TIMEOUT, NULL, UNREACHABLE },
    { ROLE_ANY, LINK_CONNECTING, ERR_AUTH, "the peer refused us",
      "check that the certificate is registered with the cloud and ACTIVE, and that it was not replaced" },
    { ROLE_ANY, LINK_CONNECTING, ERR_AUTH, NULL,
      "crypto.caPath must hold the CA of the cloud (was it replaced? fetch root.ca.pem again) and "
      "coreThing.iotHost must be a name in the cloud's certificate" },
    { ROLE_ANY, LINK_CONNECTING, ERR_PROTO, NULL,
      "check that coreThing.iotMqttPort is the cloud's MQTT port with TLS" },
    { ROLE_ANY, LINK_CONNECTING, ERR_CRYPTO, NULL,
      "check that the token answers (for a secure element: ssscli se05x uid) and holds the key that belongs "
      "to the certificate" },
    { ROLE_ANY, LINK_CONNECTING, ANY, NULL,
      "check the network, and with a key in a token that the token answers" },
    { ROLE_ANY, LINK_CONNACK, ERR_EOF, NULL, CONNECT_CLOSED },
    { ROLE_ANY, LINK_CONNACK, ERR_IO, NULL, CONNECT_CLOSED },
    { ROLE_ANY, LINK_CONNACK, ERR_AUTH, NULL,
      "check that the certificate is registered with the cloud and ACTIVE" },
    { ROLE_ANY, LINK_CONNACK, ERR_DENIED, NULL,
      "check that the certificate is ACTIVE, that a policy is attached to it and that the policy allows "
      "iot:Connect for client id {id}" },
    { LINK_DEPLOYMENTS, LINK_SUBSCRIBING, ERR_DENIED, NULL, POLICY_GDA },
    { LINK_DATA, LINK_SUBSCRIBING, ERR_DENIED, NULL, POLICY_DATA },
    { LINK_DATA, LINK_SUBSCRIBING, ERR_EOF, NULL, SUBSCRIBE_CLOSED POLICY_DATA },
    { LINK_DATA, LINK_SUBSCRIBING, ERR_IO, NULL, SUBSCRIBE_CLOSED POLICY_DATA },
    { LINK_DATA, LINK_READY, ERR_EOF, NULL,
      "the cloud closed the connection: was a message refused (iot:Publish), the certificate deactivated, "
      "the "
      "policy changed, or does another core use client id {id}?" },
    { LINK_DEPLOYMENTS, LINK_SUBSCRIBING, ERR_EOF, NULL, SUBSCRIBE_CLOSED POLICY_GDA },
    { LINK_DEPLOYMENTS, LINK_SUBSCRIBING, ERR_IO, NULL, SUBSCRIBE_CLOSED POLICY_GDA },
    { ROLE_ANY, LINK_READY, ERR_EOF, NULL,
      "the cloud closed the connection: was the certificate deactivated, the policy changed, or does another "
      "core use client id {id}?" },
};

/* The hint with {id} and {thing} replaced. */
static err_t expand(struct buf *out, const char *hint, const char *client_id, const char *thing_name)
{
    err_t e = ERR_OK;

    while (*hint && !e) {
        if (strncmp(hint, "{id}", 4) == 0) {
            e = buf_add_str(out, client_id);
            hint += 4;
        } else if (strncmp(hint, "{thing}", 7) == 0) {
            e = buf_add_str(out, thing_name);
            hint += 7;
        } else
            e = buf_add_u8(out, (uint8_t)*hint++);
    }
    return e;
}

static const char *find_hint(enum link_role role, enum link_state at, err_t e, const char *detail)
{
    for (size_t i = 0; i < ARRAY_LEN(hints); i++) {
        const char *holds = hints[i].holds;
        if ((hints[i].role == ROLE_ANY || hints[i].role == (int)role) && hints[i].at == at &&
            (hints[i].e == (int)e || hints[i].e == ANY) && (!holds || strstr(detail, holds)))
            return hints[i].hint;
    }
    return NULL;
}

void link_explain(enum link_role role, enum link_state at, err_t e, const char *detail, const char *client_id,
                  const char *thing_name, struct problem *ret)
{
    const char *hint = find_hint(role, at, e, detail);
    autobuf text = BUF_INIT(PROBLEM_MAX);

    if (hint)
        (void)expand(&text, hint, client_id, thing_name); /* cut short by the cap at worst */
    (void)problem_set(ret, e, "%s%s%s", *detail ? detail : err_str(e), hint ? ": " : "", buf_str(&text));
}
