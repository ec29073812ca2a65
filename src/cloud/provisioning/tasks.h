/* src/cloud/provisioning/tasks.h - the worker of bulk registrations: one task of an account at a time, a line
 * at a time, each in a transaction of its own. The loop's thread. Spec: docs/spec/provisioning.md PV-40..49.
 */
#pragma once
#include "cloud/api/request.h"

struct tasks;

err_t tasks_new(const struct api_parts *parts, struct tasks **ret);
/* What the database thread still holds comes back and is dropped. NULL is fine. */
void tasks_free(struct tasks *t);
/* Look for work, if none is under way: at the start and after an EFFECT_TASK. */
void tasks_wake(struct tasks *t);
