/* Pattern, subject and a variable's value, a line feed between. A second, slow matcher must agree. */
#include "base/mem.h"
#include "cloud/policy/pattern.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FLAT_MAX 48u

static struct slice line(struct slice *rest)
{
    const uint8_t *end = rest->n ? memchr(rest->p, '\n', rest->n) : NULL;
    struct slice s = slice_head(*rest, end ? (size_t)(end - rest->p) : rest->n);

    *rest = slice_skip(*rest, s.n + 1);
    return s;
}

static size_t step(struct slice s)
{
    size_t n = 1;

    while (n < s.n && (s.p[n] & 0xc0) == 0x80)
        n++;
    return n;
}

/* The definition of wildcards, read aloud. */
static bool naive(const struct pattern_token *t, size_t n, const struct policy_vars *vars, struct slice s)
{
    const char *text;

    if (n == 0)
        return s.n == 0;
    if (t->kind == PATTERN_RUN) {
        for (;; s = slice_skip(s, step(s))) {
            if (naive(t + 1, n - 1, vars, s))
                return true;
            if (!s.n)
                return false;
        }
    }
    if (t->kind == PATTERN_ONE)
        return s.n && naive(t + 1, n - 1, vars, slice_skip(s, step(s)));
    text = t->kind == PATTERN_VAR ? policy_vars_first(vars, slice_str(t->text)) : t->text;
    return slice_starts(s, slice_str(text)) && naive(t + 1, n - 1, vars, slice_skip(s, strlen(text)));
}

static unsigned runs(const struct pattern *p)
{
    unsigned n = 0;

    for (size_t i = 0; i < p->n; i++)
        n += p->tok[i].kind == PATTERN_RUN;
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = slice_of(data, size), text = line(&rest), subject = line(&rest), value = line(&rest);
    auto_policy_vars vars = { 0 };
    struct pattern p = { 0 };
    enum pattern_result r;

    if (policy_vars_add(&vars, "v", value) || pattern_compile(text, &p))
        return 0;
    r = pattern_match(&p, &vars, subject, false);
    if (r != PATTERN_UNRESOLVED && subject.n <= FLAT_MAX && runs(&p) <= 4 &&
        naive(p.tok, p.n, &vars, subject) != (r == PATTERN_YES))
        abort();
    pattern_done(&p);
    return 0;
}
