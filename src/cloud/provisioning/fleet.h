/* src/cloud/provisioning/fleet.h - fleet provisioning on its MQTT topics. The loop's thread.
 *
 * A device that has only a claim asks for a certificate and has it provisioned by a template; the answers go
 * to the connection that asked and to no other, QoS 0, after the commit. Spec: iot-core reference 2.6,
 * docs/spec/fleet.md.
 */
#pragma once
#include "broker/broker.h"
#include "cloud/api/request.h"

struct fleet;

struct hooks;
/* Before the first connection; `parts` and `hooks` must outlive it. */
err_t fleet_new(const struct api_parts *parts, struct broker *b, struct hooks *hooks, struct fleet **ret);
/* After the broker's last call and when the store has given everything back. NULL is fine. */
void fleet_free(struct fleet *f);
