#include "cloud/api/page.h"

#include "base/hex.h"
#include "base/mem.h"
#include "cloud/api/field.h"

#include <stdarg.h>
#include <stdio.h>

#define TOKEN_MAX 1024u /* bytes of an operation's name and a place */

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

bool api_page_is_token(const char *param)
{
    static const char *const names[] = { "nextToken", "NextToken", "marker", "Marker", NULL };

    return api_one_of(param, names);
}

static err_t seal(const struct api_page *p, struct buf *out)
{
    autobuf text = BUF_INIT(TOKEN_MAX);
    err_t e = buf_printf(&text, "%s:%s", p->c->op->name, p->next);

    return e ? e : base64_encode(out, buf_slice(&text));
}

err_t api_page_open_token(const struct api_op *op, const char *token, struct buf *out)
{
    autobuf text = BUF_INIT(TOKEN_MAX);
    struct slice name = slice_str(op->name);
    err_t e = base64_decode(&text, slice_str(token));

    if (e == ERR_NOMEM)
        return e;
    if (e || !slice_starts(buf_slice(&text), name) || text.n <= name.n || text.p[name.n] != ':' ||
        memchr(text.p, 0, text.n))
        return buf_add_str(out, API_PAGE_NOWHERE);
    return buf_add(out, slice_skip(buf_slice(&text), name.n + 1));
}

err_t api_page_reply(struct api_page *p, const char *member, const char *token)
{
    auto_json *answer = json_pack("{s:O}", member, p->list);
    autobuf sealed = BUF_INIT(2 * TOKEN_MAX);
    err_t e = answer ? ERR_OK : ERR_NOMEM;

    if (!e && p->more && !(e = seal(p, &sealed)))
        e = json_object_set_new(answer, token, json_string(buf_str(&sealed))) == 0 ? ERR_OK : ERR_NOMEM;
    if (e)
        return e;
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
