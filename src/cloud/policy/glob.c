#include "cloud/policy/glob.h"

#include <string.h>

static err_t add_text(struct buf *out, const char *text)
{
    if (!text)
        return ERR_NOT_FOUND;
    for (const char *c = text; *c; c++) {
        if ((uint8_t)*c >= GLOB_ONE)
            return ERR_NOT_FOUND;
    }
    return buf_add_str(out, text);
}

static err_t add_token(struct buf *out, const struct pattern_token *t, const struct policy_vars *vars)
{
    switch (t->kind) {
    case PATTERN_RUN:
        return buf_add_u8(out, GLOB_RUN);
    case PATTERN_ONE:
        return buf_add_u8(out, GLOB_ONE);
    case PATTERN_VAR:
        return add_text(out, policy_vars_first(vars, slice_str(t->text)));
    default:
        return buf_add_str(out, t->text);
    }
}

err_t glob_add(struct buf *out, const struct pattern *p, const struct policy_vars *vars)
{
    size_t before = out->n;
    err_t e = ERR_OK;

    for (size_t i = 0; i < p->n && !e; i++)
        e = add_token(out, &p->tok[i], vars);
    if (e)
        buf_cut(out, before);
    return e;
}

size_t glob_head(struct slice glob)
{
    size_t n = 0;

    while (n < glob.n && glob.p[n] < GLOB_ONE)
        n++;
    return n;
}

/* The place behind the character at `at`: a UTF-8 sequence counts as one. */
static size_t next_char(struct slice s, size_t at)
{
    at++;
    while (at < s.n && (s.p[at] & 0xc0) == 0x80)
        at++;
    return at;
}

/* Greedy with one point of return, the last run: earlier ones never need to be tried again. */
bool glob_match(struct slice glob, struct slice subject)
{
    size_t i = 0, at = 0, run = SIZE_MAX, run_at = 0;

    for (;;) {
        if (i < glob.n && glob.p[i] == GLOB_RUN) {
            if (++i == glob.n)
                return true;
            run = i;
            run_at = at;
        } else if (i == glob.n && at == subject.n) {
            return true;
        } else if (i < glob.n && at < subject.n && glob.p[i] == subject.p[at]) {
            i++;
            at++;
        } else if (i < glob.n && at < subject.n && glob.p[i] == GLOB_ONE) {
            i++;
            at = next_char(subject, at);
        } else if (run != SIZE_MAX && run_at < subject.n) {
            run_at = next_char(subject, run_at);
            at = run_at;
            i = run;
        } else {
            return false;
        }
    }
}
