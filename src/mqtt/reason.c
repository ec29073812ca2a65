#include "mqtt/reason.h"

#include "base/mem.h"
#include "mqtt/packet.h"

#include <stddef.h>

/* PUBACK and PUBREC say the same, PUBREL and PUBCOMP too. */
#define CA (1u << MQTT_CONNACK)
#define PA (1u << MQTT_PUBACK | 1u << MQTT_PUBREC)
#define PR (1u << MQTT_PUBREL | 1u << MQTT_PUBCOMP)
#define SA (1u << MQTT_SUBACK)
#define UA (1u << MQTT_UNSUBACK)
#define DI (1u << MQTT_DISCONNECT)
#define AU (1u << MQTT_AUTH)

/* MQTT 5.0 table 2-6. */
static const struct {
    uint8_t code;
    uint8_t connack; /* what 3.1.1 says instead in CONNACK */
    uint16_t where;  /* the packets that may say it */
    const char *name;
} reasons[] = {
    /* clang-format off */
    { MQTT_RC_SUCCESS, MQTT_CONNACK_ACCEPTED, CA | PA | PR | SA | UA | DI | AU, "Success" },
    { MQTT_RC_GRANTED_QOS1, MQTT_CONNACK_UNAVAILABLE, SA, "Granted QoS 1" },
    { MQTT_RC_GRANTED_QOS2, MQTT_CONNACK_UNAVAILABLE, SA, "Granted QoS 2" },
    { MQTT_RC_DISCONNECT_WITH_WILL, MQTT_CONNACK_UNAVAILABLE, DI, "Disconnect with Will Message" },
    { MQTT_RC_NO_MATCHING_SUBSCRIBERS, MQTT_CONNACK_UNAVAILABLE, PA, "No matching subscribers" },
    { MQTT_RC_NO_SUBSCRIPTION_EXISTED, MQTT_CONNACK_UNAVAILABLE, UA, "No subscription existed" },
    { MQTT_RC_CONTINUE_AUTHENTICATION, MQTT_CONNACK_UNAVAILABLE, AU, "Continue authentication" },
    { MQTT_RC_REAUTHENTICATE, MQTT_CONNACK_UNAVAILABLE, AU, "Re-authenticate" },
    { MQTT_RC_UNSPECIFIED, MQTT_CONNACK_UNAVAILABLE, CA | PA | SA | UA | DI, "Unspecified error" },
    { MQTT_RC_MALFORMED_PACKET, MQTT_CONNACK_UNAVAILABLE, CA | DI, "Malformed Packet" },
    { MQTT_RC_PROTOCOL_ERROR, MQTT_CONNACK_UNAVAILABLE, CA | DI, "Protocol Error" },
    { MQTT_RC_IMPLEMENTATION_SPECIFIC, MQTT_CONNACK_UNAVAILABLE, CA | PA | SA | UA | DI, "Implementation specific error" },
    { MQTT_RC_UNSUPPORTED_PROTOCOL_VERSION, MQTT_CONNACK_BAD_VERSION, CA, "Unsupported Protocol Version" },
    { MQTT_RC_CLIENT_ID_NOT_VALID, MQTT_CONNACK_BAD_CLIENT_ID, CA, "Client Identifier not valid" },
    { MQTT_RC_BAD_USER_NAME_OR_PASSWORD, MQTT_CONNACK_BAD_LOGIN, CA, "Bad User Name or Password" },
    { MQTT_RC_NOT_AUTHORIZED, MQTT_CONNACK_NOT_AUTHORIZED, CA | PA | SA | UA | DI, "Not authorized" },
    { MQTT_RC_SERVER_UNAVAILABLE, MQTT_CONNACK_UNAVAILABLE, CA, "Server unavailable" },
    { MQTT_RC_SERVER_BUSY, MQTT_CONNACK_UNAVAILABLE, CA | DI, "Server busy" },
    { MQTT_RC_BANNED, MQTT_CONNACK_NOT_AUTHORIZED, CA, "Banned" },
    { MQTT_RC_SERVER_SHUTTING_DOWN, MQTT_CONNACK_UNAVAILABLE, DI, "Server shutting down" },
    { MQTT_RC_BAD_AUTHENTICATION_METHOD, MQTT_CONNACK_BAD_LOGIN, CA | DI, "Bad authentication method" },
    { MQTT_RC_KEEP_ALIVE_TIMEOUT, MQTT_CONNACK_UNAVAILABLE, DI, "Keep Alive timeout" },
    { MQTT_RC_SESSION_TAKEN_OVER, MQTT_CONNACK_UNAVAILABLE, DI, "Session taken over" },
    { MQTT_RC_TOPIC_FILTER_INVALID, MQTT_CONNACK_UNAVAILABLE, SA | UA | DI, "Topic Filter invalid" },
    { MQTT_RC_TOPIC_NAME_INVALID, MQTT_CONNACK_UNAVAILABLE, CA | PA | DI, "Topic Name invalid" },
    { MQTT_RC_PACKET_ID_IN_USE, MQTT_CONNACK_UNAVAILABLE, PA | SA | UA, "Packet Identifier in use" },
    { MQTT_RC_PACKET_ID_NOT_FOUND, MQTT_CONNACK_UNAVAILABLE, PR, "Packet Identifier not found" },
    { MQTT_RC_RECEIVE_MAXIMUM_EXCEEDED, MQTT_CONNACK_UNAVAILABLE, DI, "Receive Maximum exceeded" },
    { MQTT_RC_TOPIC_ALIAS_INVALID, MQTT_CONNACK_UNAVAILABLE, DI, "Topic Alias invalid" },
    { MQTT_RC_PACKET_TOO_LARGE, MQTT_CONNACK_UNAVAILABLE, CA | DI, "Packet too large" },
    { MQTT_RC_MESSAGE_RATE_TOO_HIGH, MQTT_CONNACK_UNAVAILABLE, DI, "Message rate too high" },
    { MQTT_RC_QUOTA_EXCEEDED, MQTT_CONNACK_UNAVAILABLE, CA | PA | SA | DI, "Quota exceeded" },
    { MQTT_RC_ADMINISTRATIVE_ACTION, MQTT_CONNACK_UNAVAILABLE, DI, "Administrative action" },
    { MQTT_RC_PAYLOAD_FORMAT_INVALID, MQTT_CONNACK_UNAVAILABLE, CA | PA | DI, "Payload format invalid" },
    { MQTT_RC_RETAIN_NOT_SUPPORTED, MQTT_CONNACK_UNAVAILABLE, CA | DI, "Retain not supported" },
    { MQTT_RC_QOS_NOT_SUPPORTED, MQTT_CONNACK_UNAVAILABLE, CA | DI, "QoS not supported" },
    { MQTT_RC_USE_ANOTHER_SERVER, MQTT_CONNACK_UNAVAILABLE, CA | DI, "Use another server" },
    { MQTT_RC_SERVER_MOVED, MQTT_CONNACK_UNAVAILABLE, CA | DI, "Server moved" },
    { MQTT_RC_SHARED_SUBSCRIPTIONS_NOT_SUPPORTED, MQTT_CONNACK_UNAVAILABLE, SA | DI, "Shared Subscriptions not supported" },
    { MQTT_RC_CONNECTION_RATE_EXCEEDED, MQTT_CONNACK_UNAVAILABLE, CA | DI, "Connection rate exceeded" },
    { MQTT_RC_MAXIMUM_CONNECT_TIME, MQTT_CONNACK_UNAVAILABLE, DI, "Maximum connect time" },
    { MQTT_RC_SUBSCRIPTION_IDS_NOT_SUPPORTED, MQTT_CONNACK_UNAVAILABLE, SA | DI, "Subscription Identifiers not supported" },
    { MQTT_RC_WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED, MQTT_CONNACK_UNAVAILABLE, SA | DI, "Wildcard Subscriptions not supported" },
    /* clang-format on */
};

static const char *const connack_names[] = {
    "connection accepted",
    "connection refused, unacceptable protocol version",
    "connection refused, identifier rejected",
    "connection refused, server unavailable",
    "connection refused, bad user name or password",
    "connection refused, not authorized",
};

const char *mqtt_reason_str(uint8_t code)
{
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
        if (reasons[i].code == code)
            return reasons[i].name;
    return "unknown reason code";
}

const char *mqtt_connack_str(uint8_t code)
{
    return code < ARRAY_LEN(connack_names) ? connack_names[code] : "unknown return code";
}

bool mqtt_reason_fits(uint8_t code, unsigned type)
{
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
        if (reasons[i].code == code)
            return reasons[i].where & 1u << type;
    return false;
}

bool mqtt_reason_from_client(uint8_t code)
{
    static const uint8_t codes[] = {
        MQTT_RC_SUCCESS,
        MQTT_RC_DISCONNECT_WITH_WILL,
        MQTT_RC_UNSPECIFIED,
        MQTT_RC_MALFORMED_PACKET,
        MQTT_RC_PROTOCOL_ERROR,
        MQTT_RC_IMPLEMENTATION_SPECIFIC,
        MQTT_RC_BAD_AUTHENTICATION_METHOD,
        MQTT_RC_TOPIC_NAME_INVALID,
        MQTT_RC_RECEIVE_MAXIMUM_EXCEEDED,
        MQTT_RC_TOPIC_ALIAS_INVALID,
        MQTT_RC_PACKET_TOO_LARGE,
        MQTT_RC_MESSAGE_RATE_TOO_HIGH,
        MQTT_RC_QUOTA_EXCEEDED,
        MQTT_RC_ADMINISTRATIVE_ACTION,
        MQTT_RC_PAYLOAD_FORMAT_INVALID,
    };

    return memchr(codes, code, sizeof(codes)) != NULL;
}

uint8_t mqtt_connack_from_reason(uint8_t reason)
{
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
        if (reasons[i].code == reason)
            return reasons[i].connack;
    return MQTT_CONNACK_UNAVAILABLE;
}
