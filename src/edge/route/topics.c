/* src/edge/route/topics.c */
#include "edge/route/topics.h"

#include "mqtt/topic.h"

/* $aws/rules/NAME/rest: the limits are those of `rest`, which is what rules see. */
static struct slice counted(struct slice topic)
{
    const struct slice prefix = SLICE_LIT("$aws/rules/");
    struct slice rest;
    const uint8_t *end;

    if (!slice_starts(topic, prefix))
        return topic;
    rest = slice_skip(topic, prefix.n);
    end = rest.n ? memchr(rest.p, '/', rest.n) : NULL;
    return end ? slice_skip(rest, (size_t)(end - rest.p) + 1) : topic;
}

static err_t check_size(struct slice topic, struct problem *why)
{
    struct slice c = counted(topic);

    if (c.n > ROUTE_TOPIC_BYTES || topic.n > ROUTE_TOPIC_MAX)
        return problem_set(why, ERR_TOO_BIG, "it has over %d bytes", ROUTE_TOPIC_BYTES);
    if (mqtt_topic_slashes(c) > ROUTE_TOPIC_SLASHES)
        return problem_set(why, ERR_TOO_BIG, "it has over %d slashes", ROUTE_TOPIC_SLASHES);
    return ERR_OK;
}

err_t route_topic_check(struct slice topic, struct problem *why)
{
    if (!mqtt_topic_valid(topic))
        return problem_set(why, ERR_INVALID,
                           "the topic is empty, not UTF-8 or holds a wildcard: a message goes to one topic");
    return check_size(topic, why);
}

err_t route_filter_check(struct slice filter, struct problem *why)
{
    if (!mqtt_filter_valid(filter))
        return problem_set(
            why, ERR_INVALID,
            "Subject is not a topic filter: + stands for one whole level, # for the last ones");
    if (slice_starts(filter, SLICE_LIT("$share/")))
        return problem_set(why, ERR_INVALID,
                           "Subject is not a topic filter of the edge: there are no shared subscriptions");
    return check_size(filter, why);
}
