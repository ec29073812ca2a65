#include "cloud/provisioning/expression.h"

#include "base/hex.h"
#include "base/mem.h"

#include <stdio.h>

#define SERVICE_NAMES "AWS::IoT::" /* parameters that the service gives */
#define ITEM_COST 16u              /* what a short text costs beside its bytes */
#define NAME_SHOWN 80

__attribute__((format(printf, 2, 3))) static err_t refuse(struct expression *x, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(x->why, sizeof(x->why), fmt, ap);
    va_end(ap);
    return ERR_INVALID;
}

static err_t count_step(struct expression *x)
{
    if (x->steps++ < EXPRESSION_STEPS_MAX)
        return ERR_OK;
    (void)refuse(x, "the template's functions come to more than %u values", EXPRESSION_STEPS_MAX);
    return ERR_TOO_BIG;
}

static err_t count_text(struct expression *x, size_t n)
{
    if (n <= EXPRESSION_TEXT_MAX && x->text + n <= EXPRESSION_TEXT_MAX) {
        x->text += n;
        return ERR_OK;
    }
    (void)refuse(x, "the template's functions make more than %u bytes of text", EXPRESSION_TEXT_MAX);
    return ERR_TOO_BIG;
}

static err_t make_text(struct expression *x, struct slice s, json_t **ret)
{
    err_t e = count_text(x, s.n + ITEM_COST);
    json_t *j = e ? NULL : json_stringn(s.n ? (const char *)s.p : "", s.n);

    if (!j)
        return e ? e : ERR_NOMEM;
    *ret = j;
    return ERR_OK;
}

/* ---- arguments ---- */

static err_t value_as_text(struct expression *x, const json_t *j, const char *function, json_t **ret)
{
    auto_json *v = NULL;
    err_t e = expression_value(x, j, &v);

    if (e)
        return e;
    if (!json_is_string(v))
        return refuse(x, "%s needs a text there, not a list or an object", function);
    *ret = steal(&v);
    return ERR_OK;
}

static err_t value_as_list(struct expression *x, const json_t *j, const char *function, json_t **ret)
{
    auto_json *v = NULL;
    err_t e = expression_value(x, j, &v);

    if (e)
        return e;
    if (!json_is_array(v))
        return refuse(x, "%s needs a list there", function);
    *ret = steal(&v);
    return ERR_OK;
}

static bool is_of_service(const char *name)
{
    return strncmp(name, SERVICE_NAMES, strlen(SERVICE_NAMES)) == 0;
}

static err_t check_declared(struct expression *x, const char *name)
{
    if (is_of_service(name) || json_object_get(x->declared, name))
        return ERR_OK;
    return refuse(x, "it names the parameter '%.*s', which Parameters does not declare", NAME_SHOWN, name);
}

static err_t parameter(struct expression *x, const char *name, json_t **ret)
{
    json_t *v = json_object_get(x->values, name);

    if (!v)
        return refuse(x, "the parameter '%.*s' has no value", NAME_SHOWN, name);
    *ret = json_incref(v);
    return ERR_OK;
}

/* ---- the functions ---- */

static err_t run_ref(struct expression *x, const json_t *arg, json_t **ret)
{
    return parameter(x, json_string_value(arg), ret);
}

static err_t join(struct expression *x, const json_t *list, const char *delimiter, struct buf *out)
{
    const json_t *item;
    size_t i;
    err_t e;

    json_array_foreach(list, i, item)
    {
        if (!json_is_string(item))
            return refuse(x, "Fn::Join joins texts only");
        if ((e = buf_add_str(out, i ? delimiter : "")) ||
            (e = buf_add_mem(out, json_string_value(item), json_string_length(item))))
            return e == ERR_TOO_BIG ? count_text(x, EXPRESSION_TEXT_MAX + 1) : e;
    }
    return ERR_OK;
}

static err_t run_join(struct expression *x, const json_t *arg, json_t **ret)
{
    autobuf out = BUF_INIT(EXPRESSION_TEXT_MAX);
    auto_json *delimiter = NULL, *list = NULL;
    err_t e;

    if ((e = value_as_text(x, json_array_get(arg, 0), "Fn::Join", &delimiter)) ||
        (e = value_as_list(x, json_array_get(arg, 1), "Fn::Join", &list)) ||
        (e = join(x, list, json_string_value(delimiter), &out)))
        return e;
    return make_text(x, buf_slice(&out), ret);
}

/* A number, or its digits as a text. */
static err_t read_index(struct expression *x, const json_t *j, size_t *ret)
{
    const char *text = json_string_value(j);
    size_t n = text ? strlen(text) : 0;

    if (json_is_integer(j) && json_integer_value(j) >= 0 && json_integer_value(j) < EXPRESSION_STEPS_MAX)
        *ret = (size_t)json_integer_value(j);
    else if (n > 0 && n <= 5 && strspn(text, "0123456789") == n)
        *ret = strtoul(text, NULL, 10);
    else
        return refuse(x, "Fn::Select needs an index from 0 on");
    return ERR_OK;
}

static err_t run_select(struct expression *x, const json_t *arg, json_t **ret)
{
    auto_json *at = NULL, *list = NULL;
    size_t index = 0;
    json_t *item;
    err_t e;

    if ((e = expression_value(x, json_array_get(arg, 0), &at)) || (e = read_index(x, at, &index)) ||
        (e = value_as_list(x, json_array_get(arg, 1), "Fn::Select", &list)))
        return e;
    item = json_array_get(list, index);
    if (!item || json_is_null(item))
        return refuse(x, "Fn::Select asks for element %zu of a list of %zu", index, json_array_size(list));
    *ret = json_incref(item);
    return ERR_OK;
}

static err_t split(struct expression *x, const char *text, const char *delimiter, json_t *list)
{
    size_t n = strlen(delimiter);

    for (const char *end; text; text = end ? end + n : NULL) {
        auto_json *item = NULL;
        err_t e;

        end = strstr(text, delimiter);
        if ((e = count_step(x)) ||
            (e = make_text(x, slice_of(text, end ? (size_t)(end - text) : strlen(text)), &item)))
            return e;
        if (json_array_append(list, item) != 0)
            return ERR_NOMEM;
    }
    return ERR_OK;
}

static err_t run_split(struct expression *x, const json_t *arg, json_t **ret)
{
    auto_json *delimiter = NULL, *text = NULL, *list = json_array();
    err_t e;

    if (!list)
        return ERR_NOMEM;
    if ((e = value_as_text(x, json_array_get(arg, 0), "Fn::Split", &delimiter)) ||
        (e = value_as_text(x, json_array_get(arg, 1), "Fn::Split", &text)))
        return e;
    if (json_string_length(delimiter) == 0)
        return refuse(x, "Fn::Split needs a delimiter");
    if ((e = split(x, json_string_value(text), json_string_value(delimiter), list)))
        return e;
    *ret = steal(&list);
    return ERR_OK;
}

static err_t run_find_in_map(struct expression *x, const json_t *arg, json_t **ret)
{
    json_t *at = (json_t *)x->mappings;
    err_t e;

    for (size_t i = 0; i < 3; i++) {
        auto_json *key = NULL;

        if ((e = value_as_text(x, json_array_get(arg, i), "Fn::FindInMap", &key)))
            return e;
        at = json_object_get(at, json_string_value(key));
        if (!at)
            return refuse(x, "Fn::FindInMap: there is no '%.*s' in Mappings there", NAME_SHOWN,
                          json_string_value(key));
    }
    *ret = json_incref(at);
    return ERR_OK;
}

static err_t run_base64(struct expression *x, const json_t *arg, json_t **ret)
{
    autobuf out = BUF_INIT(EXPRESSION_TEXT_MAX);
    auto_json *text = NULL;
    err_t e = value_as_text(x, arg, "Fn::Base64", &text);

    if (!e && (e = base64_encode(&out, slice_str(json_string_value(text)))) == ERR_TOO_BIG)
        e = count_text(x, EXPRESSION_TEXT_MAX + 1);
    return e ? e : make_text(x, buf_slice(&out), ret);
}

/* ---- Fn::Sub ---- */

/* Take what stands before the next ${NAME} off *rest, and NAME; ${!NAME} stands for ${NAME} as it is and
 * counts as text. At the end *name is empty. ERR_INVALID: no closing brace, or no name. */
static err_t next_name(struct slice *rest, struct slice *text, struct slice *name)
{
    const uint8_t *open = memmem(rest->p, rest->n, "${", 2), *close;
    size_t before;

    if (!open) {
        *text = *rest;
        *name = *rest = (struct slice){ rest->p + rest->n, 0 };
        return ERR_OK;
    }
    before = (size_t)(open - rest->p);
    if (!(close = memchr(open, '}', rest->n - before)) || close == open + 2)
        return ERR_INVALID;
    *text = slice_head(*rest, before);
    *name = slice_of(open + 2, (size_t)(close - open) - 2);
    *rest = slice_skip(*rest, (size_t)(close - rest->p) + 1);
    return ERR_OK;
}

static err_t sub_value(struct expression *x, const char *name, const json_t *own, json_t **ret)
{
    const json_t *v = json_object_get(own, name);

    return v ? value_as_text(x, v, "Fn::Sub", ret) : parameter(x, name, ret);
}

static err_t add_name(struct expression *x, struct slice name, const json_t *own, struct buf *out)
{
    autofree char *text = mem_str(name);
    auto_json *v = NULL;
    err_t e;

    if (!text)
        return ERR_NOMEM;
    if (text[0] == '!')
        return buf_printf(out, "${%s}", text + 1);
    if ((e = count_step(x)) || (e = sub_value(x, text, own, &v)))
        return e;
    return buf_add_mem(out, json_string_value(v), json_string_length(v));
}

static err_t substitute(struct expression *x, const json_t *format, const json_t *own, struct buf *out)
{
    struct slice rest = slice_str(json_string_value(format)), text, name;
    err_t e = ERR_OK;

    while (!e && rest.n) {
        if (next_name(&rest, &text, &name))
            return refuse(x, "Fn::Sub: '${' without a name and '}'");
        if (!(e = buf_add(out, text)) && name.n)
            e = add_name(x, name, own, out);
        if (e == ERR_TOO_BIG && !x->why[0])
            e = count_text(x, EXPRESSION_TEXT_MAX + 1);
    }
    return e;
}

/* "text" or ["text", {"name": value, ...}]. */
static const json_t *sub_format(const json_t *arg)
{
    return json_is_array(arg) ? json_array_get(arg, 0) : arg;
}

static err_t run_sub(struct expression *x, const json_t *arg, json_t **ret)
{
    autobuf out = BUF_INIT(EXPRESSION_TEXT_MAX);
    err_t e = substitute(x, sub_format(arg), json_array_get(arg, 1), &out);

    return e ? e : make_text(x, buf_slice(&out), ret);
}

static err_t check_sub(struct expression *x, const json_t *arg)
{
    struct slice rest = slice_str(json_string_value(sub_format(arg))), text, name;
    const json_t *own = json_array_get(arg, 1);
    err_t e = ERR_OK;

    if (!json_is_string(sub_format(arg)) ||
        (json_is_array(arg) && (json_array_size(arg) != 2 || !json_is_object(own))))
        return refuse(x, "Fn::Sub needs a text, or a list of a text and an object");
    while (!e && rest.n) {
        autofree char *copy = NULL;

        if (next_name(&rest, &text, &name))
            return refuse(x, "Fn::Sub: '${' without a name and '}'");
        if (!(copy = mem_str(name)))
            return ERR_NOMEM;
        if (copy[0] && copy[0] != '!' && !json_object_get(own, copy))
            e = check_declared(x, copy);
    }
    return e;
}

/* ---- which function ---- */

static err_t check_ref(struct expression *x, const json_t *arg)
{
    if (!json_is_string(arg))
        return refuse(x, "Ref needs the name of a parameter");
    return check_declared(x, json_string_value(arg));
}

static const struct function {
    const char *name;
    err_t (*run)(struct expression *x, const json_t *arg, json_t **ret);
    err_t (*check)(struct expression *x, const json_t *arg); /* or: */
    size_t arguments;                                        /* a list of so many; 0: one value */
} functions[] = {
    { "Ref", run_ref, .check = check_ref },
    { "Fn::Join", run_join, .arguments = 2 },
    { "Fn::Select", run_select, .arguments = 2 },
    { "Fn::Split", run_split, .arguments = 2 },
    { "Fn::FindInMap", run_find_in_map, .arguments = 3 },
    { "Fn::Sub", run_sub, .check = check_sub },
    { "Fn::Base64", run_base64 },
};

/* {"Ref": ...} or {"Fn::...": ...}: its only member's name; NULL for anything else. */
static const char *function_name(const json_t *j)
{
    const char *name = json_object_iter_key(json_object_iter((json_t *)j));

    if (json_object_size(j) != 1 || (strcmp(name, "Ref") != 0 && strncmp(name, "Fn::", 4) != 0))
        return NULL;
    return name;
}

static const struct function *find_function(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(functions); i++) {
        if (strcmp(functions[i].name, name) == 0)
            return &functions[i];
    }
    return NULL;
}

static err_t check_function(struct expression *x, const char *name, const json_t *arg)
{
    const struct function *f = find_function(name);

    if (!f)
        return refuse(x, "there is no function %.*s", NAME_SHOWN, name);
    if (f->check)
        return f->check(x, arg);
    if (f->arguments && json_array_size(arg) != f->arguments)
        return refuse(x, "%s needs a list of %zu arguments", name, f->arguments);
    return ERR_OK;
}

err_t expression_check(struct expression *x, const json_t *j)
{
    const char *name = function_name(j), *key;
    json_t *item;
    size_t i;
    err_t e = count_step(x);

    if (!e && name)
        e = check_function(x, name, json_object_get(j, name));
    json_object_foreach((json_t *)j, key, item)
    {
        if (!e)
            e = expression_check(x, item);
    }
    json_array_foreach(j, i, item)
    {
        if (!e)
            e = expression_check(x, item);
    }
    return e;
}

/* ---- values ---- */

static err_t list_value(struct expression *x, const json_t *j, json_t **ret)
{
    auto_json *out = json_array();
    json_t *item;
    size_t i;
    err_t e;

    if (!out)
        return ERR_NOMEM;
    json_array_foreach(j, i, item)
    {
        json_t *v = NULL;

        if ((e = expression_value(x, item, &v)))
            return e;
        if (json_array_append_new(out, v) != 0)
            return ERR_NOMEM;
    }
    *ret = steal(&out);
    return ERR_OK;
}

static err_t object_value(struct expression *x, const json_t *j, json_t **ret)
{
    auto_json *out = json_object();
    const char *key;
    json_t *item;
    err_t e;

    if (!out)
        return ERR_NOMEM;
    json_object_foreach((json_t *)j, key, item)
    {
        json_t *v = NULL;

        if ((e = expression_value(x, item, &v)))
            return e;
        if (json_object_set_new(out, key, v) != 0)
            return ERR_NOMEM;
    }
    *ret = steal(&out);
    return ERR_OK;
}

err_t expression_value(struct expression *x, const json_t *j, json_t **ret)
{
    const char *name = function_name(j);
    err_t e = count_step(x);

    if (e)
        return e;
    if (name) {
        const struct function *f = find_function(name);

        return f ? f->run(x, json_object_get(j, name), ret)
                 : refuse(x, "there is no function %.*s", NAME_SHOWN, name);
    }
    if (json_is_array(j))
        return list_value(x, j, ret);
    if (json_is_object(j))
        return object_value(x, j, ret);
    *ret = json_incref((json_t *)j);
    return ERR_OK;
}
