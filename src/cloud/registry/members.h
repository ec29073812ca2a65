/* src/cloud/registry/members.h - what the members of the control plane's bodies are, whatever the operation:
 * a member of one name has one meaning all over the API. Pure; any thread.
 *
 * Spec: iot-core reference 4.2.
 */
#pragma once
#include "cloud/api/call.h"

/* Is every known member of c->body of its type and within its bounds? InvalidRequestException. What must be
 * there is for the handlers to say. */
err_t members_check(struct api_call *c);
