#include "text.h"

#include "base/hex.h"
#include "base/utf8.h"

#define CONTEXT_MAX (192 * 1024)

static err_t add_character(struct buf *out, char c)
{
    if (c == '"' || c == '\\')
        return buf_printf(out, "\\%c", c);
    return (unsigned char)c < 0x20 ? buf_printf(out, "\\u%04x", (unsigned)c) : buf_add_u8(out, (uint8_t)c);
}

err_t text_add_json(struct buf *out, const char *s)
{
    if (!utf8_valid(slice_str(s)))
        return ERR_INVALID;
    err_t e = buf_add_u8(out, '"');
    for (; !e && *s; s++)
        e = add_character(out, *s);
    return e ? e : buf_add_u8(out, '"');
}

err_t text_add_member(struct buf *out, const char *name, const char *value)
{
    if (!value)
        return ERR_OK;
    err_t e = buf_printf(out, "%s\"%s\":", out->n && out->p[out->n - 1] != '{' ? "," : "", name);
    return e ? e : text_add_json(out, value);
}

bool text_is_base64(const char *s)
{
    autobuf bytes = BUF_INIT(CONTEXT_MAX);
    return base64_decode(&bytes, slice_str(s)) == ERR_OK;
}

err_t text_client_context(struct slice header, struct buf *out)
{
    autobuf text = BUF_INIT(CONTEXT_MAX);
    if (header.n == 0)
        return buf_add_str(out, "{}");
    err_t e = base64_decode(&text, header);
    if (e)
        return e;
    size_t begin = 0, end = text.n;
    while (begin < end && strchr(" \t\r\n", text.p[begin]))
        begin++;
    while (end > begin && strchr(" \t\r\n", text.p[end - 1]))
        end--;
    if (end - begin < 2 || text.p[begin] != '{' || text.p[end - 1] != '}' ||
        !utf8_valid_no_nul(buf_slice(&text)))
        return ERR_INVALID;
    return buf_add(out, buf_slice(&text));
}
