#include "mqtt/reason.h"

#include "base/mem.h"

#include <stddef.h>

static const struct {
    uint8_t code;
    uint8_t connack; /* what 3.1.1 says instead in CONNACK */
    const char *name;
} reasons[] = {
    { MQTT_RC_SUCCESS, MQTT_CONNACK_ACCEPTED, "Success" },
    { MQTT_RC_GRANTED_QOS1, MQTT_CONNACK_UNAVAILABLE, "Granted QoS 1" },
    { MQTT_RC_GRANTED_QOS2, MQTT_CONNACK_UNAVAILABLE, "Granted QoS 2" },
    { MQTT_RC_DISCONNECT_WITH_WILL, MQTT_CONNACK_UNAVAILABLE, "Disconnect with Will Message" },
    { MQTT_RC_NO_MATCHING_SUBSCRIBERS, MQTT_CONNACK_UNAVAILABLE, "No matching subscribers" },
    { MQTT_RC_NO_SUBSCRIPTION_EXISTED, MQTT_CONNACK_UNAVAILABLE, "No subscription existed" },
    { MQTT_RC_CONTINUE_AUTHENTICATION, MQTT_CONNACK_UNAVAILABLE, "Continue authentication" },
    { MQTT_RC_REAUTHENTICATE, MQTT_CONNACK_UNAVAILABLE, "Re-authenticate" },
    { MQTT_RC_UNSPECIFIED, MQTT_CONNACK_UNAVAILABLE, "Unspecified error" },
    { MQTT_RC_MALFORMED_PACKET, MQTT_CONNACK_UNAVAILABLE, "Malformed Packet" },
    { MQTT_RC_PROTOCOL_ERROR, MQTT_CONNACK_UNAVAILABLE, "Protocol Error" },
    { MQTT_RC_IMPLEMENTATION_SPECIFIC, MQTT_CONNACK_UNAVAILABLE, "Implementation specific error" },
    { MQTT_RC_UNSUPPORTED_PROTOCOL_VERSION, MQTT_CONNACK_BAD_VERSION, "Unsupported Protocol Version" },
    { MQTT_RC_CLIENT_ID_NOT_VALID, MQTT_CONNACK_BAD_CLIENT_ID, "Client Identifier not valid" },
    { MQTT_RC_BAD_USER_NAME_OR_PASSWORD, MQTT_CONNACK_BAD_LOGIN, "Bad User Name or Password" },
    { MQTT_RC_NOT_AUTHORIZED, MQTT_CONNACK_NOT_AUTHORIZED, "Not authorized" },
    { MQTT_RC_SERVER_UNAVAILABLE, MQTT_CONNACK_UNAVAILABLE, "Server unavailable" },
    { MQTT_RC_SERVER_BUSY, MQTT_CONNACK_UNAVAILABLE, "Server busy" },
    { MQTT_RC_BANNED, MQTT_CONNACK_NOT_AUTHORIZED, "Banned" },
    { MQTT_RC_SERVER_SHUTTING_DOWN, MQTT_CONNACK_UNAVAILABLE, "Server shutting down" },
    { MQTT_RC_BAD_AUTHENTICATION_METHOD, MQTT_CONNACK_BAD_LOGIN, "Bad authentication method" },
    { MQTT_RC_KEEP_ALIVE_TIMEOUT, MQTT_CONNACK_UNAVAILABLE, "Keep Alive timeout" },
    { MQTT_RC_SESSION_TAKEN_OVER, MQTT_CONNACK_UNAVAILABLE, "Session taken over" },
    { MQTT_RC_TOPIC_FILTER_INVALID, MQTT_CONNACK_UNAVAILABLE, "Topic Filter invalid" },
    { MQTT_RC_TOPIC_NAME_INVALID, MQTT_CONNACK_UNAVAILABLE, "Topic Name invalid" },
    { MQTT_RC_PACKET_ID_IN_USE, MQTT_CONNACK_UNAVAILABLE, "Packet Identifier in use" },
    { MQTT_RC_PACKET_ID_NOT_FOUND, MQTT_CONNACK_UNAVAILABLE, "Packet Identifier not found" },
    { MQTT_RC_RECEIVE_MAXIMUM_EXCEEDED, MQTT_CONNACK_UNAVAILABLE, "Receive Maximum exceeded" },
    { MQTT_RC_TOPIC_ALIAS_INVALID, MQTT_CONNACK_UNAVAILABLE, "Topic Alias invalid" },
    { MQTT_RC_PACKET_TOO_LARGE, MQTT_CONNACK_UNAVAILABLE, "Packet too large" },
    { MQTT_RC_MESSAGE_RATE_TOO_HIGH, MQTT_CONNACK_UNAVAILABLE, "Message rate too high" },
    { MQTT_RC_QUOTA_EXCEEDED, MQTT_CONNACK_UNAVAILABLE, "Quota exceeded" },
    { MQTT_RC_ADMINISTRATIVE_ACTION, MQTT_CONNACK_UNAVAILABLE, "Administrative action" },
    { MQTT_RC_PAYLOAD_FORMAT_INVALID, MQTT_CONNACK_UNAVAILABLE, "Payload format invalid" },
    { MQTT_RC_RETAIN_NOT_SUPPORTED, MQTT_CONNACK_UNAVAILABLE, "Retain not supported" },
    { MQTT_RC_QOS_NOT_SUPPORTED, MQTT_CONNACK_UNAVAILABLE, "QoS not supported" },
    { MQTT_RC_USE_ANOTHER_SERVER, MQTT_CONNACK_UNAVAILABLE, "Use another server" },
    { MQTT_RC_SERVER_MOVED, MQTT_CONNACK_UNAVAILABLE, "Server moved" },
    { MQTT_RC_SHARED_SUBSCRIPTIONS_NOT_SUPPORTED, MQTT_CONNACK_UNAVAILABLE,
      "Shared Subscriptions not supported" },
    { MQTT_RC_CONNECTION_RATE_EXCEEDED, MQTT_CONNACK_UNAVAILABLE, "Connection rate exceeded" },
    { MQTT_RC_MAXIMUM_CONNECT_TIME, MQTT_CONNACK_UNAVAILABLE, "Maximum connect time" },
    { MQTT_RC_SUBSCRIPTION_IDS_NOT_SUPPORTED, MQTT_CONNACK_UNAVAILABLE,
      "Subscription Identifiers not supported" },
    { MQTT_RC_WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED, MQTT_CONNACK_UNAVAILABLE,
      "Wildcard Subscriptions not supported" },
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

uint8_t mqtt_connack_from_reason(uint8_t reason)
{
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
        if (reasons[i].code == reason)
            return reasons[i].connack;
    return MQTT_CONNACK_UNAVAILABLE;
}
