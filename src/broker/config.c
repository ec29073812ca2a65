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
        .max_received = 100,
        .max_inflight_out = 100,
        .max_queued = 10000,
        .max_queued_bytes = (size_t)16 << 20,
        .max_connections = 50000,
        .max_new = 2000,
        .connects_per_s = 3000,
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
