/* src/vse/policy.h - policy sets (AN12413 "policies"): what a session without authentication may do.
 *
 * Pure; any thread. Sessions with authentication do not exist yet, so what a set gives to other
 * authentication objects is kept with the object and gives nothing to anybody.
 */
#pragma once
#include "base/slice.h"

/* Is the policy set well formed? */
bool vse_policy_valid(struct slice set);
/* Does it give `right` (SE_POLICY_*) to a session without authentication? The empty set gives everything. */
bool vse_policy_allows(struct slice set, uint32_t right);
