/* tests/fuzz/mqtt/fuzz_mqtt_topic.c - filter and topic, separated by a line feed: validity, matching, both
 * rules for #. */
#include "mqtt/topic.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *lf = size ? memchr(data, '\n', size) : NULL;
    struct slice filter = slice_of(data, lf ? (size_t)(lf - data) : size);
    struct slice topic = lf ? slice_skip(slice_of(data, size), filter.n + 1) : (struct slice){ 0 };
    struct slice group, inner;

    if (mqtt_topic_valid(filter) && !slice_starts(filter, SLICE_LIT("$share/")) && !mqtt_filter_valid(filter))
        abort(); /* every name is a filter */
    if (!mqtt_filter_valid(filter) || !mqtt_topic_valid(topic) ||
        mqtt_share_parse(filter, &group, &inner) == ERR_OK)
        return 0;
    if (mqtt_topic_matches(filter, topic, MQTT_MATCH_HASH_BELOW) &&
        !mqtt_topic_matches(filter, topic, MQTT_MATCH_SPEC))
        abort(); /* AWS matches less, never more */
    if (!mqtt_filter_has_wildcard(filter) &&
        mqtt_topic_matches(filter, topic, MQTT_MATCH_SPEC) != slice_eq(filter, topic))
        abort();
    return 0;
}
