/* src/edge/ipc/guard.c - requests that a web page on this machine may have made are refused.
 *
 * The port is on loopback only, but a browser here reaches it, too: a page names it as a host of its own
 * (DNS rebinding), or sends requests to it with an Origin. Functions' SDKs do neither.
 */
#include "edge/ipc/ipc_impl.h"

static const char *const local_names[] = { "localhost", "127.0.0.1", "[::1]" };

/* "" or ":" and digits. */
static bool is_port(struct slice s)
{
    if (s.n == 0)
        return true;
    if (s.n < 2 || s.p[0] != ':')
        return false;
    for (size_t i = 1; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return true;
}

static bool is_local(struct slice host)
{
    for (size_t i = 0; i < ARRAY_LEN(local_names); i++) {
        struct slice name = slice_str(local_names[i]);
        if (http_name_eq(slice_head(host, name.n), name) && is_port(slice_skip(host, name.n)))
            return true;
    }
    return false;
}

bool ipc_guard(struct ipc *ipc, const struct http_request *req)
{
    struct slice host = http_request_header(req, "Host");

    if (http_request_header(req, "Origin").p) {
        ipc_refuse(ipc, req->token, 403, "requests of web pages (with an Origin header) are not served");
        return false;
    }
    if (host.p && !is_local(host)) {
        ipc_refuse(ipc, req->token, 403, "the Host header must be localhost, 127.0.0.1 or [::1]");
        return false;
    }
    return true;
}
