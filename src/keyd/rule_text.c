#include "keyd/rule_text.h"

#include "base/mem.h"
#include "keyd/config.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>

enum { NAME_ROOM = 128 };

struct words {
    struct slice rest;
    char *why;
};

static err_t wrong(const struct words *w, const char *what, struct slice word)
{
    (void)snprintf(w->why, KEYD_WHY_MAX, "%s: \"%.*s\"", what, (int)(word.n > 60 ? 60 : word.n),
                   word.n ? (const char *)word.p : "");
    return ERR_INVALID;
}

/* The next word, up to a blank or comma; empty at the end. */
static struct slice next_word(struct words *w)
{
    static const char ends[] = { ' ', '\t', ',' };
    size_t n = 0;

    while (w->rest.n && memchr(ends, w->rest.p[0], sizeof(ends)))
        w->rest = slice_skip(w->rest, 1);
    while (n < w->rest.n && !memchr(ends, w->rest.p[n], sizeof(ends)))
        n++;
    struct slice word = slice_head(w->rest, n);
    w->rest = slice_skip(w->rest, n);
    return word;
}

bool keyd_rule_starts(struct slice line)
{
    struct words w = { line, NULL };
    struct slice first = next_word(&w);

    return slice_eq(first, SLICE_LIT("allow")) || slice_eq(first, SLICE_LIT("deny"));
}

/* ---- who ---- */

static bool decimal(const char *text, uint32_t *ret)
{
    uint64_t v = 0;
    size_t n = strlen(text);

    if (n == 0 || n > 10 || strspn(text, "0123456789") != n)
        return false;
    for (size_t i = 0; i < n; i++)
        v = v * 10 + (uint64_t)(text[i] - '0');
    *ret = (uint32_t)v;
    return v < UINT32_MAX; /* the last one means "no user" to the kernel */
}

static bool as_name(struct slice word, char name[NAME_ROOM])
{
    if (word.n == 0 || word.n >= NAME_ROOM || memchr(word.p, 0, word.n))
        return false;
    memcpy(name, word.p, word.n);
    name[word.n] = '\0';
    return true;
}

static err_t take_user(struct words *w, struct keyd_rule *rule)
{
    struct slice word = next_word(w);
    char name[NAME_ROOM];
    uint32_t number;

    if (!as_name(word, name) || rule->has_user)
        return wrong(w, "a user is expected once, by name or number", word);
    const struct passwd *pw = decimal(name, &number) ? NULL : getpwnam(name);
    if (!pw && !decimal(name, &number))
        return wrong(w, "no such user on this system", word);
    rule->user = pw ? pw->pw_uid : (uid_t)number;
    rule->has_user = true;
    return ERR_OK;
}

static err_t take_group(struct words *w, struct keyd_rule *rule)
{
    struct slice word = next_word(w);
    char name[NAME_ROOM];
    uint32_t number;

    if (!as_name(word, name) || rule->has_group)
        return wrong(w, "a group is expected once, by name or number", word);
    const struct group *gr = decimal(name, &number) ? NULL : getgrnam(name);
    if (!gr && !decimal(name, &number))
        return wrong(w, "no such group on this system", word);
    rule->group = gr ? gr->gr_gid : (gid_t)number;
    rule->has_group = true;
    return ERR_OK;
}

static err_t take_unit(struct words *w, struct keyd_rule *rule)
{
    struct slice word = next_word(w);

    if (rule->unit[0] || word.n == 0 || word.n >= KEYD_UNIT_MAX || memchr(word.p, 0, word.n) ||
        memchr(word.p, '/', word.n) || !memchr(word.p, '.', word.n))
        return wrong(w, "a unit is expected once, as systemctl names it (web.service)", word);
    memcpy(rule->unit, word.p, word.n);
    return ERR_OK;
}

/* ---- which keys ---- */

static int hex_digit(uint8_t c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c) : NULL;

    return at ? (int)(at - digits) : -1;
}

bool keyd_rule_object(struct slice text, uint32_t *ret)
{
    uint32_t v = 0;

    if (slice_starts(text, SLICE_LIT("0x")) || slice_starts(text, SLICE_LIT("0X")))
        text = slice_skip(text, 2);
    if (text.n == 0 || text.n > 8)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        int d = hex_digit(text.p[i]);
        if (d < 0)
            return false;
        v = v << 4 | (uint32_t)d;
    }
    *ret = v;
    return true;
}

static bool take_range(struct slice word, struct keyd_range *ret)
{
    const uint8_t *dash = word.n ? memchr(word.p, '-', word.n) : NULL;
    size_t n = dash ? (size_t)(dash - word.p) : word.n;
    struct keyd_range r;

    if (slice_eq(word, SLICE_LIT("any"))) {
        *ret = (struct keyd_range){ 1, UINT32_MAX };
        return true;
    }
    if (!keyd_rule_object(slice_head(word, n), &r.first))
        return false;
    r.last = r.first;
    if (dash && !keyd_rule_object(slice_skip(word, n + 1), &r.last))
        return false;
    *ret = r;
    return r.first != 0 && r.first <= r.last;
}

/* "key" ID[-ID] ... : as many as there are, at least one; the operations begin with the first word that is
 * none. */
static err_t take_keys(struct words *w, struct keyd_rule *rule)
{
    struct words ahead = *w;
    struct slice word = next_word(&ahead);
    struct keyd_range r;

    if (!take_range(word, &r))
        return wrong(w, "after `key` an object id, FIRST-LAST or any is expected", word);
    do {
        if (rule->range_count == KEYD_RANGES_MAX)
            return wrong(w, "too many key ids in one rule; write another one", word);
        rule->ranges[rule->range_count++] = r;
        w->rest = ahead.rest;
        word = next_word(&ahead);
    } while (!keyd_ops_of_word(word) && take_range(word, &r));
    return ERR_OK;
}

/* ---- what for ---- */

static err_t take_ops(struct words *w, struct keyd_rule *rule)
{
    struct slice word;

    while ((word = next_word(w)).n) {
        unsigned ops = keyd_ops_of_word(word);

        if (!ops)
            return wrong(
                w,
                "not an operation (sign verify encrypt decrypt derive attest generate write read delete "
                "login, all, use)",
                word);
        rule->ops |= ops;
    }
    return rule->ops ? ERR_OK : wrong(w, "the operations are missing after the key", word);
}

/* ---- the rule ---- */

static const struct {
    struct slice word;
    err_t (*take)(struct words *w, struct keyd_rule *rule);
} subjects[] = {
    { SLICE_LIT("user"), take_user },
    { SLICE_LIT("group"), take_group },
    { SLICE_LIT("unit"), take_unit },
};

/* "user A group B unit C" in any order, all of which must fit; "any" for everybody. */
static err_t take_subjects(struct words *w, struct keyd_rule *rule, struct slice *ret_next)
{
    struct slice word = next_word(w);
    bool some = slice_eq(word, SLICE_LIT("any"));
    bool found = !some;
    err_t e = ERR_OK;

    if (some)
        word = next_word(w);
    while (found && !e) {
        found = false;
        for (size_t i = 0; i < ARRAY_LEN(subjects) && !found && !e; i++) {
            if (!slice_eq(word, subjects[i].word))
                continue;
            found = some = true;
            e = subjects[i].take(w, rule);
            word = next_word(w);
        }
    }
    if (!e && !some)
        e = wrong(w, "user, group, unit or any is expected", word);
    *ret_next = word;
    return e;
}

err_t keyd_rule_parse(struct slice line, struct keyd_rules *to, char *why)
{
    struct words w = { line, why };
    struct keyd_rule rule = { .deny = slice_eq(next_word(&w), SLICE_LIT("deny")) };
    struct slice word = { 0 };
    err_t e = take_subjects(&w, &rule, &word);

    if (!e && slice_eq(word, SLICE_LIT("admin"))) {
        rule.ops = KEYD_ADMIN;
        word = next_word(&w);
        e = word.n ? wrong(&w, "nothing may follow admin", word) : ERR_OK;
    } else if (!e && slice_eq(word, SLICE_LIT("key"))) {
        e = take_keys(&w, &rule);
        if (!e)
            e = take_ops(&w, &rule);
    } else if (!e) {
        e = wrong(&w, "key or admin is expected", word);
    }
    if (e)
        return e;
    e = keyd_rules_add(to, &rule);
    if (e)
        (void)snprintf(why, KEYD_WHY_MAX, "too many rules: %s", err_str(e));
    return e;
}
