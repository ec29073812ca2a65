/* src/shadow/topic.h - the reserved topics of device shadows: parse, build, check names.
 *
 * Pure; any thread. Reference: iot-core.md 1.6 and 5.1.
 *   $aws/things/{thing}/shadow[/name/{shadow}]/(get|update|delete)[/accepted|/rejected]
 *   $aws/things/{thing}/shadow[/name/{shadow}]/update/(delta|documents)
 */
#pragma once
#include "base/buf.h"

enum shadow_op { SHADOW_GET, SHADOW_UPDATE, SHADOW_DELETE };

enum shadow_kind {
    SHADOW_REQUEST, /* the bare operation: what clients publish */
    SHADOW_ACCEPTED,
    SHADOW_REJECTED,
    SHADOW_DELTA,     /* update only */
    SHADOW_DOCUMENTS, /* update only */
};

struct shadow_topic {
    struct slice thing;
    struct slice name; /* empty: the classic shadow */
    enum shadow_op op;
    enum shadow_kind kind;
};

/* Filters that together match every request topic and nothing else, for an interceptor. */
#define SHADOW_FILTER_GET "$aws/things/+/shadow/get"
#define SHADOW_FILTER_UPDATE "$aws/things/+/shadow/update"
#define SHADOW_FILTER_DELETE "$aws/things/+/shadow/delete"
#define SHADOW_FILTER_NAMED_GET "$aws/things/+/shadow/name/+/get"
#define SHADOW_FILTER_NAMED_UPDATE "$aws/things/+/shadow/name/+/update"
#define SHADOW_FILTER_NAMED_DELETE "$aws/things/+/shadow/name/+/delete"

/* ERR_NOT_FOUND when it is not one of the topics above (a thing or shadow name out of its alphabet included).
 * Slices point into `topic`; *ret untouched on failure. */
err_t shadow_topic_parse(struct slice topic, struct shadow_topic *ret);

/* Append the topic. ERR_INVALID for a bad name or a kind the operation does not have; out unchanged on
 * failure. */
err_t shadow_topic_build(struct buf *out, const struct shadow_topic *t);

bool shadow_thing_valid(struct slice thing); /* [a-zA-Z0-9:_-]{1,128} */
bool shadow_name_valid(struct slice name);   /* [$a-zA-Z0-9:_-]{1,64} */
