#include "mqtt/topic.h"

#include "base/utf8.h"

#define TOPIC_MAX 65535

static bool has_byte(struct slice s, char c)
{
    return s.n && memchr(s.p, c, s.n);
}

static bool string_ok(struct slice s)
{
    return s.n >= 1 && s.n <= TOPIC_MAX && utf8_valid_no_nul(s);
}

bool mqtt_topic_valid(struct slice topic)
{
    return string_ok(topic) && !has_byte(topic, '+') && !has_byte(topic, '#');
}

bool mqtt_level_next(struct slice *rest, bool *more, struct slice *ret_level)
{
    const uint8_t *slash;

    if (!*more)
        return false;
    slash = rest->n ? memchr(rest->p, '/', rest->n) : NULL;
    *ret_level = slash ? slice_head(*rest, (size_t)(slash - rest->p)) : *rest;
    *more = slash != NULL;
    *rest = slice_skip(*rest, ret_level->n + (slash ? 1 : 0));
    return true;
}

/* [MQTT-4.7.1-1] # alone in the last level, [MQTT-4.7.1-2] + alone in its level. */
static bool levels_ok(struct slice filter)
{
    bool more = true;
    struct slice level;

    while (mqtt_level_next(&filter, &more, &level)) {
        bool wild = has_byte(level, '+') || has_byte(level, '#');

        if (wild && level.n != 1)
            return false;
        if (level.n == 1 && level.p[0] == '#' && more)
            return false;
    }
    return true;
}

err_t mqtt_share_parse(struct slice filter, struct slice *ret_group, struct slice *ret_filter)
{
    struct slice rest, group;
    bool more = true;

    if (!slice_starts(filter, SLICE_LIT("$share/")))
        return ERR_NOT_FOUND;
    rest = slice_skip(filter, 7);
    (void)mqtt_level_next(&rest, &more, &group); /* always true for the first level */
    /* MQTT 5.0 [MQTT-4.8.2-1], [MQTT-4.8.2-2] */
    if (!group.n || has_byte(group, '+') || has_byte(group, '#') || !more || !rest.n)
        return ERR_PROTO;
    *ret_group = group;
    *ret_filter = rest;
    return ERR_OK;
}

bool mqtt_filter_valid(struct slice filter)
{
    struct slice group, inner = filter;

    if (!string_ok(filter))
        return false;
    if (mqtt_share_parse(filter, &group, &inner) == ERR_PROTO)
        return false;
    return levels_ok(inner);
}

bool mqtt_filter_has_wildcard(struct slice filter)
{
    return has_byte(filter, '+') || has_byte(filter, '#');
}

size_t mqtt_topic_slashes(struct slice topic)
{
    size_t n = 0;

    for (size_t i = 0; i < topic.n; i++)
        n += topic.p[i] == '/';
    return n;
}

static bool level_is(struct slice level, uint8_t c)
{
    return level.n == 1 && level.p[0] == c;
}

bool mqtt_topic_matches(struct slice filter, struct slice topic, enum mqtt_match how)
{
    bool fmore = true, tmore = true;
    struct slice f, t;

    /* [MQTT-4.7.2-1] */
    if (topic.n && topic.p[0] == '$' && filter.n && (filter.p[0] == '+' || filter.p[0] == '#'))
        return false;
    while (mqtt_level_next(&filter, &fmore, &f)) {
        if (level_is(f, '#'))
            return tmore || !(how & MQTT_MATCH_HASH_BELOW); /* §4.7.1.2: includes the parent level */
        if (!mqtt_level_next(&topic, &tmore, &t))
            return false;
        if (!level_is(f, '+') && !slice_eq(f, t))
            return false;
    }
    return !tmore;
}
