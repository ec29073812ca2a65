#include "cloud/policy/document.h"

#include "base/json.h"
#include "base/mem.h"

#include <ctype.h>
#include <stdio.h>

#define DEPTH_MAX 8u

static void list_done(struct policy_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        pattern_done(&l->p[i]);
    free(l->p);
}

void policy_doc_free(struct policy_doc *doc)
{
    if (!doc)
        return;
    for (size_t i = 0; i < doc->n; i++) {
        list_done(&doc->st[i].actions);
        list_done(&doc->st[i].resources);
        conditions_done(&doc->st[i].conditions);
    }
    free(doc->st);
    free(doc);
}

void policy_doc_free_ptr(struct policy_doc **doc)
{
    policy_doc_free(*doc);
}

#define BAD(why, ...) ((void)snprintf((why), POLICY_WHY_MAX, __VA_ARGS__), ERR_INVALID)

/* "*", or vendor:Name with wildcards in the name: iot:Publish, greengrass:Get*. */
static bool action_ok(const char *s)
{
    const char *colon = strchr(s, ':');

    if (strcmp(s, "*") == 0)
        return true;
    if (!colon || colon == s || !colon[1])
        return false;
    for (const char *p = s; *p; p++) {
        if (p != colon && !isalnum((unsigned char)*p) && !(*p == '-' && p < colon) && *p != '*' && *p != '?')
            return false;
    }
    return true;
}

static bool resource_ok(const char *s)
{
    return s[0] == '*' || strncmp(s, "arn:", 4) == 0;
}

typedef bool (*text_ok_fn)(const char *s);

static err_t add_text(struct policy_list *l, const json_t *j, text_ok_fn ok, const char *name, char *why)
{
    const char *text = json_string_value(j);
    err_t e;

    if (!text)
        return BAD(why, "%s must be a string or a list of strings", name);
    if (!ok(text))
        return BAD(why, "%s '%.80s' is not valid", name, text);
    if ((e = pattern_compile(slice_str(text), &l->p[l->n])) == ERR_INVALID)
        return BAD(why, "%s '%.80s' has a variable that is left open or empty", name, text);
    if (!e)
        l->n++;
    return e;
}

static err_t parse_list(struct policy_list *l, const json_t *j, text_ok_fn ok, const char *name, char *why)
{
    size_t count = json_is_array(j) ? json_array_size(j) : 1;
    err_t e = ERR_OK;

    if (count == 0)
        return BAD(why, "%s must not be empty", name);
    if (!(l->p = mem_calloc(count, sizeof(*l->p))))
        return ERR_NOMEM;
    if (!json_is_array(j))
        return add_text(l, j, ok, name, why);
    for (size_t i = 0; i < count && !e; i++)
        e = add_text(l, json_array_get(j, i), ok, name, why);
    return e;
}

/* Exactly one of NAME and NotNAME. */
static err_t parse_either(struct policy_list *l, const json_t *st, const char *name, const char *not_name,
                          text_ok_fn ok, char *why)
{
    const json_t *plain = json_object_get(st, name), *negated = json_object_get(st, not_name);

    if (!plain == !negated)
        return BAD(why, "a statement needs exactly one of %s and %s", name, not_name);
    l->negated = negated != NULL;
    return parse_list(l, plain ? plain : negated, ok, plain ? name : not_name, why);
}

static err_t known_members(const json_t *obj, const char *const *names, const char *what, char *why)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)obj, key, value)
    {
        size_t i = 0;
        while (names[i] && strcmp(names[i], key) != 0)
            i++;
        if (!names[i])
            return BAD(why, "%s has an unknown member %.60s", what, key);
    }
    return ERR_OK;
}

static err_t parse_effect(struct policy_statement *st, const json_t *j, char *why)
{
    const char *effect = json_get_str(j, "Effect");

    if (!effect || (strcmp(effect, "Allow") != 0 && strcmp(effect, "Deny") != 0))
        return BAD(why, "Effect must be Allow or Deny");
    st->deny = effect[0] == 'D';
    return ERR_OK;
}

static err_t parse_statement(struct policy_statement *st, const json_t *j, char *why)
{
    static const char *const members[] = { "Sid",       "Effect",   "Action",      "NotAction",
                                           "Condition", "Resource", "NotResource", NULL };
    const json_t *sid = json_object_get(j, "Sid"), *condition = json_object_get(j, "Condition");
    err_t e;

    if (!json_is_object(j))
        return BAD(why, "a statement must be an object");
    if ((e = known_members(j, members, "a statement", why)))
        return e;
    if (sid && !json_is_string(sid))
        return BAD(why, "Sid must be a string");
    if ((e = parse_effect(st, j, why)) ||
        (e = parse_either(&st->actions, j, "Action", "NotAction", action_ok, why)) ||
        (e = parse_either(&st->resources, j, "Resource", "NotResource", resource_ok, why)))
        return e;
    return condition ? conditions_parse(condition, &st->conditions, why, POLICY_WHY_MAX) : ERR_OK;
}

static err_t parse_statements(struct policy_doc *doc, const json_t *j, char *why)
{
    size_t count = json_is_array(j) ? json_array_size(j) : 1;
    err_t e = ERR_OK;

    if (!json_is_array(j) && !json_is_object(j))
        return BAD(why, "Statement must be an object or a list of objects");
    if (count == 0)
        return BAD(why, "Statement must not be empty");
    if (!(doc->st = mem_calloc(count, sizeof(*doc->st))))
        return ERR_NOMEM;
    if (!json_is_array(j)) {
        doc->n = 1;
        return parse_statement(&doc->st[0], j, why);
    }
    for (size_t i = 0; i < count && !e; i++) {
        doc->n = i + 1; /* what was begun is freed */
        e = parse_statement(&doc->st[i], json_array_get(j, i), why);
    }
    return e;
}

static err_t check_size(struct slice text, char *why)
{
    size_t n = 0;

    for (size_t i = 0; i < text.n && text.n <= POLICY_DOC_RAW_MAX; i++) {
        bool continuation = (text.p[i] & 0xc0) == 0x80; /* characters are counted, not bytes */
        n += !continuation && !strchr(" \t\r\n", text.p[i] ? text.p[i] : 'x');
    }
    if (n > POLICY_DOC_MAX || text.n > POLICY_DOC_RAW_MAX)
        return BAD(why, "the document exceeds %u characters", POLICY_DOC_MAX);
    return ERR_OK;
}

static err_t parse_top(struct policy_doc *doc, const json_t *j, char *why)
{
    static const char *const members[] = { "Version", "Id", "Statement", NULL };
    const char *version = json_get_str(j, "Version");
    err_t e;

    if (!json_is_object(j))
        return BAD(why, "the document must be a JSON object");
    if ((e = known_members(j, members, "the document", why)))
        return e;
    if (!version || strcmp(version, "2012-10-17") != 0)
        return BAD(why, "Version must be 2012-10-17");
    return parse_statements(doc, json_object_get(j, "Statement"), why);
}

err_t policy_doc_parse(struct slice text, struct policy_doc **ret, char why[POLICY_WHY_MAX])
{
    auto_policy_doc *doc = NULL;
    auto_json *j = NULL;
    struct json_where where;
    err_t e;

    if ((e = check_size(text, why)))
        return e;
    if ((e = json_parse(text, DEPTH_MAX, &j, &where)))
        return e == ERR_NOMEM ? e
                              : BAD(why, "line %d, column %d: %.120s", where.line, where.column, where.text);
    if (!(doc = mem_calloc(1, sizeof(*doc))))
        return ERR_NOMEM;
    if ((e = parse_top(doc, j, why)))
        return e;
    *ret = steal(&doc);
    return ERR_OK;
}
