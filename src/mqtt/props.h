/* src/mqtt/props.h - MQTT 5.0 properties (§2.2.2).
 *
 * Pure: no I/O, no allocation beyond the output buf; any thread. One table says for every property
 * its wire type, the packets it may appear in and where its value lives in struct mqtt_props.
 */
#pragma once
#include "base/err.h"
#include "base/reader.h"
#include "base/slice.h"
#include "base/writer.h"

/* §2.2.2.2. All identifiers are below 64, so that a bit set in one word tells who is present. */
enum mqtt_prop {
    MQTT_PROP_PAYLOAD_FORMAT = 0x01,
    MQTT_PROP_MESSAGE_EXPIRY = 0x02,
    MQTT_PROP_CONTENT_TYPE = 0x03,
    MQTT_PROP_RESPONSE_TOPIC = 0x08,
    MQTT_PROP_CORRELATION_DATA = 0x09,
    MQTT_PROP_SUBSCRIPTION_ID = 0x0b,
    MQTT_PROP_SESSION_EXPIRY = 0x11,
    MQTT_PROP_ASSIGNED_CLIENT_ID = 0x12,
    MQTT_PROP_SERVER_KEEP_ALIVE = 0x13,
    MQTT_PROP_AUTH_METHOD = 0x15,
    MQTT_PROP_AUTH_DATA = 0x16,
    MQTT_PROP_REQUEST_PROBLEM_INFO = 0x17,
    MQTT_PROP_WILL_DELAY = 0x18,
    MQTT_PROP_REQUEST_RESPONSE_INFO = 0x19,
    MQTT_PROP_RESPONSE_INFO = 0x1a,
    MQTT_PROP_SERVER_REFERENCE = 0x1c,
    MQTT_PROP_REASON_STRING = 0x1f,
    MQTT_PROP_RECEIVE_MAX = 0x21,
    MQTT_PROP_TOPIC_ALIAS_MAX = 0x22,
    MQTT_PROP_TOPIC_ALIAS = 0x23,
    MQTT_PROP_MAX_QOS = 0x24,
    MQTT_PROP_RETAIN_AVAILABLE = 0x25,
    MQTT_PROP_USER = 0x26,
    MQTT_PROP_MAX_PACKET_SIZE = 0x27,
    MQTT_PROP_WILDCARD_AVAILABLE = 0x28,
    MQTT_PROP_SUBSCRIPTION_ID_AVAILABLE = 0x29,
    MQTT_PROP_SHARED_AVAILABLE = 0x2a,
};

#define MQTT_PROP_BIT(id) (UINT64_C(1) << (id))

/* Values count only where the bit is set in `has` (user properties: MQTT_PROP_USER set when there
 * is at least one). Slices are borrowed from the packet, or on encoding from the caller. */
struct mqtt_props {
    uint64_t has;
    uint32_t message_expiry_s, session_expiry_s, will_delay_s, max_packet_size;
    uint32_t subscription_id; /* of a PUBLISH with several: the last; mqtt_props_next finds all */
    uint16_t server_keep_alive_s, receive_max, topic_alias_max, topic_alias;
    uint8_t payload_format, request_problem_info, request_response_info, max_qos;
    uint8_t retain_available, wildcard_available, subscription_id_available, shared_available;
    struct slice content_type, response_topic, correlation_data, assigned_client_id;
    struct slice auth_method, auth_data, response_info, server_reference, reason_string;
    struct slice block; /* decoded: the whole block without its length. Encoded: user properties are
                         * copied from here (anything else in it is left out). */
};

static inline bool mqtt_props_has(const struct mqtt_props *p, enum mqtt_prop id)
{
    return p->has & MQTT_PROP_BIT(id);
}

/* Where a property block stands: decides which properties are legal (table 2-4). The values below 16
 * are packet types. */
#define MQTT_PROPS_WILL 16

/* Read the length and the block. Malformed: an unknown identifier, one not allowed here, an ill-formed
 * string. A protocol error (ERR_INVALID): one repeated that must not be, a value outside its range. *ret is
 * complete on success; on failure its content is meaningless. */
void mqtt_props_read(struct reader *r, unsigned where, struct mqtt_props *ret);

/* The same for a block without its length, of which nothing is left over. ERR_PROTO and
 * ERR_INVALID as above; *ret untouched then. */
err_t mqtt_props_parse(struct slice block, unsigned where, struct mqtt_props *ret);

/* Write length and block. Properties set in p->has that are not legal `where`: ERR_INVALID through the
 * writer. p NULL writes an empty block. */
void mqtt_props_write(struct writer *w, unsigned where, const struct mqtt_props *p);

/* One property of a block. */
struct mqtt_prop_item {
    uint8_t id;
    uint32_t number;    /* byte, integers */
    struct slice value; /* string, binary; of a user property: the value */
    struct slice name;  /* of a user property */
};

/* Take the next property from the front of a block (as in mqtt_props.block). ERR_MORE at the end,
 * ERR_PROTO when malformed, ERR_INVALID for a value outside its range; *in and *ret untouched then. */
err_t mqtt_prop_next(struct slice *block, struct mqtt_prop_item *ret);
/* Append one encoded user property to a block being built for mqtt_props.block.
 * ERR_INVALID when name or value is no MQTT string; ERR_TOO_BIG, ERR_NOMEM from the buf. */
err_t mqtt_prop_add_user(struct buf *block, struct slice name, struct slice value);
