/* src/http/reply.c - see reply.h. */
#include "http/reply.h"

#include "base/clock.h"

#include <time.h>

/* RFC 9110 §5.6.7: Sun, 06 Nov 1994 08:49:37 GMT, whatever the locale. */
static err_t put_date(struct buf *out)
{
    static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
    static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    time_t now = (time_t)(clock_wall_ms() / 1000);
    struct tm tm;
    gmtime_r(&now, &tm);
    return buf_printf(out, "Date: %s, %02d %s %d %02d:%02d:%02d GMT\r\n", days[tm.tm_wday], tm.tm_mday,
                      months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static bool has_body(int status)
{
    return status != 204 && status != 304; /* RFC 9110 §6.4.1; we send no 1xx here */
}

static err_t put_headers(struct buf *out, const struct http_response *resp)
{
    for (size_t i = 0; i < resp->header_count; i++) {
        const struct http_header *h = &resp->headers[i];
        if (!http_header_ok(h))
            return ERR_INVALID;
        err_t e = buf_printf(out, "%.*s: %.*s\r\n", SLICE_FMT(h->name), SLICE_FMT(h->value));
        if (e)
            return e;
    }
    return ERR_OK;
}

static err_t encode(struct buf *out, const struct http_response *resp, bool close, bool head_only)
{
    err_t e = buf_printf(out, "HTTP/1.1 %d %s\r\n", resp->status, http_status_text(resp->status));
    if (!e)
        e = put_headers(out, resp);
    if (!e)
        e = put_date(out);
    if (!e && has_body(resp->status))
        e = buf_printf(out, "Content-Length: %zu\r\n", resp->body.n);
    if (!e)
        e = buf_printf(out, "Connection: %s\r\n\r\n", close ? "close" : "keep-alive");
    if (!e && has_body(resp->status) && !head_only)
        e = buf_add(out, resp->body);
    return e;
}

err_t http_upgrade_encode(struct buf *out, const struct http_header *headers, size_t header_count)
{
    struct http_response resp = { .headers = headers, .header_count = header_count };
    size_t before = out->n;
    err_t e = buf_add_str(out, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n");
    if (!e)
        e = put_headers(out, &resp);
    if (!e)
        e = buf_add_str(out, "\r\n");
    if (e)
        buf_cut(out, before);
    return e;
}

err_t http_reply_encode(struct buf *out, const struct http_response *resp, bool close, bool head_only)
{
    size_t before = out->n;
    if (resp->status < 200 || resp->status > 599)
        return ERR_INVALID;
    err_t e = encode(out, resp, close, head_only);
    if (e)
        buf_cut(out, before);
    return e;
}
