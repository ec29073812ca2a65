/* src/shadow/tree.h - state trees: merge, time stamps, delta. Inside src/shadow only.
 *
 * Pure; one thread at a time per tree. Trees are jansson's; what is put into another tree is copied deeply,
 * never shared. Recursion is bounded by the depth limit that requests meet first. Reference: iot-core.md 5.2
 * and 5.3.
 */
#pragma once
#include "base/json.h"

/* obj[key] = value, whose reference is taken even on failure. ERR_NOMEM, also for value NULL. */
err_t shadow_put(json_t *obj, const char *key, json_t *value);

/* Is there a null directly in an array, anywhere? */
bool shadow_has_null_in_array(json_t *j);

/* The metadata of a value: each leaf (null included) becomes {"timestamp":now_s}, objects and arrays keep
 * their form. New reference, NULL when out of memory. */
json_t *shadow_stamp(json_t *value, int64_t now_s);

/* Apply `patch` (an object) to the section `state` and its metadata `meta` (objects): null removes, objects
 * recurse, all else replaces. ERR_NOMEM: both are then half done, throw them away. */
err_t shadow_merge(json_t *state, json_t *meta, json_t *patch, int64_t now_s);

/* What `desired` has and `reported` has not, with the time stamps of desired. Either may be NULL. Two new
 * objects, empty when there is no difference. ERR_NOMEM: outputs untouched. */
err_t shadow_delta(json_t *desired, json_t *reported, json_t *meta, json_t **ret_delta, json_t **ret_meta);
