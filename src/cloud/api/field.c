#include "cloud/api/field.h"

/* Characters are the bytes that begin one. */
int64_t api_characters(const char *s)
{
    int64_t n = 0;

    for (; *s; s++)
        n += ((unsigned char)*s & 0xc0) != 0x80;
    return n;
}

bool api_one_of(const char *value, const char *const *values)
{
    for (; *values; values++) {
        if (strcmp(value, *values) == 0)
            return true;
    }
    return false;
}

static err_t violated(struct api_call *c, const char *name, const char *constraint)
{
    return api_fail(c, API_INVALID_REQUEST,
                    "1 validation error detected: Value at '%s' failed to satisfy constraint: Member must %s",
                    name, constraint);
}

static bool in_range(const struct api_field *f, int64_t n)
{
    return n >= f->min && n <= f->max;
}

static err_t check_text(struct api_call *c, const struct api_field *f, const char *s)
{
    if (!s)
        return violated(c, f->name, "be a text");
    if (!in_range(f, api_characters(s)))
        return api_fail(
            c, API_INVALID_REQUEST,
            "1 validation error detected: Value at '%s' failed to satisfy constraint: Member must "
            "have from %lld to %lld characters",
            f->name, (long long)f->min, (long long)f->max);
    return !f->ok || f->ok(s) ? ERR_OK : violated(c, f->name, "satisfy its regular expression pattern");
}

static err_t check_int(struct api_call *c, const struct api_field *f, const json_t *v)
{
    if (!json_is_integer(v))
        return violated(c, f->name, "be a whole number");
    return in_range(f, json_integer_value(v))
               ? ERR_OK
               : api_fail(c, API_INVALID_REQUEST,
                          "1 validation error detected: Value at '%s' failed to satisfy constraint: Member "
                          "must be from %lld to %lld",
                          f->name, (long long)f->min, (long long)f->max);
}

static err_t check(struct api_call *c, const struct api_field *f, const json_t *v)
{
    const char *s = json_string_value(v);

    switch (f->type) {
    case API_TEXT:
        return check_text(c, f, s);
    case API_INT:
        return check_int(c, f, v);
    case API_BOOL:
        return json_is_boolean(v) ? ERR_OK : violated(c, f->name, "be true or false");
    case API_ENUM:
        return s && api_one_of(s, f->values) ? ERR_OK : violated(c, f->name, "satisfy enum value set");
    case API_OBJECT:
        return json_is_object(v) ? ERR_OK : violated(c, f->name, "be an object");
    case API_LIST:
        return json_is_array(v) ? ERR_OK : violated(c, f->name, "be a list");
    }
    return ERR_INVALID;
}

err_t api_fields_take(struct api_call *c, const json_t *from, const struct api_field *fields, size_t n,
                      bool creation, json_t *into)
{
    err_t e;

    for (size_t i = 0; i < n; i++) {
        json_t *v = json_object_get(from, fields[i].name);
        if (!v || json_is_null(v)) {
            if (creation && fields[i].required)
                return violated(c, fields[i].name, "not be null");
            continue;
        }
        if ((e = check(c, &fields[i], v)))
            return e;
        if (json_object_set(into, fields[i].name, v) != 0)
            return ERR_NOMEM;
    }
    return ERR_OK;
}

err_t api_param_enum(struct api_call *c, const char *name, const char *const *values, const char **ret)
{
    const char *v = api_param(c, name);

    if (v && !api_one_of(v, values))
        return violated(c, name, "satisfy enum value set");
    if (v)
        *ret = v;
    return ERR_OK;
}
