/* src/edge/deploy/coderecord.c */
#include "edge/deploy/coderecord.h"

#include "base/json.h"
#include "base/mem.h"
#include "edge/deploy/group.h"

#include <stdio.h>

#define MAX_DEPTH 4
#define VERSION 1

void coderecords_done(struct coderecords *r)
{
    for (size_t i = 0; i < r->count; i++)
        free(r->items[i].arn);
    free(r->items);
    *r = (struct coderecords){ 0 };
}

err_t coderecords_add(struct coderecords *r, const char *arn, const char *artifact, const char *tree)
{
    struct coderecord *to;
    err_t e = mem_grow(&r->items, &r->room, r->count + 1, GROUP_MAX_FUNCTIONS, sizeof(*r->items));

    if (e)
        return e;
    to = &r->items[r->count];
    to->arn = mem_strdup(arn);
    if (!to->arn)
        return ERR_NOMEM;
    (void)snprintf(to->artifact, sizeof(to->artifact), "%s", artifact);
    (void)snprintf(to->tree, sizeof(to->tree), "%s", tree);
    r->count++;
    return ERR_OK;
}

const struct coderecord *coderecords_find(const struct coderecords *r, const char *artifact)
{
    for (size_t i = 0; i < r->count; i++)
        if (strcmp(r->items[i].artifact, artifact) == 0)
            return &r->items[i];
    return NULL;
}

static bool is_sha256(const char *text)
{
    return text && strlen(text) == 64 && text[strspn(text, "0123456789abcdef")] == '\0';
}

/* It becomes a path. */
static bool is_name(const char *arn)
{
    return arn && *arn && *arn != '.' && !strchr(arn, '/');
}

static err_t take(struct coderecords *r, const char *arn, const json_t *v)
{
    const char *artifact = json_get_str(v, "artifact"), *tree = json_get_str(v, "tree");

    return is_name(arn) && is_sha256(artifact) && is_sha256(tree) ? coderecords_add(r, arn, artifact, tree)
                                                                  : ERR_INVALID;
}

err_t coderecords_parse(struct slice text, struct coderecords *ret)
{
    auto_json *doc = NULL;
    struct coderecords r = { 0 };
    const char *arn;
    json_t *v;
    err_t e = json_parse(text, MAX_DEPTH, &doc, NULL);

    if (!e && (json_get_int(doc, "v", 0) != VERSION || !json_get_obj(doc, "code")))
        e = ERR_INVALID;
    if (e)
        return e;
    json_object_foreach(json_get_obj(doc, "code"), arn, v)
    {
        e = take(&r, arn, v);
        if (e) {
            coderecords_done(&r);
            return e;
        }
    }
    *ret = r;
    return ERR_OK;
}

err_t coderecords_write(struct buf *out, const struct coderecords *r)
{
    auto_json *doc = json_pack("{s:i,s:{}}", "v", VERSION, "code");
    json_t *code = json_get_obj(doc, "code");

    for (size_t i = 0; i < r->count; i++)
        if (json_object_set_new(
                code, r->items[i].arn,
                json_pack("{s:s,s:s}", "artifact", r->items[i].artifact, "tree", r->items[i].tree)) != 0)
            return ERR_NOMEM;
    return code ? json_write(out, doc, 0) : ERR_NOMEM;
}
