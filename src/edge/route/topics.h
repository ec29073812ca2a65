/* src/edge/route/topics.h - which topics and filters messages may have at the edge, and how large they may
 * be.
 *
 * Pure; any thread. Spec: docs/spec/functions.md (router); greengrass-v1 reference 4.6, 7.4.
 */
#pragma once
#include "base/slice.h"
#include "edge/problem.h"

#define ROUTE_TOPIC_BYTES                                                            \
    256 /* without the "$aws/rules/NAME/" of basic ingest, which the cloud takes off \
         */
#define ROUTE_TOPIC_SLASHES 7
#define ROUTE_TOPIC_MAX 512 /* with it */
#define ROUTE_MESSAGE_MAX (128 * 1024)

/* May a message be published on `topic`? ERR_INVALID, ERR_TOO_BIG with *why (may be NULL). */
err_t route_topic_check(struct slice topic, struct problem *why);
/* May a subscription's Subject be `filter`? The same errors. */
err_t route_filter_check(struct slice filter, struct problem *why);
