#include "broker/config.h"

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
        .max_inflight_out = 100,
        .max_queued = 10000,
        .max_queued_bytes = (size_t)16 << 20,
        .max_connections = 50000,
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
        .qos2 = BROKER_QOS2_CLOSE,
        .hash_below = true,
        .close_on_refused_connect = true,
        .close_on_denied_publish = true,
        .retained_exact_only = true,
        .reserved_dollar_aws = true,
    };
}

void broker_config_standard(struct broker_config *ret)
{
    broker_config_aws(ret);
    ret->max_topic = 1024;
    ret->max_slashes = 0;
    ret->max_filters = 64;
    ret->keep_alive_min_s = 0;
    ret->keep_alive_max_s = 0;
    ret->stored_per_s = 0;
    ret->qos2 = BROKER_QOS2_DOWNGRADE;
    ret->hash_below = false;
    ret->close_on_refused_connect = false;
    ret->close_on_denied_publish = false;
    ret->retained_exact_only = false;
    ret->reserved_dollar_aws = false;
}
