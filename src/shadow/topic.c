#include "shadow/topic.h"

#include "base/mem.h"
#include "base/writer.h"

static const struct slice prefix = { (const uint8_t *)"$aws/things/", 12 };

static const char *const op_names[] = { "get", "update", "delete" };
static const char *const kind_suffixes[] = { "", "/accepted", "/rejected", "/delta", "/documents" };

static bool name_byte(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == ':' ||
           c == '_' || c == '-';
}

bool shadow_thing_valid(struct slice thing)
{
    for (size_t i = 0; i < thing.n; i++)
        if (!name_byte(thing.p[i]))
            return false;
    return thing.n >= 1 && thing.n <= 128;
}

bool shadow_name_valid(struct slice name)
{
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] != '$' && !name_byte(name.p[i]))
            return false;
    return name.n >= 1 && name.n <= 64;
}

/* delta and documents exist for update only. */
static bool kind_fits(enum shadow_op op, enum shadow_kind kind)
{
    return kind < SHADOW_DELTA || op == SHADOW_UPDATE;
}

/* Take "text" from the front. */
static bool take(struct slice *s, struct slice text)
{
    if (!slice_starts(*s, text))
        return false;
    *s = slice_skip(*s, text.n);
    return true;
}

/* Take up to the next '/', which goes too; false when there is none. */
static bool take_level(struct slice *s, struct slice *ret)
{
    const uint8_t *slash = s->n ? memchr(s->p, '/', s->n) : NULL;

    if (!slash)
        return false;
    *ret = slice_head(*s, (size_t)(slash - s->p));
    *s = slice_skip(*s, ret->n + 1);
    return true;
}

/* The whole of `s` is OP[SUFFIX]. */
static bool parse_op(struct slice s, struct shadow_topic *t)
{
    for (unsigned op = 0; op < ARRAY_LEN(op_names); op++) {
        struct slice rest = s;

        if (!take(&rest, slice_str(op_names[op])))
            continue;
        for (unsigned kind = 0; kind < ARRAY_LEN(kind_suffixes); kind++) {
            if (!slice_eq(rest, slice_str(kind_suffixes[kind])))
                continue;
            t->op = op;
            t->kind = kind;
            return kind_fits(t->op, t->kind);
        }
    }
    return false;
}

err_t shadow_topic_parse(struct slice topic, struct shadow_topic *ret)
{
    struct shadow_topic t = { 0 };

    if (!take(&topic, prefix) || !take_level(&topic, &t.thing) || !shadow_thing_valid(t.thing))
        return ERR_NOT_FOUND;
    if (!take(&topic, SLICE_LIT("shadow/")))
        return ERR_NOT_FOUND;
    if (take(&topic, SLICE_LIT("name/")) && (!take_level(&topic, &t.name) || !shadow_name_valid(t.name)))
        return ERR_NOT_FOUND;
    if (!parse_op(topic, &t))
        return ERR_NOT_FOUND;
    *ret = t;
    return ERR_OK;
}

err_t shadow_topic_build(struct buf *out, const struct shadow_topic *t)
{
    struct writer w = writer_of(out);
    size_t before = out->n;

    if (!shadow_thing_valid(t->thing) || (t->name.n && !shadow_name_valid(t->name)) ||
        t->op > SHADOW_DELETE || t->kind > SHADOW_DOCUMENTS || !kind_fits(t->op, t->kind))
        return ERR_INVALID;
    writer_bytes(&w, prefix);
    writer_bytes(&w, t->thing);
    writer_str(&w, "/shadow/");
    if (t->name.n) {
        writer_str(&w, "name/");
        writer_bytes(&w, t->name);
        writer_str(&w, "/");
    }
    writer_str(&w, op_names[t->op]);
    writer_str(&w, kind_suffixes[t->kind]);
    if (writer_done(&w))
        buf_cut(out, before);
    return writer_done(&w);
}
