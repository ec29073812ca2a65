/* src/mqtt/topic.h - topic names and topic filters: are they valid, do they match.
 *
 * Pure; no allocation; any thread. Spec: MQTT 3.1.1 and 5.0 §4.7, shared subscriptions 5.0 §4.8.2.
 */
#pragma once
#include "base/err.h"
#include "base/slice.h"

/* A topic name: 1..65535 bytes of UTF-8 without U+0000, + and # [MQTT-4.7.3-1] [MQTT-3.3.2-2]. */
bool mqtt_topic_valid(struct slice topic);

/* A topic filter: as a name, but + alone in a level and # alone in the last one [MQTT-4.7.1-1]. A filter
 * beginning with $share/ must be a well-formed shared subscription [MQTT-4.8.2-1]. */
bool mqtt_filter_valid(struct slice filter);

/* Does a valid filter hold a wildcard? */
bool mqtt_filter_has_wildcard(struct slice filter);

/* Number of '/' in it: AWS limits topics by these. */
size_t mqtt_topic_slashes(struct slice topic);

enum mqtt_match {
    MQTT_MATCH_SPEC = 0,
    MQTT_MATCH_HASH_BELOW = 1, /* a/# does not match the parent level a itself (AWS IoT) */
};

/* Does `topic` (valid) match `filter` (valid, not shared)? A wildcard in the first level does not match a
 * topic that begins with $ [MQTT-4.7.2-1]. */
bool mqtt_topic_matches(struct slice filter, struct slice topic, enum mqtt_match how);

/* Split $share/GROUP/FILTER. ERR_NOT_FOUND when it is no shared subscription, ERR_PROTO when it is a
 * malformed one (empty group, wildcard in the group, empty filter). Results point into `filter`. */
err_t mqtt_share_parse(struct slice filter, struct slice *ret_group, struct slice *ret_filter);

/* Take the first level and the rest: returns false when *rest is spent. Start with *rest = topic and *more =
 * true. "a//b" gives "a", "", "b"; "" gives one empty level. */
bool mqtt_level_next(struct slice *rest, bool *more, struct slice *ret_level);
