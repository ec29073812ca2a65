#include "cloud/policy/pattern.h"

#include "base/mem.h"

#include <ctype.h>

#define TOKENS_MAX 4096u

void pattern_done(struct pattern *p)
{
    for (size_t i = 0; i < p->n; i++)
        free(p->tok[i].text);
    free(p->tok);
    *p = (struct pattern){ 0 };
}

static err_t add_token(struct pattern *p, enum pattern_kind kind, struct slice text)
{
    autofree char *copy = NULL;
    err_t e;

    if ((kind == PATTERN_TEXT || kind == PATTERN_VAR) && !(copy = mem_str(text)))
        return ERR_NOMEM;
    if ((e = mem_grow(&p->tok, &p->cap, p->n + 1, TOKENS_MAX, sizeof(*p->tok))))
        return e;
    p->tok[p->n++] = (struct pattern_token){ kind, steal(&copy) };
    return ERR_OK;
}

/* `rest` starts with "${". Takes the whole of "${name}". */
static err_t add_variable(struct pattern *p, struct slice *rest)
{
    const uint8_t *end = memchr(rest->p, '}', rest->n);
    struct slice name;

    if (!end || end == rest->p + 2)
        return ERR_INVALID;
    name = slice_of(rest->p + 2, (size_t)(end - rest->p) - 2);
    *rest = slice_skip(*rest, name.n + 3);
    if (name.n == 1 && strchr("*?$", name.p[0]))
        return add_token(p, PATTERN_TEXT, name);
    return add_token(p, PATTERN_VAR, name);
}

static bool at_variable(struct slice s)
{
    return s.n >= 2 && s.p[0] == '$' && s.p[1] == '{';
}

/* The plain characters at the front of `s`. */
static size_t text_run(struct slice s)
{
    size_t n = 0;

    while (n < s.n && s.p[n] != '*' && s.p[n] != '?' && !at_variable(slice_skip(s, n)))
        n++;
    return n;
}

static err_t add_next(struct pattern *p, struct slice *rest)
{
    size_t n;
    err_t e;

    if (at_variable(*rest))
        return add_variable(p, rest);
    if (rest->p[0] == '*' || rest->p[0] == '?') {
        e = add_token(p, rest->p[0] == '*' ? PATTERN_RUN : PATTERN_ONE, (struct slice){ 0 });
        *rest = slice_skip(*rest, 1);
        return e;
    }
    n = text_run(*rest);
    e = add_token(p, PATTERN_TEXT, slice_head(*rest, n));
    *rest = slice_skip(*rest, n);
    return e;
}

err_t pattern_compile(struct slice text, struct pattern *ret)
{
    struct pattern p = { 0 };
    err_t e = ERR_OK;

    while (text.n && !e)
        e = add_next(&p, &text);
    if (e) {
        pattern_done(&p);
        return e;
    }
    *ret = p;
    return ERR_OK;
}

/* The literal bytes a token stands for; NULL for wildcards and missing variables. */
static const char *token_text(const struct pattern_token *t, const struct policy_vars *vars)
{
    if (t->kind == PATTERN_TEXT)
        return t->text;
    return t->kind == PATTERN_VAR ? policy_vars_first(vars, slice_str(t->text)) : NULL;
}

static bool resolved(const struct pattern *p, const struct policy_vars *vars)
{
    for (size_t i = 0; i < p->n; i++) {
        if (p->tok[i].kind == PATTERN_VAR && !token_text(&p->tok[i], vars))
            return false;
    }
    return true;
}

bool pattern_has_wild_value(const struct pattern *p, const struct policy_vars *vars)
{
    for (size_t i = 0; i < p->n; i++) {
        const char *text = token_text(&p->tok[i], vars);
        if (p->tok[i].kind == PATTERN_VAR && text && strpbrk(text, "+#*?"))
            return true;
    }
    return false;
}

/* Bytes of the character at `s` (a UTF-8 sequence counts as one character). */
static size_t char_len(struct slice s)
{
    size_t n = 1;

    while (n < s.n && (s.p[n] & 0xc0) == 0x80)
        n++;
    return n;
}

static bool starts(struct slice s, const char *text, size_t n, bool fold)
{
    if (s.n < n)
        return false;
    if (!fold)
        return n == 0 || memcmp(s.p, text, n) == 0;
    for (size_t i = 0; i < n; i++) {
        if (tolower(s.p[i]) != tolower((unsigned char)text[i]))
            return false;
    }
    return true;
}

/* How many bytes of `s` the single token takes; SIZE_MAX when it does not match there. */
static size_t take(const struct pattern_token *t, const struct policy_vars *vars, struct slice s, bool fold)
{
    const char *text;
    size_t n;

    if (t->kind == PATTERN_ONE)
        return s.n ? char_len(s) : SIZE_MAX;
    text = token_text(t, vars);
    n = strlen(text);
    return starts(s, text, n, fold) ? n : SIZE_MAX;
}

/* Greedy matching with one point of return, the last `*`: earlier ones never need to be tried again. */
static bool match(const struct pattern *p, const struct policy_vars *vars, struct slice subject, bool fold)
{
    size_t i = 0, at = 0, star = SIZE_MAX, star_at = 0;

    for (;;) {
        size_t n = SIZE_MAX;

        if (i < p->n && p->tok[i].kind == PATTERN_RUN) {
            star = i++;
            star_at = at;
            continue;
        }
        if (i < p->n)
            n = take(&p->tok[i], vars, slice_skip(subject, at), fold);
        else if (at == subject.n)
            return true;
        if (n != SIZE_MAX) {
            at += n;
            i++;
            continue;
        }
        if (star == SIZE_MAX || star_at >= subject.n)
            return false;
        star_at += char_len(slice_skip(subject, star_at));
        at = star_at;
        i = star + 1;
    }
}

enum pattern_result pattern_match(const struct pattern *p, const struct policy_vars *vars,
                                  struct slice subject, bool fold)
{
    if (!resolved(p, vars))
        return PATTERN_UNRESOLVED;
    return match(p, vars, subject, fold) ? PATTERN_YES : PATTERN_NO;
}

err_t pattern_text(const struct pattern *p, const struct policy_vars *vars, char *out, size_t room)
{
    size_t n = 0;

    if (!resolved(p, vars))
        return ERR_NOT_FOUND;
    for (size_t i = 0; i < p->n; i++) {
        const char *text = token_text(&p->tok[i], vars);
        if (!text)
            text = p->tok[i].kind == PATTERN_RUN ? "*" : "?";
        size_t len = strlen(text);
        if (len >= room - n)
            return ERR_TOO_BIG;
        memcpy(out + n, text, len);
        n += len;
    }
    out[n] = 0;
    return ERR_OK;
}
