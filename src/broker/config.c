#include "broker/config.h"

#include "base/mem.h"

#include <string.h>

#define LIMIT(member, low)                                                                                   \
    {                                                                                                        \
#member, offsetof(struct broker_config, member), sizeof(((struct broker_config *)0)->member), low, 0 \
    }
#define SWITCH(member, high)                                                                             \
    {                                                                                                    \
#member, offsetof(struct broker_config, member), sizeof(((struct broker_config *)0)->member), 0, \
            high                                                                                         \
    }

/* Those that can be set by name; `high` 0: what the member holds. */
static const struct {
    const char *name;
    size_t at, size;
    uint64_t low, high;
} limits[] = {
    LIMIT(max_client_id, 1),
    LIMIT(max_topic, 1),
    LIMIT(max_slashes, 0),
    LIMIT(max_payload, 0),
    LIMIT(max_packet, 128),
    LIMIT(max_filters, 1),
    LIMIT(max_subscriptions, 0),
    LIMIT(max_inflight_in, 1),
    LIMIT(max_received, 1),
    LIMIT(max_inflight_out, 1),
    LIMIT(max_queued, 0),
    LIMIT(max_queued_bytes, 0),
    LIMIT(max_connections, 1),
    LIMIT(max_new, 1),
    LIMIT(connects_per_s, 0),
    LIMIT(connects_per_client_s, 0),
    LIMIT(max_connect, 128),
    LIMIT(max_sessions, 1),
    LIMIT(max_retained, 0),
    LIMIT(topic_alias_max, 0),
    LIMIT(topic_alias_out, 0),
    LIMIT(keep_alive_min_s, 0),
    LIMIT(keep_alive_max_s, 0),
    LIMIT(session_expiry_s, 0),
    LIMIT(message_expiry_s, 0),
    LIMIT(connect_timeout_s, 1),
    LIMIT(answer_timeout_s, 1),
    LIMIT(output_soft, 1024),
    LIMIT(output_stall_s, 1),
    LIMIT(stored_per_s, 0),
    LIMIT(unacked_s, 0),
    LIMIT(publishes_per_s, 0),
    LIMIT(bytes_per_s, 0),
    LIMIT(publishes_all_per_s, 0),
    LIMIT(deliveries_all_per_s, 0),
    LIMIT(retained_per_topic_s, 0),
    LIMIT(websocket_s, 1),
    SWITCH(max_qos, 2),
};

#define VALUE_MAX \
    0x7fffffff /* of a limit that is as wide as size_t, too: sums of them stay far from its end */

static uint64_t most(size_t i)
{
    return limits[i].high ? limits[i].high : limits[i].size == 2 ? UINT16_MAX : VALUE_MAX;
}

/* Little endian or not: the value goes through its own type. */
static void put(struct broker_config *c, size_t i, uint64_t value)
{
    void *to = (char *)c + limits[i].at;
    size_t size = limits[i].size;

    if (size == sizeof(uint8_t))
        *(uint8_t *)to = (uint8_t)value;
    else if (size == sizeof(uint16_t))
        *(uint16_t *)to = (uint16_t)value;
    else if (size == sizeof(uint32_t))
        *(uint32_t *)to = (uint32_t)value;
    else
        *(uint64_t *)to = value;
}

static bool number(struct slice digits, uint64_t *ret)
{
    uint64_t value = 0;

    for (size_t i = 0; i < digits.n; i++) {
        if (digits.p[i] < '0' || digits.p[i] > '9' || value > VALUE_MAX)
            return false;
        value = value * 10 + (digits.p[i] - '0');
    }
    *ret = value;
    return digits.n > 0;
}

static bool change(struct broker_config *c, struct slice name, struct slice digits)
{
    uint64_t value;

    for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
        if (!slice_eq(name, slice_str(limits[i].name)))
            continue;
        if (!number(digits, &value) || value < limits[i].low || value > most(i))
            return false;
        put(c, i, value);
        return true;
    }
    return false;
}

err_t broker_config_set(struct broker_config *c, const char *changes, struct slice *ret_bad)
{
    struct broker_config work = *c;

    for (const char *p = changes; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL) {
        struct slice one = slice_of(p, strcspn(p, ","));
        const uint8_t *is = one.n ? memchr(one.p, '=', one.n) : NULL;
        size_t n = is ? (size_t)(is - one.p) : one.n;

        if (!is || !change(&work, slice_of(one.p, n), slice_of(is + 1, one.n - n - 1))) {
            if (ret_bad)
                *ret_bad = one;
            return ERR_INVALID;
        }
    }
    *c = work;
    return ERR_OK;
}

void broker_config_aws(struct broker_config *ret)
{
    *ret = (struct broker_config){
        .max_client_id = 128,
        .max_topic = 256,
        .max_slashes = 7,
        .max_payload = 128 * 1024,
        .max_packet = 149504,
        .max_filters = 8,
        .max_subscriptions = 50,
        .max_inflight_in = 100,
        .max_received = 100,
        .max_inflight_out = 100,
        .max_queued = 10000,
        .max_queued_bytes = (size_t)16 << 20,
        .max_connections = 50000,
        .max_new = 2000,
        .connects_per_s = 3000,
        .connects_per_client_s = 1,
        .max_connect = 72 * 1024,
        .max_sessions = 100000,
        .max_retained = 5000,
        .topic_alias_max = 8,
        .keep_alive_min_s = 30,
        .keep_alive_max_s = 1200,
        .session_expiry_s = 3600,
        .connect_timeout_s = 10,
        .answer_timeout_s = 30,
        .output_soft = 256 * 1024,
        .output_stall_s = 30,
        .stored_per_s = 10,
        .message_expiry_s = 7 * 24 * 3600,
        .unacked_s = 3600,
        .publishes_per_s = 100,
        .bytes_per_s = 512 * 1024,
        .publishes_all_per_s = 20000,
        .deliveries_all_per_s = 20000,
        .retained_per_topic_s = 1,
        .websocket_s = 24 * 3600,
        .max_qos = 1,
        .close_on_qos = true,
        .hash_below = true,
        .close_on_refused_connect = true,
        .close_on_denied_publish = true,
        .close_is_goodbye = true,
        .retained_exact_only = true,
        .reserved_dollar_aws = true,
    };
}

void broker_config_standard(struct broker_config *ret)
{
    broker_config_aws(ret);
    ret->max_topic = 1024;
    ret->max_slashes = 0;
    ret->max_filters = 256;
    ret->max_subscriptions = 1000;
    ret->max_payload = 1024 * 1024;
    ret->max_packet = ret->max_payload + 128 * 1024;
    ret->max_received = 4096;
    ret->max_client_id = 256;
    ret->topic_alias_out = 16;
    ret->session_expiry_s = 30 * 24 * 3600;
    ret->message_expiry_s = 0;
    ret->unacked_s = 0;
    ret->connects_per_s = 0;
    ret->connects_per_client_s = 0;
    ret->publishes_all_per_s = 0;
    ret->deliveries_all_per_s = 0;
    ret->retained_per_topic_s = 0;
    ret->publishes_per_s = 0;
    ret->bytes_per_s = 0;
    ret->subscription_ids = true;
    ret->assign_any_id = true;
    ret->keep_alive_min_s = 0;
    ret->keep_alive_max_s = 0;
    ret->stored_per_s = 0;
    ret->max_qos = 2;
    ret->close_on_qos = false;
    ret->hash_below = false;
    ret->close_on_refused_connect = false;
    ret->close_on_denied_publish = false;
    ret->close_is_goodbye = false;
    ret->retained_exact_only = false;
    ret->reserved_dollar_aws = false;
}
