/* src/vse/policy.h - policy sets: bytes in, yes or no out (reference 3.16, NXP AN12413 "policies").
 *
 * Pure; any thread. What a command may do with an object is asked through vse_policy_check (command.h).
 */
#pragma once
#include "base/slice.h"

/* Who asks, and how to answer a policy's conditions. */
struct vse_policy_who {
    uint32_t auth; /* authentication object of the session; 0: the default session */
    bool secured;  /* over a secure channel */
    /* Does the PCR `id` hold this value? NULL: none does. */
    bool (*pcr_is)(const void *ctx, uint32_t id, struct slice value);
    const void *ctx;
};

/* Is the policy set well formed? */
bool vse_policy_valid(struct slice set);
/* Does a set that is not empty give `right` (SE_POLICY_*)? Policies for object 0 give to everybody, the
 * others to their authentication object; one whose conditions do not hold gives nothing. "Forbid all" for the
 * asking object ends the matter; for object 0 it does so for those whom no policy of the set names. */
bool vse_policy_gives(struct slice set, uint32_t right, const struct vse_policy_who *who);
/* Is the restriction `bit` (7.x "forbid ..." bits) in a policy that concerns who? */
bool vse_policy_restricts(struct slice set, uint32_t bit, const struct vse_policy_who *who);

/* May the value that is derived from object `source` be put here (7.x), though nobody may write? Only where a
 * policy that concerns who names that object. */
bool vse_policy_takes_from(struct slice set, uint32_t source, const struct vse_policy_who *who);

/* May this key be written to a card by one who authenticated there with key `with` (7.x)? A policy that gives
 * the right names that key, or none for all. */
bool vse_policy_changes_under(struct slice set, uint32_t with, const struct vse_policy_who *who);

/* The rights there are for objects of this type; 0: none. */
uint32_t vse_policy_rights_of(uint8_t type);
/* The applet's default policy for an object that was given none: everything the type has, for everybody.
 * `out` receives 9 bytes: len, object 0, rights. */
enum { VSE_POLICY_DEFAULT_LEN = 9 };
void vse_policy_default(uint8_t type, uint8_t out[VSE_POLICY_DEFAULT_LEN]);
