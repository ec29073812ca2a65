#include "cloud/policy/condition.h"

#include "base/mem.h"
#include "cloud/policy/compare.h"

#include <stdio.h>
#include <strings.h>

#define CONDITIONS_MAX 64u
#define CONDITION_TEXT_MAX 4096u

struct condition_op {
    const char *name;
    compare_fn compare;
    bool negated;
};

static const struct condition_op ops[] = {
    { "StringEquals", compare_equal, false },
    { "StringNotEquals", compare_equal, true },
    { "StringEqualsIgnoreCase", compare_equal_fold, false },
    { "StringNotEqualsIgnoreCase", compare_equal_fold, true },
    { "StringLike", NULL, false },
    { "StringNotLike", NULL, true },
    { "NumericEquals", compare_num_eq, false },
    { "NumericNotEquals", compare_num_eq, true },
    { "NumericLessThan", compare_num_lt, false },
    { "NumericLessThanEquals", compare_num_le, false },
    { "NumericGreaterThan", compare_num_gt, false },
    { "NumericGreaterThanEquals", compare_num_ge, false },
    { "DateEquals", compare_date_eq, false },
    { "DateNotEquals", compare_date_eq, true },
    { "DateLessThan", compare_date_lt, false },
    { "DateLessThanEquals", compare_date_le, false },
    { "DateGreaterThan", compare_date_gt, false },
    { "DateGreaterThanEquals", compare_date_ge, false },
    { "Bool", compare_equal_fold, false },
    { "BinaryEquals", compare_equal, false },
    { "IpAddress", compare_ip, false },
    { "NotIpAddress", compare_ip, true },
    { "ArnEquals", NULL, false },
    { "ArnLike", NULL, false },
    { "ArnNotEquals", NULL, true },
    { "ArnNotLike", NULL, true },
    { "Null", NULL, false }, /* asks for the key itself: see null_holds */
};

void conditions_done(struct conditions *cs)
{
    for (size_t i = 0; i < cs->n; i++) {
        for (size_t k = 0; k < cs->c[i].n; k++)
            pattern_done(&cs->c[i].values[k]);
        free(cs->c[i].values);
        free(cs->c[i].key);
    }
    free(cs->c);
    *cs = (struct conditions){ 0 };
}

static const struct condition_op *find_op(const char *name, size_t n)
{
    for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
        if (strlen(ops[i].name) == n && strncasecmp(ops[i].name, name, n) == 0)
            return &ops[i];
    }
    return NULL;
}

/* "ForAllValues:StringLikeIfExists" -> set, operator, if_exists. */
static err_t parse_op(const char *name, struct condition *c)
{
    size_t n;

    if (strncasecmp(name, "ForAllValues:", 13) == 0) {
        c->set = SET_ALL;
        name += 13;
    } else if (strncasecmp(name, "ForAnyValue:", 12) == 0) {
        c->set = SET_ANY;
        name += 12;
    }
    n = strlen(name);
    if (n > 8 && strcasecmp(name + n - 8, "IfExists") == 0) {
        c->if_exists = true;
        n -= 8;
    }
    c->op = find_op(name, n);
    return c->op ? ERR_OK : ERR_INVALID;
}

static err_t add_value(struct condition *c, const json_t *v)
{
    char number[64];
    const char *text = json_string_value(v);

    if (json_is_boolean(v))
        text = json_is_true(v) ? "true" : "false";
    if (json_is_integer(v)) {
        (void)snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(v));
        text = number;
    }
    if (json_is_real(v)) {
        (void)snprintf(number, sizeof(number), "%.17g", json_real_value(v));
        text = number;
    }
    if (!text)
        return ERR_INVALID;
    err_t e = pattern_compile(slice_str(text), &c->values[c->n]);
    if (!e)
        c->n++;
    return e;
}

static err_t parse_values(struct condition *c, const json_t *j)
{
    size_t count = json_is_array(j) ? json_array_size(j) : 1;
    err_t e = ERR_OK;

    if (count == 0)
        return ERR_INVALID;
    if (!(c->values = mem_calloc(count, sizeof(*c->values))))
        return ERR_NOMEM;
    if (!json_is_array(j))
        return add_value(c, j);
    for (size_t i = 0; i < count && !e; i++)
        e = add_value(c, json_array_get(j, i));
    return e;
}

static err_t parse_key(struct conditions *cs, const char *op, const char *key, const json_t *values,
                       char *why, size_t why_n)
{
    struct condition *c;
    err_t e = mem_grow(&cs->c, &cs->cap, cs->n + 1, CONDITIONS_MAX, sizeof(*cs->c));

    if (e)
        return e;
    c = &cs->c[cs->n++];
    *c = (struct condition){ .key = mem_strdup(key) };
    if (!c->key)
        return ERR_NOMEM;
    if ((e = parse_op(op, c))) {
        (void)snprintf(why, why_n, "unknown condition operator %.60s", op);
        return e;
    }
    if ((e = parse_values(c, values)) == ERR_INVALID)
        (void)snprintf(why, why_n, "condition %.60s of %.60s needs a value or a list of values", key, op);
    return e;
}

static err_t parse_all(const json_t *j, struct conditions *cs, char *why, size_t why_n)
{
    const char *op, *key;
    json_t *keys, *values;
    err_t e;

    json_object_foreach((json_t *)j, op, keys)
    {
        if (!json_is_object(keys)) {
            (void)snprintf(why, why_n, "condition operator %.60s must hold an object", op);
            return ERR_INVALID;
        }
        json_object_foreach(keys, key, values)
        {
            if ((e = parse_key(cs, op, key, values, why, why_n)))
                return e;
        }
    }
    return ERR_OK;
}

err_t conditions_parse(const json_t *j, struct conditions *ret, char *why, size_t why_n)
{
    struct conditions cs = { 0 };
    err_t e;

    if (!json_is_object(j)) {
        (void)snprintf(why, why_n, "Condition must be an object");
        return ERR_INVALID;
    }
    if ((e = parse_all(j, &cs, why, why_n))) {
        conditions_done(&cs);
        return e;
    }
    *ret = cs;
    return ERR_OK;
}

/* Does one value of the request match one value of the policy? A text too long to be compared counts as
 * unresolved, too. */
static enum pattern_result match_pair(const struct condition *c, const struct pattern *want,
                                      const struct policy_vars *vars, const char *have)
{
    char text[CONDITION_TEXT_MAX];

    if (!c->op->compare)
        return pattern_match(want, vars, slice_str(have), false);
    if (pattern_text(want, vars, text, sizeof(text)))
        return PATTERN_UNRESOLVED;
    return c->op->compare(have, text) ? PATTERN_YES : PATTERN_NO;
}

static bool value_ok(const struct condition *c, const struct policy_vars *vars, const char *have, bool deny)
{
    bool unresolved = false;

    for (size_t i = 0; i < c->n; i++) {
        enum pattern_result r = match_pair(c, &c->values[i], vars, have);
        if (r == PATTERN_YES)
            return !c->op->negated;
        unresolved |= r == PATTERN_UNRESOLVED;
    }
    return c->op->negated && (deny || !unresolved);
}

/* "Null": "true" holds when the key is missing, "false" when it is there. */
static bool null_holds(const struct condition *c, const struct policy_vars *vars, bool present)
{
    return value_ok(c, vars, present ? "false" : "true", false);
}

static bool holds(const struct condition *c, const struct policy_vars *vars, bool deny)
{
    char *const *have = NULL;
    size_t n = policy_vars_all(vars, slice_str(c->key), &have);
    size_t ok = 0;

    if (strcmp(c->op->name, "Null") == 0)
        return null_holds(c, vars, n > 0);
    if (n == 0)
        return c->if_exists || c->set == SET_ALL || (c->op->negated && c->set == SET_NONE);
    if (c->set == SET_NONE)
        return value_ok(c, vars, have[0], deny);
    for (size_t i = 0; i < n; i++)
        ok += value_ok(c, vars, have[i], deny);
    return c->set == SET_ALL ? ok == n : ok > 0;
}

bool conditions_hold(const struct conditions *cs, const struct policy_vars *vars, bool deny)
{
    for (size_t i = 0; i < cs->n; i++) {
        if (!holds(&cs->c[i], vars, deny))
            return false;
    }
    return true;
}
