#include "answer.h"

#include <strings.h>

static bool is_token_text(struct slice s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < 0x20 || s.p[i] > 0x7e)
            return false;
    return true;
}

static struct slice trimmed(struct slice s)
{
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = slice_of(s.p + 1, s.n - 1);
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

/* The next line without its CR LF; false: there is none. */
static bool next_line(struct slice *in, struct slice *ret)
{
    const uint8_t *lf = in->n ? memchr(in->p, '\n', in->n) : NULL;
    if (!lf || lf == in->p || lf[-1] != '\r')
        return false;
    *ret = slice_of(in->p, (size_t)(lf - in->p) - 1);
    *in = slice_of(lf + 1, in->n - ret->n - 2);
    return true;
}

static err_t parse_status(struct slice line, struct answer_head *head)
{
    static const struct slice version = SLICE_LIT("HTTP/1.1 ");
    int status = 0;
    if (!slice_starts(line, version) || line.n < version.n + 3)
        return ERR_PROTO;
    for (size_t i = version.n; i < version.n + 3; i++) {
        if (line.p[i] < '0' || line.p[i] > '9')
            return ERR_PROTO;
        status = status * 10 + line.p[i] - '0';
    }
    if (status < 200 || (line.n > version.n + 3 && line.p[version.n + 3] != ' '))
        return ERR_PROTO;
    head->status = status;
    return ERR_OK;
}

static err_t parse_length(struct slice value, size_t *ret)
{
    size_t n = 0;
    if (!value.n)
        return ERR_PROTO;
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] < '0' || value.p[i] > '9')
            return ERR_PROTO;
        n = n * 10 + (size_t)(value.p[i] - '0');
        if (n > ANSWER_BODY_MAX)
            return ERR_TOO_BIG;
    }
    *ret = n;
    return ERR_OK;
}

static bool named(struct slice name, const char *wanted)
{
    return name.n == strlen(wanted) && strncasecmp((const char *)name.p, wanted, name.n) == 0;
}

static err_t parse_header(struct slice line, struct answer_head *head, bool *has_length)
{
    const uint8_t *colon = memchr(line.p, ':', line.n);
    struct slice name, value;
    if (!colon || colon == line.p || !is_token_text(line))
        return ERR_PROTO;
    name = slice_of(line.p, (size_t)(colon - line.p));
    value = trimmed(slice_of(colon + 1, line.n - name.n - 1));
    if (named(name, "X-Amz-InvocationId"))
        head->invocation_id = value;
    else if (named(name, "X-Amz-Function-Error"))
        head->function_error = value;
    else if (named(name, "X-Amz-Client-Context"))
        head->client_context = value;
    else if (named(name, "Connection"))
        head->keep = !named(value, "close");
    else if (named(name, "Transfer-Encoding"))
        return ERR_PROTO;
    else if (named(name, "Content-Length")) {
        if (*has_length)
            return ERR_PROTO;
        *has_length = true;
        return parse_length(value, &head->body_size);
    }
    return ERR_OK;
}

err_t answer_head_parse(struct slice in, struct answer_head *ret)
{
    struct answer_head head = { .keep = true };
    struct slice rest = in, line;
    bool has_length = false;
    const uint8_t *end = in.n ? memmem(in.p, in.n, "\r\n\r\n", 4) : NULL;
    err_t e;

    if (!end)
        return in.n > ANSWER_HEAD_MAX ? ERR_TOO_BIG : ERR_MORE;
    head.head_size = (size_t)(end - in.p) + 4;
    if (head.head_size > ANSWER_HEAD_MAX)
        return ERR_TOO_BIG;
    rest.n = head.head_size;
    if (!next_line(&rest, &line))
        return ERR_PROTO;
    e = parse_status(line, &head);
    while (!e && next_line(&rest, &line) && line.n)
        e = parse_header(line, &head, &has_length);
    if (e)
        return e;
    if (rest.n || (!has_length && head.status != 204)) /* a lone LF left something over */
        return ERR_PROTO;
    *ret = head;
    return ERR_OK;
}
