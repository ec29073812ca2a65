/* src/cloud/registry/notify.h - the registry's event messages ($aws/events/thing/NAME/created and the like).
 *
 * Each call looks whether its type of event is switched on (UpdateEventConfigurations), reads what the
 * message says from the database, and records it among the effects of `c`: it is published after the commit,
 * and not at all when the transaction is undone. Call it after a creation or update and before a deletion. On
 * the database thread; errors are the database's, ERR_NOMEM, ERR_TOO_BIG.
 *
 * Spec: iot-core reference 1.6, 1.8; docs/spec/cloud.md CL-80..CL-84.
 */
#pragma once
#include "cloud/api/call.h"

enum notify_operation { NOTIFY_CREATED, NOTIFY_UPDATED, NOTIFY_DELETED, NOTIFY_ADDED, NOTIFY_REMOVED };

/* Created, updated, deleted. */
err_t notify_thing(struct api_call *c, const char *thing, enum notify_operation what);
err_t notify_thing_type(struct api_call *c, const char *type, enum notify_operation what);
err_t notify_thing_group(struct api_call *c, const char *group, enum notify_operation what);
err_t notify_policy(struct api_call *c, const char *policy, enum notify_operation what);
err_t notify_certificate(struct api_call *c, const char *id, enum notify_operation what);
err_t notify_ca(struct api_call *c, const char *id, enum notify_operation what);

/* Added, removed. */
err_t notify_type_association(struct api_call *c, const char *thing, const char *type,
                              enum notify_operation what);
err_t notify_membership(struct api_call *c, const char *thing, const char *group, enum notify_operation what);
err_t notify_hierarchy(struct api_call *c, const char *parent, const char *child, enum notify_operation what);
/* A thing that is about to be deleted leaves its groups. */
err_t notify_leaves_groups(struct api_call *c, const char *thing);
