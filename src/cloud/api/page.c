#include "cloud/api/page.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>

void api_page_done(struct api_page *p)
{
    json_decref_ptr(&p->list);
}

bool api_page_room(struct api_page *p)
{
    p->more = (int64_t)json_array_size(p->list) >= p->size;
    return !p->more;
}

err_t api_page_add(struct api_page *p, json_t *item, const char *token_fmt, ...)
{
    va_list ap;

    va_start(ap, token_fmt);
    (void)vsnprintf(p->next, sizeof(p->next), token_fmt, ap);
    va_end(ap);
    return json_array_append_new(p->list, item) == 0 ? ERR_OK : ERR_NOMEM; /* takes item, NULL too */
}

err_t api_page_reply(struct api_page *p, const char *member, const char *token)
{
    auto_json *answer = json_pack("{s:O}", member, p->list);

    if (!answer || (p->more && json_object_set_new(answer, token, json_string(p->next)) != 0))
        return ERR_NOMEM;
    return api_reply(p->c, steal(&answer));
}

err_t api_age_marker(struct api_call *c, bool (*id_ok)(const char *), struct api_age_marker *ret)
{
    const char *marker = api_param(c, "marker");
    struct api_age_marker m = { .id = "" };
    char *end;
    err_t e;

    if ((e = api_param_bool(c, "isAscendingOrder", &m.ascending)))
        return e;
    m.ms = m.ascending ? -1 : INT64_MAX;
    if (marker) {
        m.ms = strtoll(marker, &end, 10);
        if (end == marker || *end != '.' || !id_ok(end + 1))
            return api_fail(c, API_INVALID_REQUEST, "invalid marker");
        m.id = end + 1;
    }
    *ret = m;
    return ERR_OK;
}

err_t api_name_marker(struct api_call *c, const char *param, bool (*name_ok)(const char *), const char **ret)
{
    const char *marker = api_param(c, param);

    if (marker && !name_ok(marker))
        return api_fail(c, API_INVALID_REQUEST, "invalid %s", param);
    *ret = marker ? marker : "";
    return ERR_OK;
}
