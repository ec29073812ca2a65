/* src/cloud/policy/pattern.h - one string of a policy: text, `*`, `?` and `${variables}`, compiled.
 *
 * Pure; a compiled pattern is read-only and may be matched from any thread.
 * `*` is any run of characters, `/` included, `?` exactly one; MQTT's `+` and `#` mean nothing here
 * (iot-core trap 9). `${*}`, `${?}` and `${$}` are these characters themselves.
 */
#pragma once
#include "base/err.h"
#include "base/slice.h"
#include "cloud/policy/vars.h"

enum pattern_kind { PATTERN_TEXT, PATTERN_RUN, PATTERN_ONE, PATTERN_VAR };

struct pattern_token {
    enum pattern_kind kind;
    char *text; /* PATTERN_TEXT: the bytes; PATTERN_VAR: the variable's name */
};

struct pattern {
    struct pattern_token *tok;
    size_t n, cap;
};

enum pattern_result {
    PATTERN_NO,
    PATTERN_YES,
    PATTERN_UNRESOLVED, /* names a variable that this request does not have: counts as no match at all */
};

void pattern_done(struct pattern *p);

/* ERR_INVALID: `${` without `}` or an empty name; ERR_NOMEM; ERR_TOO_BIG. *ret untouched then. */
err_t pattern_compile(struct slice text, struct pattern *ret);

/* Does a variable of it stand for text with a wildcard: `+ #` of topic filters, `* ?` of policies? */
bool pattern_has_wild_value(const struct pattern *p, const struct policy_vars *vars);

/* Match the whole of `subject`. `fold` compares letters without case (actions). Linear in memory, at most
 * |pattern| * |subject| steps. */
enum pattern_result pattern_match(const struct pattern *p, const struct policy_vars *vars,
                                  struct slice subject, bool fold);

/* The pattern's text with variables filled in and wildcards kept as characters, for comparisons that know no
 * wildcards. Appended to `out` (NUL-terminated, `room` bytes). ERR_NOT_FOUND: a variable is missing.
 * ERR_TOO_BIG. */
err_t pattern_text(const struct pattern *p, const struct policy_vars *vars, char *out, size_t room);
