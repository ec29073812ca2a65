#include "cloud/policy/vars.h"

#include "base/mem.h"

#include <strings.h>

void policy_vars_done(struct policy_vars *vars)
{
    for (size_t i = 0; i < vars->n; i++) {
        free(vars->v[i].name);
        for (size_t k = 0; k < vars->v[i].n; k++)
            free(vars->v[i].values[k]);
    }
    free(vars->v);
    *vars = (struct policy_vars){ 0 };
}

static bool same_name(const char *have, struct slice want)
{
    return strlen(have) == want.n && strncasecmp(have, (const char *)want.p, want.n) == 0;
}

static struct policy_var *find(const struct policy_vars *vars, struct slice name)
{
    for (size_t i = 0; i < vars->n; i++) {
        if (same_name(vars->v[i].name, name))
            return &vars->v[i];
    }
    return NULL;
}

static err_t new_var(struct policy_vars *vars, const char *name, struct policy_var **ret)
{
    autofree char *copy = mem_strdup(name);
    err_t e;

    if (!copy)
        return ERR_NOMEM;
    if ((e = mem_grow(&vars->v, &vars->cap, vars->n + 1, POLICY_VARS_MAX, sizeof(*vars->v))))
        return e;
    *ret = &vars->v[vars->n++];
    **ret = (struct policy_var){ .name = steal(&copy) };
    return ERR_OK;
}

err_t policy_vars_add(struct policy_vars *vars, const char *name, struct slice value)
{
    struct policy_var *v = find(vars, slice_str(name));
    autofree char *copy = mem_str(value);
    err_t e;

    if (!copy)
        return ERR_NOMEM;
    if (!v && (e = new_var(vars, name, &v)))
        return e;
    if (v->n < POLICY_VALUES_MAX)
        v->values[v->n++] = steal(&copy);
    return ERR_OK;
}

static bool cert_value_usable(struct slice value)
{
    if (value.n == 0 || value.n > POLICY_VALUE_LEN_MAX)
        return false;
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] == 0 || strchr("*$+?#", value.p[i]))
            return false;
    }
    return true;
}

err_t policy_vars_add_cert(struct policy_vars *vars, const char *name, struct slice value)
{
    char escaped[2 * POLICY_VALUE_LEN_MAX];
    size_t n = 0;

    if (!cert_value_usable(value))
        return ERR_OK;
    for (size_t i = 0; i < value.n; i++) {
        if (strchr(",\"\\+=<>;", value.p[i]))
            escaped[n++] = '\\';
        escaped[n++] = (char)value.p[i];
    }
    return policy_vars_add(vars, name, slice_of(escaped, n));
}

/* Split `name.1` or `name.List` into the name and what was asked for; false when there is no such suffix. */
static bool split_suffix(struct slice name, struct slice *ret_name, size_t *ret_index, bool *ret_list)
{
    size_t dot = name.n;

    while (dot > 0 && name.p[dot - 1] != '.')
        dot--;
    if (dot < 2)
        return false;
    struct slice tail = slice_skip(name, dot);
    bool list = tail.n == 4 && strncasecmp((const char *)tail.p, "list", 4) == 0;
    bool digit = tail.n == 1 && tail.p[0] >= '0' && tail.p[0] < '0' + (int)POLICY_VALUES_MAX;
    if (!list && !digit)
        return false;
    *ret_name = slice_head(name, dot - 1);
    *ret_list = list;
    *ret_index = digit ? (size_t)(tail.p[0] - '0') : 0;
    return true;
}

size_t policy_vars_all(const struct policy_vars *vars, struct slice name, char *const **ret)
{
    const struct policy_var *v = find(vars, name);
    struct slice base;
    size_t index;
    bool list;

    if (v) {
        *ret = v->values;
        return v->n;
    }
    if (!split_suffix(name, &base, &index, &list) || !(v = find(vars, base)))
        return 0;
    if (list) {
        *ret = v->values;
        return v->n;
    }
    if (index >= v->n)
        return 0;
    *ret = &v->values[index];
    return 1;
}

const char *policy_vars_first(const struct policy_vars *vars, struct slice name)
{
    char *const *values;

    return policy_vars_all(vars, name, &values) ? values[0] : NULL;
}
