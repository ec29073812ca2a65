/* src/cloud/policy/compare.h - the comparisons behind the condition operators. Pure; any thread.
 *
 * `have` is the request's value, `want` the policy's. What cannot be read as a number, date or address
 * compares as false.
 */
#pragma once
#include <stdbool.h>

typedef bool (*compare_fn)(const char *have, const char *want);

bool compare_equal(const char *have, const char *want);
bool compare_equal_fold(const char *have, const char *want);

bool compare_num_eq(const char *have, const char *want);
bool compare_num_lt(const char *have, const char *want);
bool compare_num_le(const char *have, const char *want);
bool compare_num_gt(const char *have, const char *want);
bool compare_num_ge(const char *have, const char *want);

/* ISO 8601 (2021-01-28, 2021-01-28T17:43:47Z) or seconds since 1970. */
bool compare_date_eq(const char *have, const char *want);
bool compare_date_lt(const char *have, const char *want);
bool compare_date_le(const char *have, const char *want);
bool compare_date_gt(const char *have, const char *want);
bool compare_date_ge(const char *have, const char *want);

/* `want` is an IPv4 or IPv6 address or a range in CIDR form. */
bool compare_ip(const char *have, const char *want);
