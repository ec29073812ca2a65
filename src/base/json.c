#include "base/json.h"

#include <math.h>
#include <stdio.h>

void json_decref_ptr(json_t **j)
{
    json_decref(*j);
}

/* Containers open at the end of the text, innermost last, by a scan that knows strings only; it
 * runs after jansson refused the text, to say what was left open. */
static size_t open_containers(struct slice text, char *stack, size_t max)
{
    size_t depth = 0;
    bool in_string = false;

    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = text.p[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if ((c == '{' || c == '[') && depth < max) {
            stack[depth++] = (char)c;
        } else if ((c == '}' || c == ']') && depth > 0) {
            depth--;
        }
    }
    return in_string && depth < max ? (stack[depth] = '"', depth + 1) : depth;
}

static void where_fill(struct json_where *w, struct slice text, const json_error_t *err)
{
    char stack[64];
    size_t open = open_containers(text, stack, sizeof(stack));

    w->line = err->line > 0 ? err->line : 1;
    w->column = err->column > 0 ? err->column : 1;
    (void)snprintf(w->text, sizeof(w->text), "%.120s", err->text);
    if (open && json_error_code(err) == json_error_premature_end_of_input) {
        const char *what = stack[open - 1] == '{'   ? "an object {"
                           : stack[open - 1] == '[' ? "an array ["
                                                    : "a string";
        (void)snprintf(w->text, sizeof(w->text), "the text ends while %s is still open", what);
    }
}

unsigned json_depth(const json_t *j, unsigned limit)
{
    unsigned deepest = 0;
    const char *key;
    json_t *v;
    size_t i;

    if (!json_is_object(j) && !json_is_array(j))
        return 0;
    if (limit == 0)
        return 1;
    json_object_foreach((json_t *)(uintptr_t)j, key, v)
    {
        unsigned d = json_depth(v, limit - 1);
        deepest = d > deepest ? d : deepest;
    }
    json_array_foreach(j, i, v)
    {
        unsigned d = json_depth(v, limit - 1);
        deepest = d > deepest ? d : deepest;
    }
    return deepest + 1;
}

err_t json_parse(struct slice text, unsigned max_depth, json_t **ret, struct json_where *where)
{
    const char *bytes = text.n ? (const char *)text.p : "";
    json_error_t err;
    auto_json *j = json_loadb(bytes, text.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &err);

    if (!j) {
        if (where)
            where_fill(where, text, &err);
        return ERR_INVALID;
    }
    if (json_depth(j, max_depth) > max_depth) {
        if (where)
            *where = (struct json_where){ 1, 1, "nested too deeply" };
        return ERR_INVALID;
    }
    *ret = steal(&j);
    return ERR_OK;
}

static err_t write_value(struct buf *out, const json_t *j, unsigned indent, unsigned level);

/* The shortest decimal that reads back as the same double. */
static err_t write_real(struct buf *out, double v)
{
    char text[40];

    if (!isfinite(v))
        return ERR_INVALID;
    for (int digits = 1; digits <= 17; digits++) {
        (void)snprintf(text, sizeof(text), "%.*g", digits, v);
        if (strtod(text, NULL) == v)
            break;
    }
    /* A whole number stays a real for whoever reads it. */
    return buf_printf(out, "%s%s", text, strpbrk(text, ".e") ? "" : ".0");
}

static err_t write_string(struct buf *out, const char *s, size_t n)
{
    static const char short_form[] = {
        ['"'] = '"', ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'
    };
    err_t e = buf_add_u8(out, '"');

    for (size_t i = 0; !e && i < n; i++) {
        uint8_t c = (uint8_t)s[i];
        if (c < sizeof(short_form) && short_form[c])
            e = buf_printf(out, "\\%c", short_form[c]);
        else if (c < 0x20 || c == 0x7f)
            e = buf_printf(out, "\\u%04x", c);
        else
            e = buf_add_u8(out, c);
    }
    return e ? e : buf_add_u8(out, '"');
}

static err_t write_break(struct buf *out, unsigned indent, unsigned level)
{
    return indent ? buf_printf(out, "\n%*s", (int)(indent * level), "") : ERR_OK;
}

static err_t write_member(struct buf *out, const char *key, const json_t *v, unsigned indent, unsigned level)
{
    err_t e = write_break(out, indent, level);
    if (!e && key) {
        e = write_string(out, key, strlen(key));
        if (!e)
            e = buf_add_str(out, indent ? ": " : ":");
    }
    return e ? e : write_value(out, v, indent, level);
}

static err_t write_object(struct buf *out, const json_t *j, unsigned indent, unsigned level)
{
    err_t e = buf_add_u8(out, '{');
    const char *key;
    json_t *v;
    bool first = true;

    json_object_foreach((json_t *)(uintptr_t)j, key, v)
    {
        if (!e && !first)
            e = buf_add_u8(out, ',');
        if (!e)
            e = write_member(out, key, v, indent, level + 1);
        first = false;
    }
    if (!e && !first)
        e = write_break(out, indent, level);
    return e ? e : buf_add_u8(out, '}');
}

static err_t write_array(struct buf *out, const json_t *j, unsigned indent, unsigned level)
{
    err_t e = buf_add_u8(out, '[');
    json_t *v;
    size_t i;

    json_array_foreach(j, i, v)
    {
        if (!e && i)
            e = buf_add_u8(out, ',');
        if (!e)
            e = write_member(out, NULL, v, indent, level + 1);
    }
    if (!e && json_array_size(j))
        e = write_break(out, indent, level);
    return e ? e : buf_add_u8(out, ']');
}

static err_t write_value(struct buf *out, const json_t *j, unsigned indent, unsigned level)
{
    switch (json_typeof(j)) {
    case JSON_OBJECT:
        return write_object(out, j, indent, level);
    case JSON_ARRAY:
        return write_array(out, j, indent, level);
    case JSON_STRING:
        return write_string(out, json_string_value(j), json_string_length(j));
    case JSON_INTEGER:
        return buf_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(j));
    case JSON_REAL:
        return write_real(out, json_real_value(j));
    case JSON_TRUE:
        return buf_add_str(out, "true");
    case JSON_FALSE:
        return buf_add_str(out, "false");
    default:
        return buf_add_str(out, "null");
    }
}

err_t json_write(struct buf *out, const json_t *j, unsigned indent)
{
    size_t start = out->n;
    err_t e = write_value(out, j, indent, 0);

    if (e)
        buf_cut(out, start);
    return e;
}

const char *json_get_str(const json_t *obj, const char *key)
{
    return json_string_value(json_object_get(obj, key));
}

int64_t json_get_int(const json_t *obj, const char *key, int64_t def)
{
    const json_t *v = json_object_get(obj, key);
    return json_is_integer(v) ? json_integer_value(v) : def;
}

bool json_get_bool(const json_t *obj, const char *key, bool def)
{
    const json_t *v = json_object_get(obj, key);
    return json_is_boolean(v) ? json_is_true(v) : def;
}

json_t *json_get_obj(const json_t *obj, const char *key)
{
    json_t *v = json_object_get(obj, key);
    return json_is_object(v) ? v : NULL;
}

json_t *json_get_arr(const json_t *obj, const char *key)
{
    json_t *v = json_object_get(obj, key);
    return json_is_array(v) ? v : NULL;
}
