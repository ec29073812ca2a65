/* src/mqtt/reason.h - MQTT 5.0 reason codes (§2.4) and MQTT 3.1.1 CONNACK return codes (§3.2.2.3).
 *
 * Pure; any thread.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum mqtt_reason {
    MQTT_RC_SUCCESS = 0x00, /* also: normal disconnection, granted QoS 0 */
    MQTT_RC_GRANTED_QOS1 = 0x01,
    MQTT_RC_GRANTED_QOS2 = 0x02,
    MQTT_RC_DISCONNECT_WITH_WILL = 0x04,
    MQTT_RC_NO_MATCHING_SUBSCRIBERS = 0x10,
    MQTT_RC_NO_SUBSCRIPTION_EXISTED = 0x11,
    MQTT_RC_CONTINUE_AUTHENTICATION = 0x18,
    MQTT_RC_REAUTHENTICATE = 0x19,
    MQTT_RC_UNSPECIFIED = 0x80,
    MQTT_RC_MALFORMED_PACKET = 0x81,
    MQTT_RC_PROTOCOL_ERROR = 0x82,
    MQTT_RC_IMPLEMENTATION_SPECIFIC = 0x83,
    MQTT_RC_UNSUPPORTED_PROTOCOL_VERSION = 0x84,
    MQTT_RC_CLIENT_ID_NOT_VALID = 0x85,
    MQTT_RC_BAD_USER_NAME_OR_PASSWORD = 0x86,
    MQTT_RC_NOT_AUTHORIZED = 0x87,
    MQTT_RC_SERVER_UNAVAILABLE = 0x88,
    MQTT_RC_SERVER_BUSY = 0x89,
    MQTT_RC_BANNED = 0x8a,
    MQTT_RC_SERVER_SHUTTING_DOWN = 0x8b,
    MQTT_RC_BAD_AUTHENTICATION_METHOD = 0x8c,
    MQTT_RC_KEEP_ALIVE_TIMEOUT = 0x8d,
    MQTT_RC_SESSION_TAKEN_OVER = 0x8e,
    MQTT_RC_TOPIC_FILTER_INVALID = 0x8f,
    MQTT_RC_TOPIC_NAME_INVALID = 0x90,
    MQTT_RC_PACKET_ID_IN_USE = 0x91,
    MQTT_RC_PACKET_ID_NOT_FOUND = 0x92,
    MQTT_RC_RECEIVE_MAXIMUM_EXCEEDED = 0x93,
    MQTT_RC_TOPIC_ALIAS_INVALID = 0x94,
    MQTT_RC_PACKET_TOO_LARGE = 0x95,
    MQTT_RC_MESSAGE_RATE_TOO_HIGH = 0x96,
    MQTT_RC_QUOTA_EXCEEDED = 0x97,
    MQTT_RC_ADMINISTRATIVE_ACTION = 0x98,
    MQTT_RC_PAYLOAD_FORMAT_INVALID = 0x99,
    MQTT_RC_RETAIN_NOT_SUPPORTED = 0x9a,
    MQTT_RC_QOS_NOT_SUPPORTED = 0x9b,
    MQTT_RC_USE_ANOTHER_SERVER = 0x9c,
    MQTT_RC_SERVER_MOVED = 0x9d,
    MQTT_RC_SHARED_SUBSCRIPTIONS_NOT_SUPPORTED = 0x9e,
    MQTT_RC_CONNECTION_RATE_EXCEEDED = 0x9f,
    MQTT_RC_MAXIMUM_CONNECT_TIME = 0xa0,
    MQTT_RC_SUBSCRIPTION_IDS_NOT_SUPPORTED = 0xa1,
    MQTT_RC_WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED = 0xa2,
};

/* MQTT 3.1.1 table 3.1. */
enum mqtt_connack_code {
    MQTT_CONNACK_ACCEPTED = 0,
    MQTT_CONNACK_BAD_VERSION = 1,
    MQTT_CONNACK_BAD_CLIENT_ID = 2,
    MQTT_CONNACK_UNAVAILABLE = 3,
    MQTT_CONNACK_BAD_LOGIN = 4,
    MQTT_CONNACK_NOT_AUTHORIZED = 5,
};

/* 3.1.1's one failure of SUBACK (§3.9.3). */
#define MQTT_SUBACK_FAILURE 0x80

/* The specification's name ("Not authorized"), static storage, never NULL. 0x00 is "Success". */
const char *mqtt_reason_str(uint8_t code);
/* The meaning of a 3.1.1 CONNACK return code, static storage, never NULL. */
const char *mqtt_connack_str(uint8_t code);

/* May a packet of this type (enum mqtt_type) carry this reason code (5.0 table 2-6)? */
bool mqtt_reason_fits(uint8_t code, unsigned type);
/* May a client's DISCONNECT carry it (5.0 table 3-13)? */
bool mqtt_reason_from_client(uint8_t code);

/* What a 3.1.1 client is told in CONNACK for a version 5 reason (success stays 0). */
uint8_t mqtt_connack_from_reason(uint8_t reason);
