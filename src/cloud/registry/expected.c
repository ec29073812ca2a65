#include "cloud/registry/expected.h"

#include "base/json.h"

#include <string.h>

/* Is it a number, and another one? No object has a negative version. */
static err_t differs(struct api_call *c, int64_t version, bool *ret)
{
    const json_t *member = json_object_get(c->body, "expectedVersion"); /* members.c has seen to its type */
    const char *text = api_param(c, "expectedVersion");
    int64_t expected = version;
    err_t e = ERR_OK;

    if (json_is_integer(member))
        expected = json_integer_value(member);
    else if (text && text[0] == '-' && text[1] && strspn(text + 1, "0123456789") == strlen(text + 1))
        expected = -1;
    else
        e = api_param_int(c, "expectedVersion", &expected);
    *ret = expected != version;
    return e;
}

err_t expected_version(struct api_call *c, const char *what, const char *name, int64_t version)
{
    bool other;
    err_t e = differs(c, version, &other);

    if (e || !other)
        return e;
    return api_fail(c, API_VERSION_CONFLICT, "The version for %s %s does not match the expected version.",
                    what, name);
}
