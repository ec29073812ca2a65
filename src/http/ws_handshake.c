#include "base/hex.h"
#include "crypto/digest.h"
#include "http/websocket.h"

#include <stdio.h>

#define KEY_LEN 24                                  /* 16 bytes in base64 */
#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" /* RFC 6455 §1.3 */

const struct http_header websocket_version_header = HTTP_HEADER("Sec-WebSocket-Version", "13");

/* The next token of a comma-separated list; false at its end. */
static bool next_token(struct slice *list, struct slice *ret)
{
    const uint8_t *comma;

    if (!list->n)
        return false;
    comma = memchr(list->p, ',', list->n);
    *ret = http_trim(slice_head(*list, comma ? (size_t)(comma - list->p) : list->n));
    *list = comma ? slice_skip(*list, (size_t)(comma - list->p) + 1) : (struct slice){ 0 };
    return true;
}

/* Does any header of that name list `token`? Names of protocols are case-sensitive, the others are not. */
static bool lists(const struct http_request *req, const char *name, struct slice token, bool fold)
{
    for (size_t i = 0; i < req->header_count; i++) {
        struct slice list = req->headers[i].value, one;

        if (!http_name_eq(req->headers[i].name, slice_str(name)))
            continue;
        while (next_token(&list, &one)) {
            if (fold ? http_name_eq(one, token) : slice_eq(one, token))
                return true;
        }
    }
    return false;
}

static size_t count(const struct http_request *req, const char *name)
{
    size_t n = 0;

    for (size_t i = 0; i < req->header_count; i++)
        n += http_name_eq(req->headers[i].name, slice_str(name));
    return n;
}

static bool key_ok(struct slice key)
{
    autobuf bytes = BUF_INIT(KEY_LEN);

    return key.n == KEY_LEN && base64_decode(&bytes, key) == ERR_OK && bytes.n == 16;
}

static const char *choose(const struct http_request *req, const char *const *protocols)
{
    while (*protocols && !lists(req, "Sec-WebSocket-Protocol", slice_str(*protocols), false))
        protocols++;
    return *protocols;
}

/* NULL: nothing. RFC 6455 §4.2.1 */
static const char *what_is_wrong(const struct http_request *req)
{
    if (!slice_eq(req->method, SLICE_LIT("GET")) || req->body.n)
        return "a WebSocket begins with a GET without a body";
    if (!lists(req, "Upgrade", SLICE_LIT("websocket"), true) ||
        !lists(req, "Connection", SLICE_LIT("upgrade"), true))
        return "this is for WebSockets: the headers Upgrade: websocket and Connection: Upgrade are missing";
    if (count(req, "Sec-WebSocket-Key") != 1 || !key_ok(http_request_header(req, "Sec-WebSocket-Key")))
        return "Sec-WebSocket-Key must be 16 bytes in base64";
    return NULL;
}

static err_t answer_key(const struct crypto_ctx *crypto, struct slice key, char ret[29])
{
    uint8_t digest[CRYPTO_SHA1_LEN];
    char text[KEY_LEN + sizeof(GUID)];
    autobuf out = BUF_INIT(32);
    err_t e;

    (void)snprintf(text, sizeof(text), "%.*s" GUID, SLICE_FMT(key));
    if ((e = crypto_sha1(crypto, slice_str(text), digest)) ||
        (e = base64_encode(&out, slice_of(digest, sizeof(digest)))))
        return e;
    (void)snprintf(ret, 29, "%s", buf_str(&out));
    return ERR_OK;
}

err_t websocket_offer(const struct crypto_ctx *crypto, const struct http_request *req,
                      const char *const *protocols, struct websocket_offer *ret, const char **ret_why)
{
    struct websocket_offer o = { .protocol = choose(req, protocols) };
    const char *why = what_is_wrong(req);
    err_t e;

    if (!why && !slice_eq(http_request_header(req, "Sec-WebSocket-Version"), SLICE_LIT("13"))) {
        *ret_why = "only version 13 of the WebSocket protocol is offered";
        return ERR_UNSUPPORTED;
    }
    if (!why && !o.protocol)
        why = "Sec-WebSocket-Protocol names no protocol that is offered here";
    if (why) {
        *ret_why = why;
        return ERR_INVALID;
    }
    if ((e = answer_key(crypto, http_request_header(req, "Sec-WebSocket-Key"), o.accept)))
        return e;
    *ret = o;
    return ERR_OK;
}
