/* src/cloud/events/publish.h - the service's own messages on $aws/events/..., sent in one place. The loop's
 * thread.
 */
#pragma once
#include "broker/broker.h"

/* Publish `json` to whoever subscribed and may receive it, QoS 1. A failure is logged: an event is told once,
 * and nobody waits for it. */
void events_publish(struct broker *b, const char *topic, const char *json);
